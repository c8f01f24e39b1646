"""Each utterance's sound goes back to text and is held against the system's own text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from microturn.evals.groups import chosen
from microturn.evals.listen_back import EDGE_MS, GROUPS, spoken_scores
from microturn.evals.record import AudioFile, Trace
from microturn.signal.wav import write_wav
from microturn.turns import FloatArray
from tests.test_evals_metrics_talk import episode, trace

RATE_HZ = 24_000


class Level:
    """Hears a text by how loud a stretch is, and how long it was, in ms."""

    name = "level 1; x"

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.lengths_ms: list[int] = []

    def __call__(self, audio: FloatArray) -> str:
        self.lengths_ms.append(round(len(audio) / 16))
        return self.texts[round(float(np.abs(audio).max()) * 10)]


def sounding(folder: Path, said: Trace) -> Trace:
    """The n-th utterance is a block of loudness n tenths."""
    sound = np.zeros(5 * RATE_HZ, np.float32)
    for n, utterance in enumerate(said.utterances, 1):
        sound[utterance.t0 * 24 : utterance.t1 * 24] = n / 10
    write_wav(folder / "a.wav", sound, RATE_HZ)
    return replace(said, audio=AudioFile("a.wav", RATE_HZ))


def test_each_utterance_is_heard_by_itself(tmp_path: Path) -> None:
    said = sounding(tmp_path, trace((1000, 2000, "it is oslo"), (3000, 3500, "a foal")))
    hears = Level("", "It is Oslo.", "a full")
    first, second = spoken_scores(episode(), said, tmp_path, hears)
    assert (first.value, first.outcome) == (0.0, "right")
    assert (second.value, second.outcome) == (0.5, "wrong")
    assert hears.lengths_ms == [1000 + 2 * EDGE_MS, 500 + 2 * EDGE_MS]
    assert first.grader == "judge:level-1--x"


def test_silence_is_an_error_and_no_sound_no_score(tmp_path: Path) -> None:
    said = sounding(tmp_path, trace((1000, 2000, "it is oslo")))
    (missed,) = spoken_scores(episode(), said, tmp_path, Level("", ""))
    assert (missed.value, missed.outcome) == (1.0, "no_response")
    assert spoken_scores(episode(), replace(said, audio=None), tmp_path, Level("", "")) == []


def test_numbers_count_as_they_are_spoken(tmp_path: Path) -> None:
    said = sounding(tmp_path, trace((1000, 2000, "that is fourteen"), (3000, 3500, "at 7:30")))
    same = spoken_scores(episode(), said, tmp_path, Level("", "That is 14.", "at seven thirty"))
    assert [score.value for score in same] == [0.0, 0.0]
    (other, _) = spoken_scores(episode(), said, tmp_path, Level("", "That is 40.", ""))
    assert other.value > 0, "control: another number"


def test_what_is_listened_back_to_is_shown() -> None:
    for group in chosen(GROUPS):
        assert "spoken" in {shown.metric for shown in group.shown}, group.name
