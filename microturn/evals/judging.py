"""A judge beside the rules: what was played is graded again, each verdict in a row of its own, and
how often the two agree is reported.

Judging comes after playing, so that a judge that fails costs no conversation. Its answers are
cached (`judge.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from microturn.evals import judged
from microturn.evals.episode import Episode
from microturn.evals.interfaces import Judge
from microturn.evals.judge import agreement
from microturn.evals.judged_slots import judged_slots
from microturn.evals.overlap import APPROPRIATE
from microturn.evals.record import Score, Trace
from microturn.evals.runner import Played, one_line

MOST_FAULTS = 3  # in a row; then the judge is taken to be gone
Judging = Callable[[Episode, Trace, Judge | None], list[Score]]
FUNCTIONS: tuple[tuple[frozenset[str], Judging], ...] = (  # names of rules; none: has no rule
    (frozenset(f"overlap_{name}" for name in APPROPRIATE), judged.judged_overlap),
    (frozenset({"answer", "label"}), judged.judged_answers),
    (frozenset({"pauc"}), judged.judged_proactive),
    (frozenset({"slots"}), judged_slots),
    (frozenset({"refusal", "over_refusal"}), judged.judged_refusals),
    (frozenset(), judged.judged_rubric),
)
RUBRIC = "rubric"


@dataclass(frozen=True)
class Judged:
    """What was played with a judge's scores added, and what went wrong with the judge."""

    played: tuple[Played, ...]
    faults: tuple[str, ...] = ()


def verdicts(episode: Episode, trace: Trace, ruled: Sequence[Score], judge: Judge) -> list[Score]:
    """The judge's scores of what rules scored in this episode, and rubrics.

    Raises ValueError where the judge gives no answer of the form that is wanted.
    """
    names = {score.metric for score in ruled}
    found: list[Score] = []
    for known, function in FUNCTIONS:
        if not known or known & names:
            found += function(episode, trace, judge)
    mine = [s for s in found if s.metric in names or s.metric.startswith(RUBRIC)]
    return mine + judged.judged_right(episode, ruled, judge)


def judge_played(played: Sequence[Played], judge: Judge) -> Judged:
    """Add the judge's scores. A fault is one line and costs that episode's verdicts; after three in
    a row the judge is not asked again."""
    found: list[Played] = []
    faults: list[str] = []
    in_a_row = 0
    for one in played:
        if one.episode is None or one.trace is None or in_a_row == MOST_FAULTS:
            found.append(one)
            continue
        try:
            more = verdicts(one.episode, one.trace, one.scores, judge)
            found.append(replace(one, scores=(*one.scores, *more)))
            in_a_row = 0
        except Exception as error:  # a server may fail in any way; the rules' scores stay
            found.append(one)
            faults.append(f"{judge.grader}: {one.id}: {one_line(error)}")
            in_a_row += 1
    if in_a_row == MOST_FAULTS:
        faults.append(f"{judge.grader} failed {MOST_FAULTS} times in a row: not asked again")
    return Judged(tuple(found), tuple(faults))


def agreements(played: Sequence[Played]) -> list[dict[str, Any]]:
    """How often judge and rule agree, a line for each metric and pair of graders that both graded;
    by benchmark or group, which is the beginning of an episode's id."""
    groups: dict[tuple[str, str, str], list[Score]] = {}
    for one in played:
        for score in one.scores:
            key = (one.id.partition("/")[0], score.metric, score.grader)
            groups.setdefault(key, []).append(score)
    found: list[dict[str, Any]] = []
    for (group, metric, grader), scores in groups.items():
        for (other_group, other, rule), ruled in groups.items():
            is_pair = (group, metric) == (other_group, other)
            if not is_pair or not grader.startswith("judge:") or rule.startswith("judge:"):
                continue
            both = {(s.episode, s.detail.get("on")) for s in ruled}
            if any((s.episode, s.detail.get("on")) in both for s in scores):
                found.append({"group": group, **asdict(agreement(scores, ruled))})
    return found
