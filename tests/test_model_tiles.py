"""A row's bits do not depend on the number of rows; with the plain linear they do."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from microturn.model.tiles import tiled_linear

SIZES = [(256, 256), (256, 1024), (80, 256), (1024, 256)]


@pytest.mark.parametrize(("width_in", "width_out"), SIZES)
def test_rows_are_equal_at_any_row_count(width_in, width_out):
    rng = torch.Generator().manual_seed(width_in + width_out)
    x = torch.randn(128, width_in, generator=rng)
    weight, bias = (
        torch.randn(width_out, width_in, generator=rng),
        torch.randn(width_out, generator=rng),
    )
    full = tiled_linear(x, weight, bias)
    for count in (1, 2, 3, 5, 7, 16, 17, 50, 100):
        assert torch.equal(tiled_linear(x[:count], weight, bias), full[:count]), count
        assert torch.equal(tiled_linear(x[128 - count :], weight, bias), full[128 - count :]), count


def test_the_plain_linear_fails_the_same_test():
    rng = torch.Generator().manual_seed(0)
    x, weight = torch.randn(128, 256, generator=rng), torch.randn(1024, 256, generator=rng)
    full = functional.linear(x, weight)
    assert any(not torch.equal(functional.linear(x[:n], weight), full[:n]) for n in (1, 2, 3, 5, 7))
