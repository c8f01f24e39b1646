"""Agents without a model, which test the metrics: each of them has scores known beforehand.

`silent` and `always_talks` are the two cheats, `oracle` reads the expectations, `echo` says what
it hears, `vad_endpointer` answers every pause of 600 ms as a simple cascade would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from microturn.evals.capture import CapturedSession
from microturn.evals.episode import Episode, Word
from microturn.evals.interfaces import InputTick, OutputTick
from microturn.evals.oracle import Line, lines_of, reference_lines
from microturn.evals.record import SystemFacts
from microturn.evals.utterances import VOICED
from microturn.evals.vad import EnergyVad, Vad
from microturn.signal.wav import to_rate
from microturn.turns import INPUT_RATE_HZ, MICRO_TURN_MS, OUTPUT_RATE_HZ, FloatArray

PITCH_HZ = 120
LEVEL = 0.2
HEARD_RMS = 10 ** (-45 / 20)
FRAME_MS = 10
MakePolicy = Callable[[Episode], Callable[[InputTick], OutputTick]]


def sound(start_ms: int, num_ms: int) -> FloatArray:
    """A buzz at 24 kHz whose every part is continuous with the next; its first sample is loud."""
    first = start_ms * OUTPUT_RATE_HZ // 1000
    time_s = (first + np.arange(num_ms * OUTPUT_RATE_HZ // 1000)) / OUTPUT_RATE_HZ
    buzz = sum(np.cos(2 * np.pi * PITCH_HZ * k * time_s) / k for k in range(1, 6))
    return np.asarray(LEVEL * buzz / 2 + 2 * VOICED, dtype=np.float32)


def tick_of(lines: Sequence[Line], start_ms: int, tick_ms: int) -> OutputTick:
    """What plays in [start_ms, start_ms + tick_ms) of a script of lines."""
    audio = np.zeros(tick_ms * OUTPUT_RATE_HZ // 1000, dtype=np.float32)
    words: list[Word] = []
    for line in lines:
        begin, end = max(line.t0, start_ms), min(line.t1, start_ms + tick_ms)
        if begin < end:
            at = (begin - start_ms) * OUTPUT_RATE_HZ // 1000
            part = sound(begin, end - begin)
            audio[at : at + len(part)] = part
        words += [word for word in line.words if start_ms <= word[1] < start_ms + tick_ms]
    text = "".join(" " + word for word, _, _ in words)
    calls = [c for line in lines if start_ms <= line.t0 < start_ms + tick_ms for c in line.calls]
    return OutputTick(audio, text, tuple(words), tuple(calls))


@dataclass(frozen=True)
class Scripted:
    """A `System` around a policy that is made anew for every episode."""

    name: str
    make: MakePolicy
    vad: Vad = field(default_factory=EnergyVad)
    facts: SystemFacts | None = None
    out: Path | None = None

    def open(self, episode: Episode) -> CapturedSession:
        facts = self.facts or SystemFacts(self.name)
        return CapturedSession(episode, facts, self.make(episode), self.vad, self.out)


def _nothing(episode: Episode) -> Callable[[InputTick], OutputTick]:
    return lambda inp: tick_of((), 0, MICRO_TURN_MS)


def _babble(episode: Episode) -> Callable[[InputTick], OutputTick]:
    def policy(inp: InputTick) -> OutputTick:
        return OutputTick(sound(inp.start_ms + MICRO_TURN_MS, MICRO_TURN_MS), " blah")

    return policy


def _script(episode: Episode) -> Callable[[InputTick], OutputTick]:
    reference = reference_lines(episode)
    if reference is None:
        lines = lines_of(episode)
        return lambda inp: tick_of(lines, inp.start_ms + MICRO_TURN_MS, MICRO_TURN_MS)
    spoken, written, handed = reference

    def policy(inp: InputTick) -> OutputTick:
        tick = tick_of(spoken, inp.start_ms + MICRO_TURN_MS, MICRO_TURN_MS)
        ends_ms = inp.start_ms + MICRO_TURN_MS
        text = "".join(f" {text}" for at_ms, text in written if inp.start_ms <= at_ms < ends_ms)
        handed_over = [text for at_ms, text in handed if inp.start_ms <= at_ms < ends_ms]
        return replace(tick, text=tick.text + text, delegate=" ".join(handed_over) or None)

    return policy


def _echo(episode: Episode) -> Callable[[InputTick], OutputTick]:
    def policy(inp: InputTick) -> OutputTick:
        heard = to_rate(inp.audio, INPUT_RATE_HZ, OUTPUT_RATE_HZ)
        wanted = MICRO_TURN_MS * OUTPUT_RATE_HZ // 1000
        return OutputTick(np.resize(heard, wanted), "".join(inp.text))

    return policy


@dataclass
class Endpointer:
    """Answers `reply_ms` long once it heard speech and then `pause_ms` of silence; stops when the
    user speaks."""

    pause_ms: int
    reply_ms: int
    has_heard: bool = False
    quiet_ms: int = 0
    left_ms: int = 0

    def __call__(self, inp: InputTick) -> OutputTick:
        frames = inp.audio.reshape(-1, INPUT_RATE_HZ * FRAME_MS // 1000)
        is_opened = False
        for rms in np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1)):
            if rms > HEARD_RMS:
                self.has_heard, self.quiet_ms, self.left_ms, is_opened = True, 0, 0, False
                continue
            self.quiet_ms += FRAME_MS
            if self.has_heard and self.quiet_ms >= self.pause_ms:
                self.has_heard, self.left_ms, is_opened = False, self.reply_ms, True
        num_ms = min(self.left_ms, MICRO_TURN_MS)
        self.left_ms -= num_ms
        audio = np.zeros(MICRO_TURN_MS * OUTPUT_RATE_HZ // 1000, dtype=np.float32)
        part = sound(inp.start_ms + MICRO_TURN_MS, num_ms)
        audio[: len(part)] = part
        return OutputTick(audio, " okay here it is" if is_opened else "")


def silent(vad: Vad | None = None) -> Scripted:
    """Never says anything."""
    return Scripted("silent", _nothing, vad or EnergyVad())


def always_talks(vad: Vad | None = None) -> Scripted:
    """Never stops, and says nothing of use."""
    return Scripted("always_talks", _babble, vad or EnergyVad())


def oracle(vad: Vad | None = None) -> Scripted:
    """Does what every expectation asks for, at the best moment."""
    return Scripted("oracle", _script, vad or EnergyVad())


def echo(vad: Vad | None = None) -> Scripted:
    """Says what it hears, one tick later."""
    return Scripted("echo", _echo, vad or EnergyVad())


def vad_endpointer(pause_ms: int = 600, reply_ms: int = 1600, vad: Vad | None = None) -> Scripted:
    """Answers every pause of that length."""
    name = f"vad_endpointer({pause_ms} ms)"
    return Scripted(name, lambda episode: Endpointer(pause_ms, reply_ms), vad or EnergyVad())
