"""The micro-turn: 200 ms of input and 200 ms of output, the type that flows through everything.

This file imports nothing of ours. It holds no behaviour beyond checks of shape, and never reads a
clock: time is `index * MICRO_TURN_MS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

MICRO_TURN_MS = 200
INPUT_RATE_HZ = 16_000
OUTPUT_RATE_HZ = 24_000
INPUT_SAMPLES = INPUT_RATE_HZ * MICRO_TURN_MS // 1000  # 3,200 samples heard in one micro-turn
OUTPUT_SAMPLES = OUTPUT_RATE_HZ * MICRO_TURN_MS // 1000  # 4,800 samples said in one micro-turn
AUDIO_FRAME_MS = 50
AUDIO_FRAMES = MICRO_TURN_MS // AUDIO_FRAME_MS  # 4 heard positions in one micro-turn
NUM_SLOTS = 4  # audio-out slots in one speaking micro-turn

FloatArray = npt.NDArray[np.float32]
ByteArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class BackgroundUpdate:
    """One streamed result of the background model, offered to the interaction model.

    `mode` says when it may be voiced: a silent fact, when the floor is free, or at once.
    """

    id: str
    text: str
    mode: Literal["silent", "when_idle", "interrupt"] = "when_idle"
    delegation_id: str | None = None


@dataclass(frozen=True)
class Delegation:
    """The interaction model hands something over; the context package is the whole conversation."""

    id: str
    index: int
    text: str


@dataclass(frozen=True)
class MicroTurnInput:
    """What came in during one 200 ms interval.

    audio: [INPUT_SAMPLES] float32 in [-1, 1] at INPUT_RATE_HZ; silence where nothing came. images:
    [2, height, width, 3] uint8, the pair that closed in this interval, or None. played_ms: how much
    of the previous output the listener really heard (of MICRO_TURN_MS). What was
        not played is not fed back as said.
    """

    index: int
    audio: FloatArray
    images: ByteArray | None = None
    text: str | None = None
    updates: tuple[BackgroundUpdate, ...] = ()
    played_ms: int = MICRO_TURN_MS
    is_late: bool = False

    def __post_init__(self) -> None:
        if self.index < 0:
            raise ValueError(f"micro-turn index must not be negative, got {self.index}")
        if self.audio.shape != (INPUT_SAMPLES,):
            raise ValueError(
                f"micro-turn {self.index} needs {INPUT_SAMPLES} samples of audio "
                f"({MICRO_TURN_MS} ms at {INPUT_RATE_HZ} Hz), got shape {self.audio.shape}"
            )
        if not 0 <= self.played_ms <= MICRO_TURN_MS:
            raise ValueError(f"played_ms must be 0 to {MICRO_TURN_MS}, got {self.played_ms}")


@dataclass(frozen=True)
class Timings:
    """Where one micro-turn's compute went, in milliseconds."""

    extend_ms: float = 0.0
    decode_ms: float = 0.0
    flow_ms: float = 0.0
    vocoder_ms: float = 0.0

    @property
    def total_ms(self) -> float:
        return self.extend_ms + self.decode_ms + self.flow_ms + self.vocoder_ms


@dataclass(frozen=True)
class MicroTurnOutput:
    """What the model gives for one interval; it plays during the next one.

    audio: [OUTPUT_SAMPLES] float32 at OUTPUT_RATE_HZ; zeros when the model is silent.
    heard_text, said_text: the text of the two lanes that appeared in this micro-turn.
    speaks: the floor decision; p_speak: its probability.
    """

    index: int
    audio: FloatArray
    speaks: bool
    p_speak: float
    heard_text: str = ""
    said_text: str = ""
    text_ids: tuple[int, ...] = ()
    delegation: Delegation | None = None
    timings: Timings = field(default_factory=Timings)
