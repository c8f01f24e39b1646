"""Plays generated conversations to an engine in lockstep and compares what it does with the
timeline.

A conversation's user side is fixed; what the model says is cut into runs of speaking micro-turns,
and each event that the timeline expects of the model is matched with the run that begins nearest to
it. No judge: text is compared word by word, times are integer milliseconds.

    python -m microturn.evals.families --bank DIR --model nano --count 20
"""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
import tyro

from microturn.data.bank import Bank
from microturn.data.loader import Sound, compose, weights
from microturn.data.render import user_track
from microturn.data.timeline import Event, Timeline
from microturn.engine.engine import Engine
from microturn.engine.load import load
from microturn.signal.text import normalise
from microturn.turns import INPUT_SAMPLES, MICRO_TURN_MS, MicroTurnInput, MicroTurnOutput

MATCH_MS = 1500  # a run that begins further away from an expected event is not its answer
EVAL_SEED = 900_000  # episodes no training stream reaches


@dataclass(frozen=True)
class Run:
    """Consecutive speaking micro-turns, in the time in which they are heard."""

    onset_ms: int
    end_ms: int
    text: str


def converse(engine: Engine, audio: np.ndarray, seed: int) -> list[MicroTurnOutput]:
    """Play a track at 16 kHz to a fresh session, micro-turn by micro-turn."""
    session_id = engine.open(seed=seed)
    outputs = []
    for index in range(len(audio) // INPUT_SAMPLES):
        part = audio[index * INPUT_SAMPLES : (index + 1) * INPUT_SAMPLES]
        outputs.append(engine.step(session_id, MicroTurnInput(index, part)))
    engine.close(session_id)
    return outputs


def runs_of(outputs: Sequence[MicroTurnOutput]) -> list[Run]:
    """Cut a session into what was said."""
    runs: list[Run] = []
    for speaks, group in groupby(outputs, key=lambda output: output.speaks):
        spoken = list(group)
        if speaks:
            first, last = spoken[0].index + 1, spoken[-1].index + 2
            text = "".join(output.said_text for output in spoken).strip()
            runs.append(Run(first * MICRO_TURN_MS, last * MICRO_TURN_MS, text))
    return runs


def word_errors(said: str, wanted: str) -> tuple[int, int]:
    """Edit distance in words, and the number of words wanted."""
    a, b = normalise(said).split(), normalise(wanted).split()
    row = list(range(len(b) + 1))
    for i, word in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            cost = previous + (word != other)
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, cost)
    return row[-1], len(b)


@dataclass
class Tally:
    """Counts over conversations; `summary` makes figures of them."""

    heard_errors: int = 0
    heard_words: int = 0
    expected: int = 0
    answered: int = 0
    right: int = 0
    intrusions: int = 0
    silent_ms: int = 0
    late_ms: list[int] = field(default_factory=list)
    stop_ms: list[int] = field(default_factory=list)

    def add(
        self, timeline: Timeline, outputs: Sequence[MicroTurnOutput]
    ) -> list[tuple[Event, Run | None]]:
        """Compare one conversation; returns what was matched with what."""
        users = [event for event in timeline.events if event.side == "user"]
        heard = "".join(output.heard_text for output in outputs)
        errors, words = word_errors(heard, " ".join(event.text for event in users))
        self.heard_errors, self.heard_words = self.heard_errors + errors, self.heard_words + words
        left = runs_of(outputs)
        pairs = []
        for event in (event for event in timeline.events if event.side == "own"):
            near = [run for run in left if abs(run.onset_ms - event.onset_ms) <= MATCH_MS]
            run = min(near, key=lambda run: abs(run.onset_ms - event.onset_ms), default=None)
            pairs.append((event, run))
            self.expected += 1
            if run is not None:
                left.remove(run)
                self.compare(event, run, users)
        self.intrusions += len(left)
        self.silent_ms += timeline.duration_ms
        return pairs

    def compare(self, event: Event, run: Run, users: list[Event]) -> None:
        self.answered += 1
        self.late_ms.append(run.onset_ms - event.onset_ms)
        if event.cut_ms is None or event.cut_ms >= event.end_ms:
            self.right += word_errors(run.text, event.text)[0] == 0
            return
        begun = normalise(event.text).startswith(
            normalise(run.text)[:-6]
        )  # the last word may be cut
        self.right += begun
        onset_ms = max(user.onset_ms for user in users if user.onset_ms < event.cut_ms)
        self.stop_ms.append(run.end_ms - onset_ms)

    def summary(self) -> dict[str, float | int | None]:
        """Figures; shares are of expected events."""
        return {
            "heard_word_error_rate": round(self.heard_errors / max(1, self.heard_words), 4),
            "expected": self.expected,
            "answered_share": round(self.answered / max(1, self.expected), 4),
            "right_share": round(self.right / max(1, self.expected), 4),
            "onset_error_median_ms": statistics.median(self.late_ms) if self.late_ms else None,
            "stop_latency_median_ms": statistics.median(self.stop_ms) if self.stop_ms else None,
            "interruptions": len(self.stop_ms),
            "intrusions_per_minute": round(self.intrusions / max(1, self.silent_ms) * 60_000, 3),
            "minutes": round(self.silent_ms / 60_000, 1),
        }


def measure(
    engine: Engine, bank: Bank, family: str | None, count: int, duration_ms: int = 30_000
) -> tuple[Tally, list[str]]:
    """Play `count` conversations of one family (None: of all, mixed); returns the tally and
    readable lines."""
    tally, lines = Tally(), []
    mixture = weights(None if family is None else {family: 1.0})
    for number in range(count):
        rng = random.Random(f"{EVAL_SEED}/{family}/{number}")
        timeline = compose(rng, bank, mixture, duration_ms)
        sound = Sound(
            rng.uniform(0.15, 0.9), rng.choice((0.0, 0.0005, 0.002)), rng.randrange(2**31)
        )
        outputs = converse(engine, user_track(timeline, bank, sound), seed=number)
        for event, run in tally.add(timeline, outputs):
            got = "nothing" if run is None else f"{run.onset_ms} {run.text!r}"
            lines.append(f"{event.onset_ms} {event.text[:60]!r} <- {got}")
    return tally, lines


@dataclass(frozen=True)
class FamiliesRun:
    """Which model is measured on what."""

    bank: tuple[Path, ...]
    model: str = "nano"
    count: int = 20
    show: bool = False


def main(run: FamiliesRun) -> None:
    """Print one JSON object: a summary for each family."""
    engine, bank = load(run.model), Bank.load(run.bank, for_training=False)
    report = {}
    for family in weights(None):
        tally, lines = measure(engine, bank, family, run.count)
        report[family] = tally.summary()
        if run.show:
            print("\n".join(lines))
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main(tyro.cli(FamiliesRun))
