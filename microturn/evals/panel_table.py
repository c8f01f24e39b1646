"""The tau-Voice panel of several runs side by side: as rows, in Markdown, for a terminal, as HTML.

It pools all conversations of a run; a rate over fewer than ten events is hidden (`panel.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from microturn.evals.report_svg import esc

TITLE = "Interaction panel (tau-Voice definitions, exact)"
ROWS = (
    ("response_rate", "answered a turn, %"),
    ("response_median_ms", "answer, median ms"),
    ("agent_interruption_rate", "turns it cut into, % ↓"),
    ("yield_rate", "fell silent when interrupted, %"),
    ("yield_median_ms", "silence, median ms"),
    ("backchannel_selectivity", "spoke through a backchannel, %"),
    ("non_directed_selectivity", "let pass what was not meant for it, %"),
    ("num_events", "events"),
)


def shown(name: str, value: float | int | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.0f}" if name.endswith(("rate", "selectivity")) else f"{value:.0f}"


def rows_of(reports: Sequence[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """A label and a value for each run; nothing where no run has a panel with events."""
    panels = [report.get("panel") or {} for report in reports]
    if not any(panel.get("num_events") for panel in panels):
        return []
    return [(label, [shown(name, panel.get(name)) for panel in panels]) for name, label in ROWS]


def panel_markdown(reports: Sequence[dict[str, Any]]) -> list[str]:
    rows = rows_of(reports)
    if not rows:
        return []
    names = [str(report["asked_for"]) for report in reports]
    lines = [f"| {TITLE} | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
    return [*lines, *(f"| {label} | " + " | ".join(values) + " |" for label, values in rows), ""]


def panel_text(reports: Sequence[dict[str, Any]]) -> list[str]:
    rows = rows_of(reports)
    if not rows:
        return []
    names = [str(report["asked_for"]) for report in reports]
    lines = [TITLE]
    for label, values in rows:
        pairs = ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
        lines.append(f"  {label}: {pairs}")
    return [*lines, ""]


def panel_html(reports: Sequence[dict[str, Any]]) -> str:
    """A card with the panel, or nothing."""
    rows = rows_of(reports)
    if not rows:
        return ""
    head = "".join(f"<th class='num'>{esc(report['system'])}</th>" for report in reports)
    body = "".join(
        f"<tr><td>{esc(label)}</td>"
        + "".join(f"<td class='num'>{esc(value)}</td>" for value in values)
        + "</tr>"
        for label, values in rows
    )
    return (
        f"<div class='card'><h3>{esc(TITLE)}</h3><div class='scroll'><table><tr><th></th>{head}"
        f"</tr>{body}</table></div><small>Over all conversations; rates over fewer than ten events "
        "are hidden.</small></div>"
    )
