"""Wire audio to the model's rates and back, as streams: packets of any size give the same
samples."""

from __future__ import annotations

import numpy as np
import soxr

from microturn.server.protocol import AudioFormat
from microturn.turns import INPUT_RATE_HZ, MICRO_TURN_MS, OUTPUT_RATE_HZ, FloatArray


class Decoder:
    """Bytes of a client -> float32 at INPUT_RATE_HZ."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self.format = audio_format
        self.resampler = None
        if audio_format.rate_hz != INPUT_RATE_HZ:
            self.resampler = soxr.ResampleStream(
                audio_format.rate_hz, INPUT_RATE_HZ, 1, dtype="float32"
            )

    def feed(self, data: bytes) -> FloatArray:
        """The samples that became complete. Raises ValueError for half a sample."""
        if len(data) % self.format.bytes_per_sample:
            raise ValueError(
                f"16-bit audio needs an even number of bytes, got {len(data)}; keep samples whole"
            )
        samples = np.frombuffer(data, "<i2").astype(np.float32) / 32768
        return samples if self.resampler is None else self.resampler.resample_chunk(samples)


class Encoder:
    """Micro-turns of float32 at OUTPUT_RATE_HZ -> bytes; each gives exactly 200 ms of wire
    audio."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self.format = audio_format
        self.num_samples = audio_format.rate_hz * MICRO_TURN_MS // 1000
        self.waiting = np.zeros(0, np.float32)
        self.resampler = None
        if audio_format.rate_hz != OUTPUT_RATE_HZ:
            self.resampler = soxr.ResampleStream(
                OUTPUT_RATE_HZ, audio_format.rate_hz, 1, dtype="float32"
            )

    def feed(self, audio: FloatArray) -> bytes:
        """The resampler runs behind by its delay: silence goes before its first samples."""
        samples = audio if self.resampler is None else self.resampler.resample_chunk(audio)
        self.waiting = np.concatenate([self.waiting, samples])
        missing = max(0, self.num_samples - len(self.waiting))
        self.waiting = np.concatenate([np.zeros(missing, np.float32), self.waiting])
        ready, self.waiting = self.waiting[: self.num_samples], self.waiting[self.num_samples :]
        return (np.clip(ready, -1, 1) * 32767).astype("<i2").tobytes()
