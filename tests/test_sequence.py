"""The two ways into the sequence agree; lanes survive a round trip; the order is what the docs
say."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from microturn import sequence
from microturn.sequence import (
    NO_TARGET,
    Kind,
    Markers,
    Positions,
    TurnDecision,
    TurnFeatures,
    closing,
    concatenate,
    decoded,
    lay_lanes,
    opening,
    split_lanes,
    text_positions,
    whole,
)

MARKERS = Markers(*range(len(fields(Markers))))
FIRST_PIECE = len(fields(Markers))


def features(index: int, rng: torch.Generator, num_patches: int = 0, text_ids=()) -> TurnFeatures:
    heard = torch.randint(0, 16, (4, 80), generator=rng, dtype=torch.uint8)
    said = torch.randint(0, 16, (4, 80), generator=rng, dtype=torch.uint8) if index % 2 else None
    patches = None
    if num_patches:
        patches = torch.randint(0, 256, (num_patches, *sequence.PATCH_SHAPE), generator=rng)
        patches = patches.to(torch.uint8)
    fine = torch.randint(0, 256, (4, 8, 80), generator=rng, dtype=torch.uint8)
    return TurnFeatures(index, heard, said, patches, tuple(text_ids), fine if index % 3 else None)


pieces = st.lists(st.integers(FIRST_PIECE, 60), max_size=3)
conversations = st.lists(
    st.tuples(st.booleans(), pieces, pieces, st.integers(0, 2)), min_size=1, max_size=6
)


def build(drawn) -> list[tuple[TurnFeatures, TurnDecision]]:
    rng = torch.Generator().manual_seed(7)
    return [
        (features(i, rng, patches, typed), TurnDecision(tuple(written), speaks))
        for i, (speaks, written, typed, patches) in enumerate(drawn)
    ]


def stream(turns, prefix=()) -> Positions:
    """Lay a conversation out the way the engine does."""
    parts = [text_positions(prefix)] if prefix else []
    pending = None
    for turn, decision in turns:
        parts.append(opening(pending, turn))
        parts += [decoded(token_id) for token_id in decision.text_ids]
        pending = None if decision.speaks else MARKERS.silent
        if decision.speaks:
            parts.append(closing(MARKERS))
    if pending is not None:
        parts.append(text_positions([pending]))
    return concatenate(parts)


@given(conversations, pieces)
@settings(max_examples=60, deadline=None)
def test_streamed_positions_are_the_whole(drawn, prefix):
    turns = build(drawn)
    streamed, (laid, _) = stream(turns, prefix), whole(turns, MARKERS, prefix)
    for field in fields(Positions):
        assert torch.equal(getattr(streamed, field.name), getattr(laid, field.name)), field.name


@given(conversations)
@settings(max_examples=30, deadline=None)
def test_every_target_is_the_next_position(drawn):
    turns = build(drawn)
    positions, target = whole(turns, MARKERS)
    where = (target != NO_TARGET).nonzero().flatten()
    assert len(where) == sum(len(decision.text_ids) + 1 for _, decision in turns)
    assert torch.equal(positions.id_S[where + 1], target[where])
    assert bool((positions.kind_S[where + 1] == Kind.TEXT).all())


def test_a_silent_micro_turn_is_five_positions_and_a_speaking_one_closes_with_slots():
    rng = torch.Generator().manual_seed(0)
    silent = opening(MARKERS.silent, features(3, rng))
    assert silent.kind_S.tolist() == [Kind.TEXT] + [Kind.HEARD] * 4
    assert silent.clock_A.tolist() == [3, -1, -1, -1]
    assert closing(MARKERS).kind_S.tolist() == [Kind.TEXT] + [Kind.SLOT] * 4
    assert closing(MARKERS).id_S.tolist() == [MARKERS.speak, 0, 1, 2, 3]


def test_order_is_audio_image_typed_text_output_end_slots():
    rng = torch.Generator().manual_seed(0)
    turns = [(features(0, rng, 2, [50]), TurnDecision((51, 52), True))]
    positions, _ = whole(turns, MARKERS)
    kinds = [Kind.HEARD] * 4 + [Kind.PATCH] * 2 + [Kind.TEXT] * 4 + [Kind.SLOT] * 4
    assert positions.kind_S.tolist() == [int(kind) for kind in kinds]
    assert positions.id_S[6:10].tolist() == [50, 51, 52, MARKERS.speak]


@given(
    st.lists(st.integers(FIRST_PIECE, 60), max_size=9),
    st.lists(st.integers(FIRST_PIECE, 60), max_size=9),
)
def test_lanes_fit_and_nothing_is_lost(heard, said):
    got_heard, got_said = [], []
    for _ in range(40):
        if not heard and not said:
            break
        ids, num_heard, num_said, _ = lay_lanes(heard, said, MARKERS)
        assert 0 < len(ids) <= sequence.MAX_TEXT_TOKENS
        back_heard, back_said, delegated = split_lanes(ids, MARKERS)
        assert (back_heard, back_said, delegated) == (heard[:num_heard], said[:num_said], [])
        got_heard += back_heard
        got_said += back_said
        heard, said = heard[num_heard:], said[num_said:]
    assert not heard and not said


@given(
    st.lists(st.integers(FIRST_PIECE, 60), max_size=9),
    st.lists(st.integers(FIRST_PIECE, 60), max_size=9),
    st.lists(st.integers(FIRST_PIECE, 60), min_size=1, max_size=9),
)
def test_what_is_handed_over_comes_last_and_whole(heard, said, delegated):
    left, got = [heard, said, [*delegated, MARKERS.end]], []
    for _ in range(60):
        ids, *used = lay_lanes(left[0], left[1], MARKERS, delegated_ids=left[2])
        assert len(ids) <= sequence.MAX_TEXT_TOKENS
        back = split_lanes(ids, MARKERS)
        taken = [lane[:num] for lane, num in zip(left, used, strict=True)]
        assert list(back[:2]) == taken[:2]
        assert back[2] == [token for token in taken[2] if token != MARKERS.end]
        got += back[2]
        left = [lane[num:] for lane, num in zip(left, used, strict=True)]
    assert left == [[], [], []]
    assert got == delegated


def test_delegation_is_its_own_lane():
    ids = [MARKERS.heard, 40, MARKERS.end, 41, MARKERS.delegate, 42, 43, MARKERS.end]
    assert split_lanes(ids, MARKERS) == ([40], [41], [42, 43])


def test_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"heard bins must be \[4, 80\], got \[3, 80\]"):
        opening(None, TurnFeatures(0, torch.zeros(3, 80, dtype=torch.uint8)))
    fine = torch.zeros(4, 5, 80, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"fine frames must be \[4, 8, 80\], got \[4, 5, 80\]"):
        opening(None, TurnFeatures(0, torch.zeros(4, 80, dtype=torch.uint8), fine_AFM=fine))


def test_without_fine_frames_there_is_silence():
    rng = torch.Generator().manual_seed(0)
    (known, _), (unknown, _) = ((features(index, rng), None) for index in (1, 3))
    assert known.fine_AFM is not None and unknown.fine_AFM is None
    positions = concatenate([opening(None, known), opening(None, unknown)])
    silence = torch.zeros(4, 8, 80, dtype=torch.uint8)
    assert torch.equal(positions.fine_AFM, torch.cat([known.fine_AFM, silence]))
