"""16-bit PCM to samples and back, and streaming resampling: how a stream is cut does not matter."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import soxr  # pyright: ignore[reportMissingTypeStubs]

from microturn.turns import FloatArray

FULL_SCALE = np.float32(32_768)


def decode(data: bytes) -> FloatArray:
    """Little-endian 16-bit samples -> float32 in [-1, 1). Raises ValueError for half a sample."""
    if len(data) % 2:
        raise ValueError(
            f"16-bit audio needs an even number of bytes, got {len(data)}; keep samples whole"
        )
    return np.frombuffer(data, "<i2").astype(np.float32) / FULL_SCALE


def encode(samples: FloatArray) -> bytes:
    """float32 -> little-endian 16-bit samples, clipped at full scale."""
    return np.clip(np.round(samples * FULL_SCALE), -32_768, 32_767).astype("<i2").tobytes()


class Resampler(Protocol):
    """Samples in, those that became complete out; keeps its own state."""

    def resample_chunk(self, samples: FloatArray, /) -> FloatArray: ...


class Doubler:
    """8 to 16 kHz with a delay of 1.5 ms; soxr gives such audio in blocks of 200 ms, too late."""

    NUM_TAPS = 24

    def __init__(self) -> None:
        # Taps stand half a sample and more from the point half way between two samples.
        distance = np.arange(self.NUM_TAPS) - (self.NUM_TAPS - 1) / 2
        window = np.i0(8 * np.sqrt(1 - (2 * distance / self.NUM_TAPS) ** 2))
        taps = np.sinc(distance) * window
        self.taps = (taps / taps.sum()).astype(np.float32)
        self.tail = np.zeros(self.NUM_TAPS - 1, np.float32)

    def resample_chunk(self, samples: FloatArray, /) -> FloatArray:
        if not len(samples):
            return samples
        known = np.concatenate([self.tail, samples])
        self.tail = known[len(samples) :]
        middle = self.NUM_TAPS // 2 - 1
        doubled = np.empty(2 * len(samples), np.float32)
        doubled[0::2] = known[middle : middle + len(samples)]
        doubled[1::2] = np.convolve(known, self.taps, "valid")
        return doubled


def resampler(from_hz: int, to_hz: int) -> Resampler | None:
    """A streaming resampler, or None where there is nothing to do."""
    if from_hz == to_hz:
        return None
    if to_hz == 2 * from_hz:
        return Doubler()
    return soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32")
