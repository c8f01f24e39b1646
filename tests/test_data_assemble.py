"""Texts that no clip has, in the words of one voice."""

from __future__ import annotations

import random

import pytest

from microturn.data import assemble
from microturn.data.assemble import assembled, longest_run, voices_to_splice
from microturn.data.kept import SilentBank
from microturn.data.splice import spelled, spoken
from microturn.data.split import split_of
from microturn.data.talk import Talk
from microturn.scenarios import facts
from microturn.signal.text import normalise
from tests.tones import USER_VOICES, tone_bank

BANK = tone_bank()
NEW = "The yellow boat, moved near a river!"


@pytest.fixture(autouse=True)
def without_playing(monkeypatch):
    """Nothing that is listed is kept: what is kept has tests of its own, and takes long to find."""
    monkeypatch.setattr(assemble, "kept_texts", frozenset)
    monkeypatch.setitem(BANK.__dict__, "_found", {})


def talk_of(seed: int = 0, voice: str | None = USER_VOICES[0], split: str = "train") -> Talk:
    return Talk(BANK, random.Random(seed), voice, split=split)


@pytest.mark.parametrize("seed", range(4))
def test_a_new_text_is_said_in_the_words_of_the_voice(seed):
    talk = talk_of(seed)
    clip = assembled(talk, NEW)
    assert clip.text == NEW and [word.text for word in clip.words] == NEW.split()
    assert clip.voice == USER_VOICES[0]
    said = [
        part.clip.words[place].text for part in clip.parts for place in range(part.first, part.last)
    ]
    assert [spelled(word) for word in said] == [spelled(word) for word in NEW.split()]
    assert len(clip.parts) < len(said)  # runs stay together
    assert spoken(clip, BANK).words == clip.words
    assert NEW not in {c.text for clips in BANK.user.values() for c in clips}


def test_the_longest_run_is_taken():
    talk = talk_of()
    places = assemble.words_of_voice(talk, USER_VOICES[0])
    sentence = ["The", "yellow", "boat", "stood", "near", "the", "old", "church"]
    clip, first, size = longest_run([spelled(w) for w in sentence], places, random.Random(0))
    assert size >= 2 and [spelled(w.text) for w in clip.words[first:][:size]] == [
        spelled(w) for w in sentence[:size]
    ]


def test_what_cannot_be_said_is_a_key_error():
    with pytest.raises(KeyError, match="never says 'xylophonist'"):
        assembled(talk_of(), "The yellow xylophonist")
    for talk in (talk_of(split="eval"), talk_of(voice=None)):
        with pytest.raises(KeyError, match="only training"):
            assembled(talk, NEW)
    with pytest.raises(KeyError, match="too few clips"):
        assembled(talk_of(voice="nobody"), NEW)


def test_what_evaluation_keeps_by_its_letters_is_not_said():
    words = ["the", "yellow", "boat", "stood", "near", "the", "old", "church"]
    texts = [" ".join(words[first:last]) for first in range(7) for last in range(first + 2, 9)]
    kept = {text for text in texts if split_of(text) == "eval"}
    assert 0 < len(kept) < len(texts)
    for text in texts:
        if text in kept:
            with pytest.raises(KeyError, match="evaluation keeps"):
                assembled(talk_of(), text)
        else:
            assembled(talk_of(), text)


def test_a_bank_of_silence_has_nothing_to_cut():
    assert voices_to_splice(Talk(SilentBank.of_skills(), random.Random(0), "silence_1")) == ()


def test_questions_come_in_ways_that_no_bank_has():
    fresh, plain = 0, 0
    known = {normalise(text) for text in facts.USER_TEXTS}
    kept = {normalise(text) for text in facts.ASKED["eval"]} - {
        normalise(text) for text in facts.ASKED["train"]
    }
    for seed in range(60):
        talk = talk_of(seed)
        facts.play(talk)
        question, answer = talk.events
        assert (question.side, answer.side) == ("user", "own")
        assert question.clip.voice == USER_VOICES[0]
        assert normalise(question.text) not in kept
        is_fresh = normalise(question.text) not in known
        fresh, plain = fresh + is_fresh, plain + (not is_fresh)
    assert fresh > 5 and plain > 20


def test_evaluation_asks_as_ever():
    listed = {normalise(text) for text in facts.ASKED["eval"]}
    for seed in range(20):
        talk = talk_of(seed, split="eval")
        facts.play(talk)
        assert normalise(talk.events[0].text) in listed
