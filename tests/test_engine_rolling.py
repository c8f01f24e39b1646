"""Older text is handed over before it is out of sight, once, and its summary comes back."""

from __future__ import annotations

import numpy as np
import pytest

from microturn.engine.rolling import RollingText, roll
from microturn.turns import (
    INPUT_SAMPLES,
    OUTPUT_SAMPLES,
    BackgroundUpdate,
    MicroTurnInput,
    MicroTurnOutput,
)
from tests.tiny import TinyText

SILENCE = np.zeros(INPUT_SAMPLES, np.float32)


def said(
    rolling: RollingText, index: int, heard: str = "", words: str = "", typed=None, updates=()
):
    turn = MicroTurnInput(index, SILENCE, text=typed, updates=updates)
    output = MicroTurnOutput(
        index, np.zeros(OUTPUT_SAMPLES, np.float32), False, 0.0, heard, words, tuple(range(6))
    )
    return rolling.after(turn, output, TinyText())


def test_nothing_is_due_while_there_is_room_and_silence_takes_none() -> None:
    rolling = RollingText(40)
    assert said(rolling, 0) is rolling
    rolling = said(rolling, 1, heard="hello there")
    assert rolling.num_positions() == 6
    assert roll(rolling, lambda text: pytest.fail("not yet"), 1) == (rolling, None)


def test_the_older_half_is_handed_over_once() -> None:
    rolling, seen = RollingText(40), []
    for index, word in enumerate(["one", "two", "three", "four", "five", "six"]):
        rolling = said(rolling, index, heard=word)
    rolling, update = roll(rolling, lambda text: seen.append(text) or "they counted", 5)
    assert seen == ["user: one two three"]
    assert update == BackgroundUpdate("summary-5", "they counted", mode="silent")
    assert rolling.num_positions() == 18
    assert roll(rolling, lambda text: "again", 6)[1] is None


def test_both_sides_typed_text_and_updates_are_told_apart() -> None:
    rolling = RollingText(10)
    rolling = said(rolling, 0, "hi", "hello", "typed", (BackgroundUpdate("a", "it rains"),))
    assert rolling.num_positions() == 6 + (5 + 3) + (8 + 3)
    rolling, old = rolling.due()
    assert old == "user (typed): typed\nbackground: it rains" and len(rolling.lines) == 2


def test_a_summary_counts_as_text_itself_and_none_is_no_error() -> None:
    rolling = RollingText(10)
    rolling = said(rolling, 0, "a")
    rolling = said(rolling, 1, "b")
    after, update = roll(rolling, lambda text: None, 1)
    assert update is None and len(after.lines) == 1
    with pytest.raises(ValueError, match="share"):
        RollingText(10, share=0.0)
