"""THE order of one micro-turn in the model's sequence. Nothing else in the project knows it.

    1  heard + said audio   4 positions; the clock rides on the first
    2  image                one position a patch, if an image pair closed in this interval
    3  typed text, updates  token ids between typed-message markers
    4  output text          at most `max_text_tokens`: heard lane, said lane, delegation
    5  end                  `<|silent|>` or `<|speak|>`: the floor decision
    6  audio-out slots      4, only after `<|speak|>`

There are two ways in: `whole` lays out a conversation at once (training); `opening`, `decoded` and
`closing` lay out one micro-turn step by step (serving). The end token `<|silent|>` is not run when
it is sampled: it opens the next micro-turn, so that a silent micro-turn is one forward of five
positions. Concatenated, the steps are the whole (tests/test_sequence.py).

Output text of one micro-turn is `[<|heard|> heard...] [said...] [<|delegate|> ... <|end|>]`; where
said text or a delegation follows heard text, `<|end|>` closes the heard lane. A lane that does not
fit continues in the next micro-turn, opened again by its marker.

Legend: S positions, A heard positions (one per 50 ms), M mel bins, P patches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import torch
from torch import Tensor

from microturn.turns import AUDIO_FRAMES, NUM_SLOTS

NUM_MEL_BINS = 80
NUM_FINE_FRAMES = 8  # of 10 ms: those that end in the 100 ms that a heard position covers
PATCH_SHAPE = (2, 40, 40, 3)  # time, height, width, colour; one position a patch
MAX_TEXT_TOKENS = 6
NO_TARGET = -100  # a position whose next token the model does not author
NO_CLOCK = -1


class Kind(IntEnum):
    """What stands at a position."""

    TEXT = 0
    HEARD = 1
    PATCH = 2
    SLOT = 3


@dataclass(frozen=True)
class Markers:
    """Ids of the special tokens. Inkling names the message markers; the last five are ours."""

    pad: int
    message_system: int
    message_user: int
    message_tool: int
    content_text: int
    end_message: int
    heard: int
    delegate: int
    end: int
    silent: int
    speak: int

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Special-token strings in id order, as a tokenizer stores them."""
        return tuple(f"<|{field.name}|>" for field in fields(cls))


@dataclass(frozen=True)
class Positions:
    """Consecutive positions of any kinds. Row r of the A- and P-tensors belongs to the r-th such
    position.

    kind_S uint8; id_S int64 (token id, or slot number, else 0); heard_AM, said_AM uint8 dMel bins;
    is_said_A bool (own audio was audible in these 50 ms); clock_A int64 (micro-turn index on the
    first heard position, else NO_CLOCK); patch_P uint8 [P, 2, 40, 40, 3]; fine_AFM uint8 (what was
    heard in steps of 10 ms: `signal.mel.fine_bins`).
    """

    kind_S: Tensor
    id_S: Tensor
    heard_AM: Tensor
    said_AM: Tensor
    is_said_A: Tensor
    clock_A: Tensor
    patch_P: Tensor
    fine_AFM: Tensor

    def __len__(self) -> int:
        return len(self.kind_S)


@dataclass(frozen=True)
class TurnFeatures:
    """The input side of one micro-turn after `signal/`: bins, patches, token ids.

    Without fine_AFM the fine frames are those of silence (zeros).
    """

    index: int
    heard_AM: Tensor
    said_AM: Tensor | None = None
    patch_P: Tensor | None = None
    text_ids: tuple[int, ...] = ()
    fine_AFM: Tensor | None = None


@dataclass(frozen=True)
class TurnDecision:
    """The output side of one micro-turn: text of all lanes, then the floor decision."""

    text_ids: tuple[int, ...]
    speaks: bool


Layout = tuple[list[int], list[int]]  # kinds and ids of consecutive positions


