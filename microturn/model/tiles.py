"""Linears on row counts that are multiples of 4, so that a row's bits never depend on how many
rows there are.

On CPU, `F.linear` picks another kernel for few rows: one row alone and the same row among 128
differ in the last bit. With row counts in multiples of 4 they agree (tests/test_model_tiles.py,
with its negative control), on Intel's processors once MKL is asked for it (`processor.py`). Whether
they do on this machine is checked at the start (`engine/numerics.py`). Tiles of 8 and 16 give the
same bits and cost more (docs/numerics.md). A stream goes further: where a trial finds the same bits
for every number of rows from 4 on, rows above 4 are not padded (`free_rows.py`).

Legend: R rows, D width in, E width out.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from microturn.model.narrow import Matrix, wide
from microturn.processor import ask_for_strict_products

ask_for_strict_products()

ROW_TILE = 4
FEW_ROWS = 32  # up to here rows may come one by one, where a trial allows it


def padded(num_rows: int, step: int = ROW_TILE) -> int:
    """How many rows to run for so many: at least a tile, then a multiple of `step`, and of a tile
    where there are many."""
    num_rows = max(num_rows, ROW_TILE)
    return num_rows + -num_rows % (step if num_rows <= FEW_ROWS else max(step, ROW_TILE))


def tiled_linear(x: Tensor, matrix_ED: Matrix, bias_E: Tensor | None = None) -> Tensor:
    """`F.linear` over the last dimension with rows padded to a multiple of 4: [..., D] -> [...,
    E]."""
    num_rows = x.numel() // x.shape[-1]
    num_missing = -num_rows % ROW_TILE
    weight_ED = wide(matrix_ED)
    if not num_missing:
        return functional.linear(x, weight_ED, bias_E)
    x_RD = functional.pad(x.reshape(num_rows, x.shape[-1]), (0, 0, 0, num_missing))
    return functional.linear(x_RD, weight_ED, bias_E)[:num_rows].view(*x.shape[:-1], -1)
