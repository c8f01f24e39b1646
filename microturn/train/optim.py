"""Muon for matrices, AdamW for the rest, both from torch; AdamW for all where bf16 products are
slow.

torch's Muon orthogonalises in bf16. On a CPU without bf16 instructions that takes 300 ms for one
256x256 matrix (docs/log.md), so `use_muon` follows `precision.bf16_is_fast()` unless it is set.

Matrices of the blocks (attention, feed-forward, experts, flow blocks) go to Muon; embeddings,
tables, norms, biases, convolutions, routers and the unembedding to AdamW. Expert weights are stored
stacked [E, out, in]: each expert's matrix is orthogonalised by itself, through a view that shares
its storage.

Legend: E experts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from microturn.train.precision import bf16_is_fast

MATRIX_PLACES = (".layers.", "flow.blocks.")
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


class Optimizers:
    """The pair of optimizers over one model, with one schedule."""

    def __init__(self, model: nn.Module, config: OptimConfig) -> None:
        self.config = config
        use_muon = bf16_is_fast() if config.use_muon is None else config.use_muon
        self.stacked: list[tuple[nn.Parameter, list[Tensor]]] = []
        matrices: list[Tensor] = []
        rest: list[Tensor] = []
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            if not use_muon or not is_matrix(name, parameter):
                rest.append(parameter)
            elif parameter.ndim == 2:
                matrices.append(parameter)
            else:
                views = list(parameter.detach().flatten(0, -3).unbind(0))
                self.stacked.append((parameter, views))
                matrices += views
        self.pairs: dict[str, tuple[torch.optim.Optimizer, float]] = {}
        adamw = torch.optim.AdamW(
            rest, lr=config.adamw_lr, betas=config.betas, weight_decay=0.0, fused=True
        )
        self.pairs["adamw"] = (adamw, config.adamw_lr)
        if matrices:
            muon = torch.optim.Muon(
                matrices,
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
        for parameter, views in self.stacked:
            if parameter.grad is None:
                continue
            gradients = parameter.grad.flatten(0, -3).unbind(0)
            for view, gradient in zip(views, gradients, strict=True):
                view.grad = gradient
        for optimizer, _ in self.pairs.values():
            optimizer.step()
        for _, views in self.stacked:
            for view in views:
                view.grad = None
        return factor

    def state_dict(self) -> dict[str, Any]:
        return {name: optimizer.state_dict() for name, (optimizer, _) in self.pairs.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises ValueError when the state was made by other optimizers."""
        if state.keys() != self.pairs.keys():
            raise ValueError(
                f"the run was made with {sorted(state)}, this machine would use "
                f"{sorted(self.pairs)}; set use_muon to go on with the same ones"
            )
        for name, (optimizer, _) in self.pairs.items():
            optimizer.load_state_dict(state[name])


def schedule(progress: float, config: OptimConfig) -> float:
    """Warm up, hold, decay to zero; `progress` beyond 1 stays at a small floor."""
    rise = min(1.0, progress / config.warmup) if config.warmup else 1.0
    fall = min(1.0, (1.0 - progress) / config.decay) if config.decay else 1.0
    return max(1e-3, min(rise, fall))
