"""The losses: cross-entropy where the model is the author, flow matching on the slots; and those of
the heads that only training has (`auxiliary.py`), where they are attached.

Everything is kept as sums and counts, so that processes that share a batch add them up and get the
figures of the whole batch.

Legend: S positions of all rows, D width, V vocabulary, B rows, N authored targets, U speaking
micro-turns, K slots (also U K of them as N), F mel frames, M mel bins, A heard frames, G skills, Q
figures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from microturn.model.model import InteractionModel
from microturn.sequence import NO_TARGET, Kind, Markers
from microturn.train.auxiliary import attached
from microturn.turns import NUM_SLOTS

if TYPE_CHECKING:
    from microturn.train.batches import TrainBatch

FIGURES = (
    "text",  # what is trained: cross-entropy of all targets, weighted
    "flow",
    "words",  # cross-entropy of word pieces, both lanes
    "heard",  # by lane
    "said",
    "floor",  # cross-entropy of the floor decision, unweighted
    "floor_right",  # share of floor decisions whose likelier token is the right one
    "heard_right",  # share of word pieces right, by lane
    "said_right",
    "mel",  # of the auxiliary heads
    "frames",
    "slots",
)


@dataclass(frozen=True)
class LossConfig:
    """What each loss counts."""

    flow_weight: float = 2.0
    mel_weight: float = 1.0  # of the auxiliary heads
    frame_weight: float = 0.5
    slot_weight: float = 0.5

    def __post_init__(self) -> None:
        weights = (self.flow_weight, self.mel_weight, self.frame_weight, self.slot_weight)
        if min(weights) < 0:
            raise ValueError("flow_weight, mel_, frame_ and slot_weight must not be negative")


@dataclass(frozen=True)
class Share:
    """What the losses of this process are divided by: its share of the whole batch's counts.

    With gradients averaged over processes, the result is the gradient of the whole batch.
    """

    weight: float
    num_flow: float
    num_frames: float

    @classmethod
    def of(cls, batch: TrainBatch) -> Share:
        """The counts of a batch that one process has alone."""
        return cls(*cls.counts(batch).tolist())

    @staticmethod
    def counts(batch: TrainBatch) -> Tensor:
        """[3], to be summed over processes."""
        is_known_A = batch.rows.frame_target_A != NO_TARGET
        return torch.stack([batch.weight_N.sum(), batch.is_real_U.sum(), is_known_A.float().sum()])


@dataclass(frozen=True)
class Losses:
    """`total` carries the gradient; the rest is for looking at.

    sum_Q, count_Q: by `FIGURES`. skill_sum_2G, skill_count_2G: text and flow loss by skill, of the
    rows in which it plays. margin_N: logit of `<|speak|>` less that of `<|silent|>`; is_floor_N
    where it is a decision, is_speak_N where speech is due.
    """

    total: Tensor
    sum_Q: Tensor
    count_Q: Tensor
    skill_sum_2G: Tensor
    skill_count_2G: Tensor
    margin_N: Tensor
    is_floor_N: Tensor
    is_speak_N: Tensor

    def figures(self) -> dict[str, float]:
        """Means by name; NaN where a batch holds nothing of the kind."""
        pairs = zip(FIGURES, self.sum_Q.tolist(), self.count_Q.tolist(), strict=True)
        empty = {"flow": 0.0, "mel": 0.0, "slots": 0.0}  # rows without speech have none
        return {
            name: total / count if count else empty.get(name, math.nan)
            for name, total, count in pairs
        }


def losses(
    model: InteractionModel,
    batch: TrainBatch,
    markers: Markers,
    config: LossConfig | None = None,
    loads: list[Tensor] | None = None,
    share: Share | None = None,
) -> Losses:
    """All losses of one batch; noise and times are the batch's."""
    config, share = config or LossConfig(), share or Share.of(batch)
    rows = batch.rows
    hidden_BSD = model(rows.positions, rows.num_rows, loads)
    logits_NV = model.text_logits(hidden_BSD.flatten(0, 1)[batch.index_N])
    entropy_N = functional.cross_entropy(logits_NV, batch.target_N, reduction="none")
    text = (entropy_N * batch.weight_N).sum() / max(share.weight, 1e-6)
    flow_U = entropy_N.new_zeros(0)
    if len(rows.slot_index_UK):
        slots_UKD = model.slot_states(hidden_BSD, rows.slot_index_UK)
        flow_U = model.flow.loss(
            rows.mel_UFM, rows.context_UFM, slots_UKD, batch.noise_UFM, batch.t_U
        )
        flow_U = flow_U * batch.is_real_U
    flow = flow_U.sum() / max(share.num_flow, 1.0)
    extra = _auxiliary(model, batch, markers, hidden_BSD)
    (mel_U, _), (frame_A, _), (slot_N, _) = extra
    mel, slots = (loss.sum() / max(share.num_flow, 1.0) for loss in (mel_U, slot_N))
    frames = frame_A.sum() / max(share.num_frames, 1.0)
    total = text + config.flow_weight * flow + config.mel_weight * mel
    total = total + config.frame_weight * frames + config.slot_weight * slots / NUM_SLOTS
    with torch.no_grad():
        return _looked_at(total, batch, markers, logits_NV, entropy_N, flow_U, extra)


