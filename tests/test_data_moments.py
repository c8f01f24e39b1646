"""Moments: ends of words, calls in mid-speech, room for other talk; phrasings."""

from __future__ import annotations

import random

import pytest

from microturn.data import handover
from microturn.data.moments import (
    CUE_WINDOW_MS,
    call_out,
    free_ms,
    meanwhile,
    nearest_s,
    need_cue,
    need_room,
    set_rule,
    speak_on,
    word_ends_ms,
)
from microturn.data.phrasing import asked, options, sentences
from microturn.data.talk import RESPONSE_MS, Talk
from microturn.data.timeline import to_grid
from tests.tones import tone_bank

SAID = "I was reading a book on the train and almost missed my stop."


def talk(seed: int = 0, split: str = "train", now_ms: int = 1000) -> Talk:
    return Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=now_ms, split=split)


def test_word_ends_follow_pauses_and_the_place_in_the_talk():
    a, b = talk(), talk(now_ms=4000)
    plain, later = a.user(SAID), b.user(SAID, pauses=((2, 700),))
    (end_ms,) = word_ends_ms(a, plain, "book")
    assert plain.onset_ms < end_ms < plain.end_ms
    assert word_ends_ms(b, later, "book") == [end_ms + 3000 + 700]
    assert word_ends_ms(a, plain, "stop") == [pytest.approx(plain.end_ms, abs=100)]
    assert word_ends_ms(a, plain, "boo") == []


def test_a_call_comes_at_once_and_over_the_speech():
    laid = talk()
    event = laid.user(SAID)
    (end_ms,) = word_ends_ms(laid, event, "book")
    own = call_out(laid, event, "book", end_ms, "Green.")
    assert own.onset_ms == to_grid(end_ms + RESPONSE_MS) < event.end_ms
    assert laid.expects[-1].window_ms == (end_ms, end_ms + CUE_WINDOW_MS)
    assert laid.marks[-1].end_ms == end_ms


def test_speech_without_a_cue_wants_silence():
    laid = talk()
    assert speak_on(laid, SAID, [("lamp", "Green.")])
    assert [e.do for e in laid.expects] == ["silent"]
    assert [e.text for e in laid.events] == [SAID]
    with pytest.raises(KeyError, match="no sentence with a cue"):
        need_cue(laid)
    assert not speak_on(laid, SAID, [("book", "Nothing that the bank could say.")])
    assert [e.text for e in laid.events] == [SAID]
    assert speak_on(laid, SAID, [("book", "Green."), ("train", "Red.")])
    assert [e.text for e in laid.events[2:]] == ["Green.", "Red."]
    need_cue(laid)


def test_rules_are_spoken_or_written():
    kinds = set()
    for seed in range(40):
        laid = talk(seed)
        set_rule(laid, "Set a timer for four minutes.", "Okay.")
        kinds.add(laid.instructions)
        assert len(laid.events) == (2 if laid.instructions is None else 0)
    assert kinds == {None, "set a timer for four minutes."}


def test_room():
    assert free_ms([(1000, 2000), (3000, 4000)], 900, 500) == 2200
    assert free_ms([(1000, 2000), (3000, 4000)], 0, 700) == 0
    assert free_ms([(0, 60_000)], 0, 500) is None
    with pytest.raises(KeyError, match="no room for 9000 ms"):
        need_room(talk(now_ms=30_000), 9000)
    assert [nearest_s(ms) for ms in (2499, 2500, 3200)] == [2, 3, 3]


def test_meanwhile_leaves_no_trace_where_it_does_not_fit():
    laid = talk()
    assert not meanwhile(laid, lambda t: t.user(SAID) and None, 2000)
    assert (laid.events, laid.now_ms) == ([], 1000)
    assert meanwhile(laid, lambda t: t.user(SAID) and None, 9000)
    assert len(laid.events) == 1


def test_phrasings_are_filled_in_turn():
    table = asked(("Say {word}.", "Now {word}!"), [{"word": w} for w in "abc"], 2)
    assert sentences(table) == ("Say a.", "Say b.", "Now c!", "Now a!")
    assert table[1][0][1] == {"word": "c"}
    assert options(talk(split="eval"), range(12)) == [4, 9]
    assert options(talk(), range(6)) == [0, 1, 2, 3, 5]
    assert options(talk(split="eval"), range(3)) == [0, 1, 2]


def test_a_result_waits_for_whoever_speaks():
    laid = talk()
    event = laid.user(SAID)
    told = handover.deliver(laid, ["Here is what I found.", "The bill is paid."], 1500)
    assert laid.events[1].onset_ms == to_grid(event.end_ms + RESPONSE_MS)
    assert told.onset_ms >= laid.events[1].end_ms
    assert laid.typed[0].text == "Here is what I found. The bill is paid."
    assert [e.do for e in laid.expects] == ["wait", "say"]
    alone = talk()
    handover.deliver(alone, ["The bill is paid."], 1500)
    assert alone.events[0].onset_ms == to_grid(1500 + RESPONSE_MS)
