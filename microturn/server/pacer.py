"""Wall time to micro-turns: whatever arrived becomes one MicroTurnInput each 200 ms. Pure; no
clock, no waiting.

What is missing is silence. Packets of any size merge into one inbox of at most two seconds; more
drops the oldest. A burst after a stall would delay the talk for good, so a backlog that stays is
dropped as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from microturn.server.protocol import AudioFormat
from microturn.server.wire_audio import Decoder
from microturn.turns import (
    INPUT_RATE_HZ,
    INPUT_SAMPLES,
    MICRO_TURN_MS,
    BackgroundUpdate,
    ByteArray,
    FloatArray,
    MicroTurnInput,
)

SAMPLES_PER_MS = INPUT_RATE_HZ // 1000


@dataclass(frozen=True)
class PacerConfig:
    """inbox_ms: bound of the inbox. cushion_ms: silence put before the first audio, so that packets
    that are a little late do not tear it. backlog_ms: what may stay in the inbox for
    `backlog_turns` before it is cut."""

    inbox_ms: int = 2_000
    cushion_ms: int = 40
    backlog_ms: int = 200
    backlog_turns: int = 10

    def __post_init__(self) -> None:
        if not 0 <= self.cushion_ms <= self.backlog_ms <= self.inbox_ms - MICRO_TURN_MS:
            raise ValueError(
                f"need cushion_ms <= backlog_ms <= inbox_ms - {MICRO_TURN_MS}, got "
                f"{self.cushion_ms}, {self.backlog_ms}, {self.inbox_ms}"
            )


class Schedule:
    """When micro-turns are due. Behind by more than a whole one, it slips instead of hurrying
    after."""

    def __init__(self, now_s: float, tick_s: float) -> None:
        self.tick_s = tick_s
        self.due_s = now_s + tick_s

    def wait_s(self, now_s: float) -> float:
        """How long until the next is due; never longer than a whole one, even if the clock goes
        back."""
        self.due_s = min(self.due_s, now_s + self.tick_s)
        return max(0.0, self.due_s - now_s)

    def advance(self, now_s: float) -> int:
        """The due micro-turn is taken at `now_s`. Returns how many were missed and will never
        come."""
        num_missed = max(0, int((now_s - self.due_s) / self.tick_s))
        self.due_s += (1 + num_missed) * self.tick_s
        return num_missed


class Pacer:
    """The inbox of one session. Counters: `index` of the next micro-turn, `num_late`,
    `dropped_samples`."""

    def __init__(self, audio_format: AudioFormat, config: PacerConfig | None = None) -> None:
        self.config = config or PacerConfig()
        self.decoder = Decoder(audio_format)
        self.inbox = np.zeros(0, np.float32)
        self.index = 0
        self.num_late = 0
        self.dropped_samples = 0
        self.is_muted = False
        self._is_expecting = (
            False  # audio came before and was not muted since: a gap is late, not idle
        )
        self._is_dry = True
        self._backlog_samples: list[int] = []

    @property
    def dropped_ms(self) -> int:
        return self.dropped_samples // SAMPLES_PER_MS

    def push(self, data: bytes) -> None:
        """Wire bytes came in. Muted, they are thrown away. Raises ValueError for half a sample."""
        samples = self.decoder.feed(data)
        if self.is_muted or not len(data):
            return
        if self._is_dry:
            cushion = np.zeros(self.config.cushion_ms * SAMPLES_PER_MS, np.float32)
            samples = np.concatenate([cushion, samples])
        self._is_expecting, self._is_dry = True, False
        self.inbox = np.concatenate([self.inbox, samples])
        self._drop(len(self.inbox) - self.config.inbox_ms * SAMPLES_PER_MS)

    def mute(self, is_muted: bool) -> None:
        """While muted the model hears silence, and nothing is late."""
        self.is_muted = is_muted
        if is_muted:
            self.inbox = self.inbox[:0]
            self._is_expecting, self._is_dry = False, True

    def take(
        self,
        text: str | None = None,
        updates: tuple[BackgroundUpdate, ...] = (),
        played_ms: int = MICRO_TURN_MS,
        images: ByteArray | None = None,
    ) -> MicroTurnInput:
        """The next micro-turn, always: what is there, then silence."""
        heard, self.inbox = self.inbox[:INPUT_SAMPLES], self.inbox[INPUT_SAMPLES:]
        is_late = self._is_expecting and len(heard) < INPUT_SAMPLES
        if not len(heard):
            self._is_dry = True
        audio: FloatArray = np.zeros(INPUT_SAMPLES, np.float32)
        audio[: len(heard)] = heard
        turn = MicroTurnInput(self.index, audio, images, text, updates, played_ms, is_late)
        self.index += 1
        self.num_late += is_late
        self._cut_backlog()
        return turn

    def _cut_backlog(self) -> None:
        """The least backlog of the last micro-turns is pure delay: nothing ever needed it."""
        self._backlog_samples.append(len(self.inbox))
        if len(self._backlog_samples) < self.config.backlog_turns:
            return
        standing = min(self._backlog_samples)
        self._backlog_samples.clear()
        if standing > self.config.backlog_ms * SAMPLES_PER_MS:
            self._drop(standing - self.config.cushion_ms * SAMPLES_PER_MS)

    def _drop(self, num_samples: int) -> None:
        if num_samples > 0:
            self.inbox = self.inbox[num_samples:]
            self.dropped_samples += num_samples
