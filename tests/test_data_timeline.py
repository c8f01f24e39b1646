"""Laying a conversation out."""

from __future__ import annotations

import random

import pytest

from microturn.data.talk import NOTICE_MS, RESPONSE_MS, Talk
from microturn.data.timeline import to_grid, with_pauses
from tests.tones import tone_bank


def talk(seed=0, now_ms=1000):
    return Talk(tone_bank(), random.Random(seed), user_voice="bm_daniel", now_ms=now_ms)


@pytest.mark.parametrize(("time_ms", "grid_ms"), [(0, 0), (1, 200), (200, 200), (201, 400)])
def test_grid_rounds_up(time_ms, grid_ms):
    assert to_grid(time_ms) == grid_ms


def test_answer_is_prompt_and_on_the_grid():
    for now_ms in range(1000, 1200, 7):
        conversation = talk(now_ms=now_ms)
        question = conversation.user("How are you?")
        answer = conversation.own("I am well, thank you.")
        assert question.onset_ms == now_ms
        assert answer.onset_ms % 200 == 0
        assert RESPONSE_MS <= answer.onset_ms - question.end_ms < RESPONSE_MS + 200
        assert conversation.now_ms == answer.end_ms


def test_voice_of_the_conversation():
    conversation = talk()
    assert {conversation.user("Hello.").clip.voice for _ in range(9)} == {"bm_daniel"}
    conversation.user_voice = "af_nova"  # the bank lacks it
    assert len({conversation.user("Hello.").clip.voice for _ in range(30)}) == 3


def test_interruption_cuts_and_leaves_the_rest_to_silence():
    conversation = talk()
    conversation.user("Tell me a story.")
    answer = conversation.own("It is Paris.")
    conversation.interrupt(answer, conversation.clip("user", "Stop."), answer.onset_ms + 300)
    cut = conversation.events[1]
    assert cut.cut_ms == to_grid(answer.onset_ms + 300 + NOTICE_MS)
    assert cut.audible_end_ms == min(cut.cut_ms, answer.end_ms)
    assert conversation.own("Okay.").onset_ms >= cut.audible_end_ms


def test_events_after_the_end_are_left_out():
    conversation = talk()
    conversation.user("Hello.")
    conversation.own("Hello, how can I help?")
    assert len(conversation.timeline(1000, ()).events) == 0
    assert [event.side for event in conversation.timeline(9000, ()).events] == ["user", "own"]


def test_pauses_go_between_words():
    bank = tone_bank()
    utterance = bank.utterance(bank.choices("user", "What is the capital of Peru?")[0])
    paused = with_pauses(utterance, ((2, 500), (4, 300)))
    assert paused.duration_ms == utterance.duration_ms + 800
    for number, (before, after) in enumerate(zip(utterance.words, paused.words, strict=True)):
        shift_ms = 500 * (number >= 2) + 300 * (number >= 4)
        assert after.start_ms == before.start_ms + shift_ms
        assert after.text == before.text
    per_ms = utterance.clip.rate_hz // 1000
    middle = utterance.words[1].end_ms + 250
    assert abs(paused.audio[middle * per_ms : (middle + 100) * per_ms]).max() == 0


@pytest.mark.parametrize("pause", [(0, 500), (6, 500), (9, 1), (1, -5)])
def test_a_pause_outside_the_words_is_refused(pause):
    bank = tone_bank()
    utterance = bank.utterance(bank.choices("user", "What is the capital of Peru?")[0])
    with pytest.raises(ValueError, match="no place for a pause"):
        with_pauses(utterance, (pause,))
