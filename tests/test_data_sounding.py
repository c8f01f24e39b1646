"""Which piece sounds in which heard frame, and is said in which slot."""

from __future__ import annotations

import numpy as np
import pytest

from microturn.data.sounding import FRAME_LAG_MS, FRAME_MS, SLOT_MS
from microturn.turns import MICRO_TURN_MS, NUM_SLOTS
from tests.test_data_render import conversation, rendered
from tests.tones import shipped_text, tone_bank


@pytest.mark.parametrize("seed", range(3))
def test_each_heard_frame_has_the_piece_that_sounds_before_its_end(seed):
    timeline, text, bank = conversation(seed), shipped_text(), tone_bank()
    ids = rendered(timeline).frame_ids
    assert len(ids) == timeline.duration_ms // FRAME_MS
    spoken = np.zeros(len(ids), dtype=bool)
    for event in timeline.events:
        if event.side != "user":
            continue
        for word in bank.utterance(event.clip).words:
            first = (event.onset_ms + word.start_ms + FRAME_LAG_MS) // FRAME_MS
            last = (event.onset_ms + word.end_ms + FRAME_LAG_MS) // FRAME_MS
            assert first < last
            assert set(ids[first : last - 2]) <= set(text.encode(word.text)), word
            spoken[first:last] = True
    assert spoken.any() and (ids[~spoken] == text.markers.pad).all()


@pytest.mark.parametrize("seed", range(3))
def test_each_slot_has_the_piece_that_its_sound_belongs_to(seed):
    timeline, text, bank = conversation(seed), shipped_text(), tone_bank()
    episode = rendered(timeline)
    ids = episode.slot_ids
    assert ids.shape == (len(episode.turns), NUM_SLOTS)
    flat, spoken = ids.flatten(), np.zeros(ids.size, dtype=bool)
    for event in timeline.events:
        if event.side != "own":
            continue
        for word in bank.utterance(event.clip).words:
            start_ms = event.onset_ms + word.start_ms - MICRO_TURN_MS  # generated one turn before
            end_ms = min(event.onset_ms + word.end_ms, event.audible_end_ms) - MICRO_TURN_MS
            first, last = -(-start_ms // SLOT_MS), end_ms // SLOT_MS
            spoken[max(0, first - 1) : max(0, last + 1)] = True
            if last - first > 4:  # whole slots inside of the word, without its edges
                assert set(flat[first : last - 2]) <= set(text.encode(word.text)), word
    assert spoken.any() and (flat[~spoken] == text.markers.pad).all()
    assert (flat[spoken] != text.markers.pad).mean() > 0.5  # control: words are there
    speaks = np.array([decision.speaks for _, decision in episode.turns])
    assert (ids[~speaks] == text.markers.pad).all()
