"""Attention of whole rows by torch's flex attention: the form for training on a GPU.

What `banded.attend_batched` and `retention.attend_whole` compute, as one kernel that skips blocks
of keys that nobody sees. The bias is a table by (head, query, distance), read at each score; what
is seen is a mask by query and key. On a CPU flex attention has a forward only, so there tests
compare it with the others; its gradient and its speed on a GPU have not been measured.

Legend: B rows, S query positions, N key positions, H heads, K key-value heads, W head width, E rel
width, L distances, C query blocks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from microturn.model.cache import KEY_BLOCK
from microturn.model.retention import Choice, Sight

Kernel = Callable[..., Any]
FLEX_WIDTHS = (16, 32, 64, 128, 256)  # of heads, that its kernels take


@functools.cache
def compiled() -> Kernel:
    """The fused kernel; without compilation flex attention holds all scores in memory."""
    return torch.compile(flex_attention, dynamic=False)


def default_kernel() -> Kernel:
    """Inside a compiled block flex attention is compiled with it."""
    return flex_attention if torch.compiler.is_compiling() else compiled()


def band_mask(num_queries: int, num_keys: int, window: int | None, device: str) -> BlockMask:
    """Causal; with a window, the last `window` positions."""

    def is_seen(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        behind = query - key
        return (behind >= 0) if window is None else (behind >= 0) & (behind < window)

    return create_block_mask(is_seen, None, None, num_queries, num_keys, device)


def text_mask(is_text_BS: Tensor, num_keys: int, sight: Sight) -> BlockMask:
    """The window, and the older text that `Choice` keeps for each block of queries."""
    batch, length = is_text_BS.shape
    num_blocks = -(-length // KEY_BLOCK)
    kept_BCN = is_text_BS.new_zeros(batch, num_blocks, num_keys, dtype=torch.bool)
    for row in range(batch):
        position_S = is_text_BS[row].nonzero().flatten()
        for block in range(num_blocks):
            position_M = Choice.of(position_S, block, sight.reach, sight.config).position_M
            kept_BCN[row, block, position_M[position_M >= 0]] = True
    window = sight.window

    def is_seen(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        behind = query - key
        is_old = (behind >= window) & kept_BCN[row, query // KEY_BLOCK, key]
        return ((behind >= 0) & (behind < window)) | is_old

    device = str(is_text_BS.device)
    return create_block_mask(is_seen, batch, None, length, num_keys, device)


def attend_masked(
    queries: tuple[Tensor, Tensor],
    keys: tuple[Tensor, Tensor],
    profile_EL: Tensor,
    mask: BlockMask,
    kernel: Kernel,
) -> Tensor:
    """softmax(q . k + b[distance]) v of what the mask shows, [B, S, H, W].

    queries: q_BSHW, rel_BSHE; keys: k_BNKW, v_BNKW. Beyond the profiles the bias is zero.
    """
    (q_BSHW, rel_BSHE), (k_BNKW, v_BNKW) = queries, keys
    bias_BHSL = (rel_BSHE @ profile_EL).transpose(1, 2)
    extent = profile_EL.shape[1]

    def with_bias(score: Tensor, row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        behind = query - key
        bias = bias_BHSL[row, head, query, behind.clamp(0, extent - 1)]
        return score + torch.where(behind < extent, bias, 0.0)

    q_BHSW, k_BKNW, v_BKNW = (x.transpose(1, 2) for x in (q_BSHW, k_BNKW, v_BNKW))
    out_BHSW = kernel(q_BHSW, k_BKNW, v_BKNW, with_bias, mask, scale=1.0, enable_gqa=True)
    return out_BHSW.transpose(1, 2)


def attend_flex(
    q_BSHW: Tensor,
    rel_BSHE: Tensor,
    k_BNKW: Tensor,
    v_BNKW: Tensor,
    profile_EL: Tensor,
    reach: int | None,
    is_window: bool,
    kernel: Kernel | None = None,
) -> Tensor:
    """What `attend_tiled` and `attend_batched` compute. kernel: None takes the compiled one."""
    window = profile_EL.shape[1] if is_window else None
    mask = band_mask(q_BSHW.shape[1], k_BNKW.shape[1], window, str(q_BSHW.device))
    queries, keys = (q_BSHW, rel_BSHE), (k_BNKW, v_BNKW)
    return attend_masked(queries, keys, profile_EL, mask, kernel or default_kernel())


def attend_flex_whole(
    queries: tuple[Tensor, Tensor],
    keys: tuple[Tensor, Tensor],
    is_text_BS: Tensor,
    profile_EL: Tensor,
    sight: Sight,
    kernel: Kernel | None = None,
) -> Tensor:
    """What `retention.attend_whole` computes."""
    mask = text_mask(is_text_BS, keys[0].shape[1], sight)
    return attend_masked(queries, keys, profile_EL, mask, kernel or default_kernel())
