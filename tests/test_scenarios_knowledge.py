"""What the model knows, remembers, obeys, writes and refuses."""

from __future__ import annotations

import functools
import random
import re

import pytest

from microturn.data.loader import plan
from microturn.data.render import render
from microturn.data.talk import RESPONSE_MS, Talk
from microturn.data.timeline import Event
from microturn.scenarios import (
    facts,
    families,
    instructions,
    memory,
    questions,
    refusal,
    small_talk,
    typed,
)
from microturn.sequence import split_lanes
from tests.tones import shipped_text, tone_bank

NAMES = ("facts", "sums", "memory", "typed", "instructions", "refusal", "small_talk")
SEEDS = range(200)
SHARED = {*questions.USER_TEXTS}  # known by heart, asked for in both splits


@functools.cache
def played(name: str, seed: int, split: str = "train") -> Talk:
    talk = Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=1000, split=split)
    families()[name].play(talk)
    return talk


def side(talk: Talk, name: str) -> list[Event]:
    return [event for event in talk.events if event.side == name]


def pairs(talk: Talk) -> list[tuple[str, str | None]]:
    """What the user said, each with what the model said before the user's next."""
    found: list[tuple[str, str | None]] = []
    for event in talk.events:
        if event.side == "user":
            found.append((event.text, None))
        elif found:
            found[-1] = (found[-1][0], event.text)
    return found


def heard(name: str, split: str) -> set[str]:
    """All that the user says and types, and the instructions."""
    found: set[str] = set()
    for seed in SEEDS:
        talk = played(name, seed, split)
        found |= {event.text for event in side(talk, "user")}
        found |= {item.text for item in talk.typed}
        found |= {talk.instructions} - {None}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_phrasings_kept_for_evaluation_never_train(name):
    assert not heard(name, "train") & heard(name, "eval") - SHARED
    assert heard(name, "eval") - SHARED


@pytest.mark.parametrize("name", NAMES)
def test_answers_come_at_once(name):
    """Each own utterance follows the user's last sound or typed text as soon as it may, and
    nothing is said where silence is due."""
    for seed in SEEDS:
        talk = played(name, seed)
        for event in side(talk, "own"):
            ends = [e.end_ms for e in side(talk, "user") if e.end_ms <= event.onset_ms]
            ends += [t.onset_ms for t in talk.typed if t.onset_ms <= event.onset_ms]
            assert RESPONSE_MS <= event.onset_ms - max(ends) < RESPONSE_MS + 200
        for expect in talk.expects:
            if expect.do == "silent":
                start_ms, end_ms = expect.window_ms
                spoken = [(e.onset_ms, e.end_ms) for e in side(talk, "own")]
                assert not any(a < end_ms and start_ms < b for a, b in spoken)
            elif expect.accept and not expect.detail.get("is_written"):
                start_ms, end_ms = expect.window_ms
                said = [e for e in side(talk, "own") if start_ms <= e.onset_ms < end_ms]
                assert any(e.text in expect.accept for e in said)


@pytest.mark.parametrize("name", NAMES)
def test_conversations_render(name):
    for number, split in ((0, "train"), (1, "eval")):
        timeline, sound = plan(7, number, tone_bank(), {name: 1.0}, 12_000, split=split)
        assert len(render(timeline, tone_bank(), shipped_text(), sound).turns) == 60


def test_facts_are_three_hundred_and_each_is_asked_for_in_two_ways():
    assert sum(len(facts) for facts in facts.TABLES.values()) == 300
    assert len(facts.ASKED["train"]) == 600
    assert not set(facts.ASKED["train"]) & set(facts.ASKED["eval"])
    assert set(facts.ASKED["eval"].values()) <= set(facts.ASKED["train"].values())
    for question, answer in facts.ASKED["train"].items():
        assert questions.ANSWERS.get(question, answer) == answer, question


def test_every_kind_of_fact_is_asked_for():
    asked = heard("facts", "train")
    for kind, known in facts.KINDS["train"].items():
        assert asked & set(known), kind
        assert facts.KINDS["eval"][kind]


def value_of(text: str, last: int) -> int:
    """The result of a sum as it is said: an independent reading of the words."""
    numbers = [questions.NUMBERS.index(w) for w in re.findall(r"[a-z]+", text.lower())
               if w in questions.NUMBERS]  # fmt: skip
    if "double" in text:
        return 2 * last
    if len(numbers) == 1:
        numbers = [last, *numbers]
    if "take" in text:
        first, second = numbers if "away" in text else numbers[::-1]
        return first - second
    if "minus" in text or "less" in text:
        return numbers[0] - numbers[1]
    return numbers[0] * numbers[1] if "times" in text or "multiply" in text else sum(numbers)


