"""A recogniser's own errors: on turns whose text is known, each text once, nobody else speaking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from microturn.evals.episode import Episode, Segment, Track
from microturn.evals.recogniser_error import BEFORE_MS, clean_turns, own_error
from microturn.signal.wav import write_wav
from microturn.turns import FloatArray


class Fixed:
    """Gives its texts one after the other, and notes how long the sounds were."""

    name = "fixed"

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.lengths: list[int] = []

    def __call__(self, audio: FloatArray) -> str:
        self.lengths.append(len(audio))
        return self.texts.pop(0)


def turn(id: str, start: int, text: str, kind: str = "speech") -> Segment:
    words = tuple((word, start, start + 400) for word in text.split())
    return Segment(id, "user", start, start + 400, kind, text, words)  # type: ignore[arg-type]


def episode(root: Path, id: str, *turns: Segment) -> Episode:
    name = id.replace("/", "_") + ".wav"
    write_wav(root / name, np.zeros(64_000, dtype=np.float32), 16_000)
    return Episode(id, "synthetic", 4000, tracks=(Track("audio", name),), segments=turns)


def test_errors_over_words(tmp_path: Path) -> None:
    one = episode(tmp_path, "g/facts/0/clean", turn("a", 1000, "what is ten"),
                  turn("b", 2500, "thank you"))  # fmt: skip
    ears = Fixed("What is 10?", "tank you")
    found = own_error(ears, [one], tmp_path)
    assert found is not None
    assert (found["errors"], found["words"], found["turns"]) == (1, 5, 2), "10 is ten"
    assert found["value"] == pytest.approx(0.2) and found["low"] <= 0.2 <= found["high"]
    assert ears.lengths == [(400 + BEFORE_MS + 200) * 16] * 2


def test_only_what_is_clean_and_english_and_new(tmp_path: Path) -> None:
    over = episode(tmp_path, "g/aside/0/clean", turn("a", 1000, "hello"), turn("b", 1200, "you"))
    assert clean_turns(over) == []
    noisy = episode(tmp_path, "g/facts/0/noisy", turn("a", 1000, "hello"))
    foreign = episode(tmp_path, "g/translation/0/clean", turn("a", 1000, "hola"))
    nod = episode(tmp_path, "g/facts/1/clean", turn("a", 1000, "mm-hm", "backchannel"))
    assert own_error(Fixed(), [over, noisy, foreign, nod], tmp_path) is None
    same = [episode(tmp_path, f"g/facts/{n}/clean", turn("a", 1000, "hello")) for n in range(3)]
    found = own_error(Fixed("hello"), same, tmp_path)
    assert found is not None and found["turns"] == 1 and found["value"] == 0.0
    two = episode(tmp_path, "g/facts/7/clean", turn("a", 500, "one"), turn("b", 1500, "two"))
    short = own_error(Fixed("one"), [two], tmp_path, most=1)
    assert short is not None and short["turns"] == 1
