"""When a user begins and ends a turn, from probabilities of speech: the ears of a cascade.

A turn begins once `start_ms` of speech were heard (the same while the agent speaks: barge-in), and
ends once `hangover_ms` of silence followed. Times are exact to one window of the detector.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch

from microturn.evals.vad import ENERGY_RMS, load_silero
from microturn.turns import INPUT_RATE_HZ, FloatArray


@dataclass(frozen=True)
class DetectorConfig:
    """start_ms: speech that makes a turn. hangover_ms: silence that ends it. gap_ms: silence that
    does not yet undo speech of less than `start_ms`. Speech begins at `threshold` and goes on down
    to `release`: probabilities shake."""

    start_ms: int = 200
    hangover_ms: int = 500
    gap_ms: int = 100
    threshold: float = 0.5
    release: float = 0.35

    def __post_init__(self) -> None:
        if self.start_ms <= 0 or not 0 < self.gap_ms <= self.hangover_ms:
            raise ValueError("a turn detector needs start_ms > 0 and 0 < gap_ms <= hangover_ms")
        if not 0 < self.release <= self.threshold <= 1:
            raise ValueError("a turn detector needs 0 < release <= threshold <= 1")


@dataclass(frozen=True)
class TurnEvent:
    """A turn began or ended at `at_ms`; its speech lies in [from_ms, to_ms)."""

    kind: Literal["start", "end"]
    at_ms: int
    from_ms: int
    to_ms: int


class TurnDetector:
    """Takes one probability a window; times count from its first window."""

    def __init__(self, config: DetectorConfig, window_ms: int) -> None:
        self.config, self.window_ms = config, window_ms
        self.now_ms = 0
        self.is_in_turn = False
        self._is_voiced = False
        self._voiced_ms = self._from_ms = self._to_ms = 0

    def feed(self, probability: float) -> TurnEvent | None:
        """The next window; what became known at its end."""
        start_ms, self.now_ms = self.now_ms, self.now_ms + self.window_ms
        bound = self.config.release if self._is_voiced else self.config.threshold
        self._is_voiced = probability >= bound
        if self._is_voiced:
            if not self._voiced_ms:
                self._from_ms = start_ms
            self._voiced_ms += self.window_ms
            self._to_ms = self.now_ms
            if not self.is_in_turn and self._voiced_ms >= self.config.start_ms:
                self.is_in_turn = True
                return self._event("start")
            return None
        silent_ms = self.now_ms - self._to_ms
        if self.is_in_turn and silent_ms >= self.config.hangover_ms:
            event = self._event("end")
            self.is_in_turn, self._voiced_ms = False, 0
            return event
        if not self.is_in_turn and silent_ms >= self.config.gap_ms:
            self._voiced_ms = 0
        return None

    def _event(self, kind: Literal["start", "end"]) -> TurnEvent:
        return TurnEvent(kind, self.now_ms, self._from_ms, self._to_ms)


class SpeechStream(Protocol):
    """Gives the probability of speech for each window of [16 * window_ms] samples at 16 kHz."""

    window_ms: int

    def __call__(self, window: FloatArray) -> float: ...


class EnergyStream:
    """1 for windows louder than -45 dB, else 0; for tests and where Silero is missing."""

    window_ms = 20

    def __call__(self, window: FloatArray) -> float:
        rms = float(np.sqrt(np.mean(np.square(window, dtype=np.float64))))
        return float(rms > ENERGY_RMS)


class SileroStream:
    """One stream of the Silero network, with state of its own; the weights are shared."""

    window_ms = 512 * 1000 // INPUT_RATE_HZ

    def __init__(self, model: Any) -> None:
        self.model = copy.copy(model)
        self.model.reset_states()

    def __call__(self, window: FloatArray) -> float:
        return float(self.model(torch.from_numpy(window)[None], INPUT_RATE_HZ))


@dataclass(frozen=True)
class SileroEars:
    """Opens a stream of Silero for each episode."""

    model: Any
    name: str

    def __call__(self) -> SpeechStream:
        return SileroStream(self.model)


def load_ears() -> SileroEars:
    """Silero with its version. Raises ValueError where it is not installed."""
    silero = load_silero()
    return SileroEars(silero.model, silero.name)
