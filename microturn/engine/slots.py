"""Sessions in slots: their streams have fixed shapes and lie on the model's device, and each round
of a tick is one CUDA graph there. For a GPU; not run on one yet. On CPU the same rounds run step
by step, which the tests use.

All rounds that can come are captured before anything is served. A round computes all slots,
whoever is due; how many rows it has is what the longest run needs, so a result depends on the
company in its last bits. Who needs equal bits takes ordinary streams.

Legend: B slots, R rows of a round, D width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import cast

import torch
from torch import Tensor

from microturn.engine.graphs import GraphedRound
from microturn.engine.limits import SessionLimits
from microturn.model.cache import BackboneState
from microturn.model.model import InteractionModel
from microturn.model.static import Moves, SlotState, StaticStreams
from microturn.sequence import Positions, concatenate
from microturn.turns import AUDIO_FRAMES, NUM_SLOTS

SILENT = 1 + AUDIO_FRAMES  # what a micro-turn opens with; also `<|speak|>` and the slots
GUESSING = SILENT + 1 + NUM_SLOTS  # the same with a guess behind it
ROWS = (1, SILENT, GUESSING, 64)  # of a round; a round of more is run in parts


class Slots:
    """Streams of one model, and the rounds that move them."""

    def __init__(self, model: InteractionModel, num_slots: int, rows: Sequence[int] = ROWS) -> None:
        """Captures all rounds. Raises ValueError where a layer has no window or remembers text."""
        self.model = model
        self.device = model.transformer.norm.weight.device
        self.streams = StaticStreams.empty(model.transformer, num_slots, max(rows))
        self.rounds = {count: GraphedRound(model, self.streams, count) for count in sorted(rows)}
        self.free = list(reversed(range(num_slots)))

    def take(self) -> SlotState:
        """A new stream. Raises ValueError where no slot is free."""
        if not self.free:
            raise ValueError("no slot is free: close a session first")
        return SlotState(self, self.free.pop())

    def give(self, state: SlotState) -> None:
        """Free a stream's slot. Twice is no error."""
        if state.slot not in self.free:
            self.streams.clear(state.slot)
            self.free.append(state.slot)

    def extend(
        self,
        model: InteractionModel,
        runs: Sequence[Positions],
        states: Sequence[BackboneState],
        num_ahead: Sequence[int],
    ) -> list[Tensor]:
        """`extend_together` of streams in slots: hidden_SD of each, in memory of the host.

        Raises ValueError for a run without a position.
        """
        for run, ahead in zip(runs, num_ahead, strict=True):
            if not 0 <= ahead < len(run):
                raise ValueError(f"extend needs at least one position, got {len(run) - ahead}")
        mine = cast(Sequence[SlotState], states)
        with torch.no_grad():
            x_SD = self.model.embedder(on_device(concatenate(runs), self.device))
            parts = list(self.parts(x_SD.split([len(run) for run in runs]), mine, num_ahead))
        return [torch.cat(found) for found in zip(*parts, strict=True)]

    def parts(
        self, rows: Sequence[Tensor], states: Sequence[SlotState], num_ahead: Sequence[int]
    ) -> Iterator[list[Tensor]]:
        """Rounds until all rows are done; a guess is not cut. Of each stream its rows of a round,
        maybe none."""
        most, done = max(self.rounds), [0] * len(rows)
        while any(first < len(x_SD) for first, x_SD in zip(done, rows, strict=True)):
            cut: list[tuple[Tensor, int]] = []
            for place, (x_SD, ahead) in enumerate(zip(rows, num_ahead, strict=True)):
                first, left = done[place], len(x_SD) - done[place]
                count = left if left <= most else min(most, left - ahead)
                cut.append((x_SD[first : first + count], ahead if 0 < count == left else 0))
                done[place] += count
            yield self.round(cut, states)

    def round(self, cut: Sequence[tuple[Tensor, int]], states: Sequence[SlotState]) -> list[Tensor]:
        """One round: of each stream its rows and how many of them are a guess."""
        longest = max(len(x_SD) for x_SD, _ in cut)
        num_rows = min(count for count in self.rounds if count >= longest)
        width = self.model.config.backbone.width
        x_BRD = cut[0][0].new_zeros(self.streams.num_streams, num_rows, width)
        moves = Moves.none(self.streams.num_streams)
        for (x_SD, ahead), state in zip(cut, states, strict=True):
            slot = state.slot
            x_BRD[slot, : len(x_SD)] = x_SD
            values = (state.length, len(x_SD), ahead, *state.told())
            for field, value in zip(fields(moves), values, strict=True):
                getattr(moves, field.name)[slot] = value
        hidden_BRD = self.rounds[num_rows].run(x_BRD, moves).cpu()
        for (x_SD, ahead), state in zip(cut, states, strict=True):
            state.length += len(x_SD) - ahead
            state.num_ahead = ahead if len(x_SD) else state.num_ahead
        return [
            hidden_BRD[state.slot, : len(x_SD)].clone()
            for (x_SD, _), state in zip(cut, states, strict=True)
        ]


def slots_of(model: InteractionModel, limits: SessionLimits) -> Slots:
    """For an engine with these limits. Raises ValueError where they ask for going back."""
    if limits.kept_micro_turns:
        raise ValueError(
            "streams in slots cannot be rolled back to earlier micro-turns: set kept_micro_turns=0"
        )
    return Slots(model, limits.max_sessions)


def on_device(positions: Positions, device: torch.device) -> Positions:
    """The same positions there."""
    return Positions(*(getattr(positions, field.name).to(device) for field in fields(positions)))