@pytest.mark.parametrize("split", ["train", "eval"])
def test_sums_are_right(split):
    went_on = 0
    for seed in SEEDS:
        last = 0
        for number, (question, answer) in enumerate(pairs(played("sums", seed, split))):
            last = value_of(question, last)
            assert answer == f"That is {questions.NUMBERS[last]}."
            went_on += number > 0
    assert went_on > 10


@pytest.mark.parametrize("split", ["train", "eval"])
def test_what_was_told_is_given_back(split):
    kinds, untold, between = set(), 0, 0
    for seed in SEEDS:
        told: dict[str, str] = {}
        for text, answer in pairs(played("memory", seed, split)):
            asked = [name for name, kind in memory.KINDS.items() if text in kind.asks]
            if asked:
                kind = memory.KINDS[asked[0]]
                wanted = kind.answer(told[asked[0]]) if asked[0] in told else memory.UNKNOWN
                assert answer == wanted
                kinds.add(asked[0])
                untold += answer == memory.UNKNOWN
            elif text in facts.ANSWERS:
                assert answer == facts.ANSWERS[text]
                between += 1
            for name, kind in memory.KINDS.items():
                told.update((name, t) for t in kind.things if text == kind.tell.format(t))
    assert kinds == set(memory.KINDS)
    assert untold > 5 and between > 50


def test_nothing_is_told_twice_in_a_conversation():
    talk = Talk(tone_bank(), random.Random(1), "af_alloy")
    for _ in range(12):
        talk.attempt(memory.play)
    told = [e.text for e in side(talk, "user") if e.text not in facts.ANSWERS]
    for kind in memory.KINDS.values():
        assert sum(text in {kind.tell.format(t) for t in kind.things} for text in told) <= 1


def asks_for_writing(text: str) -> bool:
    """Whether a typed text is a question within one of the ways to ask for writing."""
    known = {question.lower() for question in facts.ANSWERS}
    edges = [way.split("{}") for way in typed.WRITTEN]
    return any(
        text.startswith(a)
        and text.endswith(b)
        and text[len(a) : len(text) - len(b)].lower() in known
        for a, b in edges
    )


def spelled(talk: Talk) -> list[str]:
    """The word that a typed order wants spelled, alone in a list."""
    texts = [item.text for item in talk.typed]
    edges = [way.split("{}") for way in typed.SPELL]
    return [text[len(a) : len(text) - len(b)] for text in texts for a, b in edges
            if text.startswith(a) and text.endswith(b)]  # fmt: skip


def test_typed_questions_are_answered_aloud_or_in_writing():
    aloud, written = 0, 0
    for seed in SEEDS:
        talk = played("typed", seed)
        is_asked_to_write = bool(side(talk, "user")) or asks_for_writing(talk.typed[0].text)
        is_asked_to_write = is_asked_to_write or bool(spelled(talk))
        answers = [e for e in side(talk, "own") if e.text != typed.AGREED]
        assert bool(talk.written) == is_asked_to_write == (not answers)
        aloud, written = aloud + bool(answers), written + bool(talk.written)
    assert min(aloud, written) > 40


def test_written_answers_are_in_the_text_without_sound():
    for number in range(20):
        timeline, sound = plan(3, number, tone_bank(), {"typed": 1.0}, 8000)
        if not timeline.written or any(e.side == "own" for e in timeline.events):
            continue
        episode = render(timeline, tone_bank(), shipped_text(), sound)
        text = shipped_text()
        said = [split_lanes(d.text_ids, text.markers)[1] for _, d in episode.turns]
        line = text.decode([i for ids in said for i in ids])
        assert all(text.decode(text.encode(w.text)) in line for w in timeline.written)
        assert not any(decision.speaks for _, decision in episode.turns)
        return
    raise AssertionError("no conversation with written answers only")


def behaviour(mode: str) -> dict[str, set[str | None]]:
    """What the user says under an instruction and how it is met."""
    found: dict[str, set[str | None]] = {}
    for seed in range(60):
        talk = Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=1000)
        for _ in range(6):
            if mode == "silent" and instructions.step(talk, mode) != mode:
                continue
            kinds = (instructions.question, instructions.remark)
            talk.rng.choice(kinds[: 2 if mode in ("eager", "asked", "silent") else 1])(talk, mode)
        for text, answer in pairs(talk):
            found.setdefault(text, set()).add(answer)
    return found


