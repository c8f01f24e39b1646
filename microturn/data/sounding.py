"""Which text piece sounds when: in what the model hears, and in what it says. Only training looks
at it (`train/auxiliary.py`).

Legend: T micro-turns, A frames of 50 ms, K slots.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from microturn.data.bank import Bank, Utterance, Word
from microturn.data.timeline import Timeline, utterance_of
from microturn.sequence import NO_TARGET
from microturn.signal.text import Text
from microturn.turns import AUDIO_FRAMES, MICRO_TURN_MS, NUM_SLOTS

FRAME_MS = MICRO_TURN_MS // AUDIO_FRAMES
FRAME_LAG_MS = 200  # a frame's piece is the one that sounds so long before the frame's end
SLOT_MS = MICRO_TURN_MS // NUM_SLOTS
SOUND_LEVEL = 0.03  # of the clip's peak: what is quieter is no part of a word
IdArray = npt.NDArray[np.int64]


def pieces_in_time(word: Word, text: Text) -> list[tuple[int, float, float]]:
    """Pieces of a word, their start and their end in ms, spread over the word by letters."""
    ids = text.encode(word.text)
    lengths = [max(1, len(text.decode([i]).strip())) for i in ids]
    per_letter_ms = (word.end_ms - word.start_ms) / sum(lengths)
    edges_ms = [word.start_ms + per_letter_ms * done for done in accumulate(lengths, initial=0)]
    return list(zip(ids, edges_ms, edges_ms[1:], strict=False))


def while_it_sounds(word: Word, utterance: Utterance) -> Word:
    """A word without the pause after it: engines count a pause to the last sound before it."""
    per_ms = utterance.clip.rate_hz // 1000
    level = np.abs(utterance.audio[word.start_ms * per_ms : word.end_ms * per_ms])
    loud = np.flatnonzero(level > SOUND_LEVEL * float(np.abs(utterance.audio).max(initial=0.0)))
    if len(loud) == 0:
        return word
    return replace(word, end_ms=word.start_ms + -(-int(loud[-1]) // per_ms))


def mark(ids: IdArray, start_ms: float, end_ms: float, value: int, lag_ms: float) -> None:
    """Write what sounds from start to end into its frames (of 50 ms), in place."""
    first, last = (int((ms + lag_ms) // FRAME_MS) for ms in (start_ms, end_ms))
    ids[max(0, first) : max(0, last)] = value


def heard_frames(timeline: Timeline, bank: Bank, text: Text) -> IdArray:
    """The piece that is being said to the model in each heard frame, [T x A]: spread over its word
    by letters; pad where nobody speaks, NO_TARGET where it is not for writing."""
    ids = np.full(timeline.duration_ms // FRAME_MS, text.markers.pad, dtype=np.int64)
    for event in timeline.events:
        if event.side != "own" and not event.is_written:
            mark(ids, event.onset_ms, event.audible_end_ms, NO_TARGET, FRAME_LAG_MS)
    for event in timeline.events:
        if event.side == "own" or not event.is_written:
            continue
        utterance = utterance_of(event, bank)
        for word in utterance.words:
            if event.onset_ms + word.end_ms > event.audible_end_ms:
                break
            for token_id, start_ms, end_ms in pieces_in_time(
                while_it_sounds(word, utterance), text
            ):
                start_ms, end_ms = event.onset_ms + start_ms, event.onset_ms + end_ms
                mark(ids, start_ms, end_ms, token_id, FRAME_LAG_MS)
    return ids


def said_slots(timeline: Timeline, bank: Bank, text: Text) -> IdArray:
    """The piece that the model says in each slot of what a micro-turn generates, [T, K]; pad where
    it says none. Micro-turn i generates what sounds in interval i + 1."""
    num_turns = timeline.duration_ms // MICRO_TURN_MS
    ids = np.full((num_turns + 1) * NUM_SLOTS, text.markers.pad, dtype=np.int64)
    for event in timeline.events:
        if event.side != "own":
            continue
        utterance = utterance_of(event, bank)
        for word in utterance.words:
            for token_id, start_ms, end_ms in pieces_in_time(
                while_it_sounds(word, utterance), text
            ):
                end_ms = min(event.onset_ms + end_ms, event.audible_end_ms)
                mark(ids, event.onset_ms + start_ms, end_ms, token_id, SLOT_MS / 2)
    return ids[NUM_SLOTS:].reshape(num_turns, NUM_SLOTS)
