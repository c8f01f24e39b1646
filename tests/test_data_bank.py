"""Reading banks: folders, tars, trimming, the split of voices."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from microturn.data import bank as bank_module
from microturn.data.bank import LEAD_MS, TRAIL_MS, Bank, Clip, read_manifest
from microturn.data.voices import HELD_OUT, NEAR_OWN, OWN_VOICE, TRAINING, VALIDATION
from tests.tones import EDGE_MS, WORD_MS, tone_bank, tones


def line(key="a", voice="af_alloy", text="Hello there.", **more):
    words = [[word, EDGE_MS, EDGE_MS + WORD_MS] for word in text.split()]
    entry = {"key": key, "voice": voice, "text": text, "seconds": 1.0, "words_ms": words} | more
    return json.dumps(entry)


def write_folder(folder: Path, *lines: str) -> Path:
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_folder(tmp_path):
    spoken = tones("Hello there.", 16_000, 300)
    soundfile.write(tmp_path / "a.flac", spoken.audio, 16_000)
    bank = Bank.load([write_folder(tmp_path, line(file="a.flac"))])
    clip = bank.choices("user", "hello THERE.")[0]
    utterance = bank.utterance(clip)
    assert clip.rate_hz == 16_000
    assert utterance.words[0].start_ms == pytest.approx(LEAD_MS, abs=2)
    assert utterance.duration_ms == pytest.approx(LEAD_MS + 2 * WORD_MS + 40 + TRAIL_MS, abs=5)


def test_tar_and_resampling(tmp_path):
    sound = io.BytesIO()
    soundfile.write(
        sound, tones("Hello there.", 16_000, 300).audio, 16_000, format="OGG", subtype="OPUS"
    )
    with tarfile.open(tmp_path / "bank.tar", "w") as archive:
        member = tarfile.TarInfo("a.opus")
        member.size = len(sound.getvalue())
        archive.addfile(member, io.BytesIO(sound.getvalue()))
    (tmp_path / "bank.jsonl").write_text(
        line(voice=OWN_VOICE) + "\n" + line(key="b", words_ms=None)
    )
    bank = Bank.load([tmp_path / "bank.jsonl"])
    assert not bank.user
    clip = bank.choices("own", "Hello there.")[0]
    assert clip.rate_hz == 24_000
    assert abs(len(bank.samples(clip)) / 24_000 - 0.9) < 0.02
    assert bank.samples(clip) is bank.samples(clip)


def test_the_samples_last_used_are_kept(tmp_path, monkeypatch):
    names = ("a", "b", "c")
    for name in names:
        soundfile.write(tmp_path / f"{name}.flac", tones("Hello.", 16_000, 300).audio, 16_000)
    lines = (line(key=name, file=f"{name}.flac", text=f"Hello {name}.") for name in names)
    bank = Bank.load([write_folder(tmp_path, *lines)])
    a, b, c = (bank.choices("user", f"Hello {name}.")[0] for name in names)
    decoded = {clip.key: bank.samples(clip) for clip in (a, b)}
    monkeypatch.setattr(bank_module, "MOST_BYTES", 2 * decoded["a"].nbytes)
    assert bank.samples(a) is decoded["a"]
    bank.samples(c)  # b was used longest ago
    assert bank.samples(a) is decoded["a"]
    assert bank.samples(b) is not decoded["b"]
    np.testing.assert_array_equal(bank.samples(b), decoded["b"])
    monkeypatch.setattr(bank_module, "MOST_BYTES", 0)  # what does not fit is read all the same
    assert len(bank.samples(c)) == len(bank.samples(a))


def test_times_out_of_order_are_left_out(tmp_path):
    good, bad = [["a", 0, 10], ["b", 10, 20]], [["a", 15, 20], ["b", 10, 12]]
    lines = [line(words_ms=good), line(key="b", words_ms=bad)]
    clips = read_manifest(write_folder(tmp_path, *lines) / "manifest.jsonl")
    assert [clip.key for clip in clips] == ["a"]


def test_side_is_written_or_known_by_name(tmp_path):
    lines = [
        line(voice="awb", side="own"),
        line(key="b", voice="kal16"),
        line(key="c", voice=OWN_VOICE),
    ]
    clips = read_manifest(write_folder(tmp_path, *lines) / "manifest.jsonl")
    assert [clip.is_own for clip in clips] == [True, False, True]


@pytest.mark.parametrize("voice", sorted(HELD_OUT | VALIDATION | NEAR_OWN))
def test_kept_voices_never_train(voice):
    clip = Clip("k", voice, "Hello.", (), (Path(), "a"))
    with pytest.raises(ValueError, match=f"{voice}, a voice kept for evaluation"):
        Bank([clip])
    assert Bank([clip], for_training=False).voices == [voice]


def test_training_voices_may_train():
    clips = [Clip(voice, voice, "Hello.", (), (Path(), "a")) for voice in reversed(TRAINING)]
    assert Bank(clips).voices == list(TRAINING)


def test_bad_input(tmp_path):
    with pytest.raises(ValueError, match="no speech bank at"):
        Bank.load([tmp_path])
    write_folder(tmp_path, line(file="a.flac"), '{"key": "b"}')
    with pytest.raises(ValueError, match="line 2 is not a clip"):
        Bank.load([tmp_path])
    write_folder(tmp_path, line(file="a.flac"))
    (tmp_path / "a.flac").write_bytes(b"not a sound")
    bank = Bank.load([tmp_path])
    with pytest.raises(ValueError, match=r"cannot read clip a\.flac"):
        bank.utterance(bank.choices("user", "Hello there.")[0])
    with pytest.raises(KeyError, match=r"no user clip of 'Sing.'"):
        bank.choices("user", "Sing.")


def test_the_model_has_one_voice(tmp_path):
    """Two banks that each have a voice of the model's own would teach it both."""
    for name, voice, side in (
        ("a", "af_heart", "own"),
        ("b", "en-us", "own"),
        ("c", "kal16", "user"),
    ):
        (tmp_path / name).mkdir()
        write_folder(tmp_path / name, line(file="a.flac", voice=voice, side=side, key=name))
    with pytest.raises(ValueError, match=r"2 voices: af_heart \(1 clips, .*en-us \(1 .*--no-own"):
        Bank.load([tmp_path / "a", tmp_path / "b"])
    bank = Bank.load([tmp_path / "a", tmp_path / "c"])
    assert (len(bank.own), len(bank.user)) == (1, 1)


def test_trimming_keeps_words_on_their_sound():
    bank = tone_bank()
    for clips in bank.user.values():
        utterance = bank.utterance(clips[0])
        for word in utterance.words:
            inside = utterance.audio[word.start_ms * 16 + 32 : word.end_ms * 16 - 32]
            assert np.abs(inside).max() > 0.4
        gaps = zip(utterance.words, utterance.words[1:], strict=False)
        for before, after in gaps:
            gap = utterance.audio[before.end_ms * 16 + 32 : after.start_ms * 16 - 32]
            assert np.abs(gap).max() < 0.01


def test_silent_clip_stays_whole():
    clip = Clip("s", "af_alloy", "Hello.", (), (Path(), "s"))
    bank = Bank([clip])
    bank._samples["s"] = np.zeros(1600, dtype=np.int16)
    assert bank.utterance(clip).duration_ms == 100
