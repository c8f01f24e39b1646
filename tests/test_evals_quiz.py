"""Typed questions: what is asked, what counts as right, and that a model is asked at all."""

from __future__ import annotations

import random

import pytest

from microturn.evals.quiz import KEPT, KINDS, KNOWN, Quiz, answer_to, ask, fact, is_right, small_sum
from microturn.scenarios import facts
from tests.tiny import tiny_engine
from tests.tones import shipped_text


class Knows:
    """Answers typed questions in text, right where it has been told."""

    def __init__(self, answers: dict[str, str]) -> None:
        self.text, self.answers, self.left = shipped_text(), answers, ""
        self.opened: list[str | None] = []

    def open(self, seed: int, instructions: str | None) -> str:
        self.opened.append(instructions)
        return "s"

    def step(self, _: str, turn):
        ids = tuple(self.text.encode(self.left)) if self.left else ()
        self.left = self.answers.get(turn.text, "no idea") if turn.text else ""
        return type("Output", (), {"text_ids": ids})()

    def close(self, _: str) -> None:
        self.opened.append("closed")


@pytest.mark.parametrize("seed", range(10))
def test_what_is_asked_has_its_answer(seed):
    question, answer = fact(random.Random(seed), KNOWN)
    assert facts.ASKED["train"].get(question, answer) == answer
    kept, _ = fact(random.Random(seed), KEPT)
    assert kept not in facts.ASKED["train"]
    asked, told = small_sum(random.Random(seed))
    assert asked.endswith(("?", ".")) and told.startswith("That is ")


def test_the_last_word_counts():
    assert is_right("it is rome.", "It is Rome.") and is_right("rome", "It is Rome.")
    assert is_right("that is 12.", "That is twelve.")
    assert not is_right("", "Cold.") and not is_right("rome it is not", "It is Rome.")


def test_every_kind_is_counted_and_sessions_are_closed():
    answers = {
        way.format(thing): answer
        for kind, table in facts.TABLES.items()
        for thing, answer in table.items()
        for way in facts.WAYS[kind][KNOWN]
    }
    model = Knows(answers)
    found = {entry["kind"]: entry for entry in ask(model, Quiz(count=6))}
    assert found.keys() == KINDS.keys()
    assert found["facts, known ways, in writing"]["right"] == 6
    assert found["facts, known ways, aloud"]["interval"] == [1.0, 1.0]
    assert found["facts, kept ways, aloud"]["right"] == 0  # control
    assert model.opened.count("closed") == 6 * len(KINDS)
    assert model.opened.count(None) == 12


def test_a_real_engine_answers_something():
    engine = tiny_engine()
    assert isinstance(answer_to(engine, "hello", "be brief."), str)
    assert not engine.sessions


def test_a_count_is_needed():
    with pytest.raises(ValueError, match="count must be positive"):
        next(iter(ask(tiny_engine(), Quiz(count=0))))
