"""A row's bits do not depend on the number of rows; with the plain linear they do."""

from __future__ import annotations

import pytest
import torch

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


@pytest.mark.usefixtures("bare_rows")
def test_a_linear_with_a_kernel_for_few_rows_fails_the_same_test():
    rng = torch.Generator().manual_seed(0)
    x, weight = torch.randn(128, 256, generator=rng), torch.randn(1024, 256, generator=rng)
    full = tiled_linear(x, weight)
    assert not torch.equal(tiled_linear(x[:3], weight), full[:3])
    torch.testing.assert_close(tiled_linear(x[:3], weight), full[:3], rtol=1e-4, atol=1e-4)
