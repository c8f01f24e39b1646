"""Metrics of meaning with a judge where one is given; without one the rule grades, and says so.

Each gives scores under the rule's metric name, so that `judge.agreement` can compare the two; the
grader keeps them apart in every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from microturn.evals.episode import Episode, Expect
from microturn.evals.interfaces import Judge
from microturn.evals.metrics_content import (
    answer_scores,
    groups_of,
    label_scores,
    proactive_scores,
    refusal_scores,
    so_far,
)
from microturn.evals.metrics_floor import overlap_behaviour
from microturn.evals.overlap import APPROPRIATE, TAGS
from microturn.evals.proactive import pauc
from microturn.evals.record import Score, Trace


def question_of(episode: Episode) -> str:
    """All that the user says or types, as text."""
    said = [segment.text for segment in episode.segments if segment.role == "user"]
    typed = [track.text for track in episode.tracks if track.kind == "text"]
    return " ".join(text for text in [*said, *typed] if text)


def regraded(
    score: Score, judge: Judge, value: float, outcome: str, answer: dict[str, Any]
) -> Score:
    """A rule's score with the judge's verdict in its place."""
    times = score.grader.partition(";")[2]
    grader = f"{judge.grader};{times}" if times else judge.grader
    detail = score.detail | {"answer": answer}
    return replace(score, value=value, outcome=outcome, grader=grader, detail=detail)


def expectation(episode: Episode, score: Score) -> Expect:
    """The expectation that a score is of."""
    id = str(score.detail["on"]).split("/")[0]
    return next(expect for expect in episode.expect if expect.id == id)


def yes(answer: dict[str, Any], key: str) -> bool:
    """A yes or no of the judge. Raises ValueError where it gave something else."""
    if not isinstance(answer.get(key), bool):
        raise ValueError(f"the judge's answer lacks a true or false {key!r}: {answer}")
    return answer[key]


def judged_overlap(episode: Episode, trace: Trace, judge: Judge | None) -> list[Score]:
    """The V1.5 tags, by the judge."""
    scores = overlap_behaviour(episode, trace)
    if judge is None:
        return scores
    judged: list[Score] = []
    for score in scores:
        event = episode.segment(str(score.detail["on"]))
        before = " ".join(u.text for u in trace.utterances if u.t0 < event.t0)
        after = " ".join(
            word for u in trace.utterances for word, onset, _ in u.words if onset >= event.t0
        )
        tag, answer = "unknown", dict[str, Any]()
        if any(u.t1 > event.t0 for u in trace.utterances):
            answer = judge.ask(
                "overlap", before=before, kind=event.kind, event=event.text or "", after=after
            )
            tag = str(answer.get("tag"))
        if tag not in TAGS:
            raise ValueError(f"the judge's tag must be one of {', '.join(TAGS)}, got {tag!r}")
        value = float(tag == APPROPRIATE[str(score.detail["scenario"])])
        judged.append(regraded(score, judge, value, tag, answer))
    return judged


def judged_answers(episode: Episode, trace: Trace, judge: Judge | None) -> list[Score]:
    """Short answers and labels, by the judge; silence needs none and is wrong."""
    scores = answer_scores(episode, trace) + label_scores(episode, trace)
    if judge is None:
        return scores
    judged: list[Score] = []
    for score in scores:
        expect = expectation(episode, score)
        forms = [phrase for group in groups_of(expect) for phrase in group]
        answer: dict[str, Any] = {"correct": False}
        if trace.text:
            answer = judge.ask(
                "answer",
                question=question_of(episode),
                reference=" or ".join(forms) or str(expect.value),
                reply=trace.text,
            )
        judged.append(regraded(score, judge, yes(answer, "correct"), score.outcome, answer))
    return judged


def judged_proactive(
    episode: Episode, trace: Trace, judge: Judge | None, omega: float = 0.5
) -> list[Score]:
    """PAUC with the judge's 0, 1, 2 for everything said so far."""
    scores = proactive_scores(episode, trace, omega)
    if judge is None:
        return scores
    judged: list[Score] = []
    for score in scores:
        expect = expectation(episode, score)
        number = int(str(score.detail["on"]).split("/")[1])
        span = expect.spans[number]
        inside = [u for u in trace.utterances if span[0] <= u.t0 <= span[1]]
        replies: list[tuple[float, float]] = []
        for index, utterance in enumerate(inside):
            answer = judge.ask(
                "proactive",
                question=question_of(episode),
                reference=" ".join(groups_of(expect)[number]),
                replies=so_far(inside, index),
            )
            if answer.get("score") not in range(expect.max_score + 1):
                raise ValueError(f"the judge's score is not 0 to {expect.max_score}: {answer}")
            replies.append((utterance.t0, answer["score"]))
        value = pauc(span, replies, omega, expect.max_score)
        marks = {"scores": [mark for _, mark in replies]}
        judged.append(regraded(score, judge, value, score.outcome, marks))
    return judged


def judged_refusals(episode: Episode, trace: Trace, judge: Judge | None) -> list[Score]:
    """Refusals and over-refusals, by the judge; an empty answer stays what it is."""
    scores = refusal_scores(episode, trace)
    if judge is None:
        return scores
    judged: list[Score] = []
    for score in scores:
        if score.outcome == "no_response":
            judged.append(regraded(score, judge, 0.0, score.outcome, {}))
            continue
        answer = judge.ask("refusal", reply=trace.text)
        refused = yes(answer, "refused")
        outcome = "refused" if refused else "complied"
        judged.append(regraded(score, judge, float(refused), outcome, answer))
    return judged


def judged_rubric(episode: Episode, trace: Trace, judge: Judge | None) -> list[Score]:
    """Rubrics: `rubric_all` (every criterion met) and `rubric_share`. Nothing without a judge."""
    scores: list[Score] = []
    if judge is None:
        return scores
    for expect in episode.wanted("rubric"):
        turns = [f"{turn.role}: {turn.text}" for turn in episode.system.seed_turns]
        talk = "\n".join([*turns, f"user: {question_of(episode)}"])
        met: list[bool] = []
        for criterion in expect.criteria if trace.text else ():
            answer = judge.ask("rubric", conversation=talk, reply=trace.text, criterion=criterion)
            met.append(yes(answer, "criteria_met"))
        met += [False] * (len(expect.criteria) - len(met))
        outcome = "replied" if trace.text else "no_response"
        detail = {"on": expect.id, "met": met}
        for name, value in (("rubric_all", float(all(met))), ("rubric_share", sum(met) / len(met))):
            scores.append(Score(episode.id, name, value, outcome, judge.grader, detail=detail))
    return scores


def judged_right(episode: Episode, ruled: Sequence[Score], judge: Judge) -> list[Score]:
    """Whether the replies of the built-in set are right, by the judge; silence needs none."""
    judged: list[Score] = []
    for score in ruled:
        if score.metric != "right" or score.grader.startswith("judge:"):
            continue
        answer: dict[str, Any] = {"correct": False}
        if said := str(score.detail["said"]):
            expect = expectation(episode, score)
            on = episode.segment(expect.on or "")
            answer = judge.ask(
                "answer", question=on.text or "", reference=score.detail["wanted"], reply=said
            )
        is_right = yes(answer, "correct")
        outcome = "right" if is_right else "wrong" if said else "no_response"
        judged.append(regraded(score, judge, float(is_right), outcome, answer))
    return judged
