"""Muon for matrices, AdamW for the rest, both from torch; AdamW for all where bf16 products are
slow.

torch's Muon orthogonalises in bf16. On a CPU without bf16 instructions that takes 300 ms for one
256x256 matrix (docs/log.md), so `use_muon` follows `precision.bf16_is_fast()` unless it is set.

Matrices of the blocks (attention, feed-forward, experts, flow blocks) go to Muon; embeddings,
tables, norms, biases, convolutions, routers and the unembedding to AdamW. Expert weights are stored
stacked [E, out, in]: each expert's matrix is orthogonalised by itself, through a view that shares
its storage. Of a
sharded model each process moves the experts it has; other matrices are put together from their
parts, moved by every process alike, and cut again.

Legend: E experts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from microturn.train.distributed import cut_like, local, whole_tree, wholes
from microturn.train.precision import bf16_is_fast

MATRIX_PLACES = (".layers.", "flow.blocks.")
MOMENTUM = "momentum_buffer"
NOT_MATRICES = ("norm", "conv", "router", "gate.", "modulation", "bias")


@dataclass(frozen=True)
class OptimConfig:
    """Peak learning rates; Muon's update is scaled to AdamW's RMS (Liu et al., 2025), so they
    compare."""

    use_muon: bool | None = None
    muon_lr: float = 2e-3
    adamw_lr: float = 2e-3
    muon_momentum: float = 0.95
    weight_decay: float = 0.02
    betas: tuple[float, float] = (0.9, 0.95)
    warmup: float = 0.02  # share of the run
    decay: float = 0.35  # share of the run, at its end, linear to zero
    max_gradient_norm: float = 1.0


def is_matrix(name: str, parameter: Tensor) -> bool:
    """Does this parameter go to Muon?"""
    inside = any(place in name for place in MATRIX_PLACES)
    return inside and parameter.ndim >= 2 and not any(word in name for word in NOT_MATRICES)


@dataclass(frozen=True)
class Matrices:
    """One parameter of Muon, as matrices: `views` of the experts of a stack that this process has,
    the matrix itself, or a whole copy of a sharded one."""

    name: str
    parameter: nn.Parameter
    views: list[Tensor]

    @classmethod
    def of(cls, parameters: Mapping[str, nn.Parameter]) -> list[Matrices]:
        found = []
        wholes_of = wholes([p for p in parameters.values() if p.ndim == 2])
        copies = iter(wholes_of)
        for name, parameter in parameters.items():
            if parameter.ndim > 2:
                views = list(local(parameter.detach()).flatten(0, -3).unbind(0))
            else:
                copy = next(copies)
                views = [copy.clone() if isinstance(parameter, DTensor) else parameter]
            found.append(cls(name, parameter, views))
        return found

    @property
    def is_copy(self) -> bool:
        return self.parameter.ndim == 2 and isinstance(self.parameter, DTensor)

    def take_gradient(self, gradient: Tensor | None) -> None:
        """Give each matrix its part of the parameter's gradient."""
        if self.views and self.views[0] is self.parameter:
            return
        if gradient is None:
            parts: list[Tensor | None] = [None] * len(self.views)
        elif self.is_copy:
            parts = [gradient]
        else:
            parts = list(local(gradient).flatten(0, -3).unbind(0))
        for view, part in zip(self.views, parts, strict=True):
            view.grad = part

    def put_back(self) -> None:
        """Copies go back to the parameter; gradients are let go."""
        if self.is_copy:
            cut = cut_like(self.views[0], self.parameter)
            local(self.parameter.detach()).copy_(local(cut))
        for view in self.views:
            if view is not self.parameter:
                view.grad = None

    def joined(self, parts: list[Tensor]) -> Tensor:
        """One tensor for each matrix -> one like the parameter, cut where that is."""
        if self.parameter.ndim == 2:
            return parts[0]
        mine = local(self.parameter.detach())
        stack = torch.stack(parts).view(mine.shape) if parts else torch.zeros_like(mine)
        if isinstance(self.parameter, DTensor):
            mesh, placements = self.parameter.device_mesh, self.parameter.placements
            shape, stride = self.parameter.shape, self.parameter.stride()
            return DTensor.from_local(stack, mesh, placements, shape=shape, stride=stride)
        return stack

    def split(self, tensor: Tensor) -> list[Tensor]:
        """Undo `joined`: this process's matrices."""
        if self.parameter.ndim == 2:
            return [tensor.to(self.views[0].device)]
        return list(local(cut_like(tensor, self.parameter)).flatten(0, -3).unbind(0))


