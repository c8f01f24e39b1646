"""Utterances of a system: cut from its output waveform, each with the text that plays in it.

The sound decides when something was said, never the tick in which it was decided; text that no
sound carries belongs to no utterance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from microturn.evals.episode import Span, Word
from microturn.evals.record import Tick, Utterance, WordSource
from microturn.evals.vad import Vad
from microturn.turns import FloatArray

MERGE_GAP_MS = 500
VOICED = 1e-3  # a sample above -60 dB of full scale is sound
LOOK_BACK_MS = 100  # a detector may notice an onset late by as much
LEAD_MS = 400  # text may be written this much before its sound begins


def merge(spans: Sequence[Span], gap_ms: int) -> list[Span]:
    """Join spans whose gap is at most `gap_ms`."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start - merged[-1][1] <= gap_ms:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def to_voiced(audio: FloatArray, rate_hz: int, spans: Sequence[Span]) -> list[Span]:
    """Move each span's ends to its first and last voiced sample (ms, rounded down and up)."""
    moved: list[Span] = []
    for start, end in spans:
        floor = moved[-1][1] if moved else 0
        first = max(floor, start - LOOK_BACK_MS) * rate_hz // 1000
        part = np.flatnonzero(np.abs(audio[first : end * rate_hz // 1000]) > VOICED)
        if len(part):
            onset_ms = (first + int(part[0])) * 1000 // rate_hz
            end_ms = -(-(first + int(part[-1]) + 1) * 1000 // rate_hz)
            moved.append((max(floor, onset_ms), end_ms))
    return moved


def voiced_span(audio: FloatArray, rate_hz: int) -> Span | None:
    """First and last sound of a tick's output in ms, or None."""
    voiced = np.flatnonzero(np.abs(audio) > VOICED)
    if not len(voiced):
        return None
    return int(voiced[0]) * 1000 // rate_hz, -(-(int(voiced[-1]) + 1) * 1000 // rate_hz)


def utterances(
    audio: FloatArray,
    rate_hz: int,
    vad: Vad,
    ticks: Sequence[Tick] = (),
    plays_ms: Sequence[int] = (),
    words: Sequence[Word] = (),
) -> tuple[Utterance, ...]:
    """Cut a waveform into utterances and give each its words.

    plays_ms: when each tick's output begins to play (timeline.play_times). words: of a recogniser,
    where there are no ticks. Without either the utterances have times only (`word_source` vad).
    """
    spans = merge(to_voiced(audio, rate_hz, vad(audio, rate_hz)), MERGE_GAP_MS)
    found = [Utterance(f"a{i}", a, b, word_source="vad") for i, (a, b) in enumerate(spans)]
    if words:
        return tuple(_with_words(found, words, "asr"))
    timed, texts = _timed_words(found, ticks, plays_ms)
    placed = _with_words(found, timed, "model_text")
    return tuple(replace(u, text=texts[u.id]) if texts.get(u.id) else u for u in placed)


def _with_words(
    found: Sequence[Utterance], words: Sequence[Word], source: WordSource
) -> list[Utterance]:
    """Give each word to the utterance it overlaps most, cut to it; a word without sound is lost.

    What a model wrote has no sound of its own to time it by, so its first word begins with the
    utterance; a recogniser's words keep their times.
    """
    given: dict[str, list[Word]] = {u.id: [] for u in found}
    for text, start, end in words:
        home = _home(found, start, max(end, start + 1))
        if home is not None:
            inside = (text, min(max(start, home.t0), home.t1), min(max(end, home.t0), home.t1))
            given[home.id].append(inside)
    if source == "model_text":
        for u in found:
            given[u.id].sort(key=lambda word: word[1])
            given[u.id][:1] = [(text, u.t0, end) for text, _, end in given[u.id][:1]]
    return [
        replace(
            u,
            words=tuple(sorted(given[u.id], key=lambda word: word[1])),
            text=" ".join(word[0] for word in given[u.id]),
            word_source=source,
        )
        if given[u.id]
        else u
        for u in found
    ]


def _home(found: Sequence[Utterance], start: int, end: int) -> Utterance | None:
    """The utterance that a stretch of time overlaps most, or None."""
    best = max(found, key=lambda u: min(u.t1, end) - max(u.t0, start), default=None)
    return best if best is not None and min(best.t1, end) > max(best.t0, start) else None


def _timed_words(
    found: Sequence[Utterance], ticks: Sequence[Tick], plays_ms: Sequence[int]
) -> tuple[list[Word], dict[str, str]]:
    """Words of the ticks' text, spread evenly over the sound of each tick, and the plain texts."""
    texts: dict[str, str] = {}
    letters: dict[str, list[Span]] = {}
    timed: list[Word] = []
    for tick, play_ms in zip(ticks, plays_ms, strict=True):
        timed += tick.words
        if not tick.text:
            continue
        end_ms = play_ms + tick.in_ms[1] - tick.in_ms[0]
        home = _home(found, play_ms, end_ms) or _home(found, play_ms, end_ms + LEAD_MS)
        if home is None:
            continue
        texts[home.id] = texts.get(home.id, "") + tick.text
        start = min(max(play_ms, home.t0), home.t1)
        length = max(0, min(end_ms, home.t1) - start)
        num = len(tick.text)
        times = [(start + length * k // num, start + length * (k + 1) // num) for k in range(num)]
        letters.setdefault(home.id, []).extend(times)
    if timed:
        return timed, {}
    for id, text in texts.items():
        for match in re.finditer(r"\S+", text):
            times = letters[id]
            timed.append((match[0], times[match.start()][0], times[match.end() - 1][1]))
    return timed, {id: text.strip() for id, text in texts.items()}