def _positions(layout: Layout, turns: Sequence[TurnFeatures] = ()) -> Positions:
    """Positions with the bins, clock and patches of the micro-turns whose inputs are among them."""
    kinds, ids = layout
    if turns:
        heard_AM = torch.cat([turn.heard_AM for turn in turns])
        nothing_AM = torch.zeros_like(turns[0].heard_AM)
        silence_AFM = turns[0].heard_AM.new_zeros(AUDIO_FRAMES, NUM_FINE_FRAMES, NUM_MEL_BINS)
        fine_AFM = torch.cat([silence_AFM if t.fine_AFM is None else t.fine_AFM for t in turns])
        said_AM = torch.cat([nothing_AM if t.said_AM is None else t.said_AM for t in turns])
        is_said = [turn.said_AM is not None for turn in turns]
        is_said_A = torch.tensor(is_said).repeat_interleave(AUDIO_FRAMES)
        clocks = [[turn.index] + [NO_CLOCK] * (AUDIO_FRAMES - 1) for turn in turns]
        clock_A = torch.tensor(clocks, dtype=torch.int64).flatten()
    else:
        heard_AM = said_AM = torch.zeros(0, NUM_MEL_BINS, dtype=torch.uint8)
        fine_AFM = torch.zeros(0, NUM_FINE_FRAMES, NUM_MEL_BINS, dtype=torch.uint8)
        is_said_A = torch.zeros(0, dtype=torch.bool)
        clock_A = torch.zeros(0, dtype=torch.int64)
    patches = [turn.patch_P for turn in turns if turn.patch_P is not None]
    none_P = torch.zeros(0, *PATCH_SHAPE, dtype=torch.uint8)
    return Positions(
        torch.tensor(kinds, dtype=torch.uint8),
        torch.tensor(ids, dtype=torch.int64),
        heard_AM,
        said_AM,
        is_said_A,
        clock_A,
        torch.cat(patches) if patches else none_P,
        fine_AFM,
    )


def concatenate(parts: Sequence[Positions]) -> Positions:
    """Join runs of positions in order. Raises ValueError on an empty list."""
    if not parts:
        raise ValueError("concatenate needs at least one run of positions")
    return Positions(
        *(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Positions))
    )


def typed_message(role_id: int, text_ids: Sequence[int], markers: Markers) -> tuple[int, ...]:
    """Token ids of one typed message: role, content marker, text, end (Inkling's message
    format)."""
    return (role_id, markers.content_text, *text_ids, markers.end_message)


def text_positions(ids: Sequence[int]) -> Positions:
    """Plain token positions: a prefix, or one decoded token."""
    return _positions(text_layout(ids))


def text_layout(ids: Sequence[int]) -> Layout:
    """Plain tokens."""
    return [int(Kind.TEXT)] * len(ids), list(ids)


def input_layout(turn: TurnFeatures) -> Layout:
    """Spans 1 to 3 of one micro-turn. Raises ValueError where the features have the wrong shape."""
    if turn.heard_AM.shape != (AUDIO_FRAMES, NUM_MEL_BINS):
        raise ValueError(
            f"heard bins must be [{AUDIO_FRAMES}, {NUM_MEL_BINS}], got {list(turn.heard_AM.shape)}"
        )
    fine_shape = (AUDIO_FRAMES, NUM_FINE_FRAMES, NUM_MEL_BINS)
    if turn.fine_AFM is not None and turn.fine_AFM.shape != fine_shape:
        raise ValueError(f"fine frames must be {list(fine_shape)}, got {list(turn.fine_AFM.shape)}")
    num_patches = 0 if turn.patch_P is None else len(turn.patch_P)
    kinds = (
        [Kind.HEARD] * AUDIO_FRAMES + [Kind.PATCH] * num_patches + [Kind.TEXT] * len(turn.text_ids)
    )
    ids = [0] * (AUDIO_FRAMES + num_patches) + list(turn.text_ids)
    return [int(kind) for kind in kinds], ids


def input_positions(turn: TurnFeatures) -> Positions:
    """Spans 1 to 3 of one micro-turn. Raises ValueError where the features have the wrong shape."""
    return _positions(input_layout(turn), [turn])


# ---- one micro-turn at a time


def opening(pending_id: int | None, turn: TurnFeatures) -> Positions:
    """First extend of a micro-turn: the end token left over from the last one, then the input
    spans.

    The logits at its last position choose the first output token.
    """
    pending = text_layout([] if pending_id is None else [pending_id])
    return _positions(joined(pending, input_layout(turn)), [turn])


