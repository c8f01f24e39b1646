"""From what was played to a report: rows with intervals and graders, by group; as plain data, as a
table of text.

A report is a dict of plain values (`docs/evals.md`), so that it can be kept as JSON and compared
with others later.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from microturn.evals.bootstrap import Row, aggregate, bootstrap
from microturn.evals.groups import GROUPS, Group, Shown
from microturn.evals.record import Score
from microturn.evals.runner import Played, RunConfig

SCHEMA = 1
LOWER = {"unasked", "heard", "said", "spoken", "pause_takeover", "over_refusal", "count_error"}
NUM_WORST = 10


def cell(shown: Shown, scores: Sequence[Score]) -> list[dict[str, Any]]:
    """A shown score as values with interval, one for each grader; [] where nothing was measured."""
    found: list[dict[str, Any]] = []
    for grader in dict.fromkeys(score.grader for score in scores):
        mine = [score for score in scores if score.grader == grader]
        row = aggregate(mine)
        value, interval = of_kind(shown, row, mine)
        if value is None:
            continue
        found.append(
            {
                **asdict(shown),
                "grader": grader,
                "value": value,
                "low": interval[0],
                "high": interval[1],
                "n": row.n,
                "episodes": row.n_episodes,
                "censored": row.n_censored,
                "no_response_rate": row.no_response_rate,
                "kept_talking_rate": row.kept_talking_rate,
                "quiet_rate": row.quiet_rate,
                "cut_in_rate": row.cut_in_rate,
                "latency_median_ms": row.latency_median_ms,
                "outcomes": row.outcomes,
            }
        )
    return found


def of_kind(
    shown: Shown, row: Row, scores: Sequence[Score]
) -> tuple[float | None, tuple[float | None, float | None]]:
    """The value of a row that a kind of cell shows, and its interval."""
    if shown.kind == "ms":
        interval = row.latency_interval
        return row.latency_mean_ms, (interval.low, interval.high)
    if shown.kind == "error":
        return pooled(scores)
    return row.value, (row.interval.low, row.interval.high)


def pooled(scores: Sequence[Score]) -> tuple[float | None, tuple[float | None, float | None]]:
    """Errors over words of all episodes; the interval draws whole episodes."""
    counts: dict[str, list[int]] = {}
    for score in scores:
        mine = counts.setdefault(score.episode, [0, 0])
        mine[0] += int(score.detail["errors"])
        mine[1] += int(score.detail["words"])
    words = sum(count for _, count in counts.values())
    if not words:
        return None, (None, None)
    groups = [[float(errors), *([0.0] * (num - 1))] for errors, num in counts.values()]
    interval = bootstrap(groups)
    return sum(errors for errors, _ in counts.values()) / words, (interval.low, interval.high)


def group_report(group: Group, played: Sequence[Played]) -> dict[str, Any]:
    """One group: its cells, its latencies, the share of each skill, what failed."""
    mine = [p for p in played if p.id.partition("/")[0] == group.name]
    scores = [score for p in mine for score in p.scores]
    cells = [each for shown in group.shown for each in cell(shown, named(scores, shown.metric))]
    latencies = [s.latency_ms for s in named(scores, "response") if s.latency_ms is not None]
    return {
        "name": group.name,
        "title": group.title,
        "cells": cells,
        "main": group.main.metric,
        "played": sum(p.status == "played" for p in mine),
        "failed": sum(p.status not in ("played", "not_played") for p in mine),
        "not_played": sum(p.status == "not_played" for p in mine),
        "latencies_ms": latencies,
        "skills": by_skill(group, mine),
        "published": [asdict(row) for row in group.published],
    }


def named(scores: Iterable[Score], metric: str) -> list[Score]:
    return [score for score in scores if score.metric == metric]


def by_skill(group: Group, played: Sequence[Played]) -> dict[str, float]:
    """The goodness of each skill, 0 to 1: the mean over its episodes."""
    found: dict[str, list[float]] = {}
    for one in played:
        value = goodness(group, one)
        if value is not None:
            found.setdefault(one.id.split("/")[1], []).append(value)
    return {skill: statistics.fmean(values) for skill, values in found.items()}


def goodness(group: Group, one: Played) -> float | None:
    """How good one episode is, 0 to 1: the mean of its group's shares, error rates turned round;
    latencies, counts and what a judge says are left out."""
    if one.status != "played":
        return None
    values: list[float] = []
    for shown in group.shown:
        if shown.kind not in ("share", "error"):
            continue
        for score in named(one.scores, shown.metric):
            if score.value is not None and not score.grader.startswith("judge:"):
                share = min(1.0, max(0.0, score.value))
                values.append(1 - share if shown.is_lower_better else share)
    return statistics.fmean(values) if values else None


def worst(groups: Sequence[Group], played: Sequence[Played]) -> list[dict[str, Any]]:
    """The episodes with the least goodness, at most ten, and what went wrong in each."""
    by_name = {group.name: group for group in groups}
    rated: list[tuple[float, Played]] = []
    for one in played:
        group = by_name.get(one.id.partition("/")[0])
        value = None if group is None else goodness(group, one)
        if value is not None and value < 1:
            rated.append((value, one))
    rated.sort(key=lambda pair: pair[0])
    return [
        {"id": one.id, "goodness": value, "faults": faults(one)} for value, one in rated[:NUM_WORST]
    ]


def faults(one: Played) -> list[str]:
    """What went wrong in an episode, a line each."""
    found: list[str] = []
    for score in one.scores:
        best = 0.0 if score.metric in LOWER else 1.0
        if score.value is None or score.value == best or score.outcome in ("responded",):
            continue
        said, wanted = score.detail.get("said"), score.detail.get("wanted")
        text = f": said {said!r}, wanted {wanted!r}" if wanted is not None else ""
        found.append(f"{score.metric}: {score.outcome.replace('_', ' ')}{text[:240]}")
    return list(dict.fromkeys(found))


def compute(played: Sequence[Played]) -> dict[str, float] | None:
    """What a tick cost, where the system says: median, 95th percentile and most, in ms."""
    costs = sorted(
        tick.compute_ms for p in played if p.trace for tick in p.trace.ticks if tick.compute_ms
    )
    if not costs:
        return None
    return {
        "median_ms": costs[len(costs) // 2],
        "p95_ms": costs[int(0.95 * (len(costs) - 1))],
        "most_ms": costs[-1],
    }


def official_groups(played: Sequence[Played]) -> tuple[Group, ...]:
    """A group for each benchmark among the episodes, which shows every metric there is."""
    found: dict[str, dict[str, Shown]] = {}
    for one in played:
        shown = found.setdefault(one.id.partition("/")[0], {})
        for score in one.scores:
            is_lower = score.metric in LOWER or "takeover" in score.metric
            shown.setdefault(score.metric, Shown(score.metric, score.metric, "share", is_lower))
    return tuple(
        Group(name, name, (), tuple(shown.values()) or (Shown("none", "none"),))
        for name, shown in found.items()
    )


def build(
    config: RunConfig,
    played: Sequence[Played],
    voices: str = "",
    suite: str = "run",
    omitted: Sequence[str] = (),
) -> dict[str, Any]:
    """The report of one run. A failed episode counts as failed, never as a score."""
    is_ours = config.source.dataset == "synthetic"
    groups = GROUPS if is_ours else official_groups(played)
    names = {one.id.partition("/")[0] for one in played}
    groups = tuple(group for group in groups if group.name in names)
    traces = [one.trace for one in played if one.trace is not None]
    return {
        "schema": SCHEMA,
        "system": traces[0].system.name if traces else config.system,
        "asked_for": config.system,
        "dataset": config.source.dataset,
        "suite": suite,
        "seed": config.source.seed,
        "voices": voices,
        "vad": traces[0].vad if traces else "",
        "clock": traces[0].system.clock if traces else "lockstep",
        "tick_ms": traces[0].system.tick_ms if traces else None,
        "episodes": len(played),
        "played": len(traces),
        "parts": traces[0].system.ckpt if traces else "",
        "took": {
            "wall_s": sum(one.took_s for one in played if one.trace),
            "cpu_s": sum(one.cpu_s for one in played if one.trace),
        },
        "minutes": sum(p.episode.end_ms for p in played if p.episode and p.trace) / 60_000,
        "failures": [
            {"id": one.id, "status": one.status, "reason": one.reason}
            for one in played
            if one.status not in ("played", "not_played")
        ],
        "not_played": sum(one.status == "not_played" for one in played),
        "compute": compute(played),
        "groups": [group_report(group, played) for group in groups],
        "worst": worst(groups, played),
        "omitted": list(omitted),
    }


# ---- text


def shown_value(kind: str, value: float | None) -> str:
    """A value in the unit in which it is shown."""
    if value is None:
        return "-"
    if kind in ("share", "error"):
        return f"{100 * value:.1f}"
    return f"{value:.0f}" if kind == "ms" else f"{value:.2f}"


UNITS = {"share": "%", "error": "%", "ms": "ms", "number": ""}


def table(report: dict[str, Any]) -> str:
    """The report for a terminal: one line a score, with interval, count and grader."""
    lines = [
        f"{report['system']} on {report['dataset']} ({report['suite']}): {report['played']} of "
        f"{report['episodes']} episodes, {report['minutes']:.1f} minutes, {report['voices']}"
    ]
    for group in report["groups"]:
        if not group["played"] and not group["failed"]:
            continue
        failed = f", {group['failed']} failed" if group["failed"] else ""
        lines += ["", f"{group['title']} ({group['played']} episodes{failed})"]
        for one in group["cells"]:
            kind = one["kind"]
            ends = f"[{shown_value(kind, one['low'])}, {shown_value(kind, one['high'])}]"
            value = f"{shown_value(kind, one['value'])} {UNITS[kind]}"
            arrow = "lower is better" if one["is_lower_better"] else ""
            lines.append(
                f"  {one['label']:<26}{value:>10} {ends:>16}  n {one['n']:<4} "
                f"{one['grader']:<28} {arrow}".rstrip()
            )
        for row in group["published"]:
            best = "; ".join(f"{system} {value}" for system, value in row["values"][:2])
            lines.append(f"  reported, other data: {row['row']}: {best}")
    if report["compute"]:
        cost = report["compute"]
        lines += ["", f"a tick: {cost['median_ms']:.0f} ms median, {cost['p95_ms']:.0f} ms p95"]
    lines += [agreement_line(one) for one in report.get("agreement", ())]
    lines += [f"omitted: {reason}" for reason in report["omitted"]]
    lines += [f"{f['status']}: {f['id']}: {f['reason']}" for f in report["failures"]]
    if report["not_played"]:
        lines.append(
            f"not played, the time was up: {report['not_played']} episodes (more with --minutes)"
        )
    return "\n".join(lines)


def agreement_line(one: dict[str, Any]) -> str:
    """How often a judge and a rule said the same."""
    kappa = "" if one["kappa"] is None else f", kappa {one['kappa']:.2f}"
    return (
        f"{one['group']}, {one['metric']}: {one['judge']} and {one['rule']} agree on "
        f"{100 * one['share']:.0f} % of {one['n']}{kappa}"
    )
