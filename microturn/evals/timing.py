"""When a system takes the floor, and when it leaves it: pure functions of words and spans.

Words are (text, onset, end), spans (start, end), all in milliseconds and in time order. Written
from the published definitions of Full-Duplex-Bench V1 and V1.5 (docs/evals.md); no code of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from microturn.evals.episode import Span, Word
from microturn.evals.utterances import MERGE_GAP_MS, merge

SHORT_MS = 1000  # speech shorter than this, of few words, takes no turn
FEW_WORDS = 3
USER_GAP_MS = 600  # user speech with smaller gaps is one segment
YIELD_MS = 2000  # an agent that speaks on for longer did not yield


def takeover(words: Sequence[Word]) -> int:
    """1 where the words take the turn: a second or longer, or more than three of them."""
    if not words:
        return 0
    span_ms = words[-1][2] - words[0][1]
    return 0 if span_ms < SHORT_MS and len(words) <= FEW_WORDS else 1


def words_from(words: Sequence[Word], start_ms: int) -> list[Word]:
    """What is heard from `start_ms` on; a word that is under way begins there."""
    return [(text, max(a, start_ms), b) for text, a, b in words if b > start_ms]


def words_until(words: Sequence[Word], end_ms: int) -> list[Word]:
    """What is heard before `end_ms`."""
    return [(text, a, min(b, end_ms)) for text, a, b in words if a < end_ms]


def signed_latency_ms(words: Sequence[Word], marker_ms: int) -> int | None:
    """First word minus marker; negative is a cut-in. None where the turn is not taken."""
    return words[0][1] - marker_ms if takeover(words) else None


def turn_latency_ms(words: Sequence[Word], marker_ms: int) -> int | None:
    """The latency as published: never below zero."""
    signed_ms = signed_latency_ms(words, marker_ms)
    return None if signed_ms is None else max(0, signed_ms)


def interruption_latency_ms(words: Sequence[Word], end_ms: int) -> int | None:
    """The same from the interruption's end, on what is heard after it.

    A system that never stops has a latency of 0: report `kept_talking` beside it.
    """
    return turn_latency_ms(words_from(words, end_ms), end_ms)


def cut_in_rate(signed_ms: Sequence[int]) -> float:
    """Share of takeovers that began before the user was done."""
    return sum(latency < 0 for latency in signed_ms) / len(signed_ms) if signed_ms else 0.0


# ---- overlap


def overlaps(user: Sequence[Span], model: Sequence[Span]) -> list[Span]:
    """Overlap intervals of merged segments; of those with one end the shortest."""
    shortest: dict[int, int] = {}
    for user_start, user_end in merge(user, USER_GAP_MS):
        for model_start, model_end in merge(model, MERGE_GAP_MS):
            start, end = max(user_start, model_start), min(user_end, model_end)
            if start < end:
                shortest[end] = max(start, shortest.get(end, start))
    return sorted((start, end) for end, start in shortest.items())


def responses(user: Sequence[Span], model: Sequence[Span]) -> list[Span]:
    """(user end, next model start strictly after it); of one model start the latest user end."""
    latest: dict[int, int] = {}
    starts = [start for start, _ in merge(model, MERGE_GAP_MS)]
    for _, end in merge(user, USER_GAP_MS):
        following = [start for start in starts if start > end]
        if following:
            latest[following[0]] = max(end, latest.get(following[0], end))
    return sorted((end, start) for start, end in latest.items())


Stop = Literal["stopped", "kept_talking", "was_quiet", "censored"]


@dataclass(frozen=True)
class Stopping:
    """What the agent's speech did when the user came in. `latency_ms` from the event's start."""

    outcome: Stop
    latency_ms: int | None = None


def stopping(event: Span, model: Sequence[Span], end_ms: int, limit_ms: int = YIELD_MS) -> Stopping:
    """Whether the agent, speaking when the event began, fell silent within `limit_ms`.

    An agent that still speaks at the end of the episode did not stop; where the episode ends
    before `limit_ms` are over, that is censored.
    """
    for start, end in merge(model, MERGE_GAP_MS):
        if start < event[0] < end:
            latency_ms = end - event[0]
            if latency_ms <= limit_ms and end < end_ms:
                return Stopping("stopped", latency_ms)
            is_cut_off = end >= end_ms and latency_ms < limit_ms
            return Stopping("censored") if is_cut_off else Stopping("kept_talking")
    return Stopping("was_quiet")


def stop_latency_ms(event: Span, user: Sequence[Span], model: Sequence[Span]) -> int | None:
    """Length of the overlap interval at an annotated event, as published; None: no overlap."""
    inside = [(a, b) for a, b in overlaps(user, model) if a < event[1] and b > event[0]]
    return inside[0][1] - inside[0][0] if inside else None


def response_latency_ms(event_end_ms: int, model: Sequence[Span]) -> int | None:
    """From the end of a user event to the next start of the model, strictly after it."""
    found = responses([(0, event_end_ms)], model)
    return found[0][1] - found[0][0] if found else None
