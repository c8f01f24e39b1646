"""Both forms of banded attention against a plain dense definition."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from microturn.model.banded import Skew, attend_batched, attend_tiled
from microturn.model.cache import KEY_BLOCK

BANDS = {  # length, reach in blocks, extent, is it a window
    "window inside a block": (272, 1, 40, True),
    "window of a block": (544, 1, KEY_BLOCK, True),
    "window beyond a block": (528, 2, KEY_BLOCK + 44, True),
    "window of blocks": (544, 2, 2 * KEY_BLOCK, True),
    "window of one": (300, 0, 1, True),
    "full, short profiles": (800, None, 20, False),
    "full, long profiles": (528, None, 900, False),
}


def band_tensors(length: int, extent: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    rng = torch.Generator().manual_seed(length)
    padded = -(-length // KEY_BLOCK) * KEY_BLOCK
    shapes = [(2, length, 4, 8), (2, length, 4, 6), (2, padded, 2, 8), (2, padded, 2, 8)]
    tensors = [torch.randn(shape, generator=rng, dtype=dtype) for shape in [*shapes, (6, extent)]]
    return [tensor.requires_grad_() for tensor in tensors]


def dense(
    q_BSHW: Tensor,
    rel_BSHE: Tensor,
    k_BNKW: Tensor,
    v_BNKW: Tensor,
    profile_EL: Tensor,
    is_window: bool,
) -> Tensor:
    """The definition, with a gather: softmax(q . k + b[distance]) v."""
    length, extent = q_BSHW.shape[1], profile_EL.shape[1]
    k_BSHW, v_BSHW = (x[:, :length].repeat_interleave(2, dim=2) for x in (k_BNKW, v_BNKW))
    position_S = torch.arange(length)
    distance_SS = position_S[:, None] - position_S
    bias = (rel_BSHE @ profile_EL).transpose(1, 2)
    index = distance_SS.clamp(0, extent - 1).expand(*bias.shape[:2], -1, -1)
    bias = bias.gather(-1, index).masked_fill(distance_SS >= extent, 0.0)
    hidden_SS = (distance_SS < 0) | (is_window & (distance_SS >= extent))
    score = torch.einsum("bshw,bthw->bhst", q_BSHW, k_BSHW) + bias
    weight = score.masked_fill(hidden_SS, float("-inf")).softmax(-1)
    return torch.einsum("bhst,bthw->bshw", weight, v_BSHW)


@pytest.mark.parametrize("band", BANDS.values(), ids=BANDS.keys())
@pytest.mark.parametrize("form", [attend_tiled, attend_batched])
def test_bands_equal_the_dense_definition_and_its_gradients(form, band: tuple) -> None:
    length, reach, extent, is_window = band
    tensors = band_tensors(length, extent)
    expected = dense(*tensors, is_window)
    out = form(*tensors, reach, is_window)
    torch.testing.assert_close(out, expected)
    grad = torch.randn(out.shape, dtype=out.dtype, generator=torch.Generator().manual_seed(0))
    for ours, theirs in zip(
        torch.autograd.grad(out, tensors, grad),
        torch.autograd.grad(expected, tensors, grad),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_keys_in_the_future_never_matter() -> None:
    tensors = [tensor.detach() for tensor in band_tensors(300, 40)]
    before = attend_tiled(*tensors, 1, True)
    tensors[2][:, 200:], tensors[3][:, 200:] = 1e3, -1e3
    after = attend_tiled(*tensors, 1, True)
    assert torch.equal(before[:, :200], after[:, :200])
    assert not torch.equal(before[:, 200:], after[:, 200:])


@pytest.mark.parametrize("offset", [0, 16, 100, KEY_BLOCK - 16])
@pytest.mark.parametrize(("extent", "is_window"), [(40, True), (KEY_BLOCK, True), (100, False)])
def test_skewed_biases_stand_at_their_distances(offset: int, extent: int, is_window: bool) -> None:
    skew = Skew.of(offset, 2 * KEY_BLOCK, extent, is_window)
    near_JRL = torch.arange(skew.near - 1, -1, -1.0).expand(2, 16, -1)  # bias = distance
    bias_RN = skew.bias(near_JRL)[1]
    distance_RN = KEY_BLOCK + offset + torch.arange(16)[:, None] - torch.arange(2 * KEY_BLOCK)
    beyond = float("-inf") if is_window else 0.0
    expected_RN = distance_RN.float().masked_fill(distance_RN >= extent, beyond)
    expected_RN = expected_RN.masked_fill(distance_RN < 0, float("-inf"))
    num_real = KEY_BLOCK - offset  # rows beyond the block are padding
    assert torch.equal(bias_RN[:num_real], expected_RN[:num_real])
