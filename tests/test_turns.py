"""The types that flow refuse what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from microturn.turns import INPUT_SAMPLES, MicroTurnInput, Timings

SILENCE = np.zeros(INPUT_SAMPLES, dtype=np.float32)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"index": -1}, "must not be negative"),
        ({"audio": SILENCE[:-1]}, "needs 3200 samples"),
        ({"played_ms": 201}, "played_ms must be 0 to 200"),
    ],
)
def test_bad_micro_turns_are_named(changes, words):
    with pytest.raises(ValueError, match=words):
        MicroTurnInput(**({"index": 0, "audio": SILENCE} | changes))


def test_total_time_is_the_sum_of_its_parts():
    assert Timings(1, 2, 3, 4).total_ms == 10
