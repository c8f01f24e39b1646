"""festival: its report, and the program where it is installed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from microturn.data import festival
from microturn.data.festival import VOICES, Festival, words_told
from microturn.data.voices import HELD_OUT, may_train

TOLD = """noise
WORD Could 0.175 0.385
WORD well 0.4 0.5
WORD known 0.5 0.75
"""


def test_words_of_its_report():
    words = words_told("Could, well-known!", TOLD)
    assert [(word.text, word.start_ms, word.end_ms) for word in words] == [
        ("Could,", 175, 385),
        ("well-known!", 400, 750),
    ]


@pytest.mark.parametrize("text", ["Could well", "Could well-known too", "-- a"])
def test_other_words_have_no_times(text):
    assert words_told(text, TOLD) is None


def test_the_speaker_of_held_out_slt_is_held_out():
    assert "slt_hts" in HELD_OUT
    assert [voice for voice in VOICES if may_train(voice)] == ["ked"]


def test_without_the_program(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert Festival().voices() == []
    with pytest.raises(ValueError, match="festival has no voice kal here"):
        Festival().speak("Hi.", "kal", 1.0)


def test_quotes_do_not_end_the_text(monkeypatch):
    """A text is no program."""
    seen = []

    def pretend(command):
        seen.append(Path(command[-1]).read_text())
        return ""

    monkeypatch.setattr(festival, "run", pretend)
    with pytest.raises(ValueError, match="festival spoke nothing"):
        Festival().speak('Say "hi") (exit) \\"', "ked", 1.0)
    assert '(SynthText "Say  hi ) (exit)   ")' in seen[0]


def test_speaks():
    engine = Festival()
    for voice in engine.voices():
        slow, fast = (engine.speak("Could you wait, please.", voice, s) for s in (0.9, 1.15))
        assert len(slow.audio) > 1.1 * len(fast.audio)
        assert [word.text for word in slow.words] == ["Could", "you", "wait,", "please."]
        assert slow.words[-1].end_ms <= len(slow.audio) * 1000 / slow.rate_hz
