"""Bins and their centres."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from transformers.models.inkling.processing_inkling import InklingProcessor

from microturn.signal.dmel import (
    LOG_MEL_MAX,
    LOG_MEL_MIN,
    NUM_DMEL_BINS,
    NUM_FINE_LEVELS,
    centres,
    to_bins,
    to_fine_levels,
    to_log_mel,
)


def test_centres_are_their_own_bins():
    bins = torch.arange(NUM_DMEL_BINS, dtype=torch.uint8)
    assert torch.equal(to_bins(centres().float()), bins)
    assert torch.equal(to_bins(to_log_mel(bins)), bins)


def test_far_values_are_clamped_and_near_ones_go_to_the_nearest():
    values = torch.tensor([-30.0, -7.0 + 0.29, -7.0 + 0.31, 9.0])
    assert to_bins(values).tolist() == [0, 0, 1, NUM_DMEL_BINS - 1]


def test_fine_levels_are_the_nearest_of_256():
    values = torch.linspace(LOG_MEL_MIN, LOG_MEL_MAX, NUM_FINE_LEVELS)
    assert to_fine_levels(values).tolist() == list(range(NUM_FINE_LEVELS))
    step = 9 / 255
    near = torch.tensor([-30.0, -7 + 0.4 * step, -7 + 0.6 * step, 2 - 0.6 * step, 30.0])
    assert to_fine_levels(near).tolist() == [0, 0, 1, 254, 255]
    assert to_fine_levels(near).dtype == torch.uint8


def around_the_midpoints(steps: int = 40) -> torch.Tensor:
    """All float32 values within some steps of half way between two centres."""
    middle = ((centres()[1:] + centres()[:-1]) / 2).float()
    values, above, below = [middle], middle, middle
    for _ in range(steps):
        above = torch.nextafter(above, torch.tensor(torch.inf))
        below = torch.nextafter(below, torch.tensor(-torch.inf))
        values += [above, below]
    return torch.cat(values)


def test_half_way_between_centres_rounding_is_the_published_one():
    published = SimpleNamespace(
        bin_centers=centres().float(), dmel_min_value=-7.0, dmel_max_value=2.0
    )
    values = around_the_midpoints()
    expected = InklingProcessor._extract_dmel_bins(published, values)
    assert torch.equal(to_bins(values).int(), expected)
    # Control: exact arithmetic decides differently somewhere.
    exact = (values.double()[:, None] - centres()).abs().argmin(-1)
    assert not torch.equal(exact.int(), expected)
