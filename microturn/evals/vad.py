"""Where there is speech in a waveform: Silero where it is installed, else energy. Each says its
name and version, which goes into the trace and the grader of every score that rests on it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from microturn.evals.episode import Span
from microturn.signal.wav import to_rate
from microturn.turns import INPUT_RATE_HZ, FloatArray

THRESHOLD = 0.5  # of Silero's probability of speech
MIN_SPEECH_MS = 250
MIN_SILENCE_MS = 100  # a shorter gap does not end a stretch of speech
FRAME_MS = 10
ENERGY_RMS = 10 ** (-45 / 20)


class Vad(Protocol):
    """A detector of speech."""

    @property
    def name(self) -> str: ...

    def __call__(self, audio: FloatArray, rate_hz: int) -> list[Span]:
        """Stretches of speech in milliseconds, in order, not overlapping."""
        ...


@dataclass(frozen=True)
class EnergyVad:
    """Frames of 10 ms louder than -45 dB of full scale; for tests and where Silero is missing."""

    min_speech_ms: int = MIN_SPEECH_MS
    min_rms: float = ENERGY_RMS
    name: str = "energy"

    def __call__(self, audio: FloatArray, rate_hz: int) -> list[Span]:
        size = rate_hz * FRAME_MS // 1000
        num_frames = -(-len(audio) // size)
        padded = np.zeros(num_frames * size, dtype=np.float64)
        padded[: len(audio)] = audio
        rms = np.sqrt(np.mean(np.square(padded.reshape(-1, size)), axis=1))
        edges = np.flatnonzero(np.diff(np.r_[False, rms > self.min_rms, False].astype(int)))
        spans: list[Span] = []
        for start, end in edges.reshape(-1, 2) * FRAME_MS:
            if spans and start - spans[-1][1] < MIN_SILENCE_MS:
                spans[-1] = (spans[-1][0], int(end))
            else:
                spans.append((int(start), int(end)))
        end_ms = len(audio) * 1000 // rate_hz
        return [(a, min(b, end_ms)) for a, b in spans if b - a >= self.min_speech_ms]


@dataclass(frozen=True)
class SileroVad:
    """The Silero detector on onnxruntime, at 16 kHz."""

    model: Any
    name: str
    min_speech_ms: int = MIN_SPEECH_MS

    def __call__(self, audio: FloatArray, rate_hz: int) -> list[Span]:
        from silero_vad import get_speech_timestamps

        heard = torch.from_numpy(to_rate(np.asarray(audio, np.float32), rate_hz, INPUT_RATE_HZ))
        found = get_speech_timestamps(
            heard,
            self.model,
            threshold=THRESHOLD,
            sampling_rate=INPUT_RATE_HZ,
            min_speech_duration_ms=self.min_speech_ms,
            min_silence_duration_ms=MIN_SILENCE_MS,
        )
        per_ms = INPUT_RATE_HZ // 1000
        return [(part["start"] // per_ms, part["end"] // per_ms) for part in found]


def load_silero() -> SileroVad:
    """Silero with the version it has here. Raises ValueError where it is not installed."""
    if importlib.util.find_spec("silero_vad") is None:
        raise ValueError("silero-vad is not installed: pip install 'microturn[evals]'")
    num_threads = torch.get_num_threads()
    import silero_vad

    torch.set_num_threads(num_threads)  # the import sets it to one, for the whole process
    version = importlib.metadata.version("silero-vad")
    return SileroVad(silero_vad.load_silero_vad(onnx=True), f"silero-vad-{version}")


def load_vad(name: str = "auto") -> Vad:
    """`silero`, `energy`, or `auto`: Silero where it is installed. Raises ValueError."""
    if name == "auto":
        name = "energy" if importlib.util.find_spec("silero_vad") is None else "silero"
    if name not in ("silero", "energy"):
        raise ValueError(f"no VAD {name!r}: choose silero, energy or auto")
    return load_silero() if name == "silero" else EnergyVad()
