"""Bins and their centres."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from transformers.models.inkling.processing_inkling import InklingProcessor

from microturn.signal.dmel import NUM_DMEL_BINS, centres, to_bins, to_log_mel


def test_centres_are_their_own_bins():
    bins = torch.arange(NUM_DMEL_BINS, dtype=torch.uint8)
    assert torch.equal(to_bins(centres().float()), bins)
    assert torch.equal(to_bins(to_log_mel(bins)), bins)


def test_far_values_are_clamped_and_near_ones_go_to_the_nearest():
    values = torch.tensor([-30.0, -7.0 + 0.29, -7.0 + 0.31, 9.0])
    assert to_bins(values).tolist() == [0, 0, 1, NUM_DMEL_BINS - 1]


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
