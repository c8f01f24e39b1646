"""Figures of conversations that are known beforehand."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from microturn.data.balance import PUBLISHED, Balance, sound_of, spread
from microturn.data.render import lanes
from microturn.data.talk import Talk
from microturn.data.timeline import Timeline
from tests.tones import PAUSE_MS, WORD_MS, shipped_text, tone_bank


class Shown:
    def image(self, time_ms: int) -> np.ndarray:
        return np.zeros((120, 160, 3), dtype=np.uint8)


def talk() -> Talk:
    return Talk(tone_bank(), random.Random(1), "af_alloy", now_ms=1000)


def counted(*timelines: Timeline) -> dict:
    balance, text = Balance(), shipped_text()
    for timeline in timelines:
        balance.add(timeline, tone_bank(), text, *lanes(timeline, tone_bank(), text))
    return balance.numbers()


def spoken_ms(num_words: int) -> int:
    return num_words * WORD_MS + (num_words - 1) * PAUSE_MS


def test_one_question():
    laid = talk()
    question = laid.user("What is the capital of Japan?")
    answer = laid.own("It is Tokyo.")
    timeline = laid.timeline(10_000, ("questions",))
    found = counted(timeline)
    user, own = sound_of(question, tone_bank()), sound_of(answer, tone_bank())
    assert len(user) == 6
    assert user[-1][1] - user[0][0] == pytest.approx(spoken_ms(6), abs=3)
    assert found["user_utterance_ms"]["median"] == user[-1][1] - user[0][0]
    assert found["answer_ms"] == {
        "median": own[0][0] - user[-1][1], "p10": own[0][0] - user[-1][1],
        "p90": own[0][0] - user[-1][1], "count": 1,
    }  # fmt: skip
    assert 200 < found["answer_ms"]["median"] < 600
    assert found["user_speech_share"] == pytest.approx(spoken_ms(6) / 10_000, abs=0.001)
    assert found["own_speech_share"] == pytest.approx(spoken_ms(3) / 10_000, abs=0.001)
    assert found["silence_share"] == pytest.approx(
        1 - found["user_speech_share"] - found["own_speech_share"], abs=0.001
    )
    text = shipped_text()
    assert found["tokens_per_minute"] == {
        "heard": 6.0 * len(text.encode("What is the capital of Japan?")),
        "said": 6.0 * len(text.encode("It is Tokyo.")),
        "delegated": 0.0,
    }
    assert found["pause_ms"] == {}
    assert (found["overlap_share"], found["overlapped_answers"]) == (0.0, 0.0)
    assert found["events"] == {"own speech": 1, "user speech": 1}
    assert (found["episodes"], found["minutes"]) == (1, round(1 / 6, 2))


def test_pauses_overlaps_and_backchannels():
    laid = talk()
    first = laid.user("What is the capital of Japan?", pauses=((3, 800),))
    laid.say("own", "Mm-hm.", first.onset_ms + 400, kind="backchannel")
    second = laid.say("own", "It is Tokyo.", first.end_ms - 400)
    laid.say("user", "What is nine plus four?", second.end_ms + 900)
    found = counted(laid.timeline(10_000, ()))
    assert found["pause_ms"]["median"] == pytest.approx(800 + PAUSE_MS, abs=4)
    assert found["backchannel_share"] == 0.25
    assert found["overlapped_answers"] == 1.0
    assert -500 < found["answer_ms"]["median"] < -200
    assert found["answer_ms"]["count"] == 1  # the backchannel takes no turn
    assert found["reply_ms"]["median"] > 800
    assert 0.02 < found["overlap_share"] < 0.5


def test_pictures_handovers_and_the_end():
    laid = talk()
    laid.instructions = "be brief."
    laid.show(Shown(), 0, 4000)
    laid.delegate("find it", 2000)
    laid.type("hello", "user", 3000)
    laid.user("What is the capital of Japan?", wait_ms=9000 - laid.now_ms)
    found = counted(laid.timeline(10_000, ()), replace(talk().timeline(10_000, ())))
    assert found["with_pictures"] == found["with_instructions"] == found["without_speech"] == 0.5
    assert found["image_pairs_per_minute"] == 30.0
    assert found["delegations_per_minute"] == found["typed_per_minute"] == 3.0
    assert found["tokens_per_minute"]["delegated"] > 0
    assert found["cut_off_at_the_end"] == 1.0


def test_nothing():
    assert Balance().numbers()["floor_speak_share"] == 0.0
    assert spread([]) == {}
    assert spread([1, 2, 3]) == {"median": 2, "p10": 1, "p90": 3, "count": 3}
    assert set(PUBLISHED) <= set(Balance().numbers())
