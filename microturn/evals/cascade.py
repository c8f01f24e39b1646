"""A cascade with barge-in, the conventional opponent: turn detector, recogniser, mind, synthesiser.

It runs in steps of 20 ms, whatever ticks it is given. A reply begins when the turn is over; it is
cut when the user speaks for 200 ms, and goes on if that was only "mm-hm" or noise. Who goes on
speaking just after a reply began was not done: what was heard before belongs to the new turn.

lockstep: compute costs nothing (it is in the ticks). wallclock: a reply begins later by the time
that recogniser, mind and synthesiser took; listening goes on meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from microturn.data.spoken_forms import to_spoken
from microturn.evals.capture import CapturedSession
from microturn.evals.cascade_mouth import Mouth
from microturn.evals.episode import Episode
from microturn.evals.interfaces import InputTick, OutputTick
from microturn.evals.recogniser import Recogniser
from microturn.evals.record import SystemFacts, Trace
from microturn.evals.reply import Agent, Later, MakeAgent, Reply, is_hum
from microturn.evals.synthesiser import Synthesiser
from microturn.evals.turn_detector import (
    DetectorConfig,
    SpeechStream,
    TurnDetector,
    TurnEvent,
)
from microturn.evals.vad import Vad, load_vad
from microturn.turns import INPUT_RATE_HZ, FloatArray

STEP_MS = 20
PER_MS = INPUT_RATE_HZ // 1000


@dataclass(frozen=True)
class CascadeConfig:
    """before_ms: sound given to the recogniser ahead of a turn. after_ms: and behind it.
    regret_ms: a reply cut sooner than that answered half a turn. resumes: a reply goes on after
    "mm-hm". max_turn_ms: of a longer turn, the recogniser gets the end."""

    detector: DetectorConfig = field(default_factory=DetectorConfig)
    before_ms: int = 300
    after_ms: int = 200
    regret_ms: int = 1000
    max_turn_ms: int = 30_000
    resumes: bool = True


@dataclass(frozen=True)
class Cascade:
    """A `System`. ears: opens a stream of speech probabilities. stopwatch: seconds."""

    ears: Callable[[], SpeechStream]
    recogniser: Recogniser
    minds: MakeAgent
    synthesiser: Synthesiser
    config: CascadeConfig = field(default_factory=CascadeConfig)
    facts: SystemFacts = field(default_factory=lambda: SystemFacts("cascade", tick_ms=STEP_MS))
    vad: Vad = field(default_factory=load_vad)
    out: Path | None = None
    stopwatch: Callable[[], float] = time.perf_counter

    def __post_init__(self) -> None:
        if self.facts.tick_ms != STEP_MS:
            raise ValueError(f"a cascade has steps of {STEP_MS} ms, got {self.facts.tick_ms}")

    @property
    def name(self) -> str:
        return self.facts.name

    def open(self, episode: Episode) -> CascadeSession:
        return CascadeSession(self, episode)


class CascadeSession:
    """One episode. Ticks of any whole number of steps; the trace has one tick a step."""

    def __init__(self, system: Cascade, episode: Episode) -> None:
        self.system, self.config = system, system.config
        self.stream = system.ears()
        self.detector = TurnDetector(self.config.detector, self.stream.window_ms)
        self.mind: Agent = system.minds(episode.system)
        self.mouth = Mouth()
        self.heard: FloatArray = np.zeros(episode.end_ms * PER_MS, np.float32)
        self.num_heard = self.num_detected = 0
        self.open_turn: FloatArray = np.zeros(0, np.float32)  # of a turn answered too early
        self.num_open_words = 0
        self.planned: list[tuple[int, Later]] = []
        self.thinking_s = 0.0
        self.written = ""  # what was recognised in this step
        self.num_steps = 0
        self.captured = CapturedSession(episode, system.facts, self._step, system.vad, system.out)

    def step(self, inp: InputTick) -> OutputTick:
        """All steps of a tick; their output together. Raises ValueError for other lengths."""
        size = STEP_MS * PER_MS
        num, rest = divmod(len(inp.audio), size)
        if rest or not num:
            raise ValueError(
                f"tick {inp.index} has {len(inp.audio)} samples, want a multiple of {size}"
            )
        given: list[OutputTick] = []
        for k in range(num):
            audio = inp.audio[k * size : (k + 1) * size]
            text, updates = (inp.text, inp.updates) if k == 0 else ((), ())
            start_ms = inp.start_ms + k * STEP_MS
            part = InputTick(self.num_steps, start_ms, audio, text=text, updates=updates)
            given.append(self.captured.step(part))
            self.num_steps += 1
        return OutputTick(
            np.concatenate([tick.audio for tick in given]),
            "".join(tick.text for tick in given),
            compute_ms=sum(tick.compute_ms for tick in given),
        )

    def close(self) -> Trace:
        return self.captured.close()

    def _step(self, inp: InputTick) -> OutputTick:
        watch = self.system.stopwatch
        begun_s, self.thinking_s, self.written = watch(), 0.0, ""
        end_ms = inp.start_ms + STEP_MS
        for event in self._detect(inp.audio):
            if event.kind == "start":
                self._barge_in(event)
            else:
                self._answer(event)
        for text in inp.text:
            self._think(text, end_ms)
        self.planned += [(end_ms, Later(0, text)) for text in inp.updates]
        self._say_planned(end_ms)
        audio, said = self.mouth.play(end_ms, STEP_MS)
        compute_s = watch() - begun_s
        if self.system.facts.clock == "wallclock":
            compute_s -= self.thinking_s  # is in the reply's delay: see `_say`
        return OutputTick(
            audio, said, compute_ms=1000 * max(0.0, compute_s), heard=self.written.strip()
        )

    def _detect(self, audio: FloatArray) -> list[TurnEvent]:
        """Keep the sound and feed whole windows of it to the detector."""
        last = self.num_heard + len(audio)
        if last > len(self.heard):
            self.heard = np.concatenate([self.heard, np.zeros(last, np.float32)])
        self.heard[self.num_heard : last] = audio
        self.num_heard = last
        size = self.stream.window_ms * PER_MS
        events: list[TurnEvent] = []
        while self.num_detected + size <= last:
            window = self.heard[self.num_detected : self.num_detected + size]
            event = self.detector.feed(self.stream(window))
            self.num_detected += size
            events += [event] if event else []
        return events

    def _barge_in(self, event: TurnEvent) -> None:
        said = self.mouth.cut(event.at_ms)
        if said is not None:
            self.mind.was_cut(said)

    def _answer(self, event: TurnEvent) -> None:
        """A turn is over: recognise and answer it, or go on with what it interrupted."""
        begun_s = self.system.stopwatch()
        first_ms = max(0, event.from_ms - self.config.before_ms)
        turn = self.heard[first_ms * PER_MS : (event.to_ms + self.config.after_ms) * PER_MS]
        cut = self.mouth.take_cut()
        goes_on = cut is not None and cut.played_ms < self.config.regret_ms and not cut.is_planned
        if goes_on:
            turn = np.concatenate([self.open_turn, turn])
        turn = turn[-self.config.max_turn_ms * PER_MS :]
        self.open_turn = turn
        text = self.system.recogniser(turn)
        spent_s = self._since(begun_s)
        words = to_spoken(text).split()  # "10" as it was said
        self.written += " " + " ".join(words[self.num_open_words if goes_on else 0 :])
        self.num_open_words = len(words)  # of a turn that goes on, these stand there already
        if cut is not None and self.config.resumes and (not text or is_hum(text)):
            self.mouth.go_on(cut, event.at_ms + self._delay_ms(spent_s))
        elif text:
            self._think(text, event.at_ms, event.to_ms, spent_s)

    def _think(
        self, text: str, at_ms: int, asked_ms: int | None = None, spent_s: float = 0.0
    ) -> None:
        """Answer a text; what is planned counts from `asked_ms`, the end of the request."""
        begun_s = self.system.stopwatch()
        reply = self.mind.reply(text)
        spent_s += self._since(begun_s)
        if reply.drops_later:
            self.planned.clear()
        asked_ms = at_ms if asked_ms is None else asked_ms
        self.planned += [(asked_ms + later.after_ms, later) for later in reply.later]
        self._say(reply, at_ms, spent_s)

    def _say(self, reply: Reply, at_ms: int, spent_s: float, is_planned: bool = False) -> None:
        if not reply.text:
            return
        begun_s = self.system.stopwatch()
        said = self.system.synthesiser(reply.text)
        spent_s += self._since(begun_s)
        self.mouth.say(said, at_ms + self._delay_ms(spent_s), is_planned)

    def _since(self, begun_s: float) -> float:
        """Seconds spent on a reply since then; they are noted."""
        spent_s = self.system.stopwatch() - begun_s
        self.thinking_s += spent_s
        return spent_s

    def _delay_ms(self, spent_s: float) -> int:
        """How much later a reply begins for the time it took to make."""
        return round(1000 * spent_s) if self.system.facts.clock == "wallclock" else 0

    def _say_planned(self, now_ms: int) -> None:
        """What is due, unless somebody speaks; it is then said afterwards."""
        if self.detector.is_in_turn or self.mouth.is_busy:
            return
        for place, (due_ms, later) in enumerate(self.planned):
            if due_ms <= now_ms:
                del self.planned[place]
                if later.every_ms:
                    self.planned.append((due_ms + later.every_ms, later))
                self._say(Reply(later.text), now_ms, 0.0, is_planned=True)
                return
