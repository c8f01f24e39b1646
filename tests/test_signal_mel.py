"""Bins equal Inkling's published ones, however the samples arrive; the output mel looks right.

Legend: A frames of 50 ms, F frames of 10 ms, K frequency bins, M mel bins.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import soxr
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.audio_utils import mel_filter_bank
from transformers.models.inkling.feature_extraction_inkling import InklingFeatureExtractor
from transformers.models.inkling.processing_inkling import InklingProcessor

from microturn.signal import mel
from microturn.signal.mel import (
    HEARD_HOP,
    OUTPUT_HOP,
    OUTPUT_WINDOW,
    SILENT_MEL,
    HeardState,
    SaidState,
    fine_bins,
    heard_bins,
    output_mel,
    said_bins,
)


def voice(seconds: float, rate_hz: int, seed: int = 0) -> torch.Tensor:
    """A gliding buzz with pauses and a little noise: the shape of speech, without speech."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * 0.7 * time)) / rate_hz
    buzz = sum(np.sin(k * phase) / k for k in range(1, 25))
    loudness = np.clip(np.sin(2 * np.pi * 1.3 * time), 0, 1)
    noise = rng.standard_normal(len(time)) * 1e-3
    return torch.from_numpy((0.2 * buzz * loudness + noise).astype(np.float32))


def published_bins(audio: torch.Tensor) -> torch.Tensor:
    """What transformers' extractor and processor make of a clip."""
    features = InklingFeatureExtractor()(audio.numpy(), sampling_rate=16_000, return_tensors="pt")
    centers = torch.linspace(-7.0, 2.0, 16, dtype=torch.float64).to(torch.float32)
    settings = SimpleNamespace(
        dmel_min_value=-7.0, dmel_max_value=2.0, num_dmel_bins=16, bin_centers=centers
    )
    return InklingProcessor._extract_dmel_bins(settings, features["input_features"])[0]


CLIPS = {
    "noise": torch.randn(16_000, generator=torch.Generator().manual_seed(0)) * 0.1,
    "loud noise": torch.randn(8_000, generator=torch.Generator().manual_seed(1)).clamp(-1, 1),
    "voice": voice(4.0, 16_000),
    "silence": torch.zeros(4_000),
}


@pytest.mark.parametrize("name", CLIPS)
def test_bins_equal_the_published_ones(name):
    audio = CLIPS[name]
    bins, _ = heard_bins(audio, HeardState())
    assert torch.equal(bins.int(), published_bins(audio).int())


def test_a_shifted_clip_has_other_bins():
    audio = CLIPS["voice"]
    bins, _ = heard_bins(audio[100 : 100 + 63_200], HeardState())
    assert not torch.equal(bins.int(), published_bins(audio)[: len(bins)].int())


@pytest.mark.parametrize(
    "wrong",
    [
        {"hann": lambda length: torch.hann_window(length, periodic=False)},
        {"hann": lambda length: torch.ones(length)},
        {"HEARD_HOP": 400, "NUM_FREQUENCIES": 401},
    ],
    ids=["symmetric window", "no window", "half the hop"],
)
def test_another_window_or_hop_gives_other_bins(wrong, monkeypatch):
    audio = CLIPS["voice"]
    for name, value in wrong.items():
        monkeypatch.setattr(mel, name, value)
    bins, _ = heard_bins(audio, HeardState(torch.zeros(mel.HEARD_HOP)))
    expected = published_bins(audio).to(torch.uint8)
    assert not torch.equal(bins[: len(expected)], expected)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=12), st.booleans())
@settings(max_examples=40, deadline=None)
def test_any_packets_give_the_same_bins(sizes, is_said):
    stream, state = (said_bins, SaidState()) if is_said else (heard_bins, HeardState())
    audio = voice(2.5, 24_000 if is_said else 16_000)
    audio = audio[: sum(sizes)]
    whole, _ = stream(audio, state)
    parts, start = [], 0
    for size in sizes:
        bins, state = stream(audio[start : start + size], state)
        parts.append(bins)
        start += size
    assert torch.equal(torch.cat(parts), whole)


@pytest.mark.parametrize(
    ("stream", "state"), [(heard_bins, HeardState()), (said_bins, SaidState())]
)
def test_packets_do_not_change_one_bit_before_rounding(stream, state, monkeypatch):
    """Bins hide small differences until a value lies half way between two centres."""
    monkeypatch.setattr(mel, "to_bins", lambda log_mel_AM: log_mel_AM)
    audio = voice(2.4, 24_000)
    whole, _ = stream(audio, state)
    parts = []
    for packet in audio.split(2400):
        log_mel_AM, state = stream(packet, state)
        parts.append(log_mel_AM)
    assert whole.dtype == torch.float32
    assert torch.equal(torch.cat(parts), whole)


def test_forgetting_the_samples_before_is_noticed():
    audio = voice(1.0, 16_000)
    whole, _ = heard_bins(audio, HeardState())
    forgetful = torch.cat([heard_bins(part, HeardState())[0] for part in audio.split(3200)])
    assert forgetful.shape == whole.shape
    assert not torch.equal(forgetful, whole)