class Optimizers:
    """The pair of optimizers over one model, with one schedule. A model that is sharded must be so
    before."""

    def __init__(self, model: nn.Module, config: OptimConfig) -> None:
        self.config = config
        is_on_gpu = next(model.parameters()).device.type == "cuda"
        is_chosen = is_on_gpu or bf16_is_fast() if config.use_muon is None else config.use_muon
        moved = {name: p for name, p in model.named_parameters() if p.requires_grad}
        chosen = {name: p for name, p in moved.items() if is_chosen and is_matrix(name, p)}
        self.matrices = Matrices.of(chosen)
        self.rest = {name: p for name, p in moved.items() if name not in chosen}
        self.pairs: dict[str, tuple[torch.optim.Optimizer, float]] = {}
        adamw = torch.optim.AdamW(
            list(self.rest.values()),
            lr=config.adamw_lr,
            betas=config.betas,
            weight_decay=0.0,
            fused=True,
        )
        self.pairs["adamw"] = (adamw, config.adamw_lr)
        if self.matrices:
            muon = torch.optim.Muon(
                [view for part in self.matrices for view in part.views],
                lr=config.muon_lr,
                momentum=config.muon_momentum,
                weight_decay=config.weight_decay,
                adjust_lr_fn="match_rms_adamw",
            )
            self.pairs["muon"] = (muon, config.muon_lr)

    def step(self, progress: float) -> float:
        """One update at `progress` (0 to 1) through the run. Returns the schedule's factor."""
        factor = schedule(progress, self.config)
        for optimizer, peak in self.pairs.values():
            for group in optimizer.param_groups:
                group["lr"] = peak * factor
        gradients = [part.parameter.grad for part in self.matrices]
        copied = [
            i for i, part in enumerate(self.matrices) if part.is_copy and gradients[i] is not None
        ]
        sent = wholes([g for i in copied if (g := gradients[i]) is not None])
        for i, gradient in zip(copied, sent, strict=True):
            gradients[i] = gradient
        for part, gradient in zip(self.matrices, gradients, strict=True):
            part.take_gradient(gradient)
        for optimizer, _ in self.pairs.values():
            optimizer.step()
        for part in self.matrices:
            part.put_back()
        return factor

    def state_dict(self) -> dict[str, Any]:
        """Whole tensors by optimizer and parameter; all processes must ask for it together."""
        found: dict[str, Any] = {"adamw": {}}
        states = self.pairs["adamw"][0].state
        for name, parameter in self.rest.items():
            if parameter in states:
                found["adamw"][name] = dict(states[parameter])
        if "muon" in self.pairs:
            states = self.pairs["muon"][0].state
            found["muon"] = {}
            for part in self.matrices:
                parts = [
                    states[view][MOMENTUM] if view in states else torch.zeros_like(view)
                    for view in part.views
                ]
                found["muon"][part.name] = {MOMENTUM: part.joined(parts)}
        return whole_tree(found)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises ValueError when the state was made by other optimizers."""
        if state.keys() != self.pairs.keys():
            raise ValueError(
                f"the run was made with {sorted(state)}, this machine would use "
                f"{sorted(self.pairs)}; set use_muon to go on with the same ones"
            )
        if "param_groups" in state["adamw"]:
            state = self.by_name(state)
        states = self.pairs["adamw"][0].state
        for name, values in state["adamw"].items():
            parameter = self.rest[name]
            states[parameter] = {
                key: value.to(parameter.device, copy=True)
                if key == "step"
                else cut_like(value.clone(), parameter)
                for key, value in values.items()
            }
        for part in self.matrices:
            momentum = state["muon"][part.name][MOMENTUM]
            states = self.pairs["muon"][0].state
            for view, value in zip(part.views, part.split(momentum), strict=True):
                states[view] = {MOMENTUM: value.clone()}

    def by_name(self, state: dict[str, Any]) -> dict[str, Any]:
        """States of before they had names: parameters were numbered in order."""
        adamw = state["adamw"]["state"]
        names = list(self.rest)
        found: dict[str, Any] = {"adamw": {names[i]: value for i, value in adamw.items()}}
        if "muon" in state:
            number, found["muon"] = 0, {}
            muon = state["muon"]["state"]
            for part in self.matrices:
                parts = []
                for view in part.views:
                    parts.append(muon[number][MOMENTUM] if number in muon else view.detach() * 0)
                    number += 1
                found["muon"][part.name] = {MOMENTUM: part.joined(parts)}
        return found


def schedule(progress: float, config: OptimConfig) -> float:
    """Warm up, hold, decay to zero; `progress` beyond 1 stays at a small floor."""
    rise = min(1.0, progress / config.warmup) if config.warmup else 1.0
    fall = min(1.0, (1.0 - progress) / config.decay) if config.decay else 1.0
    return max(1e-3, min(rise, fall))
