"""What every skill owes: its texts, exchanges made of them, prompt answers, silence otherwise."""

from __future__ import annotations

import itertools
import random

import pytest

from microturn.data.talk import NOTICE_MS, RESPONSE_MS, Talk
from microturn.scenarios import families, interruption, questions, reminder, texts
from tests.tones import tone_bank


def played(name: str, seed: int) -> Talk:
    talk = Talk(tone_bank(), random.Random(seed), user_voice="af_alloy", now_ms=1000)
    families()[name].play(talk)
    return talk


def test_families_are_the_files():
    assert {"interruption", "questions", "reminder"} <= set(families())


@pytest.mark.parametrize("name", sorted(families()))
def test_texts_are_declared(name):
    module = families()[name]
    for seed in range(40):
        for event in played(name, seed).events:
            assert event.text in (texts("user") if event.side == "user" else texts("own"))
    assert len(module.USER_TEXTS) == len(set(module.USER_TEXTS))


def test_the_world_is_small_and_closed():
    assert len(texts("user")) <= 220
    assert len(texts("own")) <= 136


@pytest.mark.parametrize("name", sorted(families()))
def test_the_model_speaks_only_after_the_user(name):
    """Every own event follows a user event, or the clock; never before the first."""
    for seed in range(40):
        events = sorted(played(name, seed).events, key=lambda event: event.onset_ms)
        assert events[0].side == "user"
        assert all(event.onset_ms % 200 == 0 for event in events if event.side == "own")


def test_answers():
    assert questions.ANSWERS["What is the capital of Japan?"] == "It is Tokyo."
    assert questions.ANSWERS["What is nine plus four?"] == "That is thirteen."
    kinds = set()
    for seed in range(60):
        question, answer = played("questions", seed).events
        assert answer.text == questions.ANSWERS[question.text]
        assert RESPONSE_MS <= answer.onset_ms - question.end_ms < RESPONSE_MS + 200
        kinds.add(
            question.text.split()[2] if "capital" in question.text else " plus " in question.text
        )
    assert len(kinds) >= 3


def test_reminders_keep_their_interval():
    intervals = set()
    for seed in range(60):
        request, *own, stop, stopped = played("reminder", seed).events
        word = request.text.split()[-2]
        interval_ms = 1000 * questions.NUMBERS.index(word)
        assert own[0].text == f"Okay, every {word} seconds."
        assert len({event.text for event in own[1:]}) == 1
        steps = [b.onset_ms - a.onset_ms for a, b in itertools.pairwise(own)]
        assert set(steps) == {interval_ms}
        assert stop.text in interruption.STOPS
        assert stop.onset_ms >= own[-1].end_ms
        assert stopped.text == reminder.STOPPED
        assert stopped.onset_ms < own[-1].onset_ms + interval_ms  # before the next would come
        intervals.add(interval_ms)
    assert len(intervals) == 5


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
        assert 0 <= answer.cut_ms - spoken.onset_ms - NOTICE_MS < 200
        assert reply.onset_ms >= max(spoken.end_ms + RESPONSE_MS, answer.audible_end_ms + 200)
        if spoken.text in interruption.STOPS:
            assert reply.text == interruption.STOPPED
        else:
            assert reply.text == questions.ANSWERS[spoken.text]
            answered += 1
    assert cut > whole > 5
    assert 10 < answered < cut - 10
