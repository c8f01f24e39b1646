"""Several streams side by side through the backbone: their rows share tiles, so that weights are
read once for all of them.

Everything but attention and convolutions works row by row, and a row's bits do not depend on the
tile around it (`tiles.py`); attention meets each stream's own keys, and a convolution each stream's
own tail. So a stream's results are those it has alone, whatever the company.

Legend: S rows of all streams (padded in the end), D width, C channels, T tail
positions, Z inputs of a convolution with all tails between, H heads, W head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from microturn.model.attend_together import Group, Run, attend_groups, groups_of, runs_of
from microturn.model.attention import Attention
from microturn.model.cache import BackboneState, LayerState
from microturn.model.fused import normed
from microturn.model.model import InteractionModel
from microturn.model.narrow import wide
from microturn.model.static import SlotState
from microturn.model.stream import PackedAttention, PackedLayer, norm, product
from microturn.model.tiles import ROW_TILE, padded
from microturn.sequence import Positions, concatenate


@dataclass(frozen=True)
class Share:
    """One stream's rows: the first of them among all, how many, how many of them are a guess, their
    first position in the stream, and which of those that are no guess are text to remember."""

    first: int
    num_new: int
    num_ahead: int
    length: int
    is_text_S: Tensor | None = None

    @property
    def rows(self) -> slice:
        return slice(self.first, self.first + self.num_new)


def extend_together(
    model: InteractionModel,
    runs: Sequence[Positions],
    states: Sequence[BackboneState],
    num_ahead: Sequence[int],
) -> list[Tensor]:
    """`InteractionModel.extend` of several streams: hidden_SD of each, the same bits as alone.

    Raises ValueError for a run without a position. If it raises, all states are as they were.
    """
    if isinstance(states[0], SlotState):  # those of one engine live in one house
        return states[0].house.extend(model, runs, states, num_ahead)
    if len(runs) == 1:
        return [model.extend(runs[0], states[0], num_ahead[0])]
    shares, first = [], 0
    for run, state, ahead in zip(runs, states, num_ahead, strict=True):
        if not 0 <= ahead < len(run):
            raise ValueError(f"extend needs at least one position, got {len(run) - ahead}")
        is_text_S = model.remembered(run)
        if is_text_S is not None:
            is_text_S = is_text_S[: len(run) - ahead]
        shares.append(Share(first, len(run), ahead, state.length, is_text_S))
        first += len(run)
    with torch.no_grad():
        x_SD = model.embedder(concatenate(runs))
        num_padded = padded(first, model.transformer.row_step) - first
        x_SD = functional.pad(x_SD, (0, 0, 0, num_padded))
        hidden_SD = through_layers(model, x_SD, shares, states)
    return [hidden_SD[share.rows] for share in shares]


def through_layers(
    model: InteractionModel, x_SD: Tensor, shares: list[Share], states: Sequence[BackboneState]
) -> Tensor:
    """All layers and the final norm; the states change when all layers are done."""
    transformer = model.transformer
    packed = transformer.packed or [block.packed() for block in transformer.blocks()]
    seats = Seats.of(shares, transformer.config.conv_kernel - 1, x_SD)
    now: list[list[LayerState]] = [[] for _ in shares]
    then: list[list[LayerState]] = [[] for _ in shares]
    try:
        for number, layer in enumerate(packed):
            before = [state.layers[number] for state in states]
            x_SD, after = extend_layer(layer, x_SD, seats, before)
            for place, (kept, ahead) in enumerate(after):
                now[place].append(kept)
                then[place].append(ahead)
        hidden_SD = transformer.norm(x_SD)
    except BaseException:
        for share, state in zip(shares, states, strict=True):
            for layer_state in state.layers:
                layer_state.clear(share.length, share.length + share.num_new)
        raise
    for place, (share, state) in enumerate(zip(shares, states, strict=True)):
        end = share.length + share.num_new
        state.ahead = (then[place], end) if share.num_ahead else None
        state.layers, state.length = now[place], end - share.num_ahead
    return hidden_SD


@dataclass(frozen=True)
class Seats:
    """Where the rows of all streams stand, among themselves and in the input of a convolution,
    where each stream's rows follow its tail.

    row_S: the place of each row in a convolution's output, [real rows]. sizes: rows of each stream;
    sizes_in: with its tail.
    """

    shares: list[Share]
    num_tail: int
    num_rows: int
    row_S: Tensor
    sizes: list[int]
    sizes_in: list[int]
    runs: list[Run]
    known: dict[tuple[int | None, int, bool], list[Group]] = field(default_factory=dict)

    def groups(self, part: Attention) -> list[Group]:
        """Who attends side by side in a layer of this band."""
        extent = part.rel_logits_proj.proj_bias.shape[1]
        band = (part.reach, extent, part.has_window)
        if band not in self.known:
            self.known[band] = groups_of(self.runs, *band)
        return self.known[band]

    def tau(self, part: Attention, x_SD: Tensor) -> Tensor | None:
        """Log-length scaling of all rows, [S, 1, 1], or None where it is off."""
        if part.scaling_floor is None:
            return None
        parts = [part.tau(share.length, share.num_new, x_SD) for share in self.shares]
        tau_S11 = torch.cat([tau for tau in parts if tau is not None])
        return functional.pad(tau_S11, (0, 0, 0, 0, 0, len(x_SD) - len(tau_S11)), value=1.0)

    @classmethod
    def of(cls, shares: list[Share], num_tail: int, like: Tensor) -> Seats:
        sizes = [share.num_new for share in shares]
        starts = [share.first + num_tail * place for place, share in enumerate(shares)]
        rows = [
            row
            for start, size in zip(starts, sizes, strict=True)
            for row in range(start, start + size)
        ]
        row_S = torch.tensor(rows, device=like.device)
        lengths = [share.length for share in shares]
        runs = runs_of([share.first for share in shares], sizes, lengths)
        sizes_in = [size + num_tail for size in sizes]
        return cls(shares, num_tail, len(rows), row_S, sizes, sizes_in, runs)


def convolve(x_SC: Tensor, tails: list[Tensor], taps_T1C: Tensor, seats: Seats) -> Tensor:
    """`continue_convolution` of every stream, in place of x_SC (fp32); returns the inputs, [Z, C].

    The same products are added in the same order. Where a window spans two streams nothing is
    taken from it.
    """
    rows = x_SC[: seats.num_rows].split(seats.sizes)
    inputs_ZC = torch.cat([part for pair in zip(tails, rows, strict=True) for part in pair])
    y_ZC = inputs_ZC[seats.num_tail :].clone()
    windows_TZC = inputs_ZC.unfold(0, len(taps_T1C), 1).permute(2, 0, 1)
    for window_ZC, tap_1C in zip(windows_TZC.unbind(), taps_T1C.unbind(), strict=True):
        y_ZC.addcmul_(window_ZC, tap_1C)
    x_SC[: seats.num_rows] = y_ZC.index_select(0, seats.row_S)
    return inputs_ZC


def extend_layer(
    layer: PackedLayer, x_SD: Tensor, seats: Seats, states: list[LayerState]
) -> tuple[Tensor, list[tuple[LayerState, LayerState]]]:
    """One layer: new rows, and of each stream the state before its guess and after it."""
    tails = [state.tails for state in states]
    branch_SD, states, kv_ZC = attend(layer.attention, norm(layer.attn_norm, x_SD), seats, states)
    branch_SD = branch_SD.float()
    attn_ZC = convolve(branch_SD, [tail[1] for tail in tails], layer.attn_taps_T1D, seats)
    x_SD = x_SD + branch_SD.to(x_SD.dtype)
    branch_SD = layer.feed_forward(norm(layer.mlp_norm, x_SD), seats.num_rows).float()
    mlp_ZC = convolve(branch_SD, [tail[2] for tail in tails], layer.mlp_taps_T1D, seats)
    x_SD = x_SD + branch_SD.to(x_SD.dtype)
    after = []
    parts = (inputs_ZC.split(seats.sizes_in) for inputs_ZC in (kv_ZC, attn_ZC, mlp_ZC))
    for share, state, kv, attn, mlp in zip(seats.shares, states, *parts, strict=True):
        ahead = state.with_tails((kv, attn, mlp), share.num_new)
        kept = ahead
        if share.num_ahead:
            kept = state.with_tails((kv, attn, mlp), share.num_new - share.num_ahead)
        after.append((kept, ahead))
    return x_SD, after


def side_by_side(
    packed: PackedAttention,
    q_SHW: Tensor,
    rel_SHE: Tensor,
    seats: Seats,
    states: Sequence[LayerState],
) -> Tensor:
    """Attention of all streams at once: [S, H W]."""
    groups, profile_EL = seats.groups(packed.part), packed.profile_EL.to(q_SHW.dtype)
    return attend_groups(groups, q_SHW, rel_SHE, states, profile_EL)


def one_by_one(
    packed: PackedAttention,
    q_SHW: Tensor,
    rel_SHE: Tensor,
    seats: Seats,
    states: Sequence[LayerState],
) -> Tensor:
    """Attention of streams that remember text, each what it will: [S, H W]."""
    # A stream's rows are padded to a tile with rows of the next one: no row depends on another.
    q_SHW, rel_SHE = (functional.pad(x, (0, 0, 0, 0, 0, ROW_TILE)) for x in (q_SHW, rel_SHE))
    parts = []
    for share, state in zip(seats.shares, states, strict=True):
        rows = slice(share.first, share.first + padded(share.num_new))
        mixed_RC = packed.attend(q_SHW[rows], rel_SHE[rows], share.num_new, share.length, state)
        parts.append(mixed_RC[: share.num_new])
    num_missing = len(q_SHW) - ROW_TILE - seats.num_rows
    return functional.pad(torch.cat(parts), (0, 0, 0, num_missing))


def attend(
    packed: PackedAttention, x_SD: Tensor, seats: Seats, states: list[LayerState]
) -> tuple[Tensor, list[LayerState], Tensor]:
    """Attention of every stream to its own keys: the output [S, D], the states with the rows
    written, and the inputs of the convolution. As `PackedAttention.extend` does it."""
    part = packed.part
    projected_SU = product(x_SD, packed.projections)
    dtype = projected_SU.dtype
    projected_SU = projected_SU.float()
    num_both = part.num_heads + part.num_kv_heads
    q_end, k_end = part.num_heads * part.head_width, num_both * part.head_width
    v_end = k_end + part.num_kv_heads * part.head_width
    tails = [state.tails[0] for state in states]
    inputs_ZC = convolve(projected_SU[:, q_end:v_end], tails, packed.taps_T1C, seats)
    qk_SGW = projected_SU[:, :k_end].unflatten(1, (num_both, part.head_width))
    qk_SGW = normed(qk_SGW, packed.norm_GW, part.q_norm.epsilon)[0]
    v_SKW = projected_SU[:, k_end:v_end].unflatten(1, (part.num_kv_heads, -1))
    rel_SHE = projected_SU[:, v_end:].unflatten(1, (part.num_heads, -1))
    q_SHW = qk_SGW[:, : part.num_heads]
    tau_S11 = seats.tau(part, x_SD)
    if tau_S11 is not None:  # what is scaled was rounded before, as in `Attention.queries`
        q_SHW, rel_SHE = q_SHW.to(dtype).float() * tau_S11, rel_SHE * tau_S11
    q_SHW, rel_SHE = q_SHW.to(dtype), rel_SHE.to(dtype)
    k_KSW, v_KSW = (
        x_SKW[: seats.num_rows].transpose(0, 1).split(seats.sizes, 1)
        for x_SKW in (qk_SGW[:, part.num_heads :], v_SKW)
    )
    after = []
    for share, state, *new in zip(seats.shares, states, k_KSW, v_KSW, strict=True):
        state = state.with_room(share.length, share.num_new)
        state.write(new[0], new[1], share.length)
        if share.is_text_S is not None:
            state = packed.remember(state, (new[0], new[1]), share.is_text_S, share.length)
        after.append(state)
    look = side_by_side if part.sight is None else one_by_one
    mixed_SC = look(packed, q_SHW, rel_SHE, seats, after)
    return functional.linear(mixed_SC, wide(packed.out_DC)), after, inputs_ZC
