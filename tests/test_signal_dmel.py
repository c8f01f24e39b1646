"""Bins and their centres."""

from __future__ import annotations

import torch

from microturn.signal.dmel import NUM_DMEL_BINS, centres, to_bins, to_log_mel


def test_centres_are_their_own_bins():
    bins = torch.arange(NUM_DMEL_BINS, dtype=torch.uint8)
    assert torch.equal(to_bins(centres().float()), bins)
    assert torch.equal(to_bins(to_log_mel(bins)), bins)


def test_far_values_are_clamped_and_near_ones_go_to_the_nearest():
    values = torch.tensor([-30.0, -7.0 + 0.29, -7.0 + 0.31, 9.0])
    assert to_bins(values).tolist() == [0, 0, 1, NUM_DMEL_BINS - 1]
