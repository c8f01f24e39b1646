"""Metrics of the built-in evaluation: from an episode of `synthetic.py` and a trace to scores.

They differ from the published ones where a short answer ("Oslo.") is a turn, and where a reply
follows closely on what was interrupted (`spoken.py`). No judge; the rules are in docs/evals.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from microturn.evals.episode import Episode, Expect, Segment, Span
from microturn.evals.metrics_content import (
    count_scores,
    interval_scores,
    proactive_scores,
    refusal_scores,
    slot_scores,
)
from microturn.evals.metrics_floor import RULE, pause_handling, timed
from microturn.evals.record import Score, Trace
from microturn.evals.spoken import (
    EARLY_MS,
    reply_onset,
    reply_text,
    says,
    sounding,
    text_between,
    written_text,
)
from microturn.evals.text_rules import contains, word_errors
from microturn.evals.timing import YIELD_MS

ASKED_BEFORE_MS = 500  # of a window, what begins there was asked for
ASKED_NEAR_MS = 1500  # of a line of the reference
GOES_ON_MS = 300  # an agent that speaks this long into an event and past it went on
HANDS_OVER_MS = 1000  # before its window, and after it, a hand-over still belongs to it
REPLIES = ("respond", "yield_then_respond")
SCENARIOS = {"speech": "interruption", "instruction": "interruption", "noise": "background"}


def make(
    episode: Episode, metric: str, value: float | None, outcome: str, grader: str, **more: Any
) -> Score:
    return Score(episode.id, metric, value, outcome, grader, **more)


def window_of(expect: Expect, on: Segment) -> Span:
    """The window of an expectation; without one, five seconds from the end of its segment."""
    return expect.window or (on.t1, on.t1 + 5000)


def replies(episode: Episode, trace: Trace) -> list[Score]:
    """`response`: whether a reply began in time, and its latency. `right`: whether it says what was
    wanted. One of each for each turn of the user that wants a reply."""
    found: list[Score] = []
    for expect in episode.wanted(*REPLIES):
        on = episode.segment(expect.on or "")
        until_ms = window_of(expect, on)[1]
        onset_ms = reply_onset(episode, trace, on, until_ms)
        latency_ms = None if onset_ms is None else onset_ms - on.t1
        is_cut_in = latency_ms is not None and latency_ms < -EARLY_MS
        outcome = "cut_in" if is_cut_in else "no_response" if latency_ms is None else "responded"
        detail = {"on": expect.id}
        value = float(outcome == "responded")
        found.append(
            make(episode, "response", value, outcome, timed(trace), latency_ms=latency_ms,
                 detail=detail)
        )  # fmt: skip
        if expect.accept:
            text = reply_text(episode, trace, on, until_ms)
            forms = [form if isinstance(form, str) else " ".join(form) for form in expect.accept]
            is_right = any(says(text, form, on.text or "") for form in forms)
            outcome = "right" if is_right else "wrong" if text else "no_response"
            detail |= {"said": text, "wanted": forms[0]}
            found.append(
                make(episode, "right", float(is_right), outcome, timed(trace, RULE), detail=detail)
            )
    return found


def is_asked_for(episode: Episode, start_ms: int) -> bool:
    """Whether something said from this time on was asked for, by window or by the reference."""
    for expect in episode.wanted(*REPLIES, "say", "continue", "refuse", "comply"):
        window = expect.window
        if window is not None and window[0] - ASKED_BEFORE_MS <= start_ms <= window[1]:
            return True
    lines = episode.raw.get("own", ()) if isinstance(episode.raw, dict) else ()
    return any(a - ASKED_NEAR_MS <= start_ms <= b + ASKED_NEAR_MS for a, b, _ in lines)


def unasked(episode: Episode, trace: Trace) -> list[Score]:
    """Utterances that nothing asked for, in a minute."""
    number = sum(not is_asked_for(episode, u.t0) for u in trace.utterances)
    value = number / (episode.duration_ms / 60_000)
    outcome = "spoke_unasked" if number else "none"
    return [make(episode, "unasked", value, outcome, timed(trace), detail={"number": number})]


# ---- who has the floor


def overlaps(episode: Episode, trace: Trace) -> list[Score]:
    """What became of each event that falls into talk: stopped for and answered, spoken through, or
    let pass. Each scores as `overlap` and as the overlap of its scenario."""
    found: list[Score] = []
    spans = sounding(trace)
    for expect in episode.wanted("yield_then_respond", "continue", "ignore"):
        on = episode.segment(expect.on or "")
        scenario = SCENARIOS.get(on.kind, on.kind)
        is_on = any(a < on.t0 < b for a, b in spans)
        latency_ms = None
        if expect.do == "yield_then_respond":
            outcome, latency_ms = yielding(episode, trace, on, window_of(expect, on)[1])
            value = float(outcome == "stopped_and_answered")
        elif expect.do == "continue":
            outcome = going_on(spans, on) if is_on else "was_quiet"
            value = float(outcome == "went_on")
        else:
            until_ms = window_of(expect, on)[1]
            begun = [a for a, _ in spans if on.t0 + EARLY_MS < a <= until_ms]
            intruded = [a for a in begun if not is_asked_for(episode, a)]
            outcome = "answered_it" if intruded else "let_pass"
            value = float(not intruded)
        detail = {
            "on": expect.id,
            "was_quiet": not is_on,
            "kept_talking": outcome == "kept_talking",
        }
        for name in ("overlap", f"overlap_{scenario}"):
            found.append(
                make(episode, name, value, outcome, timed(trace, RULE), latency_ms=latency_ms,
                     detail=detail)
            )  # fmt: skip
    return found


def yielding(episode: Episode, trace: Trace, on: Segment, until_ms: int) -> tuple[str, int | None]:
    """What an agent does that is spoken into, and how long after the onset it is silent."""
    spans = sounding(trace)
    is_on = any(a < on.t0 < b for a, b in spans)
    ends = [b for a, b in spans if a < on.t1 - EARLY_MS and b > on.t0]
    stop_ms = max(ends) - on.t0 if is_on else None
    if stop_ms is not None and stop_ms > max(YIELD_MS, on.t1 - on.t0):
        return "kept_talking", None
    is_answered = reply_onset(episode, trace, on, until_ms) is not None
    if stop_ms is None:
        return "stopped_and_answered" if is_answered else "no_response", None
    return "stopped_and_answered" if is_answered else "stopped", stop_ms


def going_on(spans: list[Span], on: Segment) -> str:
    """Whether an agent that speaks when an event begins speaks on after it."""
    after_ms = on.t1 + GOES_ON_MS
    return "went_on" if any(a <= after_ms + 700 and b >= after_ms for a, b in spans) else "stopped"


def silences(episode: Episode, trace: Trace) -> list[Score]:
    """Silence where it is wanted; what fills a slot or answers a turn there is let be."""
    found: list[Score] = []
    for expect in episode.wanted("silent"):
        start, end = expect.window or (0, 0)
        inside = [(a, b) for a, b in sounding(trace) if a < end and b > start]
        broken = [a for a, _ in inside if not is_asked_for(episode, a)]
        outcome = "spoke" if broken else "silent"
        detail = {"on": expect.id}
        found.append(
            make(episode, "silence", float(not broken), outcome, timed(trace), detail=detail)
        )
    return found


# ---- words


def errors_score(episode: Episode, metric: str, said: str, wanted: str, grader: str) -> list[Score]:
    """Word errors; the detail has the counts, for a rate over all words of many episodes."""
    errors, words = word_errors(said, wanted)
    if not words:
        return []
    outcome = "right" if errors == 0 else "wrong" if said else "no_response"
    detail = {"errors": errors, "words": words, "said": said, "wanted": wanted}
    return [make(episode, metric, errors / words, outcome, grader, detail=detail)]


def heard(episode: Episode, trace: Trace) -> list[Score]:
    """Word errors of the transcript, where the system writes one."""
    pieces = [tick.heard for tick in trace.ticks if tick.heard is not None]
    if not pieces:
        return []
    spoken = sorted(
        (s for s in episode.segments if s.role == "user" and s.words), key=lambda s: s.t0
    )
    wanted = " ".join(s.text or "" for s in spoken)
    return errors_score(episode, "heard", " ".join("".join(pieces).split()), wanted, RULE)


def said(episode: Episode, trace: Trace) -> list[Score]:
    """Word errors of what is read aloud, by the system's own text."""
    lines = episode.wanted("say")
    ends = [e.window[0] for e in lines[1:] if e.window] + [episode.end_ms + 1]
    found: list[Score] = []
    for expect, end_ms in zip(lines, ends, strict=True):
        text = text_between(trace, (expect.window or (0, 0))[0], end_ms)
        found += errors_score(episode, "said", text, str(expect.accept[0]), timed(trace, RULE))
    return found