def _auxiliary(
    model: InteractionModel, batch: TrainBatch, markers: Markers, hidden_BSD: Tensor
) -> tuple[tuple[Tensor, Tensor], ...]:
    """Weighted losses and weights of the heads: mel by speaking micro-turn, pieces by heard frame
    and by slot; all empty without the heads."""
    heads, rows = attached(model), batch.rows
    nothing = hidden_BSD.new_zeros(0)
    if heads is None:
        return ((nothing, nothing),) * 3
    mel, slots = (nothing, nothing), (nothing, nothing)
    if len(rows.slot_index_UK):
        slots_UKD = model.slot_states(hidden_BSD, rows.slot_index_UK)
        mel = (heads.mel_loss(slots_UKD, rows.mel_UFM) * batch.is_real_U, batch.is_real_U)
        slot_N, weight_N = heads.slot_loss(slots_UKD, rows.slot_target_UK, markers.pad)
        weight_N = weight_N * batch.is_real_U.repeat_interleave(NUM_SLOTS)
        slots = (slot_N * weight_N, weight_N)
    hidden_AD = hidden_BSD.flatten(0, 1)[rows.positions.kind_S == Kind.HEARD]
    frame_A, weight_A = heads.frame_loss(hidden_AD, rows.frame_target_A, markers.pad)
    return mel, (frame_A * weight_A, weight_A), slots


def _looked_at(
    total: Tensor,
    batch: TrainBatch,
    markers: Markers,
    logits_NV: Tensor,
    entropy_N: Tensor,
    flow_U: Tensor,
    extra: tuple[tuple[Tensor, Tensor], ...],
) -> Losses:
    """Sums and counts; nothing waits for the device."""
    target_N, rows = batch.target_N, batch.rows
    is_target_N = target_N != markers.pad  # what is padded has the target 0, which is pad
    is_floor_N = (target_N == markers.silent) | (target_N == markers.speak)
    is_word_N = is_target_N & ~is_floor_N
    is_in_heard_N = rows.is_heard_S[batch.index_N]
    right_N = (logits_NV.argmax(-1) == target_N).float()
    heard_N, said_N = is_word_N & is_in_heard_N, is_word_N & ~is_in_heard_N
    figures = (
        (entropy_N * batch.weight_N, batch.weight_N),
        (flow_U, batch.is_real_U),
        (entropy_N * is_word_N, is_word_N),
        (entropy_N * heard_N, heard_N),
        (entropy_N * said_N, said_N),
        (entropy_N * is_floor_N, is_floor_N),
        (right_N * is_floor_N, is_floor_N),
        (right_N * heard_N, heard_N),
        (right_N * said_N, said_N),
        *extra,
    )
    length = len(rows.target_S) // rows.num_rows
    text_B, weight_B, flow_B, speaking_B = (entropy_N.new_zeros(rows.num_rows) for _ in range(4))
    row_N = batch.index_N // length
    text_B.index_add_(0, row_N, entropy_N * batch.weight_N)
    weight_B.index_add_(0, row_N, batch.weight_N)
    if len(flow_U):
        row_U = rows.slot_index_UK[:, 0] // length
        flow_B.index_add_(0, row_U, flow_U)
        speaking_B.index_add_(0, row_U, batch.is_real_U)

    def by_skill(*values: Tensor) -> Tensor:
        # A product of matrices would run in bf16 under autocast.
        return torch.stack([(value_B[:, None] * batch.skill_BG).sum(0) for value_B in values])

    return Losses(
        total,
        torch.stack([total_N.float().sum() for total_N, _ in figures]),
        torch.stack([count_N.float().sum() for _, count_N in figures]),
        by_skill(text_B, flow_B),
        by_skill(weight_B, speaking_B),
        logits_NV[:, markers.speak] - logits_NV[:, markers.silent],
        is_floor_N,
        target_N == markers.speak,
    )
