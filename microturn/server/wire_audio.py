"""Wire audio to the model's rates and back, as streams: how packets are cut does not matter."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import soxr  # pyright: ignore[reportMissingTypeStubs]

from microturn.server import g711
from microturn.server.protocol import AudioFormat
from microturn.turns import INPUT_RATE_HZ, MICRO_TURN_MS, OUTPUT_RATE_HZ, FloatArray

FULL_SCALE = np.float32(32_768)


class Decoder:
    """Bytes of a client -> float32 in [-1, 1) at INPUT_RATE_HZ."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self.format = audio_format
        self.resampler = resampler(audio_format.rate_hz, INPUT_RATE_HZ)

    def feed(self, data: bytes) -> FloatArray:
        """The samples that became complete. Raises ValueError for half a sample."""
        if len(data) % self.format.bytes_per_sample:
            raise ValueError(
                f"16-bit audio needs an even number of bytes, got {len(data)}; keep samples whole"
            )
        if self.format.encoding == "pcm":
            samples = np.frombuffer(data, "<i2").astype(np.float32) / FULL_SCALE
        else:
            samples = g711.decode(data, self.format.encoding)
        if self.resampler is not None:
            samples = self.resampler.resample_chunk(samples)
        return np.clip(samples, -1.0, 1.0)


class Encoder:
    """Micro-turns of float32 at OUTPUT_RATE_HZ -> bytes; each gives exactly 200 ms of audio."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self.format = audio_format
        self.num_samples = audio_format.rate_hz * MICRO_TURN_MS // 1000
        self.resampler = resampler(OUTPUT_RATE_HZ, audio_format.rate_hz)
        self.waiting = np.zeros(0, np.float32)

    def feed(self, audio: FloatArray) -> bytes:
        """The resampler runs behind by its delay: silence goes before its first samples."""
        samples = audio if self.resampler is None else self.resampler.resample_chunk(audio)
        self.waiting = np.concatenate([self.waiting, samples])
        missing = max(0, self.num_samples - len(self.waiting))
        self.waiting = np.concatenate([np.zeros(missing, np.float32), self.waiting])
        ready, self.waiting = self.waiting[: self.num_samples], self.waiting[self.num_samples :]
        if self.format.encoding == "pcm":
            return np.clip(np.round(ready * FULL_SCALE), -32_768, 32_767).astype("<i2").tobytes()
        return g711.encode(ready, self.format.encoding)


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
