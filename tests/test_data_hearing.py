"""Word error rates of the rendered lanes, with recognisers that are known to be right or wrong."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from microturn import cli
from microturn.cli_data import describe_hearing
from microturn.data import hearing
from microturn.data.bank import Bank, Clip, DamagedClip
from microturn.data.hearing import (
    EDGE_MS,
    HearConfig,
    hear,
    spoken_words,
    word_errors,
)
from tests.tones import ToneBank, tones

TEXTS = ("It is half past seven.", "Hello.", "I can't find the key.", "Thanks a lot.")


def bank(is_damaged: bool = False) -> Bank:
    """Four texts of two synthetic voices, one person and the model."""
    clips = []
    for number, text in enumerate(TEXTS):
        for voice, engine in (("af_heart", ""), ("af_alloy", "kokoro"), ("kal16", "flite"),
                              ("corpus-7", "human")):  # fmt: skip
            is_own = voice == "af_heart"
            words = tones(text, 24_000 if is_own else 16_000, 200.0).words or ()
            place = (Path("memory"), f"{voice}_{number}")
            clips.append(Clip(place[1], voice, text, words, place, is_own, engine=engine))

    class Damaged(ToneBank):
        def samples(self, clip: Clip) -> np.ndarray:
            if clip.key == "kal16_1":
                raise DamagedClip(clip.key, "torn")
            return super().samples(clip)

    return Damaged(clips) if is_damaged else ToneBank(clips)


def test_words_are_compared_as_they_are_said():
    assert spoken_words("OK, it's 7:30.") == spoken_words("okay it is seven thirty")
    assert spoken_words("I can't, they're cannot-ish") == [
        "i", "can", "not", "they", "are", "can", "not", "ish"]  # fmt: skip
    assert spoken_words("The dog's key.") == ["the", "dog's", "key"]


def test_word_errors():
    wanted = ["a", "b", "c", "d"]
    assert word_errors(wanted, wanted) == 0
    assert word_errors([], wanted) == 4
    assert word_errors(["a", "x", "c"], wanted) == 2
    assert word_errors(["a", "b", "c", "d", "e"], wanted) == 1
    assert word_errors(["a", "b", "c"], []) == 3


def test_perfect_and_deaf_recognisers(monkeypatch):
    said: list[str] = []
    rendered = hearing.sounds_of

    def noted(timeline, bank, rng):
        said.append(" ".join(event.text for event in timeline.events))
        return rendered(timeline, bank, rng)

    monkeypatch.setattr(hearing, "sounds_of", noted)
    perfect = hear(bank(), lambda audio: said[-1], "perfect", HearConfig())
    assert set(perfect["user"]) == {"af_alloy", "kal16", "corpus"} and set(perfect["own"]) == {
        "af_heart"
    }
    for numbers in (*perfect["user"].values(), *perfect["by_engine"]["user"].values()):
        assert (numbers["wer_clean"], numbers["wer_noisy"]) == (0.0, 0.0)
        assert (numbers["clips"], numbers["words"]) == (4, 15)
    assert perfect["own"]["af_heart"]["wer_clean"] == 0.0
    assert "wer_noisy" not in perfect["own"]["af_heart"]
    assert perfect["own"]["af_heart"]["engine"] == "kokoro"

    deaf = hear(bank(), lambda audio: "", "deaf", HearConfig(voices=("kal16",), clips=2))
    assert set(deaf["user"]) == {"kal16"} and not deaf["own"]
    assert deaf["user"]["kal16"]["wer_clean"] == deaf["user"]["kal16"]["wer_noisy"] == 1.0
    assert deaf["user"]["kal16"]["clips"] == 2


def test_the_conditions_are_what_is_rendered():
    """The clean lane holds the clip at its place and nothing else; noise is noise."""
    heard: list[np.ndarray] = []

    def listen(audio: np.ndarray) -> str:
        heard.append(audio)
        return ""

    hear(bank(), listen, "ear", HearConfig(voices=("af_alloy",), seed=3))
    assert len(heard) == 2 * len(TEXTS)
    edge = EDGE_MS * 16
    for clean, noisy in zip(heard[::2], heard[1::2], strict=True):
        assert len(clean) == len(noisy)
        assert not clean[: edge - 500].any() and clean[edge : edge + 8000].any()
        assert noisy[: edge - 500].any() or np.abs(noisy - clean).max() > 0.01
        assert all(audio.dtype == np.float32 and np.abs(audio).max() <= 1 for audio in heard)


def test_a_damaged_clip_is_named():
    result = hear(bank(is_damaged=True), lambda audio: "", "deaf", HearConfig())
    assert result["skipped"] == {"kal16_1": "torn"}
    assert result["user"]["kal16"]["clips"] == 3
    assert "damaged clip kal16_1: torn" in describe_hearing(result)


def test_bad_input(tmp_path, capsys):
    with pytest.raises(ValueError, match="no clip of nobody; it has af_alloy"):
        hear(bank(), lambda audio: "", "deaf", HearConfig(voices=("nobody",)))
    with pytest.raises(ValueError, match="clips must be at least 1"):
        hear(bank(), lambda audio: "", "deaf", HearConfig(clips=0))
    missing = ["data", "hear", "--bank", str(tmp_path), "--recogniser", str(tmp_path)]
    assert cli.main(missing) == 2
    assert "no model.bin" in capsys.readouterr().err


def test_the_packaged_recogniser_answers(tmp_path, capsys):
    if importlib.util.find_spec("pocketsphinx") is None:
        with pytest.raises(ValueError, match="pip install pocketsphinx"):
            hearing.SphinxHearing()
        return
    spoken = tones("Hello.", 16_000, 200.0)
    soundfile.write(tmp_path / "a.flac", spoken.audio, 16_000)
    entry = {"key": "a", "voice": "af_alloy", "text": "Hello.", "file": "a.flac",
             "words_ms": [["Hello.", 230, 410]], "seconds": 1.0}  # fmt: skip
    (tmp_path / "manifest.jsonl").write_text(json.dumps(entry) + "\n")
    assert cli.main(["data", "hear", "--bank", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["recogniser"] == "pocketsphinx"
    assert found["user"]["af_alloy"]["words"] == 1
