"""Recordings become clips: cutting at pauses, the split, damaged files."""

from __future__ import annotations

import io
import json
import tarfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from microturn.data.bank import HUMAN, Bank, Clip, Word
from microturn.data.corpora import Recording
from microturn.data.recorded import (
    EDGE_MS,
    LONGEST_MS,
    Sounds,
    cut,
    phrases,
    recognised,
    write_corpus,
    write_part,
)
from tests.tones import EDGE_MS as TONE_EDGE_MS
from tests.tones import PAUSE_MS, WORD_MS, tones

RECORDING = Recording("c/a", "c", "someone", "", (Path("c.tar"), "a.opus"))


class Exact:
    """Knows where the tones of `tones` are."""

    name = "exact"

    def align(self, words, audio, rate_hz):
        step_ms = WORD_MS + PAUSE_MS
        starts = [TONE_EDGE_MS + step_ms * place for place in range(len(words))]
        if starts and starts[-1] + WORD_MS > len(audio) * 1000 // rate_hz:
            return None
        return tuple(Word(w, s, s + WORD_MS) for w, s in zip(words, starts, strict=True))


def laid(*spans):
    return [Word(f"w{place}", *span) for place, span in enumerate(spans)]


def test_long_recordings_are_cut_at_the_longest_inner_pause():
    words = laid((500, 4000), (4100, 8000), (8600, 12_500), (12_600, 16_000))
    parts = phrases(words)
    assert [[word.text for word in part] for part in parts] == [["w0", "w1"], ["w2", "w3"]]
    assert phrases(words[:2]) == [tuple(words[:2])]
    assert phrases([]) == []


def test_what_has_no_pause_is_left_out():
    assert phrases(laid((0, 7000), (7010, 14_000))) == []


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(50, 1500)), min_size=1, max_size=60),
    st.integers(0, 2000),
)
def test_every_clip_is_short_and_holds_its_words(steps, tail_ms):
    now, words = 0, []
    for place, (gap_ms, long_ms) in enumerate(steps):
        words.append(Word(f"w{place}", now + gap_ms, now + gap_ms + long_ms))
        now = words[-1].end_ms
    clips = cut(RECORDING, words, now + tail_ms)
    for clip in clips:
        assert clip.end_ms is not None
        assert clip.end_ms - clip.start_ms <= LONGEST_MS
        assert clip.words[0].start_ms >= 0
        assert clip.words[-1].end_ms <= clip.end_ms - clip.start_ms
        assert clip.text.split() == [word.text for word in clip.words]
        for word in clip.words:  # the same place in the file as before
            whole = words[int(word.text[1:])]
            assert word.start_ms + clip.start_ms == whole.start_ms
    texts = [word.text for clip in clips for word in clip.words]
    assert texts == sorted(set(texts), key=lambda text: int(text[1:]))
    assert len({clip.key for clip in clips}) == len(clips)
    pairs = pairwise(clips)
    assert all(before.end_ms <= after.start_ms for before, after in pairs)


