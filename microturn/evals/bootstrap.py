"""Rows of a report: means with percentile-bootstrap intervals, and what must stand beside them.

A row is of one metric and one grader; scores of different graders, or of times from different
VADs, are never put together. Censored scores are counted, not averaged.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from microturn.evals.record import Score

NUM_DRAWS = 2000
COVERAGE = 0.95


@dataclass(frozen=True)
class Interval:
    """A 95 % interval; both ends are None where nothing was measured."""

    low: float | None
    high: float | None


@dataclass(frozen=True)
class Row:
    """One line of a report. n counts the scores in `value`; rates are of all uncensored scores.

    Latencies of responders say little without `no_response_rate`, takeover says little without
    `kept_talking_rate`: every row has both. latency_*: as published, a cut-in counts as 0;
    signed_mean_ms: with its sign. quiet_rate: share of overlap events that found the agent quiet.
    """

    metric: str
    grader: str
    value: float | None
    interval: Interval
    n: int
    n_episodes: int
    n_censored: int
    no_response_rate: float
    kept_talking_rate: float
    quiet_rate: float = 0.0
    latency_mean_ms: float | None = None
    latency_median_ms: float | None = None
    latency_interval: Interval = Interval(None, None)
    signed_mean_ms: float | None = None
    cut_in_rate: float | None = None
    outcomes: dict[str, int] = field(default_factory=dict[str, int])


def bootstrap(
    groups: Sequence[Sequence[float]], seed: int = 0, num_draws: int = NUM_DRAWS
) -> Interval:
    """Percentile interval of the mean over all values, drawing whole groups (episodes)."""
    filled = [group for group in groups if len(group)]
    if not filled:
        return Interval(None, None)
    sums = np.array([sum(group) for group in filled], dtype=np.float64)
    counts = np.array([len(group) for group in filled], dtype=np.float64)
    picks = np.random.default_rng(seed).integers(0, len(filled), (num_draws, len(filled)))
    means = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    edge = 100 * (1 - COVERAGE) / 2
    low, high = np.percentile(means, [edge, 100 - edge])
    return Interval(float(low), float(high))


def by_episode(scores: Sequence[Score], values: Sequence[float | None]) -> list[list[float]]:
    """Values grouped by episode, in order of first appearance; None is left out."""
    groups: dict[str, list[float]] = {}
    for score, value in zip(scores, values, strict=True):
        if value is not None:
            groups.setdefault(score.episode, []).append(float(value))
    return list(groups.values())


def one_of(scores: Sequence[Score], name: str) -> str:
    """The metric or grader that all scores share. Raises ValueError where they differ."""
    found = sorted({getattr(score, name) for score in scores})
    if len(found) != 1:
        raise ValueError(
            f"one row needs one {name}, got {', '.join(found) or 'no scores'}: "
            f"aggregate each {name} by itself"
        )
    return found[0]


def aggregate(scores: Sequence[Score], seed: int = 0) -> Row:
    """Scores of one metric and one grader as a row. Raises ValueError where they mix."""
    metric, grader = one_of(scores, "metric"), one_of(scores, "grader")
    known = [score for score in scores if not score.censored]
    values = by_episode(known, [score.value for score in known])
    flat = [value for group in values for value in group]
    signed = by_episode(known, [score.latency_ms for score in known])
    latencies = [[max(0.0, latency) for latency in group] for group in signed]
    signed_ms = [value for group in signed for value in group]
    flat_ms = [value for group in latencies for value in group]
    outcomes = Counter(score.outcome for score in scores)
    num_known = max(1, len(known))
    return Row(
        metric=metric,
        grader=grader,
        value=sum(flat) / len(flat) if flat else None,
        interval=bootstrap(values, seed),
        n=len(flat),
        n_episodes=len({score.episode for score in scores}),
        n_censored=len(scores) - len(known),
        no_response_rate=share(known, "no_response", num_known),
        kept_talking_rate=share(known, "kept_talking", num_known),
        quiet_rate=share(known, "was_quiet", num_known),
        latency_mean_ms=sum(flat_ms) / len(flat_ms) if flat_ms else None,
        latency_median_ms=statistics.median(flat_ms) if flat_ms else None,
        latency_interval=bootstrap(latencies, seed),
        signed_mean_ms=sum(signed_ms) / len(signed_ms) if signed_ms else None,
        cut_in_rate=sum(a < 0 for a in signed_ms) / len(signed_ms) if signed_ms else None,
        outcomes=dict(sorted(outcomes.items())),
    )


def share(scores: Sequence[Score], mark: str, num: int) -> float:
    """Share of scores whose outcome, or a flag of whose detail, is `mark`."""
    return sum(score.outcome == mark or bool(score.detail.get(mark)) for score in scores) / num


def aggregate_all(scores: Sequence[Score], seed: int = 0) -> list[Row]:
    """A row for each metric and grader, in order of first appearance."""
    groups: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
        groups.setdefault((score.metric, score.grader), []).append(score)
    return [aggregate(group, seed) for group in groups.values()]
