"""Typed questions one after the other, answered in writing: right, and of the talk's split."""

from __future__ import annotations

import random

import pytest

from microturn.data.bank import Bank
from microturn.data.talk import Talk
from microturn.scenarios import facts, quiz, sums
from microturn.scenarios.questions import NUMBERS


def played(seed: int, split: str = "train") -> Talk:
    talk = Talk(Bank([]), random.Random(seed), split=split)
    quiz.play(talk)
    return talk


@pytest.mark.parametrize("split", ["train", "eval"])
def test_answers_follow_their_questions_in_writing(split):
    talk = played(3, split)
    assert talk.instructions in quiz.ORDERS and not talk.events
    assert 20 <= len(talk.typed) == len(talk.written) <= 60
    for typed, written, later in zip(talk.typed, talk.written, talk.typed[1:], strict=False):
        assert typed.onset_ms + 200 <= written.onset_ms < later.onset_ms
    accepted = [(e.do, e.on_ms, e.accept) for e in talk.expects]
    assert accepted == [
        ("answer", typed.onset_ms, (written.text,))
        for typed, written in zip(talk.typed, talk.written, strict=True)
    ]


def test_facts_have_their_answer_in_every_way():
    ways = {
        way.format(thing)[:1].upper() + way.format(thing)[1:]: answer
        for kind, table in facts.TABLES.items()
        for thing, answer in table.items()
        for way in (*facts.WAYS[kind][: facts.KEPT_WAY], *facts.FURTHER_WAYS[kind])
    }
    found = [
        (typed.text, written.text)
        for seed in range(30)
        for talk in [played(seed)]
        for typed, written in zip(talk.typed, talk.written, strict=True)
    ]
    known = [(asked, answer) for asked, answer in found if asked in ways]
    assert all(ways[asked] == answer for asked, answer in known)
    assert len({asked for asked, _ in known}) > 300
    others = [pair for pair in found if pair not in known]
    numbers = {f"That is {number}." for number in NUMBERS[: quiz.MOST + 1]}
    assert others and {answer for _, answer in others} <= numbers


@pytest.mark.parametrize("seed", range(20))
def test_sums_are_right(seed):
    talk = Talk(Bank([]), random.Random(seed))
    asked, answer = quiz.sum_of(talk)
    words = [word.strip("?.") for word in asked.lower().split()]
    a, b = (NUMBERS.index(word) for word in words if word in NUMBERS)
    signs = {"minus": "minus", "times": "times", "plus": "plus", "add": "plus"}
    kind = next(signs[word] for word in words if word in signs)
    assert answer == sums.told(sums.result(kind, a, b))


def test_what_is_kept_is_not_trained():
    kept = {asked for known in facts.KINDS["eval"].values() for asked in known}
    trained = {typed.text for seed in range(60) for typed in played(seed).typed}
    evaluated = {typed.text for seed in range(20) for typed in played(seed, "eval").typed}
    assert not kept & trained
    assert kept & evaluated  # control
    for template in sums.KEPT_WAYS.values():
        start = template.split("{")[0]
        assert not any(text.startswith(start) for text in trained)
        assert any(text.startswith(start) for text in evaluated)
