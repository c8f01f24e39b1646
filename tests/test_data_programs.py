"""Speech programs of the operating system."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from microturn.data import programs
from microturn.data.programs import Espeak, Flite, run, spread_words
from microturn.signal.wav import write_wav
from tests.tones import EDGE_MS, tones


def test_words_are_spread_by_letters():
    spoken = tones("one two three four", 16_000, 300)
    words = spread_words("a bbbb ccccccccc", spoken.audio, 16_000)
    assert [word.text for word in words] == ["a", "bbbb", "ccccccccc"]
    assert words[0].start_ms == pytest.approx(EDGE_MS, abs=3)
    assert words[-1].end_ms == pytest.approx(spoken.words[-1].end_ms, abs=3)
    lengths = [word.end_ms - word.start_ms for word in words]
    assert lengths[0] / lengths[1] == pytest.approx(2 / 5, abs=0.02)
    assert all(a.end_ms == b.start_ms for a, b in itertools.pairwise(words))


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
    assert (spoken.rate_hz, len(spoken.words)) == (22_050, 1)


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
    assert [word.text for word in slow.words] == ["Remind", "me", "to", "take", "a", "break."]
    assert 0 < slow.words[-1].end_ms <= len(slow.audio) * 1000 / slow.rate_hz
