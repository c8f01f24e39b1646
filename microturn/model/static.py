"""Many streams side by side with fixed shapes: what a CUDA graph needs.

Keys and values lie in rings a little longer than the window, where each stream goes on is a tensor,
and every step does the same operations whatever the streams hold; nothing is read back. The
mathematics is that of `extend`, in another order of sums: it agrees to rounding, not to the bit.
Layers must have windows.

A stream can be put back to its last mark, and its last rows can be a guess, as those of
`BackboneState`: both only need convolution tails that are kept beside the present ones.

Legend: B streams, R rows of a round, D width, C channels, T tail positions, H heads, K key-value
heads, J heads that share one, W head width, E rel width, L distances, N places of a ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import torch
from torch import Tensor

from microturn.model.attention import Attention, ShortConvolution
from microturn.model.cache import BackboneState, Mark
from microturn.model.experts import DenseMLP, MixtureMLP
from microturn.model.model import InteractionModel
from microturn.model.transformer import Transformer
from microturn.sequence import Positions

SPARE = 256  # positions since a mark that can be taken back


@dataclass(frozen=True)
class Tail:
    """The last inputs of one convolution: now, after the guess, and at the mark. All [B, T, C]."""

    now: Tensor
    ahead: Tensor
    marked: Tensor

    @classmethod
    def zeros(cls, shape: tuple[int, int, int], like: Tensor) -> Tail:
        return cls(*(torch.zeros(shape, device=like.device) for _ in fields(cls)))


@dataclass(frozen=True)
class StaticLayer:
    """One layer of all streams. The last place of a ring takes rows that are not real."""

    key_BKNW: Tensor
    value_BKNW: Tensor
    tails: tuple[Tail, Tail, Tail, Tail]  # k, v, attention branch, feed-forward branch

    def tensors(self) -> list[Tensor]:
        """Everything, with the streams as first dimension."""
        kept = [getattr(tail, field.name) for tail in self.tails for field in fields(tail)]
        return [self.key_BKNW, self.value_BKNW, *kept]


@dataclass(frozen=True)
class Moves:
    """What a round does to each stream, all int64 [B]. length: positions it has before the round.
    count: rows that it takes, num_ahead of them a guess. Before that, 1 says: accepts: the guess of
    its last round was right; returns: it goes back to its mark; marks: its mark is here."""

    length_B: Tensor
    count_B: Tensor
    num_ahead_B: Tensor
    accepts_B: Tensor
    returns_B: Tensor
    marks_B: Tensor

    @classmethod
    def none(cls, num_streams: int, device: torch.device | None = None) -> Moves:
        """Nobody moves."""
        return cls(
            *(torch.zeros(num_streams, dtype=torch.int64, device=device) for _ in fields(cls))
        )

    def copy_(self, other: Moves) -> None:
        """Take over the values of another, in place."""
        for field in fields(self):
            getattr(self, field.name).copy_(getattr(other, field.name))


@dataclass(frozen=True)
class StaticStreams:
    """Streams of one model; all tensors are changed in place. max_rows: of a round."""

    layers: list[StaticLayer]
    num_streams: int
    max_rows: int

    @classmethod
    def empty(cls, transformer: Transformer, num_streams: int, max_rows: int) -> StaticStreams:
        """Room for so many streams. Raises ValueError where a layer has no window or remembers
        text."""
        like = transformer.norm.weight
        config = transformer.config
        layers: list[StaticLayer] = []
        for number, block in enumerate(transformer.blocks()):
            part = block.attn
            if not part.has_window or part.sight is not None:
                raise ValueError(
                    f"layer {number} sees more than a window: streams of fixed shape need "
                    "full_window and no retention"
                )
            # Rows of a guess that was wrong, or since a mark that is returned to, stay in the ring
            # and look like old positions: they must be out of every window.
            ring = part.rel_logits_proj.proj_bias.shape[1] + SPARE + max_rows
            shape = (num_streams, part.num_kv_heads, ring + 1, part.head_width)
            kv_width = part.num_kv_heads * part.head_width
            k, v, attention, mlp = (
                Tail.zeros((num_streams, config.conv_kernel - 1, channels), like)
                for channels in (kv_width, kv_width, config.width, config.width)
            )
            tails = (k, v, attention, mlp)
            layers.append(StaticLayer(like.new_zeros(shape), like.new_zeros(shape), tails))
        return cls(layers, num_streams, max_rows)

    def clear(self, place: int) -> None:
        """Make one stream new. What is masked gets weight zero, but zero times NaN is NaN."""
        for layer in self.layers:
            for tensor in layer.tensors():
                tensor[place].zero_()


class House(Protocol):
    """Who keeps streams of fixed shape and runs their rounds (`engine/slots.py`)."""

    def extend(
        self,
        model: InteractionModel,
        runs: Sequence[Positions],
        states: Sequence[BackboneState],
        num_ahead: Sequence[int],
    ) -> list[Tensor]:
        """`extend_together` of streams that all live here."""
        ...


class SlotState(BackboneState):
    """A stream that lives in a slot of a house; only its length is here. What it is told goes with
    its next round."""

    def __init__(self, house: House, slot: int) -> None:
        super().__init__([])
        self.house, self.slot = house, slot
        self.num_ahead = 0  # positions of the guess behind `length`
        self.marked: int | None = None  # length at the last mark
        self.accepts = self.returns = self.marks = False

    def accept(self) -> None:
        """The guess was right. Raises ValueError where there is none."""
        if not self.num_ahead:
            raise ValueError("there is no guess to accept: extend with num_ahead first")
        self.length += self.num_ahead
        self.num_ahead, self.accepts = 0, True

    def mark(self) -> Mark:
        """Remember this place; an earlier mark is no longer valid."""
        self.marked, self.marks, self.num_ahead = self.length, True, 0
        return Mark((), self.length)

    def rollback(self, mark: Mark) -> None:
        """Back to the last mark. Raises ValueError for another one, or too far behind."""
        if mark.length != self.marked:
            raise ValueError(f"a stream in a slot goes back to its last mark only: {self.marked}")
        if self.length + self.num_ahead - mark.length > SPARE:
            raise ValueError(f"a stream in a slot goes back {SPARE} positions at most")
        self.length, self.num_ahead = mark.length, 0
        if not self.marks:  # else no round has run since the mark, and nothing was changed
            self.returns, self.accepts = True, False

    def told(self) -> tuple[bool, bool, bool]:
        """What goes with the next round (accepts, returns, marks); it is told once."""
        told = (self.accepts, self.returns, self.marks)
        self.accepts = self.returns = self.marks = False
        return told


@torch.no_grad()
def advance(
    transformer: Transformer, streams: StaticStreams, x_BRD: Tensor, moves: Moves
) -> Tensor:
    """Append rows to each stream: hidden states of all rows, [B, R, D]; those beyond count_B have
    no meaning."""
    for layer in streams.layers:
        for tail in layer.tails:
            move(tail, moves)
    for block, layer in zip(transformer.blocks(), streams.layers, strict=True):
        mixed_BRD = attend(block.attn, layer, block.attn_norm(x_BRD), moves)
        branch = convolve(block.attn_sconv, layer.tails[2], mixed_BRD, moves)
        x_BRD = x_BRD + branch.to(x_BRD.dtype)
        part = block.mlp
        assert isinstance(part, DenseMLP | MixtureMLP)
        branch_ND = feed_forward(part, block.mlp_norm(x_BRD).flatten(0, 1))
        branch = convolve(block.mlp_sconv, layer.tails[3], branch_ND.view(x_BRD.shape), moves)
        x_BRD = x_BRD + branch.to(x_BRD.dtype)
    return transformer.norm(x_BRD)


def move(tail: Tail, moves: Moves) -> None:
    """What streams were told since their last round."""
    accepts, returns, marks = (
        told_B.bool()[:, None, None] for told_B in (moves.accepts_B, moves.returns_B, moves.marks_B)
    )
    tail.now.copy_(torch.where(returns, tail.marked, torch.where(accepts, tail.ahead, tail.now)))
    tail.marked.copy_(torch.where(marks, tail.now, tail.marked))


def feed_forward(part: DenseMLP | MixtureMLP, x_ND: Tensor) -> Tensor:
    """A mixture with kernels is called without counting loads, which would wait for the device."""
    if isinstance(part, DenseMLP) or part.experts.kernels is None:
        return part(x_ND)
    chosen_NC, weight_NC, shared_NX = part.gate(x_ND)
    routed_ND = part.experts(x_ND, chosen_NC, weight_NC, chosen_NC)
    return routed_ND + part.shared_experts(x_ND, shared_NX)


def convolve(part: ShortConvolution, tail: Tail, x_BRC: Tensor, moves: Moves) -> Tensor:
    """The short convolution of each stream after its tail, fp32; the tail moves on."""
    inputs = torch.cat([tail.now, x_BRC.float()], dim=1)
    num_tail, num_rows = tail.now.shape[1], x_BRC.shape[1]
    y_BRC = inputs[:, num_tail:].clone()
    for tap, weight_1C in enumerate(part.taps()):
        y_BRC += inputs[:, tap : tap + num_rows] * weight_1C
    row_T = torch.arange(num_tail, device=x_BRC.device)
    has_rows_B11 = (moves.count_B > 0)[:, None, None]  # who has none may still have a guess
    after = []
    for end_B in (moves.count_B - moves.num_ahead_B, moves.count_B):
        place_BT = end_B[:, None] + row_T
        after.append(inputs.gather(1, place_BT[..., None].expand(-1, -1, inputs.shape[2])))
    tail.now.copy_(after[0])
    tail.ahead.copy_(torch.where(has_rows_B11, after[1], tail.ahead))
    return y_BRC


def attend(part: Attention, layer: StaticLayer, x_BRD: Tensor, moves: Moves) -> Tensor:
    """Attention of every stream to its own ring, with the new rows in it: [B, R, D]."""
    length_B, count_B = moves.length_B, moves.count_B
    batch, num_rows, _ = x_BRD.shape
    shape = (batch, num_rows, -1, part.head_width)
    q_BRHW = part.q_norm(part.wq_du(x_BRD).view(shape), 1.0 / part.head_width)
    rel_BRHE = part.wr_du(x_BRD).view(batch, num_rows, part.num_heads, -1)
    k_BRC = convolve(part.k_sconv, layer.tails[0], part.wk_dv(x_BRD), moves)
    v_BRC = convolve(part.v_sconv, layer.tails[1], part.wv_dv(x_BRD), moves)
    k_BRKW = part.k_norm(k_BRC.view(shape)).to(q_BRHW.dtype)
    v_BRKW = v_BRC.view(shape).to(q_BRHW.dtype)
    ring = layer.key_BKNW.shape[2] - 1
    row_R = torch.arange(num_rows, device=x_BRD.device)
    position_BR = length_B[:, None] + row_R
    if part.scaling_floor is not None:
        growth = ((position_BR + 1).float() / part.scaling_floor).clamp(min=1.0)
        tau = (1.0 + part.scaling_alpha * torch.log(growth))[..., None, None]
        q_BRHW = (q_BRHW.float() * tau).to(q_BRHW.dtype)
        rel_BRHE = (rel_BRHE.float() * tau).to(rel_BRHE.dtype)
    place_BR = torch.where(row_R < count_B[:, None], position_BR % ring, ring)
    index = place_BR[:, None, :, None].expand(-1, part.num_kv_heads, -1, part.head_width)
    layer.key_BKNW.scatter_(2, index, k_BRKW.transpose(1, 2).to(layer.key_BKNW.dtype))
    layer.value_BKNW.scatter_(2, index, v_BRKW.transpose(1, 2).to(layer.value_BKNW.dtype))
    k_BKNW = layer.key_BKNW[:, :, :ring].to(q_BRHW.dtype)
    v_BKNW = layer.value_BKNW[:, :, :ring].to(q_BRHW.dtype)
    bias_BHRN = bias_and_mask(part, rel_BRHE, position_BR, length_B + count_B, ring)
    share = part.num_heads // part.num_kv_heads
    q_BKGW = q_BRHW.transpose(1, 2).reshape(batch, part.num_kv_heads, share * num_rows, -1)
    score = (q_BKGW @ k_BKNW.transpose(2, 3)).view(bias_BHRN.shape) + bias_BHRN
    weight = score.float().softmax(-1).to(v_BKNW.dtype).view(*q_BKGW.shape[:3], ring)
    mixed_BHRW = (weight @ v_BKNW).view(batch, part.num_heads, num_rows, -1)
    return part.wo_ud(mixed_BHRW.transpose(1, 2).flatten(2))


def bias_and_mask(
    part: Attention, rel_BRHE: Tensor, position_BR: Tensor, end_B: Tensor, ring: int
) -> Tensor:
    """Relative bias of every row to every place of its ring, -inf where it does not look: [B, H, R,
    N]. A row sees at least a place of its own or, without real rows, place 0."""
    profile_EL = part.rel_logits_proj.proj_bias.to(rel_BRHE.dtype)
    window = profile_EL.shape[1]
    place_N = torch.arange(ring, device=end_B.device)
    newest_B1 = end_B[:, None] - 1
    held_BN = newest_B1 - (newest_B1 - place_N) % ring  # the position at each place
    distance_BRN = position_BR[..., None] - held_BN[:, None]
    is_seen = (distance_BRN >= 0) & (distance_BRN < window) & (held_BN[:, None] >= 0)
    near_BHRL = (rel_BRHE @ profile_EL).transpose(1, 2)
    index = distance_BRN.clamp(0, window - 1)[:, None].expand(-1, near_BHRL.shape[1], -1, -1)
    is_blind_BR1 = ~is_seen.any(-1, keepdim=True)
    is_seen = is_seen | (is_blind_BR1 & (place_N == 0))
    return near_BHRL.gather(3, index).masked_fill(~is_seen[:, None], float("-inf"))
