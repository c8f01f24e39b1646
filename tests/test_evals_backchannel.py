"""Our Jensen-Shannon distance is scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from microturn.evals.backchannel import jensen_shannon, normalised, occupancy, resampled


def test_the_distance_is_the_published_one() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        p, q = normalised(rng.random(55)), normalised(rng.random(55))
        assert jensen_shannon(p, q) == pytest.approx(float(jensenshannon(p, q)), abs=1e-12)


def test_occupancy_counts_parts_of_bins() -> None:
    assert occupancy([(100, 300)], 1000) == pytest.approx([0.5, 0.5, 0, 0, 0], abs=1e-9)
    assert occupancy([(0, 1000)], 900) == pytest.approx([0.2] * 5)


def test_a_reference_is_resampled_linearly() -> None:
    assert resampled([0.0, 1.0], 3) == pytest.approx([0.0, 1 / 3, 2 / 3], abs=1e-9)
