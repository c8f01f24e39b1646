"""The scores of a report as HTML: a card for each group, a row for each score and system, and what
others reported beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from microturn.evals import report_svg as draw
from microturn.evals.report_svg import esc
from microturn.evals.summary import UNITS, shown_value

LOWER = "lower is better"
Report = dict[str, Any]


def group_section(name: str, reports: Sequence[Report]) -> str:
    """One group: a row a score and system, with interval, count and grader; what is published."""
    groups = [{g["name"]: g for g in report["groups"]}.get(name) for report in reports]
    shown = next(group for group in groups if group is not None)
    keys = [(c["metric"], c["kind"]) for g in groups if g for c in g["cells"]]
    rows = ""
    for key in dict.fromkeys(keys):
        cells = [
            (number, c)
            for number, g in enumerate(groups)
            if g
            for c in g["cells"]
            if (c["metric"], c["kind"]) == key
        ]
        most = draw.most_of([c for _, c in cells])
        for place, (number, one) in enumerate(cells):
            rows += score_row(name, one, number, most, reports, place == 0)
    failed = sum(group["failed"] for group in groups if group)
    note = f"<p class='bad'>{failed} episodes failed and are in no score.</p>" if failed else ""
    return (
        f"<div class='card'><h3>{esc(shown['title'])} <span class='badge'>{shown['played']} "
        f"episodes</span></h3><div class='scroll'><table class='scores'>{rows}</table></div>{note}"
        f"{published(shown['published'])}</div>"
    )


def score_row(
    group: str,
    one: dict[str, Any],
    number: int,
    most: float,
    reports: Sequence[Report],
    is_first: bool,
) -> str:
    kind = one["kind"]
    low, high = shown_value(kind, one["low"]), shown_value(kind, one["high"])
    label = esc(one["label"]) if is_first else ""
    lower = f" <small>{LOWER}</small>" if one["is_lower_better"] and is_first else ""
    who = f"<td><small>{esc(reports[number]['system'])}</small></td>" if len(reports) > 1 else ""
    bar = draw.interval_bar(one["value"], one["low"], one["high"], most, number % draw.NUM_COLOURS)
    tip = ", ".join(f"{what} {count}" for what, count in one["outcomes"].items())
    return (
        f"<tr title='{esc(tip)}'><td>{label}{lower}</td>{who}"
        f"<td class='num'><b>{shown_value(kind, one['value'])}</b> {UNITS[kind]}</td>"
        f"<td class='num soft'>{low} to {high}</td><td class='bar'>{bar}</td>"
        f"<td class='num soft'>n {one['n']}</td>{differs(group, one, number, reports)}"
        f"<td class='grader'>{esc(one['grader'])}</td></tr>"
    )


def differs(group: str, one: dict[str, Any], number: int, reports: Sequence[Report]) -> str:
    """How a system differs from the first on the same conversations, where both were played so;
    nothing where no run says."""
    if not any(report.get("differences") for report in reports):
        return ""
    wanted = (group, one["metric"], str(one["grader"]).partition(";")[0])
    for row in reports[number].get("differences", ()) if one["kind"] == "share" else ():
        if (row["group"], row["metric"], row["grader"]) == wanted:
            ends = f"[{100 * row['low']:+.0f}, {100 * row['high']:+.0f}]"
            is_clear = row["low"] > 0 or row["high"] < 0
            kind = "num" if is_clear else "num soft"
            return f"<td class='{kind}'>{100 * row['value']:+.0f} <small>{ends}</small></td>"
    return "<td></td>"


def published(rows: Sequence[dict[str, Any]]) -> str:
    """The post's numbers, marked as what they are."""
    if not rows:
        return ""
    lines = "".join(
        f"<div>{esc(row['row'])}: "
        + " · ".join(f"{esc(system)} <b>{esc(value)}</b>" for system, value in row["values"])
        + "</div>"
        for row in rows
    )
    badge = "<span class='badge'>reported by their authors, other data</span>"
    return f"<div class='published'>{badge}{lines}</div>"
