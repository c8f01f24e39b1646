"""Routed experts on a GPU, in Triton: gather and gemv for few rows, grouped products for many.

Gemv: one program for each output block of each pair of row and expert (inner), or of each row
(outer, over its experts in ascending order). It reads the expert's rows where they lie; nothing is
gathered into memory. What a program adds, and in which order, does not depend on how many rows
there are: a row has the same bits in any company (the idea of Cursor's warp decode).

Grouped: rows sorted by expert in tiles (`experts_plan.py`), one program for each tile and block of
outputs; the block of the inner dimension is the same for every row count. Then each row adds its
experts in ascending order.

The two sum a row's products in different orders: their bits differ. Where a policy is sampled and
trained on to the bit, use one of them for all row counts (`Kernels.crossover`).

`triton` is imported by this file only, and this file only where kernels are used. Tests run it on
CPU through Triton's interpreter.

Legend: N rows, D width, I expert width, E experts, C chosen experts, P places, T tiles.
"""

# pyright: reportMissingImports=false, reportIndexIssue=false

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

from microturn.model.experts_plan import GroupPlan

BLOCK_OUT = 32  # outputs of a gemv program
BLOCK_IN = 128  # of the dimension that is summed: the same for every row count
TILE_ROWS = 16
TILE_OUT = 64
TILE_IN = 32


