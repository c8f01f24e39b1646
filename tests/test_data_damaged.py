"""Damaged clips cost an episode, not a run; damage of every form is found."""

from __future__ import annotations

import copy
import pickle
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile

from microturn.data.bank import Bank, Clip, DamagedClip, Word
from microturn.data.loader import FEW_SKIPPED, Skipped, episodes
from tests.tones import ToneBank, shipped_text, tone_bank

MIXTURE = {"questions": 1.0}


class Damaged(ToneBank):
    """Tones, of which some cannot be read."""

    bad: frozenset[str] = frozenset()

    def samples(self, clip: Clip) -> np.ndarray:
        if clip.key in self.bad:
            raise DamagedClip(clip.key, f"cannot read clip {clip.key}")
        return super().samples(clip)


def damaged(bad: set[str]) -> Damaged:
    bank = tone_bank()
    clips = [c for side in (bank.user, bank.own) for found in side.values() for c in found]
    found = Damaged(clips)
    found.bad = frozenset(bad)
    return found


def stream(bank: Bank, start: int, count: int, skipped: Skipped | None = None) -> list[list[str]]:
    found = episodes(4, start, bank, shipped_text(), MIXTURE, duration_ms=6000, skipped=skipped)
    return [[e.clip.key for e in episode.timeline.events] for episode in islice(found, count)]


def test_a_damaged_clip_costs_one_episode(capsys):
    sound = stream(tone_bank(), 0, 6)
    bad = sound[2][0]
    skipped = Skipped()
    found = stream(damaged({bad}), 0, 6, skipped)
    assert found[2] != sound[2]
    assert bad not in {key for keys in found for key in keys}
    assert found[:2] == sound[:2]
    assert found[3:] == [keys if bad not in keys else found[3 + i] for i, keys in
                         enumerate(sound[3:])]  # fmt: skip
    assert skipped.num_skipped == skipped.num_tried - 6 >= 1
    assert set(skipped.clips) == {bad}
    told = capsys.readouterr().err.splitlines()
    assert told == [f"microturn: an episode is skipped: cannot read clip {bad}"]
    assert stream(damaged({bad}), 2, 2) == found[2:4]  # an integer resumes


def test_too_many_end_the_run():
    bank = tone_bank()
    every = {c.key for found in bank.user.values() for c in found}
    skipped = Skipped()
    with pytest.raises(ValueError, match="build the bank again"):
        stream(damaged(every), 0, 60, skipped)
    assert skipped.num_skipped == FEW_SKIPPED + 1


def test_few_of_many_are_no_error():
    skipped = Skipped(num_tried=1000)
    for number in range(50):
        skipped.note(DamagedClip(str(number), "gone"))
    with pytest.raises(ValueError, match="51 of 1000 episodes"):
        skipped.note(DamagedClip("last", "gone"))


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ("gone", "cannot read clip a.wav"),
        ("no sound", "cannot read clip a.wav"),
        ("empty", "it is empty"),
        ("not a number", "no numbers"),
        ("cut off", "it ends after 100 ms, and its words after 900 ms"),
    ],
)
def test_damage_is_found(tmp_path: Path, form: str, wrong: str) -> None:
    path = tmp_path / "a.wav"
    audio = np.sin(np.arange(16_000) / 9).astype(np.float32) / 2
    audio = {"empty": audio[:0], "cut off": audio[:1600], "not a number": audio * np.nan}.get(
        form, audio
    )
    if form == "no sound":
        path.write_bytes(b"RIFF what is this")
    elif form != "gone":
        soundfile.write(path, audio, 16_000, subtype="FLOAT")
    clip = Clip("a", "kal16", "one two", (Word("one", 0, 400), Word("two", 450, 900)),
                (tmp_path, "a.wav"))  # fmt: skip
    with pytest.raises(DamagedClip, match=wrong) as caught:
        Bank([clip]).utterance(clip)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.key, str(again)) == ("a", str(caught.value))


def test_a_sound_clip_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(16_000) / 9) / 2, 16_000)
    clip = Clip("a", "kal16", "one", (Word("one", 0, 1150),), (tmp_path, "a.wav"))
    assert Bank([clip]).utterance(clip).duration_ms == 1000


def test_what_was_found_once_stays_with_its_bank():
    bank = tone_bank()
    assert bank.once("a number", lambda: 1) == bank.once("a number", lambda: 2) == 1
    assert copy.copy(bank).once("a number", lambda: 2) == 2
