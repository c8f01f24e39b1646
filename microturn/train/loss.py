"""The two losses: cross-entropy where the model is the author, flow matching on the slots.

Legend: S positions of all rows, D width, V vocabulary, N authored targets, U speaking micro-turns,
K slots, F mel frames, M mel bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from microturn.data.pack import RowBatch
from microturn.model.model import InteractionModel
from microturn.sequence import NO_TARGET, Markers

FLOW_WEIGHT = 1.0


@dataclass(frozen=True)
class Losses:
    """`total` carries the gradient; the rest is for looking at, by lane."""

    total: Tensor
    text: float
    flow: float
    words: float  # cross-entropy of word pieces, both lanes
    floor: float  # cross-entropy of the floor decision, unweighted
    floor_right: float  # share of floor decisions whose likelier token is the right one
    heard_right: float  # share of word pieces right, by lane
    said_right: float


def logit_normal_time(num: int, rng: torch.Generator) -> Tensor:
    """Flow times in (0, 1), logit-normal (Esser et al., 2024): most work in the middle."""
    return torch.sigmoid(torch.randn(num, generator=rng))


def losses(
    model: InteractionModel,
    batch: RowBatch,
    markers: Markers,
    rng: torch.Generator,
    loads: list[Tensor] | None = None,
) -> Losses:
    """Both losses of one batch. `rng` draws the flow's noise and times."""
    hidden_BSD = model(batch.positions, batch.num_rows, loads)
    index_N = (batch.target_S != NO_TARGET).nonzero().flatten()
    target_N, weight_N = batch.target_S[index_N], batch.weight_S[index_N]
    logits_NV = model.text_logits(hidden_BSD.flatten(0, 1)[index_N])
    entropy_N = functional.cross_entropy(logits_NV, target_N, reduction="none")
    text = (entropy_N * weight_N).sum() / weight_N.sum()
    flow = torch.zeros(())
    if len(batch.slot_index_UK):
        slots_UKD = model.slot_states(hidden_BSD, batch.slot_index_UK)
        noise_UFM = torch.randn(batch.mel_UFM.shape, generator=rng)
        t_U = logit_normal_time(len(noise_UFM), rng)
        flow = model.flow.loss(batch.mel_UFM, batch.context_UFM, slots_UKD, noise_UFM, t_U).mean()
    total = text + FLOW_WEIGHT * flow
    with torch.no_grad():
        is_floor_N = (target_N == markers.silent) | (target_N == markers.speak)
        right_N = (logits_NV.argmax(-1) == target_N).float()
        words_N = ~is_floor_N
        is_heard_N = words_N & batch.is_heard_S[index_N]
        is_said_N = words_N & ~batch.is_heard_S[index_N]
        return Losses(
            total,
            float(text),
            float(flow),
            float(entropy_N[words_N].mean()),
            float(entropy_N[is_floor_N].mean()),
            float(right_N[is_floor_N].mean()),
            float(right_N[is_heard_N].mean()),
            float(right_N[is_said_N].mean()),
        )