@triton.jit
def gemv_inner(
    x_ptr, w13_ptr, chosen_ptr, hidden_ptr, width, inner, num_chosen: tl.constexpr,
    block_out: tl.constexpr, block_in: tl.constexpr,
):  # fmt: skip
    """silu(gate) * up of one pair of row and expert, for one block of its inner width."""
    pair = tl.program_id(0)
    out = tl.program_id(1) * block_out + tl.arange(0, block_out)
    expert = tl.load(chosen_ptr + pair)
    x_row = x_ptr + (pair // num_chosen) * width
    w_expert = w13_ptr + expert * (2 * inner) * width
    gate = tl.zeros((block_out,), dtype=tl.float32)
    up = tl.zeros((block_out,), dtype=tl.float32)
    for first in range(0, width, block_in):
        col = first + tl.arange(0, block_in)
        x = tl.load(x_row + col, mask=col < width, other=0.0).to(tl.float32)
        seen = (out[:, None] < inner) & (col[None, :] < width)
        at = out[:, None] * width + col[None, :]
        w_gate = tl.load(w_expert + at, mask=seen, other=0.0).to(tl.float32)
        w_up = tl.load(w_expert + inner * width + at, mask=seen, other=0.0).to(tl.float32)
        gate += tl.sum(w_gate * x[None, :], axis=1)
        up += tl.sum(w_up * x[None, :], axis=1)
    hidden = gate / (1.0 + tl.exp(-gate)) * up
    tl.store(hidden_ptr + pair * inner + out, hidden, mask=out < inner)


@triton.jit
def gemv_outer(
    hidden_ptr, w2_ptr, chosen_ptr, weight_ptr, y_ptr, width, inner, num_chosen: tl.constexpr,
    block_out: tl.constexpr, block_in: tl.constexpr,
):  # fmt: skip
    """One block of one row's outputs: its experts, weighed, in ascending order."""
    row = tl.program_id(0)
    out = tl.program_id(1) * block_out + tl.arange(0, block_out)
    total = tl.zeros((block_out,), dtype=tl.float32)
    for choice in range(num_chosen):
        pair = row * num_chosen + choice
        expert = tl.load(chosen_ptr + pair)
        w_expert = w2_ptr + expert * width * inner
        part = tl.zeros((block_out,), dtype=tl.float32)
        for first in range(0, inner, block_in):
            col = first + tl.arange(0, block_in)
            h = tl.load(hidden_ptr + pair * inner + col, mask=col < inner, other=0.0)
            seen = (out[:, None] < width) & (col[None, :] < inner)
            at = out[:, None] * inner + col[None, :]
            w = tl.load(w_expert + at, mask=seen, other=0.0).to(tl.float32)
            part += tl.sum(w * h[None, :], axis=1)
        total += part * tl.load(weight_ptr + pair).to(tl.float32)
    tl.store(y_ptr + row * width + out, total.to(y_ptr.dtype.element_ty), mask=out < width)


@triton.jit
def grouped_inner(
    x_ptr, w13_ptr, expert_ptr, row_ptr, hidden_ptr, width, inner,
    tile_rows: tl.constexpr, tile_out: tl.constexpr, tile_in: tl.constexpr,
):  # fmt: skip
    """silu(gate) * up of one tile of rows of one expert, for one block of its inner width."""
    tile = tl.program_id(0)
    expert = tl.load(expert_ptr + tile)
    if expert >= 0:
        place = tile * tile_rows + tl.arange(0, tile_rows)
        row = tl.load(row_ptr + place)
        out = tl.program_id(1) * tile_out + tl.arange(0, tile_out)
        w_expert = w13_ptr + expert * (2 * inner) * width
        gate = tl.zeros((tile_rows, tile_out), dtype=tl.float32)
        up = tl.zeros((tile_rows, tile_out), dtype=tl.float32)
        for first in range(0, width, tile_in):
            col = first + tl.arange(0, tile_in)
            x_seen = (row[:, None] >= 0) & (col[None, :] < width)
            x = tl.load(x_ptr + row[:, None] * width + col[None, :], mask=x_seen, other=0.0)
            w_seen = (out[None, :] < inner) & (col[:, None] < width)
            at = out[None, :] * width + col[:, None]
            w_gate = tl.load(w_expert + at, mask=w_seen, other=0.0)
            w_up = tl.load(w_expert + inner * width + at, mask=w_seen, other=0.0)
            gate += tl.dot(x, w_gate, input_precision="ieee")
            up += tl.dot(x, w_up, input_precision="ieee")
        hidden = gate / (1.0 + tl.exp(-gate)) * up
        at_hidden = hidden_ptr + place[:, None] * inner + out[None, :]
        tl.store(at_hidden, hidden.to(hidden_ptr.dtype.element_ty), mask=out[None, :] < inner)


@triton.jit
def grouped_outer(
    hidden_ptr, w2_ptr, expert_ptr, y_ptr, width, inner,
    tile_rows: tl.constexpr, tile_out: tl.constexpr, tile_in: tl.constexpr,
):  # fmt: skip
    """Outputs of one tile of rows of one expert, for one block of the width."""
    tile = tl.program_id(0)
    expert = tl.load(expert_ptr + tile)
    if expert >= 0:
        place = tile * tile_rows + tl.arange(0, tile_rows)
        out = tl.program_id(1) * tile_out + tl.arange(0, tile_out)
        w_expert = w2_ptr + expert * width * inner
        total = tl.zeros((tile_rows, tile_out), dtype=tl.float32)
        for first in range(0, inner, tile_in):
            col = first + tl.arange(0, tile_in)
            at_hidden = hidden_ptr + place[:, None] * inner + col[None, :]
            h = tl.load(at_hidden, mask=col[None, :] < inner, other=0.0)
            seen = (out[None, :] < width) & (col[:, None] < inner)
            w = tl.load(w_expert + out[None, :] * inner + col[:, None], mask=seen, other=0.0)
            total += tl.dot(h, w, input_precision="ieee")
        at = y_ptr + place[:, None] * width + out[None, :]
        tl.store(at, total, mask=out[None, :] < width)


def gemv(x_ND: Tensor, chosen_NC: Tensor, weight_NC: Tensor, w13: Tensor, w2: Tensor) -> Tensor:
    """Routed experts of few rows, [N, D]. w13: [E, 2 I, D], gates first; w2: [E, D, I]."""
    (num_rows, width), num_chosen = x_ND.shape, chosen_NC.shape[1]
    inner = w2.shape[2]
    x_ND, chosen_NC, weight_NC = x_ND.contiguous(), chosen_NC.contiguous(), weight_NC.contiguous()
    hidden = x_ND.new_empty(num_rows * num_chosen, inner, dtype=torch.float32)
    y_ND = torch.empty_like(x_ND)
    blocks = {"num_chosen": num_chosen, "block_out": BLOCK_OUT, "block_in": BLOCK_IN}
    gemv_inner[(len(hidden), triton.cdiv(inner, BLOCK_OUT))](
        x_ND, w13, chosen_NC, hidden, width, inner, **blocks
    )
    gemv_outer[(num_rows, triton.cdiv(width, BLOCK_OUT))](
        hidden, w2, chosen_NC, weight_NC, y_ND, width, inner, **blocks
    )
    return y_ND


def grouped(x_ND: Tensor, chosen_NC: Tensor, weight_NC: Tensor, w13: Tensor, w2: Tensor) -> Tensor:
    """Routed experts of many rows; arguments as of `gemv`."""
    width, inner = x_ND.shape[1], w2.shape[2]
    x_ND = x_ND.contiguous()
    plan = GroupPlan.of(chosen_NC, len(w2), TILE_ROWS)
    num_tiles = len(plan.expert_T)
    hidden = x_ND.new_empty(len(plan.row_P), inner)
    y_PD = x_ND.new_empty(len(plan.row_P), width, dtype=torch.float32)
    blocks = {"tile_rows": TILE_ROWS, "tile_out": TILE_OUT, "tile_in": TILE_IN}
    grouped_inner[(num_tiles, triton.cdiv(inner, TILE_OUT))](
        x_ND, w13, plan.expert_T, plan.row_P, hidden, width, inner, **blocks
    )
    grouped_outer[(num_tiles, triton.cdiv(width, TILE_OUT))](
        hidden, w2, plan.expert_T, y_PD, width, inner, **blocks
    )
    total_ND = y_PD.new_zeros(x_ND.shape)
    for place_N, weight_N in zip(plan.place_NC.unbind(1), weight_NC.unbind(1), strict=True):
        total_ND += y_PD.index_select(0, place_N) * weight_N[:, None].float()
    return total_ND.to(x_ND.dtype)


@dataclass(frozen=True)
class Kernels:
    """Which of the two runs: gemv for fewer rows than `crossover`. 0 takes grouped products for all
    row counts, so that a row has the same bits whatever comes with it."""

    crossover: int = 0

    def __call__(
        self, x_ND: Tensor, chosen_NC: Tensor, weight_NC: Tensor, w13: Tensor, w2: Tensor
    ) -> Tensor:
        run = gemv if len(x_ND) < self.crossover else grouped
        return run(x_ND, chosen_NC, weight_NC, w13.contiguous(), w2.contiguous())