def test_fine_frames_equal_a_plain_filter_bank():
    """8 frames of 25 ms every 10 ms; the last one ends with the position's 50 ms."""
    audio, hop = CLIPS["voice"], 160
    fine_AFM = fine_bins(audio, HeardState())
    assert fine_AFM.shape == (len(audio) // HEARD_HOP, 8, 80)
    filters = mel_filter_bank(257, 80, 0.0, 8000.0, 16_000, norm="slaney", mel_scale="slaney")
    window = np.hanning(401)[:400]
    padded = np.concatenate([np.zeros(2 * HEARD_HOP), audio.numpy()])
    differing, total = 0, 0
    for position in range(0, len(fine_AFM), 7):
        for frame in range(8):
            end = 2 * HEARD_HOP + HEARD_HOP * (position + 1) - hop * (7 - frame)
            magnitude = np.abs(np.fft.rfft(padded[end - 400 : end] * window, 512))
            log_mel = np.log10(np.maximum(magnitude @ filters, 1e-10)).clip(-7, 2)
            level = np.round((log_mel + 7) / 9 * 255)
            differing += int((np.abs(level - fine_AFM[position, frame].numpy()) > 0).sum())
            total += 80
    assert differing / total < 1e-3  # rounding in float32
    earlier = fine_AFM[7, 3].numpy()  # the same sound seen from the next position
    assert np.array_equal(fine_AFM[6, 7].numpy(), fine_AFM[7, 2].numpy())
    assert not np.array_equal(fine_AFM[6, 7].numpy(), earlier)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_any_packets_give_the_same_fine_frames(sizes):
    audio = voice(2.5, 16_000)[: sum(sizes)]
    state, parts, start = HeardState(), [], 0
    for size in sizes:
        packet = audio[start : start + size]
        parts.append(fine_bins(packet, state))
        bins, state = heard_bins(packet, state)
        assert len(bins) == len(parts[-1])
        start += size
    assert torch.equal(torch.cat(parts), fine_bins(audio, HeardState()))


def test_packets_do_not_change_one_bit_of_fine_frames_before_rounding(monkeypatch):
    monkeypatch.setattr(mel, "to_fine_levels", lambda log_mel: log_mel)
    audio, state, parts = voice(2.4, 16_000), HeardState(), []
    for packet in audio.split(2400):
        parts.append(fine_bins(packet, state))
        _, state = heard_bins(packet, state)
    assert parts[0].dtype == torch.float32
    assert torch.equal(torch.cat(parts), fine_bins(audio, HeardState()))


def test_fine_frames_tell_a_sound_from_the_same_backwards():
    """A magnitude over 100 ms has no direction: bins of 50 ms cannot tell a rise from a fall."""
    rise = torch.zeros(1600)
    rise[1:] = CLIPS["noise"][1:1600] * torch.logspace(-3, 0, 1599)
    fall = torch.zeros(1600)
    fall[1:] = rise[1:].flip(0)  # about the middle of the second position's window
    coarse = [heard_bins(audio, HeardState())[0][1] for audio in (rise, fall)]
    fine = [fine_bins(audio, HeardState())[1].float() for audio in (rise, fall)]
    assert int((coarse[0] != coarse[1]).sum()) <= 1  # rounding
    assert float((fine[0] - fine[1]).abs().mean()) > 10
    silence_AFM = fine_bins(torch.zeros(1600), HeardState())
    assert int(silence_AFM.max()) == 0  # what TurnFeatures without fine frames mean


def test_the_state_holds_no_more_than_it_needs():
    _, state = heard_bins(voice(4.0, 16_000)[:63_999], HeardState())
    assert len(state.tail_N) == HEARD_HOP + 799
    assert state.tail_N.untyped_storage().nbytes() == 4 * len(state.tail_N)


def test_said_is_heard_without_a_resampler():
    said, _ = said_bins(voice(4.0, 24_000), SaidState())
    resampled = soxr.resample(voice(4.0, 24_000).numpy(), 24_000, 16_000).astype(np.float32)
    heard, _ = heard_bins(torch.from_numpy(resampled), HeardState())
    difference = (said[:70, :78].int() - heard[:70, :78].int()).abs()
    assert float((difference == 0).float().mean()) > 0.97
    unscaled, _ = heard_bins(voice(4.0, 24_000), HeardState())  # control: at the wrong rate
    wrong = (unscaled[:70, :78].int() - heard[:70, :78].int()).abs()
    assert float((wrong == 0).float().mean()) < 0.7


def test_output_mel_looks_to_the_right():
    audio = torch.zeros(4800)
    audio[2400] = 0.5
    loud = (output_mel(audio) > SILENT_MEL + 0.1).any(1).nonzero().flatten()
    assert loud.max() <= 2400 // OUTPUT_HOP  # no frame that begins after the click
    assert loud.min() >= (2400 - OUTPUT_WINDOW) // OUTPUT_HOP
    assert len(output_mel(audio)) == 20
    assert output_mel(audio[:0]).shape == (0, 80)


def test_output_mel_equals_a_plain_one():
    audio = voice(0.5, 24_000)
    filters_KM = mel_filter_bank(513, 80, 0.0, 12_000.0, 24_000, norm="slaney", mel_scale="slaney")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    padded = np.concatenate([audio.double().numpy(), np.zeros(1024)])
    frames = np.stack([padded[240 * j : 240 * j + 1024] for j in range(50)])
    magnitude_FK = np.abs(np.fft.rfft(frames * window))
    expected = (np.log(np.maximum(magnitude_FK @ filters_KM, 1e-5)) + 5.0) / 2.5
    np.testing.assert_allclose(output_mel(audio).numpy(), expected, atol=1e-3)


def test_silence_has_one_value():
    assert torch.allclose(output_mel(torch.zeros(1000)), torch.tensor(SILENT_MEL))
    assert pytest.approx((np.log(1e-5) + 5.0) / 2.5) == SILENT_MEL
    assert HEARD_HOP == 800
