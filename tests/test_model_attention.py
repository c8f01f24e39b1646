"""Norm, short convolution, and the log-length scaling of scores."""

from __future__ import annotations

import pytest
import torch

from microturn.model.attention import Attention, RMSNorm, ShortConvolution
from microturn.model.config import AttentionConfig, BackboneConfig
from microturn.model.fused import continue_convolution


def test_norm_is_root_mean_square() -> None:
    norm = RMSNorm(8, 1e-6)
    with torch.no_grad():
        norm.weight.copy_(torch.arange(8.0))
    x_ND = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    rms_N1 = x_ND.square().mean(-1, keepdim=True).sqrt()
    torch.testing.assert_close(norm(x_ND), x_ND / rms_N1 * torch.arange(8.0))
    torch.testing.assert_close(norm(x_ND, 0.5), 0.5 * norm(x_ND))
    assert norm(x_ND.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("kernel", [1, 2, 4])
def test_convolution_is_causal_depthwise_and_residual(kernel: int) -> None:
    conv = ShortConvolution(6, kernel)
    x_BSC = torch.randn(2, 9, 6, generator=torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(x_BSC.transpose(1, 2), (kernel - 1, 0))
    expected = torch.nn.functional.conv1d(padded, conv.weight, groups=6).transpose(1, 2)
    torch.testing.assert_close(conv(x_BSC), x_BSC + expected)


@pytest.mark.parametrize("chunks", [[1] * 9, [4, 5], [2, 6, 1]])
def test_convolution_in_chunks_gives_the_same_bits(chunks: list[int]) -> None:
    conv = ShortConvolution(6, 4)
    x_SC = torch.randn(9, 6, generator=torch.Generator().manual_seed(0))
    tail_TC, parts = torch.zeros(3, 6), []
    with torch.no_grad():
        for part_SC in x_SC.split(chunks):
            parts.append(part_SC.clone())
            tail_TC = continue_convolution(tail_TC, parts[-1], conv.taps())[len(part_SC) :]
        assert torch.equal(torch.cat(parts), conv(x_SC[None])[0])
    assert torch.equal(tail_TC, x_SC[-3:])


def test_scores_grow_with_log_length_in_full_layers_only() -> None:
    attention = AttentionConfig(2, 1, 8, 2, 1, 8, 32, log_scaling_floor=10, log_scaling_alpha=0.5)
    config = BackboneConfig(8, 16, 2, 2, 16, attention, full_every=2)
    assert Attention(config, 0).tau(0, 20, torch.zeros(1)) is None
    tau_S11 = Attention(config, 1).tau(5, 20, torch.zeros(1))
    assert tau_S11 is not None and tau_S11.shape == (20, 1, 1)
    expected = [1.0 + 0.5 * max(0.0, torch.tensor((6 + i) / 10).log().item()) for i in range(20)]
    torch.testing.assert_close(tau_S11.flatten(), torch.tensor(expected))
