"""Sums over processes have one order: the bits of one process, at any message size, on every rank.

With a backend's own all-reduce the same comparison fails.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional

from microturn.model.collectives import (
    Sharding,
    column_linear,
    column_shards,
    gathered,
    row_linear,
    row_shards,
    summed,
)
from tests.two_processes import run_two

WHOLE = Sharding(num_shards=4)
WIDTH, INNER, NUM_ROWS = 64, 128, 19
SIZES = (1, 7, 1000, 70_001)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def feed_forward(x_ND: Tensor, up_ED: Tensor, down_DE: Tensor, sharding: Sharding) -> Tensor:
    """Columns, something between, rows: one sum for two matrices."""
    hidden_HNI = column_linear(x_ND, up_ED, sharding)
    return row_linear(functional.silu(hidden_HNI), down_DE, sharding)


def results(sharding: Sharding) -> dict[str, Tensor]:
    """Everything that must not depend on who computes it. Gradients of shards are gathered."""
    found: dict[str, Tensor] = {}
    parts = noise(4, max(SIZES))
    for size in SIZES:
        found[f"sum of {size}"] = summed(parts[sharding.mine, :size], sharding)
    x_ND = noise(NUM_ROWS, WIDTH, seed=1).requires_grad_()
    up = column_shards(noise(INNER, WIDTH, seed=2), sharding).requires_grad_()
    down = row_shards(noise(WIDTH, INNER, seed=3), sharding).requires_grad_()
    y_ND = feed_forward(x_ND, up, down, sharding)
    y_ND.square().sum().backward()
    assert x_ND.grad is not None and up.grad is not None and down.grad is not None
    found |= {"feed-forward": y_ND.detach(), "gradient of x": x_ND.grad}
    found["gradient of up"] = gathered(up.grad, sharding)
    found["gradient of down"] = gathered(down.grad, sharding)
    return found


def in_a_process() -> dict[str, Any]:
    """One of two processes; among its results what the backend's own sum gives."""
    sharding = replace(WHOLE, rank=dist.get_rank(), world_size=2)
    found = results(sharding)
    found["plain"] = noise(4, max(SIZES))[sharding.mine].sum(0)
    dist.all_reduce(found["plain"])
    return {name: value.numpy() for name, value in found.items()}


def test_two_processes_give_the_bits_of_one() -> None:
    alone, both = results(WHOLE), run_two(in_a_process)
    for rank, found in enumerate(both):
        assert found.keys() == {*alone, "plain"}
        for name, value in alone.items():
            assert torch.equal(torch.from_numpy(found[name]), value), f"{name} on rank {rank}"
    largest = alone[f"sum of {max(SIZES)}"]
    for size in SIZES:
        assert torch.equal(alone[f"sum of {size}"], largest[:size])
    for found in both:  # control
        plain = torch.from_numpy(found["plain"])
        torch.testing.assert_close(plain, largest)
        assert not torch.equal(plain, largest)


def test_sharded_linears_compute_the_whole() -> None:
    shapes = ((NUM_ROWS, WIDTH), (INNER, WIDTH), (WIDTH, INNER))
    x_ND, up_ED, down_DE = (noise(*shape).double() for shape in shapes)
    y_ND = feed_forward(x_ND, column_shards(up_ED, WHOLE), row_shards(down_DE, WHOLE), WHOLE)
    torch.testing.assert_close(y_ND, functional.silu(x_ND @ up_ED.t()) @ down_DE.t())


def test_gradients_are_those_of_the_definition() -> None:
    tensors = [noise(3, 8, seed=1), noise(4, 2, 8, seed=2), noise(4, 8, 2, seed=3)]
    doubles = [tensor.double().requires_grad_() for tensor in tensors]
    assert torch.autograd.gradcheck(lambda x, up, down: feed_forward(x, up, down, WHOLE), doubles)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"num_shards": 3, "world_size": 2}, "cannot be shared evenly"),
        ({"num_shards": 0}, "cannot be shared evenly"),
        ({"num_shards": 2, "rank": 2, "world_size": 2}, "rank must be 0 to 1"),
    ],
)
def test_shardings_that_do_not_fit_are_refused(fields: dict[str, int], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Sharding(**fields)


def test_matrices_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be cut into 4 shards along dimension 1"):
        row_shards(noise(8, 6), WHOLE)
