"""The comparison itself: an oracle is perfect, silence answers nothing, talking always is all
intrusion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from microturn.data.bank import Clip
from microturn.data.timeline import Event, Timeline
from microturn.evals.families import Run, Tally, runs_of, word_errors
from microturn.turns import OUTPUT_SAMPLES, MicroTurnOutput

CLIP = Clip("k", "v", "t", (), (Path(), ""))
SOUND = np.zeros(OUTPUT_SAMPLES, dtype=np.float32)


def event(side, text, onset_ms, end_ms, cut_ms=None):
    return Event(side, text, CLIP, onset_ms, end_ms, cut_ms)


TIMELINE = Timeline(
    8000,
    (
        event("user", "Tell me a story.", 200, 1000),
        event("own", "Once there was a cat.", 1400, 5000, cut_ms=3000),
        event("user", "Stop.", 2600, 3100),
        event("own", "Okay.", 3400, 4000),
    ),
)


def outputs(spoken, heard=""):
    """Micro-turn i speaks when what it generates, heard from 200 (i + 1) ms on, lies in a span."""
    made = []
    for index in range(40):
        start = (index + 1) * 200
        hit = next((span for span in spoken if span[0] <= start < span[1]), None)
        text = hit[2] if hit is not None and start == hit[0] else ""
        made.append(
            MicroTurnOutput(index, SOUND, hit is not None, 0.5, heard if index == 0 else "", text)
        )
    return made


ORACLE = [(1400, 3000, "once there was"), (3400, 4000, "okay.")]


def tally(spoken, heard="tell me a story. stop."):
    result = Tally()
    result.add(TIMELINE, outputs(spoken, heard))
    return result.summary()


def test_oracle():
    summary = tally(ORACLE)
    assert summary["answered_share"] == summary["right_share"] == 1.0
    assert summary["heard_word_error_rate"] == summary["intrusions_per_minute"] == 0
    assert summary["onset_error_median_ms"] == 0
    assert summary["stop_latency_median_ms"] == 400


def test_silence():
    summary = tally([], heard="")
    assert summary["answered_share"] == summary["right_share"] == 0.0
    assert summary["heard_word_error_rate"] == 1.0
    assert summary["onset_error_median_ms"] is None


def test_talking_always():
    summary = tally([(200, 8200, "blah blah")])
    assert summary["right_share"] == 0.0
    assert summary["answered_share"] == 0.5


def test_late_wrong_and_unasked():
    summary = tally([(1800, 3600, "the moon goes around"), (6000, 6600, "okay.")])
    assert (summary["answered_share"], summary["right_share"]) == (0.5, 0.0)
    assert summary["onset_error_median_ms"] == 400
    assert summary["stop_latency_median_ms"] == 1000
    assert summary["intrusions_per_minute"] == pytest.approx(7.5)


def test_runs():
    assert runs_of(outputs(ORACLE)) == [Run(1400, 3000, "once there was"), Run(3400, 4000, "okay.")]


@pytest.mark.parametrize(
    ("said", "wanted", "errors"),
    [
        ("", "a b", (2, 2)),
        ("a b", "a b", (0, 2)),
        ("a c b", "a b", (1, 2)),
        ("It is Rome.", "it is Paris.", (1, 3)),
    ],
)
def test_word_errors(said, wanted, errors):
    assert word_errors(said, wanted) == errors
