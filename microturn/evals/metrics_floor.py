"""Metrics of who has the floor: from an episode's expectations and a trace to scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from microturn.evals.backchannel import backchannels, timing_divergence
from microturn.evals.bootstrap import Row, aggregate, one_of
from microturn.evals.episode import Episode, Expect, Segment, Span, Word
from microturn.evals.interfaces import Need
from microturn.evals.overlap import APPROPRIATE, Tag, classify, v1_5_score
from microturn.evals.panel import Kind, Panel
from microturn.evals.record import Score, Trace
from microturn.evals.timing import (
    YIELD_MS,
    response_latency_ms,
    signed_latency_ms,
    stop_latency_ms,
    stopping,
    takeover,
    words_from,
    words_until,
)

RESPONSE_MS = 5000  # where an expectation names no window
RULE = "rule:v1"
SCENARIOS = {
    "speech": "user_interruption",
    "instruction": "user_interruption",
    "backchannel": "user_backchannel",
    "aside": "talking_to_other",
    "background": "background_speech",
    "noise": "background_speech",
}
PANEL_KINDS: dict[str, Kind] = {
    "backchannel": "backchannel",
    "aside": "non_directed",
    "background": "non_directed",
    "noise": "tic",
}


@dataclass(frozen=True)
class FunctionMetric:
    """A `Metric` made of a function; its scores make one row for each name among them."""

    name: str
    needs: frozenset[Need]
    function: Callable[[Episode, Trace], list[Score]]

    def score(self, episode: Episode, trace: Trace) -> list[Score]:
        return self.function(episode, trace)

    def aggregate(self, scores: Sequence[Score]) -> list[Row]:
        """Rows in order of first appearance. Raises ValueError where graders mix in one."""
        names = dict.fromkeys(score.metric for score in scores)
        return [aggregate([s for s in scores if s.metric == name]) for name in names]


def timed(trace: Trace, kind: str = "exact") -> str:
    """The grader of a score that rests on the trace's times."""
    return f"{kind};vad={trace.vad}" if trace.vad else kind


def user_speech(episode: Episode) -> list[Segment]:
    """The user's turns and instructions, in order."""
    found = [
        s for s in episode.segments if s.role == "user" and s.kind in ("speech", "instruction")
    ]
    return sorted(found, key=lambda s: s.t0)


def speaks_at(trace: Trace, time_ms: int) -> bool:
    """Whether the agent is heard at that time."""
    return any(start < time_ms < end for start, end in trace.spans)


def next_turn_ms(episode: Episode, after_ms: int) -> int:
    """When the user's next turn begins, or the episode ends."""
    later = [s.t0 for s in user_speech(episode) if s.t0 >= after_ms]
    return min([*later, episode.end_ms])


def turn_taking(episode: Episode, trace: Trace) -> list[Score]:
    """Takeover and signed latency after each user turn that wants an answer."""
    scores: list[Score] = []
    for expect in episode.wanted("respond"):
        on = episode.segment(expect.on or "")
        window = expect.window or (on.t1, on.t1 + RESPONSE_MS)
        words = words_until(words_from(trace.words, on.t0), next_turn_ms(episode, on.t1))
        scores.append(_turn_score(episode, trace, expect, words, window))
    return scores


def _turn_score(
    episode: Episode, trace: Trace, expect: Expect, words: list[Word], window: Span
) -> Score:
    signed_ms = signed_latency_ms(words, window[0])
    is_in_time = signed_ms is not None and words[0][1] <= window[1]
    censored = not is_in_time and episode.end_ms < window[1]
    detail = {"on": expect.on, "kept_talking": speaks_at(trace, window[0])}
    if not is_in_time:
        outcome = "censored" if censored else "no_response"
        value = None if censored else 0.0
        grader = timed(trace)
        return Score(
            episode.id, "turn_taking", value, outcome, grader, censored=censored, detail=detail
        )
    outcome = "cut_in" if signed_ms is not None and signed_ms < 0 else "responded"
    return Score(
        episode.id, "turn_taking", 1.0, outcome, timed(trace), latency_ms=signed_ms, detail=detail
    )


def pause_handling(episode: Episode, trace: Trace) -> list[Score]:
    """Takeover (lower is better) before the end of a turn that has a pause in it."""
    scores: list[Score] = []
    for expect in episode.wanted("wait"):
        pause = episode.segment(expect.on or "")
        turns = user_speech(episode)
        begun = [s.t0 for s in turns if s.t0 <= pause.t0]
        ends = [s.t1 for s in turns if s.t1 > pause.t1]
        from_ms = begun[-1] if begun else 0
        until_ms = ends[0] if ends else episode.duration_ms
        taken = takeover(words_until(words_from(trace.words, from_ms), until_ms))
        detail = {
            "on": expect.on,
            "whole_output": takeover(trace.words),
            "kept_talking": speaks_at(trace, pause.t0),
        }
        outcome = "took_over" if taken else "waited"
        scores.append(
            Score(episode.id, "pause_takeover", taken, outcome, timed(trace), detail=detail)
        )
    return scores


