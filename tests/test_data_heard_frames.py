"""Which piece sounds in which heard frame (`heard_frames` of render.py)."""

from __future__ import annotations

import numpy as np
import pytest

from microturn.data.render import FRAME_LAG_MS, FRAME_MS
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
