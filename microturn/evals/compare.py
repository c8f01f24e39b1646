"""Several systems on the same conversations: whoever got less far cuts the set for all.

Each system is played in the same order within the same time; counted is what every one of them
came to. So two columns of the table never rest on different episodes, and differences are paired.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from microturn.evals import runner, summary
from microturn.evals.bootstrap import Interval, bootstrap
from microturn.evals.episode import Episode
from microturn.evals.groups import GROUPS
from microturn.evals.judging import agreements
from microturn.evals.kept import Kept, key_of, still_valid
from microturn.evals.metrics_floor import panel
from microturn.evals.record import Score
from microturn.evals.runner import Played, RunConfig, job_id
from microturn.evals.sources import Source, open_source
from microturn.evals.systems import check_name

CUT = "not every system got this far"
Tell = Callable[[int, int, Played], None]


@dataclass(frozen=True)
class Measured:
    """One system: where its results lie, and all of them, cut as the others are."""

    system: str
    folder: Path
    played: tuple[Played, ...]
    num_kept: int = 0


def slug(system: str) -> str:
    """A folder's name for a system: its letters, and a hash where there are others."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", system).strip("_.")[:60]
    mark = "" if plain == system else f"-{hashlib.sha1(system.encode()).hexdigest()[:6]}"
    return f"{plain}{mark}"


def folders(systems: Sequence[str], out: Path) -> list[Path]:
    """Where each system's results lie: `out` itself for one, a folder each for several.

    Raises ValueError where none is named, one twice, or one that does not exist.
    """
    if not systems:
        raise ValueError("name at least one system with --system")
    for system in systems:
        check_name(system)
    twice = sorted({system for system in systems if list(systems).count(system) > 1})
    if twice:
        raise ValueError(f"each system once, got {', '.join(twice)} again")
    return [out] if len(systems) == 1 else [out / slug(system) for system in systems]


def measure_all(
    config: RunConfig,
    systems: Sequence[str],
    out: Path,
    resumes: bool = False,
    tell: Callable[[str], Tell] | None = None,
) -> tuple[list[Measured], Source]:
    """Play all systems on the same episodes. `tell` gives, for a system, what hears each result.

    resumes: what their folders hold of the same weights, voices and episodes is not played again.
    Raises ValueError where a source or system cannot be opened.
    """
    places = folders(systems, out)
    source = open_source(config.source)
    jobs = source.jobs(config.limit)
    ids = {job_id(job) for job in jobs}
    made: dict[str, Episode] = {}

    def episode_of(job: Any) -> Episode:
        return made.setdefault(job_id(job), source.episode(job))

    found: list[Measured] = []
    for system, folder in zip(systems, places, strict=True):
        mine = replace(config, system=system, sounds=folder / "answers")
        kept = Kept(folder, key_of(mine))
        before = kept.read() if resumes else {}
        known = still_valid(before, jobs, source, episode_of)
        others = {id: one for id, one in before.items() if id not in ids}
        kept.begin(others | known)
        hears = tell(system) if tell is not None else None

        def hear(done: int, total: int, one: Played, kept: Kept = kept, hears: Any = hears) -> None:
            kept.add(one)
            if hears is not None:
                hears(done, total, one)

        played, _ = runner.run(mine, hear, known)
        found.append(Measured(system, folder, tuple(played), len(known)))
    return cut_alike(found), source


def cut_alike(measured: Sequence[Measured]) -> list[Measured]:
    """Only what every system came to is counted; the rest was not played."""
    short = {one.id for each in measured for one in each.played if one.status == "not_played"}
    return [
        replace(
            each,
            played=tuple(
                Played(one.id, "not_played", CUT)
                if one.id in short and one.status != "not_played"
                else one
                for one in each.played
            ),
        )
        for each in measured
    ]


# ---- differences


def episode_means(played: Sequence[Played], metric: str, grader: str) -> dict[str, float]:
    """The mean score of each episode by one metric and one kind of grader."""
    values: dict[str, list[float]] = {}
    for one in played:
        for score in one.scores:
            if score.metric == metric and kind_of(score.grader) == grader:
                value = value_of(score)
                if value is not None:
                    values.setdefault(one.id, []).append(value)
    return {id: sum(mine) / len(mine) for id, mine in values.items()}


def value_of(score: Score) -> float | None:
    return None if score.censored else score.value


def kind_of(grader: str) -> str:
    """`exact`, `rule:v1` or `judge:...`, without the detector."""
    return grader.partition(";")[0]


def difference(
    first: Mapping[str, float], other: Mapping[str, float]
) -> tuple[float, Interval, int] | None:
    """Mean of `other` less `first` over the episodes of both, its interval, and their number."""
    both = [id for id in first if id in other]
    if not both:
        return None
    values = [[other[id] - first[id]] for id in both]
    return sum(v for (v,) in values) / len(values), bootstrap(values), len(both)


def differences(measured: Sequence[Measured]) -> list[list[dict[str, Any]]]:
    """For each system, the paired differences to the first of them, by group and score; the shares
    only. The first has none."""
    found: list[list[dict[str, Any]]] = [[]]
    for each in measured[1:]:
        rows: list[dict[str, Any]] = []
        for group in GROUPS:
            mine, theirs = (of_group(one.played, group.name) for one in (each, measured[0]))
            graders = {kind_of(s.grader): None for one in mine for s in one.scores}
            for shown in group.shown:
                for grader in graders if shown.kind == "share" else ():
                    means = [episode_means(p, shown.metric, grader) for p in (theirs, mine)]
                    one = difference(*means)
                    if one is not None:
                        value, interval, num = one
                        rows.append(
                            {
                                "group": group.name, "metric": shown.metric, "grader": grader,
                                "value": value, "low": interval.low, "high": interval.high,
                                "episodes": num,
                            }
                        )  # fmt: skip
        found.append(rows)
    return found


def of_group(played: Sequence[Played], name: str) -> list[Played]:
    return [one for one in played if one.id.partition("/")[0] == name]


def reports(
    measured: Sequence[Measured],
    config: RunConfig,
    source: Source,
    suite: str,
    omitted: Callable[[Sequence[Played]], list[str]],
) -> list[dict[str, Any]]:
    """A report of each system, with its differences to the first."""
    found: list[dict[str, Any]] = []
    for each, rows in zip(measured, differences(measured), strict=True):
        mine = replace(config, system=each.system)
        report = summary.build(mine, each.played, source.voices, suite, omitted(each.played))
        report["media"] = str(source.root.resolve())
        report["kept"] = each.num_kept
        report["agreement"] = agreements(each.played)
        pairs = [(one.episode, one.trace) for one in each.played if one.episode and one.trace]
        report["panel"] = panel(pairs).summary()
        if rows:
            report["compared_to"] = measured[0].system
            report["differences"] = rows
        found.append(report)
    return found
