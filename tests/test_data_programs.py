"""Speech programs of the operating system."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from microturn.data import programs
from microturn.data.programs import Espeak, Flite, run, words_by_phones
from microturn.signal.wav import write_wav
from tests.tones import tones


def test_missing_programs_have_no_voices(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert Espeak().voices() == Flite().voices() == []


def test_a_failing_program_is_named():
    with pytest.raises(ValueError, match=r"ls failed: .*nothing-here"):
        run(["ls", "/nothing-here"])


def test_text_goes_through_a_file(monkeypatch):
    """A text that looks like an option is still spoken."""
    seen = []

    def pretend(command):
        seen.append((Path(command[command.index("-f") + 1]).read_text(), "--help" in command))
        write_wav(command[command.index("-w") + 1], tones("a b", 22_050, 300).audio, 22_050)
        return ""

    monkeypatch.setattr(programs, "run", pretend)
    spoken = Espeak().speak("--help", "en-us", 1.0)
    assert seen == [("--help\n", False)]
    assert (spoken.rate_hz, spoken.words) == (22_050, None)


@pytest.mark.parametrize("program", [Espeak(), Flite()], ids=lambda program: program.name)
def test_speaks(program):
    if not program.voices():
        pytest.skip(f"{program.name} is not installed")
    voice = "en-us" if program.name == "espeak-ng" else "kal16"
    slow, fast = (
        program.speak("Remind me to take a break.", voice, speed) for speed in (0.9, 1.15)
    )
    assert np.abs(slow.audio).max() > 0.05
    assert len(slow.audio) > 1.1 * len(fast.audio)
    if program.name == "espeak-ng":
        assert slow.words is None
        return
    assert [word.text for word in slow.words] == ["Remind", "me", "to", "take", "a", "break."]
    assert 0 < slow.words[-1].end_ms <= len(slow.audio) * 1000 / slow.rate_hz
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(slow.words))


SPOKEN = [
    ("pau", 200),
    ("g", 260),
    ("ow", 400),
    ("pau", 500),
    ("n", 560),
    ("aw", 700),
    ("pau", 800),
]


def test_words_by_their_phones():
    words = words_by_phones(["Go,", "now."], [("g", "ow"), ("n", "aw")], SPOKEN)
    assert [(word.text, word.start_ms, word.end_ms) for word in words] == [
        ("Go,", 200, 400),
        ("now.", 500, 700),
    ]


def test_a_phone_may_differ_in_the_sentence():
    words = words_by_phones(["Go,", "now."], [("g", "ow"), ("n", "ah")], SPOKEN)
    assert [(word.start_ms, word.end_ms) for word in words] == [(200, 400), (500, 700)]
    words = words_by_phones(["Go,", "now."], [("g", "ow", "w"), ("n", "aw")], SPOKEN)
    assert words[1].start_ms == 500


def test_words_without_phones_have_no_times():
    assert words_by_phones(["Go", "--"], [("g", "ow"), ()], SPOKEN) is None
    assert words_by_phones(["a", "b", "c"], [("x",), ("y",), ("z",)], SPOKEN) is None
