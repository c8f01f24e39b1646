"""Runs side by side get the bits of `attend_tile`, each with its own keys."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from microturn.model.attend_together import attend_groups, groups_of, runs_of
from microturn.model.banded import Skew, attend_tile
from microturn.model.cache import KEY_BLOCK, empty_layer

NUM_HEADS, NUM_KV_HEADS, WIDTH, REL_WIDTH = 4, 2, 16, 8
LENGTHS, SIZES = (5, 130, 126, 700, 1300, 127, 0), (6, 5, 9, 1, 12, 1, 20)


def streams(reach, seed=0):
    """Rows of all, [S, ...], and for each stream its keys and values."""
    rng = torch.Generator().manual_seed(seed)
    num_rows = sum(SIZES)
    q_SHW = torch.randn(num_rows + 2, NUM_HEADS, WIDTH, generator=rng)
    rel_SHE = torch.randn(num_rows + 2, NUM_HEADS, REL_WIDTH, generator=rng)
    states = []
    for length, size in zip(LENGTHS, SIZES, strict=True):
        state = empty_layer(NUM_KV_HEADS, WIDTH, 8, 3, reach, torch.zeros(1))
        state = state.with_room(0, length + size)
        shape = (NUM_KV_HEADS, length + size, WIDTH)
        state.write(torch.randn(shape, generator=rng), torch.randn(shape, generator=rng), 0)
        states.append(state)
    return q_SHW, rel_SHE, states


def starts():
    return [sum(SIZES[:place]) for place in range(len(SIZES))]


def one_run(run, q_SHW, rel_SHE, state, profile_EL, reach, is_window):
    """`attend_tile` of its rows alone."""
    rows = slice(run.first, run.first + run.num_rows)
    pad = (0, 0, 0, 0, 0, run.num_tiled - run.num_rows)
    q_RHW, rel_RHE = functional.pad(q_SHW[rows], pad), functional.pad(rel_SHE[rows], pad)
    block, offset = divmod(run.position, KEY_BLOCK)
    keys = state.blocks(0 if reach is None else max(0, block - reach), block)
    skew = Skew.of(offset, keys[0].shape[1], profile_EL.shape[1], is_window)
    near_EL = profile_EL[:, profile_EL.shape[1] - skew.near :]
    return attend_tile(q_RHW, rel_RHE, *keys, near_EL, skew).flatten(1)[: run.num_rows]


@pytest.mark.parametrize(
    ("reach", "extent", "is_window"), [(2, 256, True), (8, 1024, True), (None, 64, False)]
)
def test_side_by_side_is_alone(reach, extent, is_window):
    q_SHW, rel_SHE, states = streams(reach)
    profile_EL = torch.randn(REL_WIDTH, extent, generator=torch.Generator().manual_seed(1))
    runs = runs_of(starts(), SIZES, LENGTHS)
    groups = groups_of(runs, reach, extent, is_window)
    assert len(groups) < len(runs)  # some do sit together
    mixed_SC = attend_groups(groups, q_SHW, rel_SHE, states, profile_EL)
    for run in runs:
        band = (profile_EL, reach, is_window)
        right_RC = one_run(run, q_SHW, rel_SHE, states[run.stream], *band)
        assert torch.equal(mixed_SC[run.first : run.first + run.num_rows], right_RC)
    assert (mixed_SC[sum(SIZES) :] == 0).all()  # rows that are nobody's


def test_keys_of_another_show():
    """The negative control: the same rows with another stream's keys."""
    q_SHW, rel_SHE, states = streams(2)
    profile_EL = torch.randn(REL_WIDTH, 256)
    groups = groups_of(runs_of(starts(), SIZES, LENGTHS), 2, 256, True)
    right_SC = attend_groups(groups, q_SHW, rel_SHE, states, profile_EL)
    states[0], states[6] = states[6], states[0]
    wrong_SC = attend_groups(groups, q_SHW, rel_SHE, states, profile_EL)
    assert not torch.equal(right_SC[: SIZES[0]], wrong_SC[: SIZES[0]])
    assert torch.equal(right_SC[SIZES[0] : starts()[6]], wrong_SC[SIZES[0] : starts()[6]])


def test_runs_end_where_blocks_end():
    runs = runs_of([0, 3], [3, 300], [KEY_BLOCK - 1, 0])
    assert [(run.first, run.num_rows, run.position) for run in runs] == [
        (0, 1, 127), (1, 2, 128), (3, 128, 0), (131, 128, 128), (259, 44, 256),
    ]  # fmt: skip
