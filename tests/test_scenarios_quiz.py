"""Typed questions one after the other, answered in writing: right, and of the talk's split."""

from __future__ import annotations

import itertools
import random

import pytest

from microturn.data import assemble
from microturn.data.bank import Bank
from microturn.data.split import SPLITS
from microturn.data.talk import RESPONSE_MS, Talk
from microturn.scenarios import facts, memory, quiz, sums
from microturn.scenarios.questions import NUMBERS
from tests.tones import USER_VOICES, tone_bank


def played(seed: int, split: str = "train") -> Talk:
    talk = Talk(Bank([]), random.Random(seed), split=split)
    quiz.play(talk)
    return talk


@pytest.mark.parametrize("split", ["train", "eval"])
def test_answers_follow_their_questions_in_writing(split):
    talk = played(3, split)
    assert talk.instructions in (*quiz.ORDERS, *quiz.FURTHER_ORDERS) and not talk.events
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
        for seed in range(60)
        for talk in [played(seed)]
        for typed, written in zip(talk.typed, talk.written, strict=True)
    ]
    known = [(asked, answer) for asked, answer in found if asked in ways]
    assert all(ways[asked] == answer for asked, answer in known)
    assert len({asked for asked, _ in known}) > 300
    asks = {ask for kind in memory.KINDS.values() for ask in kind.asks}
    others = [
        pair
        for pair in found
        if pair not in known and pair[0] not in asks and told_in(pair[0]) is None
    ]
    numbers = {f"That is {number}." for number in NUMBERS[: sums.MOST + 1]}
    assert others and {answer for _, answer in others} <= numbers


def told_in(text: str) -> tuple[str, str] | None:
    """The kind of fact that a typed text tells, and the thing."""
    for name, kind in memory.KINDS.items():
        before, after = kind.tell.split("{}")
        if text.startswith(before) and text.endswith(after):
            return name, text[len(before) : len(text) - len(after)]
    return None


def test_what_the_user_told_last_is_given_back():
    num_asked, things = 0, set()
    for seed in range(60):
        told: dict[str, str] = {}
        talk = played(seed)
        for typed, written in zip(talk.typed, talk.written, strict=True):
            if (found := told_in(typed.text)) is not None:
                told[found[0]] = found[1]
                things.add(found[1])
                assert written.text in {
                    note.format(found[1]) for note in memory.KINDS[found[0]].notes
                }
            for name, kind in memory.KINDS.items():
                if typed.text in kind.asks:
                    num_asked += 1
                    assert written.text == kind.answer(told[name])
    kept = {thing for kind in memory.KINDS.values() for thing in kind.things[4::5]}
    assert num_asked > 30 and len(things) > 100 and not things & kept
    assert not {word.lower() for word in quiz.tellable()} & {"pink", "purple", "prague"}
    texts = {typed.text for seed in range(20) for typed in played(seed, "eval").typed}
    assert not any(map(told_in, texts))  # evaluation's talks stay as they were


@pytest.mark.parametrize("seed", range(20))
def test_sums_are_right(seed):
    talk = Talk(Bank([]), random.Random(seed))
    asked, total = sums.any_sum(talk)
    words = [word.strip("?.,") for word in asked.lower().split()]
    a, b = (NUMBERS.index(word) for word in words if word in NUMBERS)
    signs = {"minus": "minus", "less": "minus", "times": "times"}
    kind = next((signs[word] for word in words if word in signs), "plus")
    assert total == sums.result(kind, a, b)
    assert kind != "plus" or {"plus", "add", "and"} & set(words)


def test_what_the_voice_can_say_is_said_and_answered_in_writing(monkeypatch):
    monkeypatch.setattr(assemble, "kept_texts", frozenset)
    bank = tone_bank()
    monkeypatch.setitem(bank.__dict__, "_found", {})
    num_said = num_typed = 0
    for seed in range(30):
        for split in SPLITS:
            talk = Talk(bank, random.Random(seed), USER_VOICES[0], split=split)
            quiz.play(talk)
            assert len(talk.events) + len(talk.typed) == len(talk.written)
            assert not talk.events or split == "train"
            answered_ms = [written.onset_ms for written in talk.written]
            for said in talk.events:
                assert said.side == "user" and said.clip.voice == USER_VOICES[0]
                assert any(0 <= at - said.end_ms - RESPONSE_MS < 200 for at in answered_ms)
            assert all(a < b for a, b in itertools.pairwise(answered_ms))
            num_said += len(talk.events)
            num_typed += len(talk.typed)
    assert 5 < num_said < num_typed


def test_what_is_kept_is_not_trained():
    kept = {asked for known in facts.KINDS["eval"].values() for asked in known}
    kept_asks = {ask for kind in memory.KINDS.values() for ask in kind.asks[4::5]}
    trained = {typed.text for seed in range(60) for typed in played(seed).typed}
    evaluated = {typed.text for seed in range(20) for typed in played(seed, "eval").typed}
    assert not (kept | kept_asks) & trained
    assert kept & evaluated  # control
    for template in sums.KEPT_WAYS.values():
        start = template.split("{")[0]
        assert not any(text.startswith(start) for text in trained)
        assert any(text.startswith(start) for text in evaluated)
