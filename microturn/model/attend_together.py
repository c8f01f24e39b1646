"""Attention of several streams at once: each meets its own keys, all else is done for all of them.

The arithmetic is that of `banded.attend_tile`, so a stream's bits are those it has alone: products
with keys and values run stream by stream in the same shapes, products over rows do not depend on
how many rows there are (`tiles.py`), and the rest works element by element.

Legend: S rows of all streams, B runs side by side, R rows of a run (a multiple of the row tile), H
heads, K key-value heads, J heads that share one, W head width, E rel width, L distances, N keys, G
rows of the heads that share keys, F places of a padded table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from microturn.model.banded import NEVER, VALUE_SPAN, Skew
from microturn.model.cache import KEY_BLOCK, LayerState
from microturn.model.tiles import padded


@dataclass(frozen=True)
class Run:
    """Rows of one stream inside one key block: the stream, the first of its rows among all, how
    many, and the position of the first in the stream."""

    stream: int
    first: int
    num_rows: int
    position: int

    @property
    def num_tiled(self) -> int:
        return padded(self.num_rows)


def runs_of(firsts: Sequence[int], sizes: Sequence[int], lengths: Sequence[int]) -> list[Run]:
    """Each stream's rows, cut where key blocks end: the first row among all of each stream, how
    many it has, and its length before them."""
    runs: list[Run] = []
    for stream, (first, size, length) in enumerate(zip(firsts, sizes, lengths, strict=True)):
        done = 0
        while done < size:
            count = min(KEY_BLOCK - (length + done) % KEY_BLOCK, size - done)
            runs.append(Run(stream, first + done, count, length + done))
            done += count
    return runs


@dataclass(frozen=True)
class Group:
    """Runs that see equally many keys and have equally many rows, padded.

    row_I: the row among all for each row of the group (a run's last one again where it is padded);
    mine_I, place_I: of each real row its place in the group and its place among all.
    """

    runs: list[Run]
    first_blocks: list[int]
    skews: list[Skew]
    num_rows: int
    row_I: Tensor
    mine_I: Tensor
    place_I: Tensor

    @classmethod
    def of(cls, runs: list[Run], first_blocks: list[int], skews: list[Skew]) -> Group:
        num_rows = runs[0].num_tiled
        rows: list[int] = []
        mine: list[int] = []
        place: list[int] = []
        for number, run in enumerate(runs):
            here = list(range(run.first, run.first + run.num_rows))
            rows += here + here[-1:] * (num_rows - run.num_rows)
            mine += range(number * num_rows, number * num_rows + run.num_rows)
            place += here
        return cls(
            runs, first_blocks, skews, num_rows, *(torch.tensor(x) for x in (rows, mine, place))
        )


def groups_of(runs: Sequence[Run], reach: int | None, extent: int, is_window: bool) -> list[Group]:
    """Runs sorted by what they have in common in a layer of this band."""
    groups: dict[tuple[int, int], list[tuple[Run, int, Skew]]] = {}
    for run in runs:
        block, offset = divmod(run.position, KEY_BLOCK)
        first = 0 if reach is None else max(0, block - reach)
        num_keys = (block + 1 - first) * KEY_BLOCK
        skew = Skew.of(offset, num_keys, extent, is_window)
        groups.setdefault((num_keys, run.num_tiled), []).append((run, first, skew))
    return [Group.of(*map(list, zip(*group, strict=True))) for group in groups.values()]


def biases(group: Group, rel_IHE: Tensor, near_EL: Tensor) -> Tensor:
    """`Skew.bias` of all runs: bias and mask by key, [B, H, R, N] (a view)."""
    skew, num_rows, num_heads = group.skews[0], group.num_rows, rel_IHE.shape[1]
    num_runs = len(group.runs)
    rel_BHRE = rel_IHE.view(num_runs, num_rows, num_heads, -1).transpose(1, 2)
    near_BHRL = (rel_BHRE.reshape(-1, rel_IHE.shape[2]) @ near_EL).view(
        num_runs, num_heads, num_rows, -1
    )
    width = skew.total + 1
    table_BHF = near_BHRL.new_full((num_runs, num_heads, num_rows * width), NEVER)
    shape = (num_heads, num_rows, skew.near)
    strides = (num_rows * width, width, 1)
    for number, (mine, near_HRL) in enumerate(zip(group.skews, near_BHRL.unbind(), strict=True)):
        start = number * num_heads * num_rows * width + mine.before
        if mine.zeros:
            size = (num_heads, num_rows, mine.zeros)
            table_BHF.as_strided(size, strides, start).zero_()
        table_BHF.as_strided(shape, strides, start + mine.zeros).copy_(near_HRL)
    table_BHF = table_BHF[..., : num_rows * skew.total]
    return table_BHF.unflatten(2, (num_rows, skew.total))[..., skew.spare :]


def attend_group(
    group: Group,
    q_SHW: Tensor,
    rel_SHE: Tensor,
    states: Sequence[LayerState],
    profile_EL: Tensor,
) -> Tensor:
    """`attend_tile` of all runs of a group: [I, H W], I their rows with the padding."""
    num_runs, num_rows = len(group.runs), group.num_rows
    _, num_heads, width = q_SHW.shape
    num_kv_heads = len(states[0].key_KNW)
    skew = group.skews[0]
    q_BHRW = q_SHW.index_select(0, group.row_I).view(num_runs, num_rows, num_heads, width)
    q_BKGW = q_BHRW.transpose(1, 2).reshape(num_runs, num_kv_heads, -1, width)
    score_BKGN = q_BKGW.new_empty(*q_BKGW.shape[:3], skew.num_keys)
    values: list[Tensor] = []
    seen = zip(group.runs, group.first_blocks, q_BKGW.unbind(), score_BKGN.unbind(), strict=True)
    for run, first, q_KGW, score_KGN in seen:
        key_KNW, value_KNW = states[run.stream].blocks(first, run.position // KEY_BLOCK)
        torch.bmm(q_KGW, key_KNW.to(q_SHW.dtype).transpose(1, 2), out=score_KGN)
        values.append(value_KNW.to(q_SHW.dtype))
    near_EL = profile_EL[:, profile_EL.shape[1] - skew.near :]
    bias_BHRN = biases(group, rel_SHE.index_select(0, group.row_I), near_EL)
    score_BKGN.view(num_runs, num_heads, num_rows, -1).add_(bias_BHRN)
    out_BKGW = mixed(score_BKGN.softmax(-1), values)
    out_BHRW = out_BKGW.view(num_runs, num_heads, num_rows, width)
    return out_BHRW.transpose(1, 2).reshape(num_runs * num_rows, -1)


def mixed(weight_BKGN: Tensor, values: Sequence[Tensor]) -> Tensor:
    """`banded.mix` of all runs with their own values, [K, N, W] each."""
    out_BKGW = weight_BKGN.new_empty(*weight_BKGN.shape[:3], values[0].shape[2])
    num_keys = weight_BKGN.shape[3]
    parts = zip(weight_BKGN.unbind(), values, out_BKGW.unbind(), strict=True)
    for weight_KGN, value_KNW, out_KGW in parts:
        if num_keys <= VALUE_SPAN:
            torch.bmm(weight_KGN, value_KNW, out=out_KGW)
            continue
        for first in range(0, num_keys, VALUE_SPAN):
            span = slice(first, first + VALUE_SPAN)
            part_KGW = torch.bmm(weight_KGN[..., span], value_KNW[:, span])
            out_KGW.copy_(part_KGW) if first == 0 else out_KGW.add_(part_KGW)
    return out_BKGW


def attend_groups(
    groups: Sequence[Group],
    q_SHW: Tensor,
    rel_SHE: Tensor,
    states: Sequence[LayerState],
    profile_EL: Tensor,
) -> Tensor:
    """All runs: [S, H W]; rows that are nobody's are zero."""
    mixed_SC = q_SHW.new_zeros(len(q_SHW), q_SHW.shape[1] * q_SHW.shape[2])
    for group in groups:
        mixed_IC = attend_group(group, q_SHW, rel_SHE, states, profile_EL)
        mixed_SC.index_copy_(0, group.place_I, mixed_IC.index_select(0, group.mine_I))
    return mixed_SC
