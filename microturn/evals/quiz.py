"""What a model knows, apart from what it hears: facts and sums asked in typed text.

    python -m microturn.evals.quiz --model nano --count 40

Each question opens a session of its own, in lockstep and without sound. Right is an answer whose
last word is that of the expected one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tyro

from microturn.engine.engine import Engine
from microturn.engine.load import load
from microturn.evals.bootstrap import bootstrap
from microturn.evals.text_rules import answer_words
from microturn.scenarios import facts, quiz, sums
from microturn.scenarios.questions import NUMBERS
from microturn.sequence import split_lanes
from microturn.turns import INPUT_SAMPLES, MicroTurnInput

ASKED_AT, MICRO_TURNS = 3, 16  # the question comes after 0.6 s, and 2.6 s are waited
KNOWN, KEPT = slice(0, facts.KEPT_WAY), slice(facts.KEPT_WAY, None)
Ask = Callable[[random.Random], tuple[str, str]]


@dataclass(frozen=True)
class Quiz:
    """Which model, and how many questions of each kind."""

    model: str = "nano"
    count: int = 40
    seed: int = 0


def fact(rng: random.Random, ways: slice) -> tuple[str, str]:
    """A fact asked in one of these ways, and its answer."""
    kind = rng.choice(tuple(facts.TABLES))
    thing, answer = rng.choice(tuple(facts.TABLES[kind].items()))
    return rng.choice(facts.WAYS[kind][ways]).format(thing), answer


def small_sum(rng: random.Random) -> tuple[str, str]:
    """A sum that the skill `sums` asks aloud, and its answer."""
    kind = rng.choice(tuple(sums.PAIRS))
    pair = rng.choice(sums.PAIRS[kind])
    question = rng.choice(sums.WAYS[kind]).format(*(NUMBERS[n] for n in pair))
    return question, sums.told(sums.result(kind, *pair))


KINDS: dict[str, tuple[Ask, str | None]] = {  # how it is asked, and the instructions
    "facts, known ways, in writing": (lambda rng: fact(rng, KNOWN), quiz.ORDERS[0]),
    "facts, known ways, aloud": (lambda rng: fact(rng, KNOWN), None),
    "facts, kept ways, in writing": (lambda rng: fact(rng, KEPT), quiz.ORDERS[0]),
    "facts, kept ways, aloud": (lambda rng: fact(rng, KEPT), None),
    "sums, in writing": (small_sum, quiz.ORDERS[0]),
}


def answer_to(engine: Engine, question: str, instructions: str | None) -> str:
    """What the model writes or says to a typed question."""
    silence = np.zeros(INPUT_SAMPLES, dtype=np.float32)
    session = engine.open(seed=0, instructions=instructions)
    said: list[int] = []
    try:
        for index in range(MICRO_TURNS):
            typed = question if index == ASKED_AT else None
            output = engine.step(session, MicroTurnInput(index, silence, text=typed))
            said += split_lanes(output.text_ids, engine.text.markers)[1]
    finally:
        engine.close(session)
    return engine.text.decode(said).strip()


def is_right(answer: str, expected: str) -> bool:
    """Whether the last words agree: "it is rome." and "Rome." do."""
    words = [answer_words(text) for text in (answer, expected)]
    return bool(words[0]) and words[0][-1] == words[1][-1]


def ask(engine: Engine, config: Quiz) -> Iterator[dict[str, Any]]:
    """Share of right answers of each kind with its 95 % interval, and every answer."""
    if config.count < 1:
        raise ValueError(f"count must be positive, got {config.count}")
    for kind, (pick, instructions) in KINDS.items():
        rng = random.Random(f"{config.seed}/{kind}")
        answers: list[dict[str, Any]] = []
        for _ in range(config.count):
            question, expected = pick(rng)
            answer = answer_to(engine, question, instructions)
            right = is_right(answer, expected)
            answers.append(
                {"question": question, "expected": expected, "answer": answer, "right": right}
            )
        num_right = sum(entry["right"] for entry in answers)
        interval = bootstrap([[float(entry["right"])] for entry in answers], config.seed)
        yield {
            "kind": kind,
            "right": num_right,
            "count": config.count,
            "interval": [interval.low, interval.high],
            "answers": answers,
        }


if __name__ == "__main__":
    options = tyro.cli(Quiz)
    for found in ask(load(options.model), options):
        print(json.dumps(found))