def filled(episode: Episode, trace: Trace) -> list[Score]:
    """Whether the episode's moments were all met (`slots`), and the share that was (`filled`)."""
    found = slot_scores(episode, trace)
    for score in list(found):
        errors = score.detail["errors_ms"]
        share = score.detail["filled"] / score.detail["slots"]
        latency_ms = round(sum(errors) / len(errors)) if errors else None
        found.append(
            make(episode, "filled", share, score.outcome, score.grader, latency_ms=latency_ms)
        )
    return found


def written(episode: Episode, trace: Trace) -> list[Score]:
    """Answers in writing: the words are there, and nothing sounds."""
    found: list[Score] = []
    for expect in episode.wanted("write"):
        start, end = expect.window or (0, 0)
        text = written_text(trace, start, end)
        is_there = any(contains(text, str(form)) for form in expect.accept)
        sounds = any(start < a <= end for a, _ in sounding(trace))
        outcome = (
            "spoken" if sounds else "right" if is_there else "wrong" if text else "no_response"
        )
        detail = {"on": expect.id, "said": text, "wanted": str(expect.accept[0])}
        value = float(is_there and not sounds)
        found.append(make(episode, "written", value, outcome, timed(trace, RULE), detail=detail))
    return found


def handing_over(episode: Episode, trace: Trace) -> list[Score]:
    """`handed`: something was handed over in time. `query`: word for word what was wanted.
    `pass_at_1`: all of it in the episode, and nothing else; one score an episode."""
    wanted = episode.wanted("delegate")
    given = [(t.in_ms[0], t.delegate) for t in trace.ticks if t.delegate is not None]
    found: list[Score] = []
    num_inside, all_right = 0, True
    for expect in wanted:
        start, end = expect.window or (0, 0)
        inside = [
            text for at_ms, text in given
            if start - HANDS_OVER_MS <= at_ms <= end + HANDS_OVER_MS
        ]  # fmt: skip
        num_inside += len(inside)
        text = " ".join("".join(inside).split())
        is_right = bool(inside) and word_errors(text, str((*expect.accept, "")[0]))[0] == 0
        all_right = all_right and is_right
        detail = {"on": expect.id, "said": text, "wanted": str((*expect.accept, "")[0])}
        outcome = "handed_over" if inside else "no_response"
        found.append(make(episode, "handed", float(bool(inside)), outcome, "exact", detail=detail))
        outcome = "right" if is_right else "wrong" if inside else "no_response"
        found.append(make(episode, "query", float(is_right), outcome, "exact", detail=detail))
    if episode.raw.get("group") == "tools":
        is_passed = all_right and num_inside == len(given)
        outcome = "passed" if is_passed else "failed"
        found.append(make(episode, "pass_at_1", float(is_passed), outcome, "exact"))
    return found


def followed(episode: Episode, scores: list[Score]) -> list[Score]:
    """Whether everything in an episode was as the instructions want it."""
    parts = [s for s in scores if s.metric in ("response", "right", "silence", "written")]
    if not parts:
        return []
    is_right = all(score.value == 1 for score in parts)
    grader = next((s.grader for s in parts if s.grader.startswith("rule")), RULE)
    return [
        make(episode, "followed", float(is_right), "followed" if is_right else "broken", grader)
    ]


FUNCTIONS: tuple[Callable[[Episode, Trace], list[Score]], ...] = (
    replies,
    pause_handling,
    overlaps,
    filled,
    silences,
    written,
    handing_over,
    count_scores,
    interval_scores,
    proactive_scores,
    refusal_scores,
    unasked,
    heard,
)


def score_talk(episode: Episode, trace: Trace) -> list[Score]:
    """All scores of one synthetic episode."""
    found = [score for function in FUNCTIONS for score in function(episode, trace)]
    group = episode.raw.get("group") if isinstance(episode.raw, dict) else ""
    if group == "saying":
        found += said(episode, trace)
    if group == "instructions":
        found += followed(episode, found)
    return found
