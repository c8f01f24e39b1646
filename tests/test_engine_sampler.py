"""Decisions and their random numbers."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch

from microturn.engine.sampler import SamplingConfig, choose, forbidden_mask, generator, p_speak
from microturn.sequence import Markers

MARKERS = Markers(*range(len(fields(Markers))))
VOCAB = 32


def test_noise_depends_on_seed_index_and_purpose_alone():
    def draw(*key):
        return torch.randn(4, generator=generator(*key))

    assert torch.equal(draw(1, 2, "flow"), draw(1, 2, "flow"))
    for other in ((2, 2, "flow"), (1, 3, "flow"), (1, 2, "text")):
        assert not torch.equal(draw(1, 2, "flow"), draw(*other))


def test_typed_message_markers_are_never_written():
    logits = torch.zeros(VOCAB)
    for token_id in (MARKERS.pad, MARKERS.message_user, MARKERS.end_message):
        logits[token_id] = 100.0
    logits[MARKERS.heard] = 1.0
    rng = generator(0, 0, "text")
    chosen = choose(logits, forbidden_mask(VOCAB, MARKERS), MARKERS, SamplingConfig(), rng, False)
    assert chosen == MARKERS.heard


def test_only_the_floor_is_left_when_the_text_is_full():
    logits = torch.zeros(VOCAB)
    logits[20] = 50.0
    logits[MARKERS.speak] = 0.1
    mask, rng = forbidden_mask(VOCAB, MARKERS), generator(0, 0, "text")
    assert choose(logits, mask, MARKERS, SamplingConfig(), rng, True) == MARKERS.speak
    reserved = SamplingConfig(eagerness=-1.0)
    assert choose(logits, mask, MARKERS, reserved, rng, True) == MARKERS.silent


def test_eagerness_moves_p_speak():
    logits = torch.zeros(VOCAB)
    assert p_speak(logits, MARKERS) == 0.5
    assert p_speak(logits, MARKERS, -2.0) < 0.5 < p_speak(logits, MARKERS, 2.0)


@pytest.mark.parametrize("changes", [{"num_flow_steps": 0}, {"text_temperature": -1.0}])
def test_impossible_settings_are_refused(changes):
    with pytest.raises(ValueError, match="must"):
        SamplingConfig(**changes)
