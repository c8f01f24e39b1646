"""Trials keep voices apart, begin alike, and share a schedule."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from microturn.train.trial import begin_alike, held_voices, rate
from tests.tones import SENTENCES, USER_VOICES, tone_bank


def test_held_voices_are_the_same_in_every_run() -> None:
    clips = [clip for text in SENTENCES for clip in tone_bank().choices("user", text)]
    held = held_voices(clips, 1)
    assert held == held_voices(clips[::-1], 1) and len(held) == 1 and held < set(USER_VOICES)
    with pytest.raises(ValueError, match="3 user voices are too few to keep 3"):
        held_voices(clips, 3)


def test_models_begin_alike_where_shapes_agree() -> None:
    first, wider = (
        nn.ModuleDict({"a": nn.Linear(3, 4), "b": nn.Linear(4, width)}) for width in (2, 5)
    )
    given, before = first.state_dict(), {k: t.clone() for k, t in wider.state_dict().items()}
    assert not torch.equal(given["a.weight"], before["a.weight"])
    begin_alike([first, wider])
    after = wider.state_dict()
    assert torch.equal(after["a.weight"], given["a.weight"])
    assert torch.equal(after["b.weight"], before["b.weight"])


def test_the_rate_rises_holds_and_falls() -> None:
    assert rate(0.0) == pytest.approx(0.01) and rate(1.0) == pytest.approx(0.01)
    assert rate(0.3) == 1.0
    assert rate(0.8) == pytest.approx(0.5)
