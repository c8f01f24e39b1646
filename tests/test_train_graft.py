"""Fine frames come to give what the bag gives, and take its place without a step backwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from microturn.checkpoint import load_config, load_weights, save
from microturn.model.config import FineAudioConfig
from microturn.model.model import InteractionModel
from microturn.signal.mel import HeardState, fine_bins, heard_bins
from microturn.train import graft as graft_module
from microturn.train.graft import GraftRun, graft, heard_sound
from tests.tiny import tiny_config
from tests.tones import SENTENCES, TOKENIZER, tone_bank


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GraftRun:
    """A model of before, and speech of tones."""
    clips = [clip for text in SENTENCES[:6] for clip in tone_bank().choices("user", text)]
    monkeypatch.setattr(graft_module, "training_clips", lambda paths: clips)
    monkeypatch.setattr(graft_module, "Bank", lambda clips: tone_bank())
    torch.manual_seed(0)
    model = InteractionModel(replace(tiny_config(), fine_audio=None))
    width, level_L = model.config.backbone.width, torch.linspace(-1, 1, 16)
    table_MLD = torch.randn(80, 1, width) * level_L[:, None]  # as training leaves it: no noise
    model.embedder.audio.encoder.weight.data.copy_(table_MLD.flatten(0, 1))
    save(model, model.config, tmp_path / "old")
    (tmp_path / "old" / "tokenizer.json").write_bytes(TOKENIZER.read_bytes())
    fine = FineAudioConfig(num_channels=32)
    return GraftRun(tmp_path / "old", (), tmp_path / "new", 300, 2, 0.0, 1e-2, fine_audio=fine)


def loaded(folder: Path) -> InteractionModel:
    model = InteractionModel(load_config(folder))
    load_weights(model, folder)
    return model


def missed(old: InteractionModel, new: InteractionModel) -> float:
    """What the fine frames of one miss of the other's bag, over sounds that taught nothing."""
    clips, rng = graft_module.training_clips(()), np.random.default_rng(99)
    off = whole = 0.0
    for _ in range(24):
        audio_N = heard_sound(tone_bank(), clips, rng)
        bins_AM = heard_bins(audio_N, HeardState())[0]
        assert new.embedder.fine is not None
        with torch.no_grad():
            bag_AD = old.embedder.audio(bins_AM)
            fine_AD = new.embedder.fine(fine_bins(audio_N, HeardState()))
        off += float((fine_AD - bag_AD).square().sum())
        whole += float(bag_AD.square().sum())
    return off / whole


def test_fine_frames_take_the_bags_place(run: GraftRun) -> None:
    found = graft(run)
    assert found["missed_after"] < 0.5 * found["missed_before"]
    old, new = loaded(run.model), loaded(run.out)
    assert not new.embedder.audio.final_norm.weight.any()
    pairs = zip(old.transformer.parameters(), new.transformer.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    untaught = InteractionModel(new.config)  # control: the same model with new fine frames
    first = {k: t for k, t in untaught.state_dict().items() if k.startswith("embedder.fine.")}
    untaught.load_state_dict(new.state_dict() | first)
    assert missed(old, new) < 0.6 * missed(old, untaught)
    assert (run.out / "tokenizer.json").is_file()


def test_a_model_that_has_fine_frames_is_refused(run: GraftRun) -> None:
    graft(replace(run, steps=1))
    with pytest.raises(ValueError, match="has fine frames already"):
        graft(replace(run, model=run.out, steps=1))
    with pytest.raises(ValueError, match="must be positive"):
        replace(run, steps=0)


def test_banks_without_a_user_are_refused(run: GraftRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graft_module, "training_clips", lambda paths: [])
    with pytest.raises(ValueError, match="no clip of a user's voice"):
        graft(run)
    assert not run.out.exists()
