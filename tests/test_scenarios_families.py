"""What every skill owes: its texts, exchanges made of them, prompt answers, silence otherwise."""

from __future__ import annotations

import itertools
import random

import pytest

from microturn.data.splice import Splice
from microturn.data.split import SPLITS
from microturn.data.talk import NOTICE_MS, RESPONSE_MS, Talk
from microturn.scenarios import families, interruption, questions, texts
from microturn.signal.text import normalise
from tests.tones import SENTENCES, tone_bank


def played(name: str, seed: int, split: str = "train") -> Talk:
    talk = Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=1000, split=split)
    families()[name].play(talk)
    return talk


def test_families_are_the_files():
    assert {"interruption", "questions", "reminder"} <= set(families())


@pytest.mark.parametrize("name", sorted(families()))
def test_texts_are_declared(name):
    module = families()[name]
    for seed in range(25):
        for event in played(name, seed).events:
            known = texts("own") if event.side == "own" else texts("user")
            # The model itself says words put together anew only where it reads them aloud.
            may_be_new = event.side == "user" or event.kind == "reading"
            is_new = isinstance(event.clip, Splice) and may_be_new
            assert event.text in known or event.text in SENTENCES or is_new
    assert len(module.USER_TEXTS) == len(set(module.USER_TEXTS))
    assert len(module.OWN_TEXTS) == len(set(module.OWN_TEXTS))


@pytest.mark.parametrize("name", sorted(families()))
def test_texts_are_as_a_voice_reads_them(name):
    """The model writes no digits: a number is a word."""
    module = families()[name]
    for text in (*module.USER_TEXTS, *module.OWN_TEXTS):
        assert text.strip() == text
        assert not any(letter.isdigit() for letter in text), text
        assert normalise(text), text


@pytest.mark.parametrize("name", sorted(families()))
@pytest.mark.parametrize("split", SPLITS)
def test_an_exchange_is_sound(name, split):
    """Own speech begins on the grid and never overlaps itself; expectations lie where the exchange
    does; the same seed gives the same exchange."""
    for seed in range(25):
        talk = played(name, seed, split)
        own = sorted((e for e in talk.events if e.side == "own"), key=lambda e: e.onset_ms)
        assert all(event.onset_ms % 200 == 0 for event in own)
        for a, b in itertools.pairwise(own):
            assert a.audible_end_ms <= b.onset_ms
        for expect in talk.expects:
            assert 0 <= expect.window_ms[0] <= expect.window_ms[1]
            if expect.on_ms is not None:
                onsets = {item.onset_ms for item in (*talk.events, *talk.typed, *talk.marks)}
                assert expect.on_ms in onsets
        again = played(name, seed, split)
        assert (again.events, again.typed, again.expects) == (talk.events, talk.typed, talk.expects)


def test_answers():
    assert questions.ANSWERS["What is the capital of Japan?"] == "It is Tokyo."
    assert questions.ANSWERS["What is nine plus four?"] == "That is thirteen."
    kinds = set()
    for seed in range(60):
        question, answer = played("questions", seed).events
        assert answer.text.lower() == questions.ANSWERS[question.text].lower()
        assert RESPONSE_MS <= answer.onset_ms - question.end_ms < RESPONSE_MS + 200
        kinds.add(
            question.text.split()[2] if "capital" in question.text else " plus " in question.text
        )
    assert len(kinds) >= 3


def test_interruptions_are_noticed_and_answered():
    cut, whole, answered = 0, 0, 0
    for seed in range(80):
        request, answer, *rest = played("interruption", seed).events
        assert answer.text == interruption.LONG_ANSWERS[request.text]
        if not rest:
            assert answer.cut_ms is None
            whole += 1
            continue
        spoken, reply = rest
        cut += 1
        assert answer.onset_ms + 800 <= spoken.onset_ms < answer.end_ms
        latest_ms = min(answer.end_ms, spoken.end_ms + NOTICE_MS + 200)
        assert spoken.onset_ms + NOTICE_MS <= answer.cut_ms
        assert answer.audible_end_ms <= latest_ms  # how many come late: test_scenarios_floor.py
        assert reply.onset_ms >= max(spoken.end_ms + RESPONSE_MS, answer.audible_end_ms + 200)
        wanted = interruption.REQUESTS | interruption.CORRECTIONS
        if spoken.text in interruption.STOPS:
            assert reply.text == interruption.STOPPED
        elif spoken.text in wanted:
            assert reply.text == interruption.LONG_ANSWERS[wanted[spoken.text]] != answer.text
        elif spoken.text in questions.ANSWERS:
            assert reply.text == questions.ANSWERS[spoken.text]
        else:  # put together: test_scenarios_floor.py
            assert isinstance(spoken.clip, Splice)
        answered += spoken.text not in interruption.STOPS
    assert cut > whole > 5
    assert 10 < answered < cut
