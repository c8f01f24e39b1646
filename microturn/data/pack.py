"""Episodes -> one batch of rows of equal length, with targets, loss weights and mel targets.

An episode fills one row: it is cut at the row's end, and a short one is padded. What the model is
fed is disturbed, so that it survives its own mistakes: said bins move a little, a lot, or are
shuffled in time; some heard text is replaced, in some rows most of it; half of the episodes start
late on the clock. Targets are never disturbed. Without the strong disturbance the model learns to
read its next word off its own clean sound, and babbles as soon as that sound is its own
(docs/log.md). The frames of mel that a micro-turn continues get noise too, so that what is said
comes from the slots.

Legend: B rows, L positions of a row, S = B L, A heard positions, M mel bins, U speaking
micro-turns, K slots, F mel frames, V vocabulary, P heard pieces, N positions without a target.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from microturn.data.render import Episode
from microturn.sequence import (
    NO_CLOCK,
    NO_TARGET,
    Kind,
    Markers,
    Positions,
    concatenate,
    text_positions,
    whole,
)
from microturn.turns import MICRO_TURN_MS, NUM_SLOTS

NUM_BINS = 16


@dataclass(frozen=True)
class PackConfig:
    """How rows are made. `silent_weight` is the loss weight of `<|silent|>`, by far the most common
    target; below 1 the model writes and speaks before it is sure (docs/log.md). `noisy_context`:
    share of micro-turns whose known frames get noise, with a deviation up to `context_noise`.
    `forgotten_rows`: share of rows in which `forgotten_words` of the heard words are replaced, so
    that what comes next is told by its sound and not by the sentence (docs/log.md)."""

    row_length: int = 1024
    silent_weight: float = 1.0
    said_noise: float = 0.1
    strong_said_noise: float = 0.35
    shuffled_said: float = 0.25
    heard_text_noise: float = 0.1
    forgotten_rows: float = 0.4
    forgotten_words: float = 0.6
    late_start: float = 0.5
    noisy_context: float = 0.6
    context_noise: float = 1.5
    max_start_minutes: float = 20.0


@dataclass(frozen=True)
class RowBatch:
    """A batch: positions of all rows one after the other, and what the model should make of
    them."""

    positions: Positions
    num_rows: int
    target_S: Tensor
    weight_S: Tensor
    is_heard_S: Tensor
    slot_index_UK: Tensor
    mel_UFM: Tensor
    context_UFM: Tensor
    audio_seconds: float
    frame_target_A: Tensor  # the piece that sounds in each heard frame; NO_TARGET: unknown
    slot_target_UK: Tensor  # the piece that is said in each slot, likewise


@dataclass(frozen=True)
class Row:
    """One episode laid out and cut to the row's length."""

    positions: Positions
    target_L: Tensor
    slot_index_UK: Tensor
    mel_UFM: Tensor
    context_UFM: Tensor
    num_turns: int
    frame_target_A: Tensor
    slot_target_UK: Tensor


def disturb(
    positions: Positions, markers: Markers, config: PackConfig, rng: torch.Generator
) -> Positions:
    """Noise on what is fed back; a late start on the clock."""
    said_AM = disturb_said(positions.said_AM, positions.is_said_A, config, rng)
    clock_A = positions.clock_A
    if torch.rand(1, generator=rng) < config.late_start:
        limit = int(config.max_start_minutes * 60_000 / MICRO_TURN_MS)
        offset = int(torch.randint(0, limit, (1,), generator=rng))
        clock_A = torch.where(clock_A == NO_CLOCK, clock_A, clock_A + offset)
    id_S = positions.id_S
    is_piece = heard_pieces(positions, markers)
    replaced = is_piece & (torch.rand(id_S.shape, generator=rng) < config.heard_text_noise)
    if replaced.any():
        pieces = id_S[is_piece]
        picks = torch.randint(0, len(pieces), (int(replaced.sum()),), generator=rng)
        id_S = id_S.clone()
        id_S[replaced] = pieces[picks]
    return replace(positions, said_AM=said_AM, clock_A=clock_A, id_S=id_S)


