"""Waveform -> log-mel: what is heard (16 kHz), what was said (24 kHz, same frames), and what is to
be said.

Heard: values of Inkling's feature extractor (transformers 5.23 `feature_extraction_inkling.py`):
hop 50 ms, periodic Hann window of 100 ms, left-padded, magnitude floored at 1e-10 power, Slaney mel
with area norm, log10 with floor 1e-10. Said: the same at 24 kHz; both FFTs have bins 10 Hz apart,
so the first 801 magnitudes, scaled by 2/3, go through the same filters. To be said: 24 kHz, hop 10
ms, window 1024 looking right (docs/architecture.md).

Heard in fine steps: ours; 25 ms windows every 10 ms as recognisers of speech have them, because 50
ms and 16 levels keep too little for a small model (docs/log.md, 2026-11-22).

Legend: N samples, A frames of 50 ms, F frames of 10 ms, K frequency bins, M mel bins.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from microturn.sequence import NUM_FINE_FRAMES, NUM_MEL_BINS
from microturn.signal.dmel import to_bins, to_fine_levels
from microturn.signal.tract import Tract
from microturn.turns import AUDIO_FRAME_MS, INPUT_RATE_HZ, OUTPUT_RATE_HZ

HEARD_HOP = INPUT_RATE_HZ * AUDIO_FRAME_MS // 1000
SAID_HOP = OUTPUT_RATE_HZ * AUDIO_FRAME_MS // 1000
NUM_FREQUENCIES = HEARD_HOP + 1  # of a 1,600-point FFT
FINE_HOP, FINE_WINDOW, FINE_FFT = INPUT_RATE_HZ // 100, INPUT_RATE_HZ // 40, 512
POWER_FLOOR = 1e-10
MEL_FLOOR = 1e-10

OUTPUT_HOP = 240
OUTPUT_WINDOW = 1024
OUTPUT_FLOOR = 1e-5
OUTPUT_MEAN, OUTPUT_SCALE = -5.0, 2.5
SILENT_MEL = (
    math.log(OUTPUT_FLOOR) - OUTPUT_MEAN
) / OUTPUT_SCALE  # the output mel of digital silence


def hz_to_mel(frequency: Tensor) -> Tensor:
    """Slaney's mel scale (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above."""
    logarithmic = 15.0 + torch.log(frequency.clamp_min(1e-9) / 1000.0) * (27.0 / math.log(6.4))
    return torch.where(frequency < 1000.0, frequency * 3.0 / 200.0, logarithmic)


def mel_to_hz(mel: Tensor) -> Tensor:
    """Inverse of `hz_to_mel`."""
    logarithmic = 1000.0 * torch.exp((mel - 15.0) * (math.log(6.4) / 27.0))
    return torch.where(mel < 15.0, mel * 200.0 / 3.0, logarithmic)


@functools.lru_cache(maxsize=32)
@torch.inference_mode(False)
def mel_filters(
    num_frequencies: int,
    rate_hz: int,
    num_mel_bins: int = NUM_MEL_BINS,
    tract: Tract | None = None,
) -> Tensor:
    """Triangular filters with area norm from 0 to rate_hz / 2: [M, K] float32; those of another
    vocal tract look at bent frequencies."""
    top = hz_to_mel(torch.tensor([0.0, rate_hz / 2], dtype=torch.float64))
    edges = mel_to_hz(
        torch.linspace(float(top[0]), float(top[1]), num_mel_bins + 2, dtype=torch.float64)
    )
    edges = edges if tract is None else tract.bent(edges)
    frequencies = torch.linspace(0, rate_hz / 2, num_frequencies, dtype=torch.float64)
    width = edges.diff()
    slope = edges[:, None] - frequencies
    rising, falling = -slope[:-2] / width[:-1, None], slope[2:] / width[1:, None]
    filters_MK = torch.minimum(rising, falling).clamp_min(0.0)
    return (filters_MK * (2.0 / (edges[2:] - edges[:-2]))[:, None]).float().contiguous()


@functools.cache
@torch.inference_mode(False)  # the cached tensor must also serve training
def hann(length: int) -> Tensor:
    """Periodic Hann window, [length] float32."""
    return torch.hann_window(length, periodic=True)


def _log_mel(magnitude: Tensor, tract: Tract | None) -> Tensor:
    log_mel = magnitude.clamp_min(MEL_FLOOR).log10()
    return log_mel if tract is None else log_mel + tract.gains()


def _bins(audio_N: Tensor, hop: int, scale: float, tract: Tract | None = None) -> Tensor:
    """Frames of two hops, one per hop of new samples: dMel bins [A, M]. audio starts one hop
    early."""
    frames_AN = audio_N.unfold(0, 2 * hop, hop) * hann(2 * hop)
    spectrum_AK = torch.fft.rfft(frames_AN)[:, :NUM_FREQUENCIES]
    power_AK = torch.view_as_real(spectrum_AK).square().sum(-1) * scale**2
    magnitude_AK = power_AK.clamp_min(POWER_FLOOR).sqrt()
    filters_MK = mel_filters(NUM_FREQUENCIES, INPUT_RATE_HZ, tract=tract)
    rows = [
        filters_MK @ magnitude_K for magnitude_K in magnitude_AK
    ]  # one by one: bits free of packets
    return to_bins(_log_mel(torch.stack(rows), tract))


