"""Gradients by hand against finite differences; rows do not see each other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from microturn.model.fused import (
    CausalConvolution,
    GatedFunction,
    RMSNormFunction,
    causal_convolution,
    gated,
    rms_norm,
)


def noise(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    rng = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, generator=rng, dtype=dtype).requires_grad_()


def test_norm_gradients() -> None:
    assert gradcheck(lambda x, w: RMSNormFunction.apply(x, w, 1e-6), (noise(3, 5, 8), noise(8)))


@pytest.mark.parametrize("length", [1, 2, 7])
def test_convolution_gradients(length: int) -> None:
    assert gradcheck(CausalConvolution.apply, (noise(3, length, 8), noise(4, 8)))


def test_gate_gradients() -> None:
    assert gradcheck(GatedFunction.apply, (noise(5, 12),))


def test_gate_is_swiglu() -> None:
    x_NI = noise(5, 12)
    expected = torch.nn.functional.silu(x_NI[:, :6]) * x_NI[:, 6:]
    torch.testing.assert_close(gated(x_NI), expected)


@pytest.mark.parametrize("width", [16, 24, 160])
def test_a_row_has_the_same_bits_alone_and_among_others(width: int) -> None:
    x_ND = noise(320, width, dtype=torch.float32).detach()
    weight = noise(width, dtype=torch.float32).detach()
    taps = noise(4, width, dtype=torch.float32).detach()
    for part in (slice(0, 16), slice(160, 192)):
        assert torch.equal(rms_norm(x_ND[part], weight, 1e-6), rms_norm(x_ND, weight, 1e-6)[part])
        assert torch.equal(gated(x_ND[part]), gated(x_ND)[part])
    whole = causal_convolution(x_ND[None], taps)
    assert torch.equal(causal_convolution(x_ND[None, :48], taps), whole[:, :48])