def heard_pieces(positions: Positions, markers: Markers) -> Tensor:
    """True where a piece of the heard lane stands, [S]."""
    is_piece_S = (positions.kind_S == Kind.TEXT) & (positions.id_S >= len(Markers.names()))
    return is_piece_S & in_heard_lane(positions.id_S, markers)


def forget(
    positions: Positions,
    markers: Markers,
    starts_V: Tensor,
    share: float,
    rng: torch.Generator,
) -> tuple[Positions, Tensor]:
    """Replace whole heard words by pieces of others. Also returns the positions whose target nobody
    can tell any more: the rest of a word whose beginning is gone. starts_V: which pieces begin a
    word."""
    where_P = heard_pieces(positions, markers).nonzero().flatten()
    if len(where_P) == 0:
        return positions, where_P
    piece_P = positions.id_S[where_P]
    begins_P = starts_V[piece_P]
    word_P = begins_P.long().cumsum(0)
    is_lost_P = (torch.rand(int(word_P[-1]) + 1, generator=rng) < share)[word_P]
    picks = torch.randint(0, len(piece_P), (int(is_lost_P.sum()),), generator=rng)
    id_S = positions.id_S.clone()
    id_S[where_P[is_lost_P]] = piece_P[picks]
    return replace(positions, id_S=id_S), where_P[is_lost_P & ~begins_P] - 1


def disturb_said(
    said_AM: Tensor, is_said_A: Tensor, config: PackConfig, rng: torch.Generator
) -> Tensor:
    """Own sound as a listener with worse ears hears it: light noise, strong noise, or shuffled in
    time."""
    kind = float(torch.rand(1, generator=rng))
    if kind < config.shuffled_said:
        said_AM = said_AM.clone()
        where_A = is_said_A.nonzero().flatten()
        said_AM[where_A] = said_AM[where_A[torch.randperm(len(where_A), generator=rng)]]
        return said_AM
    is_strong = kind < config.shuffled_said + config.strong_said_noise
    share = 0.6 if is_strong else config.said_noise
    reach = 5 if is_strong else 2
    moved = torch.rand(said_AM.shape, generator=rng) < share * torch.rand(1, generator=rng)
    step_AM = torch.randint(-reach, reach + 1, said_AM.shape, generator=rng)
    noisy_AM = (said_AM.int() + step_AM).clamp(0, NUM_BINS - 1).to(torch.uint8)
    return torch.where(moved, noisy_AM, said_AM)


def disturb_context(context_UFM: Tensor, config: PackConfig, rng: torch.Generator) -> Tensor:
    """Known frames as the flow head's own mistakes would leave them, or worse."""
    num_turns = len(context_UFM)
    is_noisy_U = torch.rand(num_turns, generator=rng) < config.noisy_context
    std_U = torch.rand(num_turns, generator=rng) * config.context_noise * is_noisy_U
    return context_UFM + std_U[:, None, None] * torch.randn(context_UFM.shape, generator=rng)


def in_heard_lane(id_S: Tensor, markers: Markers) -> Tensor:
    """True between `<|heard|>` and the token that closes the lane."""
    opens = (id_S == markers.heard).cumsum(0)
    closes = (id_S == markers.end) | (id_S == markers.silent) | (id_S == markers.speak)
    last_open = torch.where(id_S == markers.heard, torch.arange(len(id_S)), -1).cummax(0).values
    last_close = torch.where(closes, torch.arange(len(id_S)), -1).cummax(0).values
    return (opens > 0) & (last_open > last_close)


