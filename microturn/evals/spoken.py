"""What was said, and when, finer than utterances: a reply that follows half a second after what was
cut off is a reply of its own.

Utterances close gaps up to 0.5 s, as published. Spans here close gaps up to 0.15 s only.
"""

from __future__ import annotations

from microturn.evals.episode import Episode, Segment, Span
from microturn.evals.metrics_floor import next_turn_ms
from microturn.evals.overlap import EMPTY
from microturn.evals.record import Trace
from microturn.evals.text_rules import answer_words
from microturn.evals.timeline import play_times
from microturn.evals.utterances import merge

GAP_MS = 150
EARLY_MS = 200  # a reply that begins this long before the end of a turn has not cut it off
ALL_OF = 4  # content words of an answer that must all be there; of more, half
STOPPING_MS = 500  # words of a reply that is spoken into still belong to it
LEAD_MS = 200  # words may be written this long before their sound


def sounding(trace: Trace) -> list[Span]:
    """When the system is heard: from its ticks, else from its utterances."""
    if not trace.ticks:
        return list(trace.spans)
    plays_ms = play_times(trace.ticks, trace.system)
    spans = [
        (play_ms + tick.voiced_ms[0], play_ms + tick.voiced_ms[1])
        for tick, play_ms in zip(trace.ticks, plays_ms, strict=True)
        if tick.voiced_ms is not None
    ]
    return merge(spans, GAP_MS)


def onset_after(spans: list[Span], after_ms: int, until_ms: int) -> int | None:
    """The first onset in a stretch of time, or None."""
    return next((start for start, _ in spans if after_ms <= start <= until_ms), None)


def reply_onset(episode: Episode, trace: Trace, on: Segment, until_ms: int) -> int | None:
    """When the reply to a segment begins; negative distances to its end are cut-ins.

    What begins in the middle of a turn and is over before its end is no reply.
    """
    limit_ms = min(until_ms, next_turn_ms(episode, on.t1 + 1))
    spans = sounding(trace)
    late = onset_after(spans, max(on.t0 + 1, on.t1 - EARLY_MS), limit_ms)
    cuts = [a for a, b in spans if on.t0 < a < on.t1 - EARLY_MS and b > on.t1]
    return cuts[0] if cuts else late


def text_between(trace: Trace, start_ms: int, end_ms: int) -> str:
    """The words that begin in a stretch of time."""
    return " ".join(text for text, onset, _ in trace.words if start_ms <= onset < end_ms).strip()


def reply_text(episode: Episode, trace: Trace, on: Segment, until_ms: int) -> str:
    """What is said from the reply to a segment on, until the user takes the next turn."""
    onset_ms = reply_onset(episode, trace, on, until_ms)
    if onset_ms is None:
        return ""
    end_ms = max(next_turn_ms(episode, on.t1 + 1), onset_ms + 1)
    if any(a < end_ms < b for a, b in sounding(trace)):
        end_ms += STOPPING_MS
    return text_between(trace, onset_ms - LEAD_MS, end_ms)


def written_text(trace: Trace, start_ms: int, end_ms: int) -> str:
    """All text of the ticks of a stretch of time, with or without sound."""
    found = [tick.text for tick in trace.ticks if start_ms <= tick.in_ms[0] < end_ms]
    return " ".join("".join(found).split())


def content_words(text: str) -> set[str]:
    """Words that say what a text is about."""
    return {word for word in answer_words(text) if word not in EMPTY}


def says(text: str, form: str, question: str = "") -> bool:
    """Whether a reply holds what an answer is about: the content words of the form that are not in
    the question; all of up to four, half of more."""
    wanted = content_words(form) - content_words(question)
    wanted = wanted or content_words(form) or set(answer_words(form))
    hits = len(wanted & set(answer_words(text)))
    return hits == len(wanted) if len(wanted) <= ALL_OF else 2 * hits >= len(wanted)
