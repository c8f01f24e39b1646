"""Attention of query blocks over their bands of key blocks: tiles in cache on CPU, batches
elsewhere.

The relative bias needs no gather: profiles are laid out by distance, padded to rows one longer than
the key range, and the same memory read with rows one shorter shifts row r by r places (the skew of
Huang et al., 2018, Music Transformer). The padding is -inf, so the causal and the window mask come
with it.

Both forms do the same arithmetic. The tiled one has one tile for each (row, block, key-value head)
and its gradient by hand; it keeps the weights for the backward pass, not scores and biases.

Legend: B rows, S query positions, N key positions, H heads, K key-value heads, J heads that share
one, W head width, E rel width, L distances, R query rows of a block, G rows of all heads at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

from microturn.model.cache import KEY_BLOCK

VALUE_SPAN = 1024  # keys summed in one product; longer rows add spans in ascending order
NEVER = float("-inf")


@dataclass(frozen=True)
class Skew:
    """Where distances stand in one tile's memory.

    Query row r stands at key position num_keys - KEY_BLOCK + offset + r. A row of the padded table
    is: `before` masked columns, `zeros` columns beyond the profile's reach, `near` distances
    (farthest first), masked columns; `total` + 1 in all. Read with rows of `total` columns, row r
    is shifted by r. The first `spare` columns of the result are cut off.
    """

    num_keys: int
    spare: int
    before: int
    zeros: int
    near: int

    @property
    def total(self) -> int:
        return self.num_keys + self.spare

    @classmethod
    def of(cls, offset: int, num_keys: int, extent: int, is_window: bool) -> Skew:
        """Where a window ends inside the keys, the padding serves both ends; otherwise rows must
        begin with real columns, so they start a block further left."""
        is_cut = is_window and extent - 1 <= num_keys - KEY_BLOCK
        spare = 0 if is_cut else KEY_BLOCK
        num_columns = num_keys - KEY_BLOCK + spare + 1
        near = min(num_columns, extent)
        left = num_columns - near
        if is_window:
            return cls(num_keys, spare, offset + left, 0, near)
        return cls(num_keys, spare, offset, left, near)

    def bias(self, near_JRL: Tensor) -> Tensor:
        """Biases by distance -> bias and mask by key, [J, R, N] (a view of a padded copy)."""
        heads, num_rows, _ = near_JRL.shape
        if self.zeros:
            near_JRL = functional.pad(near_JRL, (self.zeros, 0))
        after = self.total + 1 - self.before - self.zeros - self.near
        padded = functional.pad(near_JRL, (self.before, after), value=NEVER)
        flat = padded.flatten(1)[:, : num_rows * self.total]
        return flat.view(heads, num_rows, self.total)[..., self.spare :]

    def unbias(self, grad_JRN: Tensor) -> Tensor:
        """The adjoint of `bias`, [J, R, L] (a view)."""
        heads, num_rows, _ = grad_JRN.shape
        if self.spare:
            grad_JRN = functional.pad(grad_JRN, (self.spare, 0))
        strides = (num_rows * self.total, self.total + 1, 1)
        size = (heads, num_rows, self.near)
        return grad_JRN.contiguous().as_strided(size, strides, self.before + self.zeros)


def weights(q_KGW: Tensor, rel_HRE: Tensor, k_KNW: Tensor, near_EL: Tensor, skew: Skew) -> Tensor:
    """Softmax weights of one tile, [K, G, N]; `near_EL`: profiles at its distances, farthest
    first."""
    num_heads, num_rows, _ = rel_HRE.shape
    score_KGN = torch.bmm(q_KGW, k_KNW.transpose(1, 2))
    near_HRL = (rel_HRE.flatten(0, 1) @ near_EL).view(num_heads, num_rows, -1)
    score_KGN.view(num_heads, num_rows, -1).add_(skew.bias(near_HRL))
    return score_KGN.softmax(-1)


def mix(weight_GN: Tensor, v_NW: Tensor) -> Tensor:
    """Weighted sum of values, in spans: [G, N] and [N, W], or a batch of them."""
    out_GW = None
    for first in range(0, v_NW.shape[-2], VALUE_SPAN):
        span = slice(first, first + VALUE_SPAN)
        part = weight_GN[..., span] @ v_NW[..., span, :]
        out_GW = part if out_GW is None else out_GW + part
    assert out_GW is not None  # there is at least one key
    return out_GW


def attend_tile(
    q_RHW: Tensor, rel_RHE: Tensor, k_KNW: Tensor, v_KNW: Tensor, near_EL: Tensor, skew: Skew
) -> Tensor:
    """Rows of one stream inside one block, all heads: [R, H, W]. No gradient."""
    num_rows, num_heads, width = q_RHW.shape
    q_KGW = q_RHW.transpose(0, 1).reshape(len(k_KNW), -1, width)
    weight_KGN = weights(q_KGW, rel_RHE.transpose(0, 1), k_KNW, near_EL, skew)
    return mix(weight_KGN, v_KNW).view(num_heads, num_rows, width).transpose(0, 1)


@dataclass(frozen=True)
class Tile:
    """One (row, block) of a whole forward, as indices into q, and into k and v."""

    queries: tuple[int, slice]
    keys: tuple[int, slice]
    skew: Skew


def tiles(
    q_BSHW: Tensor, k_BNKW: Tensor, extent: int, reach: int | None, is_window: bool
) -> Iterator[Tile]:
    """All tiles of whole rows, block by block."""
    batch, length = q_BSHW.shape[:2]
    for block in range(-(-length // KEY_BLOCK)):
        rows = slice(block * KEY_BLOCK, min(length, (block + 1) * KEY_BLOCK))
        first = 0 if reach is None else max(0, block - reach)
        keys = slice(first * KEY_BLOCK, (block + 1) * KEY_BLOCK)
        skew = Skew.of(0, keys.stop - keys.start, extent, is_window)
        for row in range(batch):
            yield Tile((row, rows), (row, keys), skew)


class BandedAttention(Function):
    """Whole rows from position 0. Keys and values are padded to whole blocks."""

    @staticmethod
    def forward(
        ctx,
        q_BSHW: Tensor,
        rel_BSHE: Tensor,
        k_BNKW: Tensor,
        v_BNKW: Tensor,
        profile_EL: Tensor,
        reach: int | None,
        is_window: bool,
    ) -> Tensor:
        out_BSHW = torch.empty_like(q_BSHW)
        kept = []
        band = (profile_EL.shape[1], reach, is_window)
        for tile in tiles(q_BSHW, k_BNKW, *band):
            k_KNW, v_KNW = (x[tile.keys].transpose(0, 1) for x in (k_BNKW, v_BNKW))
            q_HRW = q_BSHW[tile.queries].transpose(0, 1)
            rel_HRE = rel_BSHE[tile.queries].transpose(0, 1)
            near_EL = profile_EL[:, : tile.skew.near].flip(1)
            q_KGW = q_HRW.reshape(len(k_KNW), -1, k_KNW.shape[-1])
            weight_KGN = weights(q_KGW, rel_HRE, k_KNW, near_EL, tile.skew)
            out_BSHW[tile.queries] = mix(weight_KGN, v_KNW).view(q_HRW.shape).transpose(0, 1)
            if any(ctx.needs_input_grad):
                kept.append(weight_KGN)
        ctx.save_for_backward(q_BSHW, rel_BSHE, k_BNKW, v_BNKW, profile_EL)
        ctx.kept, ctx.band = kept, band
        return out_BSHW

    @staticmethod
    def backward(ctx, grad_BSHW: Tensor):
        q_BSHW, rel_BSHE, k_BNKW, v_BNKW, profile_EL = ctx.saved_tensors
        grad_q, grad_rel = torch.empty_like(q_BSHW), torch.empty_like(rel_BSHE)
        grad_k, grad_v = torch.zeros_like(k_BNKW), torch.zeros_like(v_BNKW)
        grad_profile = torch.zeros_like(
            profile_EL, dtype=torch.promote_types(profile_EL.dtype, torch.float32)
        )
        kept = ctx.kept
        for index, tile in enumerate(tiles(q_BSHW, k_BNKW, *ctx.band)):
            weight_KGN, kept[index] = kept[index], None
            k_KNW, v_KNW = (x[tile.keys].transpose(0, 1) for x in (k_BNKW, v_BNKW))
            rel_HRE = rel_BSHE[tile.queries].transpose(0, 1)
            q_HRW, grad_HRW = (x[tile.queries].transpose(0, 1) for x in (q_BSHW, grad_BSHW))
            q_KGW, grad_KGW = (x.reshape(len(k_KNW), -1, x.shape[-1]) for x in (q_HRW, grad_HRW))
            near_EL = profile_EL[:, : tile.skew.near].flip(1)
            grad_v[tile.keys].transpose(0, 1).add_(weight_KGN.mT @ grad_KGW)
            grad_KGN = torch.bmm(grad_KGW, v_KNW.mT)
            grad_KGN = torch.ops.aten._softmax_backward_data(
                grad_KGN, weight_KGN, -1, weight_KGN.dtype
            )
            grad_q[tile.queries] = torch.bmm(grad_KGN, k_KNW).view(q_HRW.shape).transpose(0, 1)
            grad_k[tile.keys].transpose(0, 1).add_(torch.bmm(grad_KGN.mT, q_KGW))
            near_HRL = tile.skew.unbias(grad_KGN.view(*q_HRW.shape[:2], -1))
            back_LE = near_EL.t().expand(len(near_HRL), -1, -1)
            grad_rel[tile.queries] = torch.bmm(near_HRL, back_LE).transpose(0, 1)
            grad_near_EL = torch.bmm(rel_HRE.mT, near_HRL).sum(0)
            grad_profile[:, : tile.skew.near].add_(grad_near_EL.flip(1))
        grad_profile = grad_profile.to(profile_EL.dtype)
        return grad_q, grad_rel, grad_k, grad_v, grad_profile, None, None


def attend_tiled(
    q_BSHW: Tensor,
    rel_BSHE: Tensor,
    k_BNKW: Tensor,
    v_BNKW: Tensor,
    profile_EL: Tensor,
    reach: int | None,
    is_window: bool,
) -> Tensor:
    """Whole rows from position 0, [B, S, H, W]; `reach` is in blocks, None for all."""
    return BandedAttention.apply(q_BSHW, rel_BSHE, k_BNKW, v_BNKW, profile_EL, reach, is_window)


# ---- batched ----------------------------------------------------------------------------------


def attend_block(
    q_BRHW: Tensor,
    rel_BRHE: Tensor,
    k_BNKW: Tensor,
    v_BNKW: Tensor,
    near_EL: Tensor,
    skew: Skew,
) -> Tensor:
    """Query rows of one block, all rows and heads in one product: [B, R, H, W]. `near_EL`: as in
    `weights`."""
    batch, num_rows, heads, width = q_BRHW.shape
    share = heads // k_BNKW.shape[2]
    q_GRW = q_BRHW.transpose(1, 2).reshape(batch * heads, num_rows, width)
    rel_GRE = rel_BRHE.transpose(1, 2).reshape(batch * heads, num_rows, -1)
    k_GNW, v_GNW = (
        x.transpose(1, 2).repeat_interleave(share, dim=1).flatten(0, 1) for x in (k_BNKW, v_BNKW)
    )
    bias_GRN = skew.bias(rel_GRE @ near_EL)
    weight_GRN = torch.baddbmm(bias_GRN, q_GRW, k_GNW.transpose(1, 2)).softmax(-1)
    return (weight_GRN @ v_GNW).view(batch, heads, num_rows, width).transpose(1, 2)


def attend_batched(
    q_BSHW: Tensor,
    rel_BSHE: Tensor,
    k_BNKW: Tensor,
    v_BNKW: Tensor,
    profile_EL: Tensor,
    reach: int | None,
    is_window: bool,
) -> Tensor:
    """What `attend_tiled` computes, block by block, with gradients from autograd."""
    length = q_BSHW.shape[1]
    parts = []
    for block in range(-(-length // KEY_BLOCK)):
        rows = slice(block * KEY_BLOCK, min(length, (block + 1) * KEY_BLOCK))
        first = 0 if reach is None else max(0, block - reach)
        keys = slice(first * KEY_BLOCK, (block + 1) * KEY_BLOCK)
        skew = Skew.of(0, keys.stop - keys.start, profile_EL.shape[1], is_window)
        bands = (q_BSHW[:, rows], rel_BSHE[:, rows], k_BNKW[:, keys], v_BNKW[:, keys])
        near_EL = profile_EL[:, : skew.near].flip(1)
        parts.append(attend_block(*bands, near_EL, skew))
    return torch.cat(parts, dim=1)
