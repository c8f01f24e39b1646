"""Sums over processes whose bits depend on nothing: not on the size of the message, not on the
rank, and not on how many processes share the work.

A backend's all-reduce adds in an order of its own, which changes with the message and the number of
processes. Here every sum is an all-gather and then additions in ascending order (`summed`). A
matrix is cut into a fixed number of shards, more than there are processes if need be, and each
shard has its own product: with one process, two or four the same products are added in the same
order. What it costs: an all-gather brings each process `num_shards` partial results, an all-reduce
about two.

Linears follow Shoeybi et al., 2019 (Megatron-LM): columns first (each process has some of the
outputs), rows next (each has a part of the sum); between them nothing is sent.

Legend: N rows, D width in, E width out, G all shards, H own shards, I width of a shard.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function

from microturn.model.tiles import tiled_linear


@dataclass(frozen=True)
class Sharding:
    """Who has which shards: process `rank` of `world_size` has `num_shards / world_size` in a row.

    group: of torch.distributed; None is the default one. One process needs no group.
    """

    num_shards: int
    rank: int = 0
    world_size: int = 1
    group: dist.ProcessGroup | None = None

    def __post_init__(self) -> None:
        if self.num_shards < 1 or self.num_shards % self.world_size:
            raise ValueError(
                f"{self.num_shards} shards cannot be shared evenly by {self.world_size} processes"
            )
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"rank must be 0 to {self.world_size - 1}, got {self.rank}")

    @property
    def mine(self) -> slice:
        """The shards of this process."""
        count = self.num_shards // self.world_size
        return slice(self.rank * count, (self.rank + 1) * count)


def gathered(x: Tensor, sharding: Sharding) -> Tensor:
    """All shards of all processes in ascending order: [H, ...] -> [G, ...]. No gradient."""
    if sharding.world_size == 1:
        return x
    x = x.contiguous()
    parts = [torch.empty_like(x) for _ in range(sharding.world_size)]
    dist.all_gather(parts, x, group=sharding.group)
    return torch.cat(parts)


def summed(x: Tensor, sharding: Sharding) -> Tensor:
    """The sum over all shards, in ascending order: [H, ...] -> [...]. No gradient.

    Each element meets the same additions whatever the shape, the rank and the number of processes.
    """
    total, *others = gathered(x, sharding).unbind()
    for other in others:
        total = total + other
    return total


class Sum(Function):
    """`summed`; each shard gets the gradient of the sum, which all processes have."""

    @staticmethod
    def forward(ctx, x: Tensor, sharding: Sharding) -> Tensor:
        ctx.count = len(x)
        return summed(x, sharding)

    @staticmethod
    def backward(ctx, grad: Tensor):
        return grad.expand(ctx.count, *grad.shape), None


class Spread(Function):
    """What all processes have, for each own shard; the gradient is the sum over all shards."""

    @staticmethod
    def forward(ctx, x: Tensor, sharding: Sharding) -> Tensor:
        ctx.sharding = sharding
        own = sharding.mine
        return x.expand(own.stop - own.start, *x.shape)

    @staticmethod
    def backward(ctx, grad: Tensor):
        return summed(grad, ctx.sharding), None


def column_shards(weight_ED: Tensor, sharding: Sharding) -> Tensor:
    """This process's outputs of a whole matrix, a copy: [H, E / G, D].

    Raises ValueError where they cannot be shared evenly.
    """
    return shards(weight_ED, 0, sharding)


def row_shards(weight_ED: Tensor, sharding: Sharding) -> Tensor:
    """This process's inputs of a whole matrix, a copy: [H, E, D / G]. Raises as `column_shards`."""
    return shards(weight_ED, 1, sharding)


def shards(weight_ED: Tensor, dim: int, sharding: Sharding) -> Tensor:
    if weight_ED.shape[dim] % sharding.num_shards:
        raise ValueError(
            f"a matrix of {list(weight_ED.shape)} cannot be cut into {sharding.num_shards} shards "
            f"along dimension {dim}"
        )
    parts = weight_ED.chunk(sharding.num_shards, dim)
    return torch.stack(parts[sharding.mine])


def column_linear(x_ND: Tensor, weight_HID: Tensor, sharding: Sharding) -> Tensor:
    """A linear whose outputs are shared out: [N, D], the same everywhere -> own outputs [H, N,
    I]."""
    x_HND = Spread.apply(x_ND, sharding)
    pairs = zip(x_HND.unbind(), weight_HID.unbind(), strict=True)
    return torch.stack([tiled_linear(x, weight) for x, weight in pairs])


def row_linear(x_HNI: Tensor, weight_HEI: Tensor, sharding: Sharding) -> Tensor:
    """A linear whose inputs are shared out: own inputs [H, N, I] -> [N, E], the same
    everywhere."""
    pairs = zip(x_HNI.unbind(), weight_HEI.unbind(), strict=True)
    return Sum.apply(torch.stack([tiled_linear(x, weight) for x, weight in pairs]), sharding)