def decoded(token_id: int) -> Positions:
    """One decode step: an output text token that was just sampled."""
    return text_positions([token_id])


def closing(markers: Markers) -> Positions:
    """Last extend of a speaking micro-turn: `<|speak|>` and the slots, whose hidden states become
    sound."""
    return _positions(closing_layout(markers))


# ---- a whole conversation


def closing_layout(markers: Markers) -> Layout:
    """Span 6, after the end token that opens it."""
    kinds = [int(Kind.TEXT)] + [int(Kind.SLOT)] * NUM_SLOTS
    return kinds, [markers.speak, *range(NUM_SLOTS)]


def decision_layout(decision: TurnDecision, markers: Markers) -> Layout:
    """Spans 4 to 6 of one micro-turn."""
    end = closing_layout(markers) if decision.speaks else text_layout([markers.silent])
    return joined(text_layout(decision.text_ids), end)


def joined(one: Layout, other: Layout) -> Layout:
    """One layout after the other."""
    return one[0] + other[0], one[1] + other[1]


def whole(
    turns: Sequence[tuple[TurnFeatures, TurnDecision]],
    markers: Markers,
    prefix_ids: Sequence[int] = (),
) -> tuple[Positions, Tensor]:
    """Lay out a conversation.

    Returns the positions and target_S int64: at each position the next token, where the model is
    its author (output text and end tokens), else NO_TARGET.
    """
    kinds, ids = text_layout(prefix_ids)
    targets = [NO_TARGET] * len(prefix_ids)
    for features, decision in turns:
        inputs, outputs = input_layout(features), decision_layout(decision, markers)
        authored = [*decision.text_ids, markers.speak if decision.speaks else markers.silent]
        num_before = len(inputs[0]) - 1
        num_after = 1 + len(outputs[0]) - len(authored)
        targets += [*[NO_TARGET] * num_before, *authored, *[NO_TARGET] * num_after]
        for layout in (inputs, outputs):
            kinds += layout[0]
            ids += layout[1]
    positions = _positions((kinds, ids), [features for features, _ in turns])
    return positions, torch.tensor(targets, dtype=torch.int64)


# ---- lanes of output text


def lay_lanes(
    heard_ids: Sequence[int],
    said_ids: Sequence[int],
    markers: Markers,
    limit: int = MAX_TEXT_TOKENS,
    delegated_ids: Sequence[int] = (),
) -> tuple[tuple[int, ...], int, int, int]:
    """Fit the lanes into one micro-turn; said text goes first when there is too little room, what
    is handed over last.

    `delegated_ids` end with `<|end|>` where the delegation does. Returns (text ids, number of heard
    ids used, of said ids used, of delegated ids used). What is left waits.
    """
    num_said = min(len(said_ids), limit)
    room = (
        limit - num_said - (2 if num_said else 1)
    )  # <|heard|>, and <|end|> where said text follows
    num_heard = max(0, min(len(heard_ids), room))
    ids = [markers.heard, *heard_ids[:num_heard]] if num_heard else []
    if num_heard and (num_said or (delegated_ids and len(ids) + 3 <= limit)):
        ids.append(markers.end)
    ids += said_ids[:num_said]
    is_open = bool(num_heard) and markers.end not in ids
    num_delegated = 0 if is_open else max(0, min(len(delegated_ids), limit - len(ids) - 1))
    if num_delegated:
        ids += [markers.delegate, *delegated_ids[:num_delegated]]
    return tuple(ids), num_heard, num_said, num_delegated


def split_lanes(
    text_ids: Sequence[int], markers: Markers
) -> tuple[list[int], list[int], list[int]]:
    """Undo `lay_lanes`: (heard ids, said ids, delegated ids) of one micro-turn's output text."""
    heard: list[int] = []
    said: list[int] = []
    delegated: list[int] = []
    lane = said
    for token_id in text_ids:
        if token_id == markers.heard:
            lane = heard
        elif token_id == markers.delegate:
            lane = delegated
        elif token_id == markers.end:
            lane = said
        else:
            lane.append(token_id)
    return heard, said, delegated