def test_instructions_change_what_is_done():
    """The same words of the user, met in different ways."""
    eager, asked, silent = (behaviour(mode) for mode in ("eager", "asked", "silent"))
    for text in instructions.REMARKS:
        assert eager.get(text, {instructions.REMARKS[text]}) == {instructions.REMARKS[text]}
        assert asked.get(text, {None}) == {None}
        assert silent.get(text, {None}) == {None}
    assert {a for text, found in asked.items() if text in facts.ANSWERS for a in found} != {None}
    assert {a for text, found in silent.items() if text in facts.ANSWERS for a in found} == {None}
    word = behaviour("word")
    assert all(len(answer.split()) == 1 for found in word.values() for answer in found)
    pirate, butler = behaviour("pirate"), behaviour("butler")
    assert pirate.keys() == butler.keys()
    assert all(pirate[text] != butler[text] != {small} for text, small in questions.TALK.items()
               if text in pirate)  # fmt: skip


def test_instructions_come_before_and_within_conversations():
    ways, changed = set(), 0
    for seed in SEEDS:
        talk = played("instructions", seed)
        told = {text for wordings in instructions.SPOKEN.values() for text in wordings}
        spoken = [e.text for e in side(talk, "user") if e.text in told]
        ways |= {bool(talk.instructions), *(item.role for item in talk.typed), *spoken[:1]}
        changed += bool(talk.instructions) + len(talk.typed) + len(spoken) > 1
    assert {True, "system"} <= ways and len(ways) > 20
    assert changed > 60


def test_silence_until_the_name_is_said():
    called = 0
    for seed in SEEDS:
        talk = played("instructions", seed)
        if talk.instructions not in instructions.IN_WRITING["silent"]:
            continue
        texts = [text for text, _ in pairs(talk)]
        num_before = next((i for i, t in enumerate(texts) if t in instructions.CALLS), None)
        ordered = {text for wordings in instructions.SPOKEN.values() for text in wordings}
        for text, answer in pairs(talk)[:num_before]:
            if text in ordered or talk.typed:
                break
            assert answer is None
        called += num_before is not None
    assert called > 3


def test_requests_are_refused_and_their_twins_answered():
    refused, answered, cared, typed, anew = 0, 0, 0, 0, 0
    requests = {text for topic in refusal.REQUESTS.values() for text in topic}
    for seed in SEEDS:
        talk = played("refusal", seed)
        if talk.typed:
            typed += 1
            continue
        ((text, answer),) = pairs(talk)
        (expect,) = talk.expects
        if text in refusal.TWINS:
            answered += 1
            assert answer == refusal.TWINS[text] and expect.do == "answer"
        elif text not in refusal.USER_TEXTS:  # put together anew
            anew += 1
        else:
            assert expect.do == "refuse" and answer in expect.accept
            assert (text in requests) == (answer in refusal.REFUSALS)
            cared += text in refusal.PLEAS
            refused += 1
    assert min(refused, answered, typed) > 25 and min(cared, anew) > 5
    assert not set(refusal.TWINS) & (requests | set(refusal.PLEAS))


def test_every_topic_is_kept_and_trained():
    for topic, wordings in refusal.REQUESTS.items():
        kept = heard("refusal", "eval") & set(wordings)
        assert kept == {wordings[4]}, topic
        assert heard("refusal", "train") & set(wordings)


def test_refusals_share_words_with_their_twins():
    """Negative control: no word alone tells what is refused."""
    shared = {"bomb", "kill", "hack", "poison", "password", "fake", "steal", "virus", "child"}
    sides = [
        {w for text in texts for w in re.findall("[a-z]+", text.lower())}
        for texts in (
            [t for topic in refusal.REQUESTS.values() for t in topic], list(refusal.TWINS)
        )
    ]  # fmt: skip
    assert shared <= sides[0] & sides[1]


def test_small_talk_has_many_replies_and_each_trains():
    assert len(small_talk.PAIRS) >= 40
    assert {reply for _, reply in small_talk.WAYS["eval"]} <= {
        reply for _, reply in small_talk.WAYS["train"]
    }
    assert not set(small_talk.USER_TEXTS) & set(questions.USER_TEXTS)
