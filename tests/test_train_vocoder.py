"""The vocoder's training: losses that are zero for the truth, a run that learns and goes on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from microturn.data.bank import Bank
from microturn.signal.mel import OUTPUT_HOP, output_mel
from microturn.signal.vocoder import Vocoder, VocoderConfig, load_vocoder
from microturn.train import vocoder
from microturn.train.vocoder import (
    RESOLUTIONS,
    Clips,
    Discriminator,
    VocoderRun,
    adversarial,
    magnitudes,
    spectral_loss,
    train,
)
from tests.tones import tone_bank


@pytest.fixture
def run(monkeypatch, tmp_path):
    """A tiny vocoder on tones; the clock moves one second between two readings."""
    ticks = iter(range(10**6))
    monkeypatch.setattr(vocoder.time, "perf_counter", lambda: float(next(ticks)))
    few = Bank([])
    few.own = dict(list(tone_bank().own.items())[:3])
    monkeypatch.setattr(few, "utterance", tone_bank().utterance)
    monkeypatch.setattr(Bank, "load", classmethod(lambda cls, paths: few))
    return VocoderRun(
        (tmp_path,),
        tmp_path / "out",
        minutes=52 / 60,
        batch=1,
        clip_frames=24,
        config=VocoderConfig(width=8, num_blocks=1),
    )


@torch.no_grad()
def loss(trained, run):
    """Spectral loss of copy-synthesis of one fixed cut."""
    audio_BN = Clips(run).batch(run, 7)
    mel_BFM = torch.stack([output_mel(audio_N)[: run.clip_frames] for audio_N in audio_BN])
    real_BN = audio_BN[:, : run.clip_frames * OUTPUT_HOP]
    return float(spectral_loss(magnitudes(trained(mel_BFM)), magnitudes(real_BN)))


def test_the_truth_costs_nothing_and_silence_does():
    torch.manual_seed(0)
    real = magnitudes(torch.randn(2, 6000))
    assert len(real) == len(RESOLUTIONS)
    assert float(spectral_loss(real, real)) == 0
    silence = magnitudes(torch.zeros(2, 6000))
    assert float(spectral_loss(silence, real)) > 1


def test_discriminators_tell_only_what_differs():
    torch.manual_seed(0)
    judges = torch.nn.ModuleList(Discriminator() for _ in RESOLUTIONS)
    real = magnitudes(torch.randn(2, 6000))
    same, _ = adversarial(judges, real, real)
    other, critic = adversarial(judges, magnitudes(0.1 * torch.randn(2, 6000)), real)
    assert float(other.detach()) != float(same.detach())
    assert float(critic.detach()) > 0


def test_cuts_are_a_function_of_the_step(run):
    clips = Clips(run)
    assert torch.equal(clips.batch(run, 3), clips.batch(run, 3))
    assert not torch.equal(clips.batch(run, 3), clips.batch(run, 4))
    with pytest.raises(ValueError, match="lower --clip-frames"):
        Clips(replace(run, clip_frames=10**5))


def test_it_learns_saves_and_goes_on(run):
    train(run)
    lines = [json.loads(line) for line in (run.out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [50]
    assert load_vocoder(run.out).config == run.config
    train(replace(run, minutes=102 / 60, adversarial_from=97))
    lines = [json.loads(line) for line in (run.out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [50, 100]
    torch.manual_seed(run.seed)
    assert loss(load_vocoder(run.out), run) < 0.9 * loss(Vocoder(run.config), run)
    assert "generator" in lines[1]
    assert "generator" not in lines[0]


def test_a_bank_without_the_models_voice_is_named(run, monkeypatch):
    monkeypatch.setattr(Bank, "load", classmethod(lambda cls, paths: Bank([])))
    with pytest.raises(ValueError, match="no clip of the model's own voice"):
        Clips(run)