def row_of(
    episode: Episode,
    markers: Markers,
    config: PackConfig,
    rng: torch.Generator,
    starts_V: Tensor | None,
) -> Row:
    """Lay one episode out. Mel context of a micro-turn is what was generated in the one before, or
    silence."""
    positions, target_S = whole(episode.turns, markers, episode.prefix_ids)
    if starts_V is not None and torch.rand(1, generator=rng) < config.forgotten_rows:
        share, config = config.forgotten_words, replace(config, heard_text_noise=0.0)
        positions, untold_N = forget(positions, markers, starts_V, share, rng)
        target_S = target_S.index_fill(0, untold_N, NO_TARGET)
    positions = disturb(positions, markers, config, rng)
    length = config.row_length
    num_heard = int((positions.kind_S[:length] == Kind.HEARD).sum())
    slots_S = (positions.kind_S[:length] == Kind.SLOT).nonzero().flatten()
    num_speaking = len(slots_S) // NUM_SLOTS
    speaking = [i for i, (_, decision) in enumerate(episode.turns) if decision.speaks][
        :num_speaking
    ]
    mel_TFM = torch.as_tensor(episode.mel).float()
    silence_FM = torch.as_tensor(episode.silence_mel).float().expand_as(mel_TFM[0])
    context = [
        mel_TFM[i - 1] if i > 0 and episode.turns[i - 1][1].speaks else silence_FM for i in speaking
    ]
    empty_UFM = mel_TFM[:0]
    cut = Positions(
        positions.kind_S[:length],
        positions.id_S[:length],
        positions.heard_AM[:num_heard],
        positions.said_AM[:num_heard],
        positions.is_said_A[:num_heard],
        positions.clock_A[:num_heard],
        positions.patch_P[: int((positions.kind_S[:length] == Kind.PATCH).sum())],
        positions.fine_AFM[:num_heard],
    )
    missing = length - len(cut)
    if missing > 0:
        cut = concatenate([cut, text_positions([markers.pad] * missing)])
    target_L = torch.full((length,), NO_TARGET)
    target_L[: min(length, len(target_S))] = target_S[:length]
    frame_target_A = torch.full((num_heard,), NO_TARGET)
    if episode.frame_ids is not None:
        frame_target_A = torch.as_tensor(episode.frame_ids)[:num_heard]
    slot_target_UK = torch.full((len(speaking), NUM_SLOTS), NO_TARGET)
    if episode.slot_ids is not None:
        slot_target_UK = torch.as_tensor(episode.slot_ids)[speaking]
    return Row(
        cut,
        target_L,
        slots_S[: num_speaking * NUM_SLOTS].view(-1, NUM_SLOTS),
        mel_TFM[speaking] if speaking else empty_UFM,
        disturb_context(torch.stack(context), config, rng) if context else empty_UFM,
        num_heard // 4,
        frame_target_A,
        slot_target_UK,
    )


def pack(
    episodes: list[Episode],
    markers: Markers,
    config: PackConfig,
    seed: int,
    starts_V: Tensor | None = None,
) -> RowBatch:
    """One row for each episode; the same seed gives the same batch. starts_V: which pieces begin a
    word (`Text.word_starts`); without it no words are forgotten."""
    rng = torch.Generator().manual_seed(seed)
    rows = [row_of(episode, markers, config, rng, starts_V) for episode in episodes]
    target_S = torch.cat([row.target_L for row in rows])
    weight_S = (target_S != NO_TARGET).float()
    weight_S[target_S == markers.silent] = config.silent_weight
    is_heard_S = torch.cat([in_heard_lane(row.target_L, markers) for row in rows])
    offsets = [config.row_length * index for index in range(len(rows))]
    return RowBatch(
        concatenate([row.positions for row in rows]),
        len(rows),
        target_S,
        weight_S,
        is_heard_S,
        torch.cat([row.slot_index_UK + offset for row, offset in zip(rows, offsets, strict=True)]),
        torch.cat([row.mel_UFM for row in rows]),
        torch.cat([row.context_UFM for row in rows]),
        sum(row.num_turns for row in rows) * MICRO_TURN_MS / 1000,
        torch.cat([row.frame_target_A for row in rows]),
        torch.cat([row.slot_target_UK for row in rows]),
    )