def fine_bins(audio_N: Tensor, state: HeardState, tract: Tract | None = None) -> Tensor:
    """Samples at 16 kHz and the state before them -> for every hop that `heard_bins` finds full the
    8 frames of 10 ms whose windows lie in its 100 ms, the last one ending with it: [A, F, M] uint8
    levels; through another vocal tract, if asked."""
    audio_N = torch.cat([state.tail_N, audio_N.float()])
    num_frames = len(audio_N) // HEARD_HOP - 1
    if num_frames < 1:
        return torch.zeros(0, NUM_FINE_FRAMES, NUM_MEL_BINS, dtype=torch.uint8)
    skipped = 2 * HEARD_HOP - FINE_WINDOW - (NUM_FINE_FRAMES - 1) * FINE_HOP
    frames_FN = audio_N[skipped : (num_frames + 1) * HEARD_HOP].unfold(0, FINE_WINDOW, FINE_HOP)
    magnitude_FK = torch.fft.rfft(frames_FN * hann(FINE_WINDOW), FINE_FFT).abs()
    filters_KM = mel_filters(FINE_FFT // 2 + 1, INPUT_RATE_HZ, tract=tract).T
    starts = range(0, num_frames * HEARD_HOP // FINE_HOP, HEARD_HOP // FINE_HOP)
    rows = [  # bits free of packets
        magnitude_FK[start : start + NUM_FINE_FRAMES] @ filters_KM for start in starts
    ]
    return to_fine_levels(_log_mel(torch.stack(rows), tract))


@dataclass(frozen=True)
class HeardState:
    """The last hop of samples heard, and samples that do not fill a hop yet."""

    tail_N: Tensor = field(default_factory=lambda: torch.zeros(HEARD_HOP))


@dataclass(frozen=True)
class SaidState:
    """The same of what was said, at 24 kHz."""

    tail_N: Tensor = field(default_factory=lambda: torch.zeros(SAID_HOP))


def _stream(
    audio_N: Tensor, tail_N: Tensor, hop: int, scale: float, tract: Tract | None = None
) -> tuple[Tensor, Tensor]:
    audio_N = torch.cat([tail_N, audio_N.float()])
    num_frames = len(audio_N) // hop - 1
    if num_frames < 1:
        return torch.zeros(0, NUM_MEL_BINS, dtype=torch.uint8), audio_N
    rest_N = audio_N[num_frames * hop :].clone()  # a view would keep the whole packet alive
    return _bins(audio_N[: (num_frames + 1) * hop], hop, scale, tract), rest_N


def heard_bins(
    audio_N: Tensor, state: HeardState, tract: Tract | None = None
) -> tuple[Tensor, HeardState]:
    """Samples at 16 kHz, any number -> dMel bins [A, M] uint8 of every hop that is full now, and
    the new state; through another vocal tract, if asked."""
    bins_AM, tail_N = _stream(audio_N, state.tail_N, HEARD_HOP, 1.0, tract)
    return bins_AM, HeardState(tail_N)


def said_bins(audio_N: Tensor, state: SaidState) -> tuple[Tensor, SaidState]:
    """Samples at 24 kHz, any number -> dMel bins [A, M] uint8, and the new state."""
    bins_AM, tail_N = _stream(audio_N, state.tail_N, SAID_HOP, HEARD_HOP / SAID_HOP)
    return bins_AM, SaidState(tail_N)


def output_mel(audio_N: Tensor) -> Tensor:
    """Samples at 24 kHz -> normalised log-mel [F, M]; F = ceil(N / 240). Frame j covers samples 240
    j to 240 j + 1023."""
    num_frames = -(-len(audio_N) // OUTPUT_HOP)
    if num_frames == 0:
        return torch.zeros(0, NUM_MEL_BINS)
    missing = (num_frames - 1) * OUTPUT_HOP + OUTPUT_WINDOW - len(audio_N)
    padded_N = torch.nn.functional.pad(audio_N.float(), (0, missing))
    spectrum_FK = torch.fft.rfft(
        padded_N.unfold(0, OUTPUT_WINDOW, OUTPUT_HOP) * hann(OUTPUT_WINDOW)
    )
    mel_FM = spectrum_FK.abs() @ mel_filters(OUTPUT_WINDOW // 2 + 1, OUTPUT_RATE_HZ).T
    return (mel_FM.clamp_min(OUTPUT_FLOOR).log() - OUTPUT_MEAN) / OUTPUT_SCALE
