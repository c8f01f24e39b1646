"""Processes that each train a whole copy of the model and, every few steps, take the mean of all:
local SGD (Stich, 2019; Lin et al., 2020). For machines without a fast link, and for the cores of
one: nobody waits at each step for who has the longer rows.

What is averaged: weights, router biases, and the optimizers' moments. What each copy has heard adds
up. Ends and saves fall on meetings only, so that what is saved is the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from microturn.model.model import InteractionModel
from microturn.train.distributed import Place
from microturn.train.optim import Optimizers
from microturn.train.state import Counters


@dataclass
class Meetings:
    """When copies meet (`every` steps), and what had been heard when they last did. One process, or
    processes that share one model, are together at every step."""

    here: Place
    every: int
    heard_hours: float

    def is_due(self, step: int) -> bool:
        """Whether all are together after this step."""
        return not self.here.is_apart or step % self.every == 0

    def hold(self, model: InteractionModel, optimizers: Optimizers, counters: Counters) -> None:
        """Make all copies the mean of them; all processes call it after the same step."""
        if not self.here.is_apart:
            return
        average(tensors_of(model, optimizers), self.here.world_size)
        new_hours = torch.tensor(counters.heard_hours - self.heard_hours, dtype=torch.float64)
        seconds = torch.tensor(counters.trained_seconds, dtype=torch.float64)
        dist.all_reduce(new_hours)
        dist.all_reduce(seconds, op=dist.ReduceOp.MAX)
        self.heard_hours += float(new_hours)
        counters.heard_hours, counters.trained_seconds = self.heard_hours, float(seconds)


def tensors_of(model: InteractionModel, optimizers: Optimizers) -> list[Tensor]:
    """What copies differ in, in one order: weights and moments."""
    found = [tensor for tensor in model.state_dict().values() if tensor.is_floating_point()]
    for optimizer, _ in optimizers.pairs.values():
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                state = optimizer.state.get(parameter, {})
                found += [state[name] for name in sorted(state) if name != "step"]
    return found


@torch.no_grad()
def average(tensors: list[Tensor], world_size: int) -> None:
    """The mean over all processes, in place and in one message."""
    flat = torch.cat([tensor.detach().flatten().float() for tensor in tensors])
    dist.all_reduce(flat)
    flat /= world_size
    sizes = [tensor.numel() for tensor in tensors]
    for tensor, mean in zip(tensors, flat.split(sizes), strict=True):
        tensor.detach().copy_(mean.view(tensor.shape))