def interruption(episode: Episode, trace: Trace) -> list[Score]:
    """Stopping, stop latency, official takeover and response latency at each interruption."""
    scores: list[Score] = []
    user = [(s.t0, s.t1) for s in user_speech(episode)]
    for expect in episode.wanted("yield_then_respond"):
        on = episode.segment(expect.on or "")
        stop = stopping((on.t0, on.t1), trace.spans, episode.end_ms, YIELD_MS)
        kept = stop.outcome == "kept_talking"
        detail = {"on": expect.on, "kept_talking": kept}
        overlap_ms = stop_latency_ms((on.t0, on.t1), user, trace.spans)
        value = {"stopped": 1.0, "kept_talking": 0.0}.get(stop.outcome)
        grader, is_open = timed(trace), stop.outcome == "censored"
        seen = detail | {"overlap_ms": overlap_ms}
        scores.append(
            Score(episode.id, "yield", value, stop.outcome, grader, stop.latency_ms, is_open, seen)
        )
        words = words_until(words_from(trace.words, on.t1), next_turn_ms(episode, on.t1))
        taken = takeover(words)
        answer_ms = response_latency_ms(on.t1, trace.spans)
        outcome = "responded" if taken else "no_response"
        new_turn = detail | {"new_turn_ms": answer_ms}
        window_end = expect.window[1] if expect.window else on.t1 + RESPONSE_MS
        cut_off = not taken and episode.end_ms < window_end
        scores.append(
            Score(
                episode.id,
                "interruption_takeover",
                None if cut_off else taken,
                "censored" if cut_off else outcome,
                grader,
                words[0][1] - on.t1 if taken else None,
                cut_off,
                new_turn,
            )
        )
    return scores


def overlap_behaviour(episode: Episode, trace: Trace) -> list[Score]:
    """The V1.5 tag of each overlap event, by rule; value 1 where it is the appropriate one."""
    scores: list[Score] = []
    for expect in episode.wanted("yield_then_respond", "continue", "ignore"):
        on = episode.segment(expect.on or "")
        scenario = SCENARIOS[on.kind]
        window_end = expect.window[1] if expect.window else on.t1 + RESPONSE_MS
        found = classify((on.t0, on.t1), on.text or "", trace.utterances, window_end)
        value = float(found.tag == APPROPRIATE[scenario])
        detail = {"on": expect.on, "was_quiet": found.was_quiet, "scenario": scenario}
        grader = timed(trace, RULE)
        name = f"overlap_{scenario}"
        scores.append(Score(episode.id, name, value, found.tag, grader, detail=detail))
    return scores


def v1_5(scores: Sequence[Score]) -> float:
    """The V1.5 score of overlap scores of one grader. Raises ValueError where graders mix."""
    overlaps = [score for score in scores if score.metric.startswith("overlap_")]
    one_of(overlaps, "grader")
    scenarios: dict[str, list[Tag]] = {}
    for score in overlaps:
        tag: Any = score.outcome
        scenarios.setdefault(str(score.detail["scenario"]), []).append(tag)
    return v1_5_score(scenarios)


def backchannel_scores(
    episode: Episode, trace: Trace, reference: Sequence[float] | None
) -> list[Score]:
    """The agent's own backchannels: takeover, frequency, and times against a reference."""
    found = backchannels(trace.spans, trace.words, episode.duration_ms)
    grader = timed(trace)
    outcome = "took_over" if found.takeover else "listened"
    rows: list[tuple[str, float]] = [
        ("backchannel_takeover", found.takeover),
        ("backchannel_frequency", found.frequency_hz),
    ]
    if reference is not None:
        divergence = timing_divergence(found.segments, episode.duration_ms, reference)
        rows.append(("backchannel_jsd", divergence))
    return [Score(episode.id, name, value, outcome, grader) for name, value in rows]


def panel(pairs: Iterable[tuple[Episode, Trace]]) -> Panel:
    """The tau-Voice panel over episodes and their traces."""
    counts = Panel()
    for episode, trace in pairs:
        for expect in episode.expect:
            if expect.on is None:
                continue
            on = episode.segment(expect.on)
            kind: Kind | None = PANEL_KINDS.get(on.kind)
            if expect.do in ("respond", "yield_then_respond"):
                kind = "turn" if expect.do == "respond" else "interruption"
            if kind is not None:
                counts.add(kind, (on.t0, on.t1), trace.spans, episode.end_ms)
    return counts
