"""One layer's buffers: room, what stays in sight, clearing."""

from __future__ import annotations

import pytest
import torch

from microturn.model.cache import KEY_BLOCK, SPARE_BLOCKS, BackboneState, LayerState, empty_layer


def layer(reach: int | None) -> LayerState:
    return empty_layer(2, 4, 6, num_tail=3, reach=reach, like=torch.zeros(1))


def filled(reach: int | None, length: int, step: int = 100) -> LayerState:
    """A layer whose every row holds its position."""
    state = layer(reach)
    for first in range(0, length, step):
        count = min(step, length - first)
        state = state.with_room(first, count)
        position_KSW = torch.arange(first, first + count).float()[None, :, None].expand(2, count, 4)
        state.write(position_KSW, -position_KSW, first)
    return state


@pytest.mark.parametrize(("reach", "length"), [(None, 700), (1, 700), (1, 3000), (2, 1500)])
def test_blocks_in_sight_hold_their_positions(reach: int | None, length: int) -> None:
    state = filled(reach, length)
    last = (length - 1) // KEY_BLOCK
    first = 0 if reach is None else max(0, last - reach)
    key_KNW, value_KNW = state.blocks(first, last)
    num_real = length - first * KEY_BLOCK
    position_N = torch.arange(first * KEY_BLOCK, length).float()
    assert key_KNW.shape == (2, (last + 1 - first) * KEY_BLOCK, 4)
    assert torch.equal(key_KNW[1, :num_real, 2], position_N)
    assert torch.equal(value_KNW[0, :num_real, 0], -position_N)
    assert not key_KNW[:, num_real:].any()


def test_only_layers_that_see_everything_grow() -> None:
    assert filled(None, 3000).key_KNW.shape[1] >= 3000
    assert filled(1, 3000).key_KNW.shape[1] <= (1 + 2 + SPARE_BLOCKS) * KEY_BLOCK


def test_older_values_stay_valid_when_buffers_move() -> None:
    old = filled(1, 500)
    before = old.key_KNW.clone()
    new = old.with_room(500, 600)
    new.write(torch.ones(2, 600, 4), torch.ones(2, 600, 4), 500)
    assert torch.equal(old.key_KNW, before)


def test_clearing_goes_no_further_than_told() -> None:
    state = filled(None, 300)
    state.clear(290, 295)
    keys = state.key_KNW[0, :, 0]
    assert keys[289] == 289 and not keys[290:295].any() and keys[295] == 295


def test_tails_fit_their_convolutions() -> None:
    assert [tuple(tail.shape) for tail in layer(None).tails] == [(3, 16), (3, 6), (3, 6)]


def test_clones_share_nothing() -> None:
    state = BackboneState([filled(None, 20)], 20)
    copy = state.clone()
    copy.layers[0].clear(0, 20)
    assert state.layers[0].key_KNW[0, 5, 0] == 5
    assert copy.num_bytes() == state.num_bytes() > 0
