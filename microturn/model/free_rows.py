"""How many rows a stream may run, by trial: any number from a tile on, or only whole tiles.

On this kind of processor and with these shapes every number of rows from 4 on may give a row the
same bits, and a micro-turn of 5 rows then need not run 8. No library promises that, so each shape
of product that a stream runs is tried once in a process; one that fails keeps all in whole tiles.

Legend: S rows, R rows of a trial, D width, E outputs, X experts, I expert width, H heads, K
key-value heads, W head width, N keys, L distances.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from microturn.model.banded import Skew, attend_tile
from microturn.model.cache import KEY_BLOCK
from microturn.model.narrow import wide
from microturn.model.stream import MAX_ROWS, PackedDense, PackedLayer, PackedMixture
from microturn.model.tiles import FEW_ROWS, ROW_TILE

TRIED = 128  # rows of a trial


def is_free(work: Callable[[Tensor], Tensor], rows: Tensor) -> bool:
    """Does every number of rows from a tile to FEW_ROWS give a row the same bits as all of `rows`,
    of which there are more?"""
    whole = work(rows)
    return all(
        torch.equal(work(rows[:count]), whole[:count])
        and torch.equal(work(rows[-count:]), whole[-count:])
        for count in range(ROW_TILE, min(FEW_ROWS, len(rows) - 1) + 1)
    )


def has_free_rows(layer: PackedLayer) -> bool:
    """Whether a row's bits are the same for every number of rows from a tile on, here and with
    these weights; each shape is tried once. No where it was never tried: on another device, and in
    a layer that remembers text."""
    attention, mlp = layer.attention, layer.mlp
    if layer.attn_taps_T1D.device.type != "cpu" or attention.part.sight is not None:
        return False
    matrices = [*attention.projections, attention.out_DC]
    if isinstance(mlp, PackedDense):
        matrices += [mlp.inner_ED, mlp.outer_DI]
    elif isinstance(mlp, PackedMixture):
        matrices.append(mlp.inner_ED)
        outer_XID = wide(mlp.outer_XID)
        if not has_free_batch(outer_XID.shape, outer_XID.dtype):
            return False
    if not all(has_free_linear(*kind_of(wide(matrix))) for matrix in matrices):
        return False
    part = attention.part
    extent = attention.profile_EL.shape
    heads = (part.num_heads, part.num_kv_heads, part.head_width)
    return has_free_attention(heads, extent, part.has_window, wide(attention.out_DC).dtype)


def kind_of(matrix_ED: Tensor) -> tuple[torch.Size, torch.dtype, bool]:
    """What chooses the kernel of a product: shape, type, and whether it is kept by columns."""
    return matrix_ED.shape, matrix_ED.dtype, not matrix_ED.is_contiguous()


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@functools.cache
@torch.no_grad()
def has_free_linear(shape: torch.Size, dtype: torch.dtype, is_by_columns: bool) -> bool:
    """Products with one matrix."""
    matrix_ED = noise(*shape).to(dtype)
    if is_by_columns:
        matrix_ED = matrix_ED.t().contiguous().t()
    x_RD = noise(TRIED, shape[1]).to(dtype)
    return is_free(lambda few_RD: functional.linear(few_RD, matrix_ED), x_RD)


@functools.cache
@torch.no_grad()
def has_free_batch(shape: torch.Size, dtype: torch.dtype) -> bool:
    """The second product of all experts, [X, I, D]: rows are its second dimension."""
    outer_XID = noise(*shape).to(dtype)

    def work(hidden_SXI: Tensor) -> Tensor:
        return torch.bmm(hidden_SXI.transpose(0, 1), outer_XID).transpose(0, 1)

    return is_free(work, noise(MAX_ROWS + 1, *shape[:2]).to(dtype))


@functools.cache
@torch.no_grad()
def has_free_attention(
    heads: tuple[int, int, int], profiles: torch.Size, has_window: bool, dtype: torch.dtype
) -> bool:
    """Rows of one block over its keys; rows later in the block come with other offsets, as they
    do in a stream."""
    num_heads, num_kv_heads, width = heads
    num_keys = (2 + -(-(profiles[1] - 1) // KEY_BLOCK)) * KEY_BLOCK if has_window else KEY_BLOCK
    key_KNW, value_KNW = (noise(num_kv_heads, num_keys, width).to(dtype) for _ in range(2))
    near_EL = noise(*profiles).to(dtype)[:, -Skew.of(0, num_keys, profiles[1], has_window).near :]
    rel_RHE = noise(KEY_BLOCK, num_heads, profiles[0]).to(dtype)

    q_RHW = noise(KEY_BLOCK, num_heads, width).to(dtype)

    def work(row_R: Tensor) -> Tensor:
        skew = Skew.of(int(row_R[0]), num_keys, profiles[1], has_window)
        return attend_tile(q_RHW[row_R], rel_RHE[row_R], key_KNW, value_KNW, near_EL, skew)

    return is_free(work, torch.arange(KEY_BLOCK))
