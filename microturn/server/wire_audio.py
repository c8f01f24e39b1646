"""Wire audio to the model's rates and back, as streams: how packets are cut does not matter."""

from __future__ import annotations

import numpy as np

from microturn.server.protocol import AudioFormat
from microturn.signal import g711, pcm
from microturn.turns import INPUT_RATE_HZ, MICRO_TURN_MS, OUTPUT_RATE_HZ, FloatArray


class Decoder:
    """Bytes of a client -> float32 in [-1, 1) at INPUT_RATE_HZ."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self.format = audio_format
        self.resampler = pcm.resampler(audio_format.rate_hz, INPUT_RATE_HZ)

    def feed(self, data: bytes) -> FloatArray:
        """The samples that became complete. Raises ValueError for half a sample."""
        if self.format.encoding == "pcm":
            samples = pcm.decode(data)
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
        self.resampler = pcm.resampler(OUTPUT_RATE_HZ, audio_format.rate_hz)
        self.waiting = np.zeros(0, np.float32)

    def feed(self, audio: FloatArray) -> bytes:
        """The resampler runs behind by its delay: silence goes before its first samples."""
        samples = audio if self.resampler is None else self.resampler.resample_chunk(audio)
        self.waiting = np.concatenate([self.waiting, samples])
        missing = max(0, self.num_samples - len(self.waiting))
        self.waiting = np.concatenate([np.zeros(missing, np.float32), self.waiting])
        ready, self.waiting = self.waiting[: self.num_samples], self.waiting[self.num_samples :]
        if self.format.encoding == "pcm":
            return pcm.encode(ready)
        return g711.encode(ready, self.format.encoding)
