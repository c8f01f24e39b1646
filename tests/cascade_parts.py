"""A cascade without networks: energy for ears, a table for a recogniser, tones for a voice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from microturn.evals.cascade import STEP_MS, Cascade, CascadeConfig
from microturn.evals.episode import Episode, Setup
from microturn.evals.interfaces import InputTick
from microturn.evals.record import SystemFacts, Trace
from microturn.evals.reply import Later, Reply
from microturn.evals.scripted import sound
from microturn.evals.synthesiser import SaidWords
from microturn.evals.turn_detector import EnergyStream
from microturn.evals.vad import EnergyVad
from microturn.turns import FloatArray

WORD_MS = 300
HANGOVER_MS, START_MS = 500, 200


@dataclass
class Listed:
    """A recogniser that gives its texts in order; keeps what it heard, in ms."""

    texts: Sequence[str]
    heard_ms: list[int] = field(default_factory=list)
    name: str = "listed"

    def __call__(self, audio: FloatArray) -> str:
        self.heard_ms.append(len(audio) // 16)
        return self.texts[len(self.heard_ms) - 1]


class Tones:
    """Each word is 300 ms of sound."""

    name = "tones"

    def __call__(self, text: str) -> SaidWords:
        words = text.split()
        onsets = tuple((word, WORD_MS * k) for k, word in enumerate(words))
        return SaidWords(sound(0, WORD_MS * len(words)), onsets)


@dataclass
class Parrot:
    """Says six words for each turn; "later" plans a word; keeps what it was told."""

    asked: list[str] = field(default_factory=list)
    cuts: list[str] = field(default_factory=list)
    name: str = "parrot"

    def __call__(self, setup: Setup) -> Parrot:
        return self

    def reply(self, text: str) -> Reply:
        self.asked.append(text)
        later = (Later(2000, "now", 1500),) if text == "later" else ()
        return Reply("one two three four five six", later, text == "stop")

    def was_cut(self, said: str) -> None:
        self.cuts.append(said)


def cascade(
    texts: Sequence[str],
    mind: Parrot | None = None,
    clock: str = "lockstep",
    stopwatch: Callable[[], float] = lambda: 0.0,
    config: CascadeConfig | None = None,
) -> Cascade:
    """The parts put together; time stands still unless a stopwatch is given."""
    facts = SystemFacts("cascade", "fakes", STEP_MS)
    if clock == "wallclock":
        facts = replace(facts, clock="wallclock")
    return Cascade(
        EnergyStream,
        Listed(texts),
        mind or Parrot(),
        Tones(),
        config or CascadeConfig(),
        facts,
        EnergyVad(),
        stopwatch=stopwatch,
    )


def voice_of(spans: Sequence[tuple[int, int]], length_ms: int) -> FloatArray:
    """A user who speaks (noise of constant energy) in these spans."""
    audio = np.zeros(16 * length_ms, dtype=np.float32)
    for start, end in spans:
        audio[16 * start : 16 * end] = 0.1 * (-1.0) ** np.arange(16 * (end - start))
    return audio


def converse(
    system: Cascade, spans: Sequence[tuple[int, int]], length_ms: int, tick_ms: int = 200
) -> tuple[Trace, FloatArray]:
    """Play a user to a cascade; its trace and all its sound, with the delay of its steps."""
    audio = voice_of(spans, length_ms)
    session = system.open(Episode("e", "t", length_ms))
    size = 16 * tick_ms
    given = [
        session.step(InputTick(k, k * tick_ms, audio[k * size : (k + 1) * size])).audio
        for k in range(length_ms // tick_ms)
    ]
    return session.close(), np.concatenate(given)
