"""Laying a conversation out: sides, text without sound, pictures, what is undone."""

from __future__ import annotations

import random

import numpy as np
import pytest

from microturn.data.talk import ANSWER_WINDOW_MS, Talk
from microturn.data.timeline import Expect, to_grid
from tests.tones import tone_bank


def talk(seed: int = 0, split: str = "train") -> Talk:
    return Talk(tone_bank(), random.Random(seed), "bm_daniel", now_ms=1000, split=split)


class Blank:
    """A black picture."""

    def image(self, time_ms: int) -> np.ndarray:
        return np.zeros((120, 160, 3), dtype=np.uint8)


def test_choices_follow_the_split():
    options = [f"way {i}" for i in range(10)]
    train = {talk(seed).choose(options) for seed in range(200)}
    kept = {talk(seed, "eval").choose(options) for seed in range(200)}
    assert kept == {"way 4", "way 9"}
    assert train == set(options) - kept


def test_own_speech_waits_for_own_speech():
    conversation = talk()
    first = conversation.own("Hello, how can I help?")
    second = conversation.say("own", "You are welcome.", first.onset_ms + 200)
    assert second.onset_ms == to_grid(first.end_ms)
    conversation.interrupt(second, conversation.clip("user", "Stop."), second.onset_ms + 100)
    cut = conversation.events[1]
    third = conversation.say("own", "Okay.", second.onset_ms)
    assert third.onset_ms == cut.audible_end_ms


def test_an_answer_is_expected_after_what_it_answers():
    conversation = talk()
    question = conversation.user("How are you?")
    answer = conversation.own("I am well, thank you.")
    window_ms = (question.end_ms, answer.onset_ms + ANSWER_WINDOW_MS)
    expected = Expect("respond", window_ms, ("I am well, thank you.",), question.onset_ms)
    assert conversation.expects == [expected]
    conversation.own("Okay.", do=None)
    assert len(conversation.expects) == 1


def test_unknown_expectations_are_refused():
    with pytest.raises(ValueError, match="no expectation 'dance'"):
        Expect("dance", (0, 100))
    with pytest.raises(ValueError, match="ends before it begins"):
        Expect("say", (100, 0))


def test_others_have_other_voices_and_do_not_hold_the_floor():
    conversation = talk()
    for _ in range(20):
        event = conversation.background("How are you?", 1200)
        assert event.clip.voice != "bm_daniel"
        assert not event.is_written
    assert conversation.now_ms == 1000


def test_a_pause_and_a_cut_move_the_end():
    conversation = talk()
    plain = conversation.user("How are you?")
    paused = conversation.user("How are you?", pauses=((1, 900),))
    length_ms = plain.end_ms - plain.onset_ms
    assert paused.end_ms - paused.onset_ms == length_ms + 900
    start_ms = conversation.now_ms
    conversation.user("How are you?", cut_ms=start_ms + 300)
    assert conversation.now_ms == start_ms + 300


def test_a_failed_exchange_leaves_no_trace():
    conversation = talk()
    conversation.user("Hello.")
    before = (list(conversation.events), conversation.now_ms)

    def play(t: Talk) -> None:
        t.instructions = "be brief."
        t.show(Blank())
        t.user("How are you?")
        t.type("typed")
        t.delegate("search")
        t.write("text")
        t.mark("pause", "", 0, 1)
        t.own("No bank has this sentence.")

    assert conversation.attempt(play) is False
    assert (conversation.events, conversation.now_ms) == before
    assert conversation.instructions is None
    assert conversation.scene is None
    empty = [conversation.typed, conversation.delegated, conversation.written, conversation.marks]
    assert empty == [[], [], [], []]
    assert conversation.attempt(lambda t: t.user("How are you?") and None) is True


def test_what_begins_after_the_end_is_left_out():
    conversation = talk()
    conversation.user("Hello.")
    conversation.own("Hello, how can I help?")
    conversation.type("late", onset_ms=9000)
    conversation.delegate("late", onset_ms=9000)
    conversation.expect("silent", (500, 20_000))
    timeline = conversation.timeline(8000, ("x",))
    assert (timeline.typed, timeline.delegated) == ((), ())
    assert timeline.expects[0].window_ms == (500, 8000)
    assert [event.side for event in timeline.events] == ["user", "own"]
