"""Several reports as one table: a row for each score, a column for each system; for a terminal, or
in Markdown.

A row has one grader. Where the systems' sounds were cut by different detectors, each system's line
says by which: what scripted agents give is no speech, so their times rest on energy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from microturn.evals.panel_table import panel_markdown, panel_text
from microturn.evals.summary import UNITS, agreement_line, shown_value

Cell = dict[str, Any]
Key = tuple[str, str, str, str]  # group, metric, kind, grader


def grader_of(cell: Cell) -> str:
    return str(cell["grader"]).partition(";")[0]


def rows_of(reports: Sequence[dict[str, Any]]) -> dict[Key, list[Cell | None]]:
    """The cells of each score, one place a system."""
    found: dict[Key, list[Cell | None]] = {}
    order: dict[tuple[str, str, str], None] = {}
    for place, report in enumerate(reports):
        for group in report["groups"]:
            for cell in group["cells"]:
                key = (group["name"], cell["metric"], cell["kind"], grader_of(cell))
                found.setdefault(key, [None] * len(reports))[place] = cell
                order.setdefault(key[:3])
    places = {group["name"]: n for n, group in enumerate(reports[0]["groups"])}
    ranks = {each: n for n, each in enumerate(order)}
    return dict(sorted(found.items(), key=lambda kv: (places.get(kv[0][0], 99), ranks[kv[0][:3]])))


def shown_cell(cell: Cell | None) -> str:
    """A value with its interval and, in brackets, how many scores it rests on."""
    if cell is None:
        return "-"
    value, low, high = (shown_value(cell["kind"], cell[name]) for name in ("value", "low", "high"))
    if cell["low"] is None:
        return f"{value} ({cell['n']})"
    return f"{value} [{low}, {high}] ({cell['n']})"


def label_of(cell: Cell) -> str:
    unit = UNITS[cell["kind"]]
    arrow = " ↓" if cell["is_lower_better"] else ""
    return f"{cell['label']}{', ' + unit if unit else ''}{arrow}"


def markdown(reports: Sequence[dict[str, Any]]) -> str:
    """The table in Markdown. Raises ValueError where there is no report."""
    if not reports:
        raise ValueError("a table needs at least one run")
    titles = {g["name"]: g["title"] for report in reports for g in report["groups"]}
    lines = [
        "| | score | grader | " + " | ".join(str(r["asked_for"]) for r in reports) + " |",
        "|---" * (3 + len(reports)) + "|",
    ]
    before = ""
    for (group, _, _, grader), cells in rows_of(reports).items():
        some = next(cell for cell in cells if cell is not None)
        title = titles[group] if group != before else ""
        before = group
        shown = " | ".join(shown_cell(cell) for cell in cells)
        lines.append(f"| {title} | {label_of(some)} | {grader} | {shown} |")
    return "\n".join([*lines, "", *panel_markdown(reports), *facts_of(reports)]) + "\n"


def table(reports: Sequence[dict[str, Any]]) -> str:
    """The table for a terminal: under each score one line a system, with the whole grader."""
    titles = {g["name"]: g["title"] for report in reports for g in report["groups"]}
    wide = max(len(str(report["asked_for"])) for report in reports)
    lines: list[str] = []
    before = ""
    for (group, *_), cells in rows_of(reports).items():
        if group != before:
            lines += ["", titles[group]]
            before = group
        some = next(cell for cell in cells if cell is not None)
        lines.append(f"  {label_of(some)}")
        for report, cell in zip(reports, cells, strict=True):
            grader = cell["grader"] if cell else ""
            name = str(report["asked_for"])
            lines.append(f"    {name:<{wide}}  {shown_cell(cell):<28} {grader}".rstrip())
    return "\n".join([*lines, "", *panel_text(reports), *facts_of(reports)])


def facts_of(reports: Sequence[dict[str, Any]]) -> list[str]:
    """A line a system: how much of the set it played, in what time, by which detector."""
    lines: list[str] = []
    for report in reports:
        failed = f", {len(report['failures'])} failed" if report["failures"] else ""
        minutes, cpu = (report["took"][name] / 60 for name in ("wall_s", "cpu_s"))
        parts = f" ({report['parts']})" if report.get("parts") else ""
        lines.append(
            f"- {report['asked_for']}{parts}: {report['played']} of {report['episodes']} "
            f"conversations{failed}, {report['minutes']:.1f} minutes of sound, played and scored "
            f"in {minutes:.1f} minutes ({cpu:.1f} of the processor); clock {report['clock']}, "
            f"{report['vad']}."
        )
    lines += [
        f"- {report['asked_for']}: {agreement_line(one)}."
        for report in reports
        for one in report.get("agreement", ())
    ]
    told = next((r["recogniser"] for r in reports if r.get("recogniser")), None)
    if told:
        value, low, high = (f"{100 * told[name]:.1f}" for name in ("value", "low", "high"))
        lines.append(
            f"- Recogniser {told['name']}: {value} % [{low}, {high}] of {told['words']} words "
            f"wrong on the clean speech of the same voices ({told['turns']} turns)."
        )
    return lines
