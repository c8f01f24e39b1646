"""The fit finds the scale and bias that were put in; the curve tells good from bad; the checkpoint
keeps it."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch

from microturn.checkpoint import load_config, save
from microturn.data.bank import Bank
from microturn.engine.load import load
from microturn.model.config import FloorConfig
from microturn.model.model import InteractionModel
from microturn.signal.vocoder import Vocoder, VocoderConfig, save_vocoder
from microturn.train.calibrate import Calibration, calibrate, fit, reliability
from tests.tiny import tiny_config
from tests.tones import TOKENIZER, tone_bank


def drawn(scale: float, bias: float, num: int = 20_000) -> tuple[torch.Tensor, torch.Tensor]:
    """Margins, and outcomes that are as probable as scale and bias say."""
    rng = torch.Generator().manual_seed(0)
    margin_N = 4 * torch.randn(num, generator=rng)
    p_N = torch.sigmoid(scale * margin_N + bias)
    return margin_N, torch.rand(num, generator=rng) < p_N


@pytest.mark.parametrize(("scale", "bias"), [(1.0, 0.0), (0.4, -0.8), (2.0, 1.0)])
def test_the_fit_finds_what_was_put_in(scale, bias):
    margin_N, is_speak_N = drawn(scale, bias)
    found = fit(margin_N, is_speak_N)
    assert found.scale == pytest.approx(scale, rel=0.06)
    assert found.bias == pytest.approx(bias, abs=0.06)
    mended = reliability(margin_N, is_speak_N, found)
    assert mended["calibration_error"] < 0.01
    if scale != 1.0:  # control: as it was, it is not calibrated
        raw = reliability(margin_N, is_speak_N, FloorConfig())
        assert raw["calibration_error"] > 0.03 and raw["log_loss"] > mended["log_loss"]


def test_the_curve_counts_every_decision():
    margin_N, is_speak_N = drawn(1.0, 0.0, 1000)
    curve = reliability(margin_N, is_speak_N, FloorConfig())["curve"]
    assert sum(part["count"] for part in curve) == 1000
    assert [part["p"] for part in curve] == sorted(part["p"] for part in curve)


def test_separable_decisions_do_not_run_away():
    margin_N = torch.linspace(-5, 5, 100)
    found = fit(margin_N, margin_N > 0)
    assert 1 < found.scale < 100


def test_one_outcome_teaches_nothing():
    with pytest.raises(ValueError, match="both outcomes"):
        fit(torch.randn(10), torch.zeros(10, dtype=torch.bool))


def test_the_checkpoint_keeps_it(tmp_path, monkeypatch):
    monkeypatch.setattr(Bank, "load", classmethod(lambda cls, paths, for_training: tone_bank()))
    torch.manual_seed(0)
    tiny = tiny_config()
    tiny = replace(tiny, backbone=replace(tiny.backbone, vocab_size=512))
    model = InteractionModel(tiny)
    save(model, model.config, tmp_path)
    shutil.copyfile(TOKENIZER, tmp_path / "tokenizer.json")
    save_vocoder(Vocoder(VocoderConfig(width=8, num_blocks=1)), tmp_path)
    run = Calibration(tmp_path, (tmp_path,), num_episodes=12, row_length=256)
    report = calibrate(run)
    assert load_config(tmp_path).floor == FloorConfig()
    assert min(report["decisions"]) > 20
    assert report["after"]["log_loss"] < report["before"]["log_loss"]  # random weights know nothing
    quiet = calibrate(replace(run, num_episodes=2, families=("story",)))
    assert quiet["before"] != report["before"]
    with pytest.raises(ValueError, match="dancing"):
        calibrate(replace(run, families=("dancing",)))
    assert calibrate(replace(run, write=True)) == report
    floor = load_config(tmp_path).floor
    assert floor == FloorConfig(**report["floor"])
    assert load(tmp_path).model.config.floor == floor
    with pytest.raises(ValueError, match="num_episodes"):
        replace(run, num_episodes=1)
