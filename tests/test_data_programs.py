"""Speech programs of the operating system."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from microturn.data import programs
from microturn.data.programs import Espeak, Flite, on_one_clock, run, words_by_phones
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


def test_sentences_follow_each_other():
    """flite's clock starts anew with each sentence; what a voice cuts off is shared by all."""
    one = [("pau", 200), ("g", 300), ("pau", 500)]
    two = [("pau", 150), ("n", 250), ("pau", 400)]
    whole = on_one_clock([*one, *two], 900)
    assert whole == [*one, ("pau", 650), ("n", 750), ("pau", 900)]
    shorter = on_one_clock([*one, *two], 800)
    assert shorter == [*one, ("pau", 600), ("n", 700), ("pau", 850)]
    assert on_one_clock(one, 500) == one
    assert on_one_clock([], 500) == []


PHONES = {"go": "g ow", "now": "n aw", "a b": "ey pau b iy"}


def pretended_flite(asked):
    """Says the phones of PHONES, with pauses where a comma stands."""

    def pretend(command):
        text = command[command.index("-t") + 1]
        asked.append(text)
        return f"pau {' pau '.join(PHONES[word.strip()] for word in text.split(','))} pau\n"

    return pretend


def test_words_that_are_new_are_asked_for_at_once(monkeypatch):
    asked = []
    monkeypatch.setattr(programs, "run", pretended_flite(asked))
    flite = Flite()
    assert flite.alone("awb", ["now", "go", "", "now"]) == [
        ("n", "aw"),
        ("g", "ow"),
        (),
        ("n", "aw"),
    ]
    assert flite.alone("awb", ["go", "now"]) == [("g", "ow"), ("n", "aw")]
    assert asked == ["go, now"]
    assert flite.alone("kal16", ["go"]) == [("g", "ow")]
    assert asked == ["go, now", "go"]


def test_a_word_with_a_pause_in_it_is_asked_for_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(programs, "run", pretended_flite(asked))
    assert Flite().alone("awb", ["a b", "go"]) == [("ey", "b", "iy"), ("g", "ow")]
    assert asked == ["a b, go", " a b ", " go "]


def test_two_sentences_of_flite_are_in_order():
    if not Flite().voices():
        pytest.skip("flite is not installed")
    spoken = Flite().speak("Has Ann come? Tell me when.", "kal16", 1.0)
    words = spoken.words or ()
    assert [word.text for word in words] == ["Has", "Ann", "come?", "Tell", "me", "when."]
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(words))
    assert words[-1].end_ms <= len(spoken.audio) * 1000 / spoken.rate_hz
    loud = np.abs(spoken.audio) > 0.02 * np.abs(spoken.audio).max()
    per_ms = spoken.rate_hz // 1000
    gap = loud[(words[2].end_ms + 60) * per_ms : (words[3].start_ms - 60) * per_ms]
    assert len(gap) and gap.mean() < 0.05 < loud.mean()  # it is quiet between the two
