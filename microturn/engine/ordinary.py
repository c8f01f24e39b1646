"""The micro-turn with ordinary kernels, to be measured and to be caught: for benches and tests.

The same weights and the same code, but rows are not filled up to tiles, and attention is torch's
own over exactly the keys that are seen. Nothing else is changed, so the difference in time is the
price of results that depend on no company, and the difference in bits is why it is paid.

Legend: S rows at hand, H query heads, K key-value heads, W head width, E rel width, N keys, L
distances, C channels.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal
from unittest.mock import patch

from torch import Tensor, nn
from torch.nn import functional

from microturn.model.cache import LayerState
from microturn.model.narrow import Matrix, wide
from microturn.model.stream import PackedAttention, PackedLayer
from microturn.model.together import one_by_one

NEVER = float("-inf")
Way = Literal["fixed", "bare_rows", "own_attention", "ordinary"]
WAYS: tuple[Way, ...] = ("fixed", "bare_rows", "own_attention", "ordinary")
LINEARS = ("attention", "embed", "experts", "flow", "transformer")
TILES = ("experts", "stream", "tiles")


def bare_linear(x: Tensor, matrix_ED: Matrix, bias_E: Tensor | None = None) -> Tensor:
    """`tiled_linear` without tiles."""
    return functional.linear(x, wide(matrix_ED), bias_E)


def bare_rows_linear(x: Tensor, linear: nn.Linear) -> Tensor:
    """The vocoder's `rows_linear` without tiles."""
    return functional.linear(x, linear.weight, linear.bias)


def one_product(layer: PackedLayer, x_SD: Tensor, num_new: int) -> Tensor:
    """The faster form for few rows, which a tile of one row would not choose."""
    return layer.mlp_part(x_SD) if layer.mlp is None else layer.mlp(x_SD, num_new)


def biases(rel_SHE: Tensor, profile_EL: Tensor, num_keys: int, has_window: bool) -> Tensor:
    """Relative biases and mask of S rows that end at the last of `num_keys` keys: [H, S, N].

    profile_EL: farthest first. Row s sees each distance one column further left than row s + 1, so
    the same memory is read with rows one shorter, as in `banded.py`.
    """
    num_rows, num_heads, _ = rel_SHE.shape
    num_near = min(num_keys, profile_EL.shape[1])
    near_HSL = (rel_SHE @ profile_EL[:, -num_near:]).transpose(0, 1)
    far = NEVER if has_window else 0.0
    near_HSL = functional.pad(near_HSL, (num_keys - num_near, 0), value=far)
    flat = functional.pad(near_HSL, (0, num_rows), value=NEVER)
    size, row = (num_heads, num_rows, num_keys), num_keys + num_rows
    return flat.as_strided(size, (num_rows * row, row - 1, 1), num_rows - 1)


def own_attention(
    part: PackedAttention,
    q_SHW: Tensor,
    rel_SHE: Tensor,
    num_new: int,
    length: int,
    state: LayerState,
) -> Tensor:
    """`PackedAttention.attend` with torch's attention over the keys in sight."""
    num_padded = len(q_SHW) - num_new
    q_SHW, rel_SHE = q_SHW[:num_new], rel_SHE[:num_new]
    profile_EL = part.profile_EL.to(q_SHW.dtype)
    end, first = length + num_new, 0
    if part.part.has_window:
        first = max(0, length + 1 - profile_EL.shape[1])
    keys = slice(first - state.start, end - state.start)
    key_KNW, value_KNW = (kept[:, keys] for kept in (state.key_KNW, state.value_KNW))
    bias_HSN = biases(rel_SHE, profile_EL, end - first, part.part.has_window)
    mixed_HSW = functional.scaled_dot_product_attention(
        q_SHW.transpose(0, 1)[None],
        key_KNW.to(q_SHW.dtype)[None],
        value_KNW.to(q_SHW.dtype)[None],
        attn_mask=bias_HSN[None],
        scale=1.0,
        enable_gqa=True,
    )[0]
    mixed_SC = mixed_HSW.transpose(0, 1).flatten(1)
    return functional.pad(mixed_SC, (0, 0, 0, num_padded)) if num_padded else mixed_SC


@contextmanager
def kernels(way: Way) -> Generator[None, None, None]:
    """Compute this way inside: `fixed` as the project does, the others with ordinary kernels.

    It replaces functions of modules, for all threads: a process that serves must not do this.
    Raises ValueError for an unknown way.
    """
    if way not in WAYS:
        raise ValueError(f"no kernels {way!r}: choose one of {', '.join(WAYS)}")
    changes: dict[str, Any] = {}
    if way in ("bare_rows", "ordinary"):
        changes |= {f"microturn.model.{name}.tiled_linear": bare_linear for name in LINEARS}
        changes |= {f"microturn.model.{name}.ROW_TILE": 1 for name in TILES}
        changes["microturn.signal.vocoder.rows_linear"] = bare_rows_linear
        changes["microturn.model.stream.PackedLayer.feed_forward"] = one_product
    if way in ("own_attention", "ordinary"):
        changes["microturn.model.stream.PackedAttention.attend"] = own_attention
        changes["microturn.model.together.side_by_side"] = one_by_one
    with ExitStack() as stack:
        for name, value in changes.items():
            stack.enter_context(patch(name, value))
        yield


def refuse_retention(has_retention: bool) -> None:
    """Raises ValueError: torch's attention here knows nothing of remembered text."""
    if has_retention:
        raise ValueError("ordinary attention is written for windows: measure without retention")