def corpus(folder: Path, **texts: tuple[str, str]) -> Path:
    """One tar: name -> (text, split)."""
    folder.mkdir()
    lines = []
    with tarfile.open(folder / "kathleen.tar", "w") as archive:
        for name, (text, split) in texts.items():
            sound = io.BytesIO()
            spoken = tones(text, 16_000, 300)
            soundfile.write(sound, spoken.audio, 16_000, format="FLAC")
            content = b"broken" if name == "damaged" else sound.getvalue()
            member = tarfile.TarInfo(f"{name}.opus")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
            key = f"kathleen/{name}.opus"
            lines.append({"key": key, "dataset": "kathleen", "split": split, "text": text})
    lines.append({"key": "gone/a.opus", "dataset": "gone", "text": "No tar."})
    (folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


LONG = " ".join(f"word{'abcdefghij'[n % 10]}" for n in range(70))  # 15.6 seconds of tones


@pytest.mark.parametrize("is_copied", [False, True])
def test_a_corpus_becomes_a_bank(tmp_path, monkeypatch, is_copied):
    monkeypatch.setattr("microturn.data.recorded.LEAST_PAUSE_MS", PAUSE_MS)
    source = corpus(
        tmp_path / "speech",
        a=("Take 12 steps.", "train"),
        damaged=("Broken.", "train"),
        kept=("Never train on this.", "validation"),
        long=(LONG, "train"),
    )
    out = tmp_path / "bank"
    tallies = write_corpus(source, out, is_copied=is_copied, aligner=Exact())
    assert [name.partition(":")[0] for name in tallies["kathleen"].damaged] == ["kathleen/damaged"]
    assert [name.partition(":")[0] for name in tallies["gone"].damaged] == ["gone/a"]
    assert tallies["kathleen"].made == 3
    bank = Bank.load([out])
    clips = {clip.key: clip for found in bank.user.values() for clip in found}
    assert sorted(clips) == ["kathleen/a", "kathleen/long.0", "kathleen/long.1"]
    assert not bank.own
    assert bank.choices("user", "take twelve steps.")
    assert {clip.engine for clip in clips.values()} == {HUMAN}
    for clip in clips.values():
        utterance = bank.utterance(clip)
        assert 0 < utterance.duration_ms <= LONGEST_MS
        for word in utterance.words:  # every word is on its tone
            middle = (word.start_ms + word.end_ms) * 8
            assert np.abs(utterance.audio[middle - 400 : middle + 400]).max() > 0.4
        for before, after in pairwise(utterance.words):
            gap = utterance.audio[before.end_ms * 16 + 64 : after.start_ms * 16 - 64]
            assert np.abs(gap).max() < 0.01
    assert sum(len(word.words) for word in clips.values()) == 3 + 70


def test_validation_never_trains(tmp_path):
    source = corpus(tmp_path / "speech", a=("Yes.", "train"), b=("Never.", "validation"))
    write_corpus(source, tmp_path / "bank", aligner=Exact())
    write_corpus(source, tmp_path / "kept", "validation", aligner=Exact())
    both = [tmp_path / "bank", tmp_path / "kept"]
    assert list(Bank.load(both).user) == ["yes."]
    assert sorted(Bank.load(both, for_training=False).user) == ["never.", "yes."]
    assert not Bank.load([tmp_path / "kept"]).user
    kept = Clip("k", "someone", "Hi.", (), (tmp_path, "k"), split="validation")
    with pytest.raises(ValueError, match="k is kept for validation"):
        Bank([kept])


def test_workers_share_a_corpus(tmp_path):
    texts = {name: (f"{name}.", "train") for name in ("one", "two", "three", "damaged")}
    source, out = corpus(tmp_path / "speech", **texts), tmp_path / "bank"
    parts = [write_part(source, out, "train", (w, 2), False, Exact()) for w in range(2)]
    made = [line["text"] for lines, _ in parts for line in lines]
    assert sorted(made) == ["one.", "three.", "two."]

    class Never:
        name = "exact"

        def align(self, words, audio, rate_hz):
            raise AssertionError("was aligned before")

    assert write_corpus(source, out, aligner=Never())["kathleen"].made == 3


def test_a_recognisers_times_serve_where_alignment_fails():
    times = [Word("12-ounce", 0, 100), Word("coffee", 100, 200)]
    found = recognised(times, ["twelve", "ounce", "coffee"])
    assert [(w.start_ms, w.end_ms) for w in found] == [(0, 50), (50, 100), (100, 200)]
    assert recognised(times, ["twelve", "coffee"]) is None
    assert recognised([], []) is None


def test_people_hold_no_conversation(tmp_path):
    person = Clip("p", "someone", "Hi.", (), (tmp_path, "p"), engine=HUMAN)
    voice = Clip("v", "af_alloy", "Hi.", (), (tmp_path, "v"))
    assert Bank([person, voice]).voices == ["af_alloy"]
    assert Bank([person]).voices == ["someone"]


def test_missing_sound_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read a\.flac of"):
        Sounds().read((tmp_path, "a.flac"))
    (tmp_path / "empty.wav").touch()
    with pytest.raises(ValueError, match=r"cannot read empty\.wav"):
        Sounds().read((tmp_path, "empty.wav"))


def test_edges_are_kept():
    [clip] = cut(RECORDING, laid((1000, 1500)), 5000)
    assert (clip.start_ms, clip.end_ms) == (1000 - EDGE_MS, 1500 + EDGE_MS)
    assert clip.key == RECORDING.key
