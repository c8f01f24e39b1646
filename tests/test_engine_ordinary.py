"""Ordinary kernels compute the same thing in other bits, and are gone afterwards."""

from __future__ import annotations

import os

import pytest
import torch

from microturn.engine.ordinary import WAYS, Way, biases, kernels
from microturn.model.stream import PackedAttention
from microturn.processor import VARIABLE
from microturn.sequence import Positions, text_positions
from tests.tiny import tiny_engine

ENGINE = tiny_engine()
MODEL = ENGINE.model


def runs(count: int = 24) -> list[Positions]:
    """Few words at a time, beyond a block of keys and a window."""
    rng = torch.Generator().manual_seed(0)
    sizes = [1, 5, 30, 16]
    return [
        text_positions([int(i) for i in torch.randint(12, 60, (sizes[n % 4],), generator=rng)])
        for n in range(count)
    ]


def hidden(way: Way) -> torch.Tensor:
    state = MODEL.transformer.new_state()
    with kernels(way), torch.inference_mode():
        return torch.cat([MODEL.extend(run, state) for run in runs()])


def test_all_ways_compute_the_same_in_other_bits() -> None:
    fixed = hidden("fixed")
    assert len(fixed) > 256
    for way in WAYS[1:]:
        other = hidden(way)
        torch.testing.assert_close(other, fixed, rtol=1e-3, atol=1e-4)
        is_strict = "STRICT" in os.environ.get(VARIABLE, "")  # then tiles change no bits
        assert torch.equal(other, fixed) == (way == "bare_rows" and is_strict), way


def test_the_kernels_are_put_back_after_a_failure() -> None:
    before = PackedAttention.attend
    with pytest.raises(RuntimeError, match="broken"), kernels("ordinary"):
        assert PackedAttention.attend is not before
        raise RuntimeError("broken")
    assert PackedAttention.attend is before


def test_unknown_kernels_are_refused() -> None:
    with pytest.raises(ValueError, match="choose one of fixed"), kernels("quick"):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize("has_window", [True, False])
@pytest.mark.parametrize(("num_rows", "num_keys"), [(1, 1), (1, 9), (3, 3), (5, 12)])
def test_biases_stand_at_their_distances(num_rows: int, num_keys: int, has_window: bool) -> None:
    extent = 7
    profile_EL = torch.arange(extent - 1, -1, -1.0)[None]  # bias = distance, farthest first
    bias_SN = biases(torch.ones(num_rows, 2, 1), profile_EL, num_keys, has_window)[1]
    row = torch.arange(num_keys - num_rows, num_keys)[:, None]
    distance_SN = row - torch.arange(num_keys)
    far = float("-inf") if has_window else 0.0
    expected = distance_SN.float().masked_fill(distance_SN >= extent, far)
    assert torch.equal(bias_SN, expected.masked_fill(distance_SN < 0, float("-inf")))
