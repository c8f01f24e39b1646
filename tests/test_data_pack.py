"""Rows: cut, padded, disturbed on the input side only, with slots and mel that belong together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from microturn.data.pack import PackConfig, disturb, forget, heard_pieces, in_heard_lane, pack
from microturn.data.render import Episode
from microturn.data.timeline import Timeline
from microturn.sequence import (
    NO_CLOCK,
    NO_TARGET,
    NUM_MEL_BINS,
    Kind,
    Markers,
    TurnDecision,
    TurnFeatures,
    whole,
)
from microturn.signal.mel import SILENT_MEL
from microturn.turns import AUDIO_FRAMES, NUM_SLOTS

MARKERS = Markers(*range(len(Markers.names())))
FRAMES = 20
CALM = PackConfig(
    said_noise=0.0,
    strong_said_noise=0.0,
    shuffled_said=0.0,
    heard_text_noise=0.0,
    late_start=0.0,
    noisy_context=0.0,
)
CONTEXT = replace(CALM, noisy_context=0.5, context_noise=2.0)
ALWAYS = PackConfig(late_start=1.0, heard_text_noise=0.8)


def episode(seed: int = 0, num_turns: int = 30) -> Episode:
    """Random bins; every third micro-turn hears words, half of them speak; mel i holds i."""
    rng = torch.Generator().manual_seed(seed)
    turns = []
    speaks_before = False
    for index in range(num_turns):
        bins_AM = torch.randint(0, 16, (AUDIO_FRAMES, NUM_MEL_BINS), generator=rng)
        said_AM = bins_AM.flip(0).to(torch.uint8) if speaks_before else None
        speaks = index % 8 in (3, 4, 5, 6)
        heard = (MARKERS.heard, 20 + index % 9, 30 + index % 7) if index % 3 == 0 else ()
        between = (MARKERS.end,) if heard and speaks else ()
        said = (40 + index % 5,) if speaks else ()
        features = TurnFeatures(index, bins_AM.to(torch.uint8), said_AM)
        turns.append((features, TurnDecision((*heard, *between, *said), speaks)))
        speaks_before = speaks
    mel = np.full((num_turns, FRAMES, NUM_MEL_BINS), SILENT_MEL, dtype=np.float16)
    for index, (_, decision) in enumerate(turns):
        if decision.speaks:
            mel[index] = index
    frame_ids = np.arange(num_turns * AUDIO_FRAMES) % 50
    frame_ids[::7] = NO_TARGET
    slot_ids = np.arange(num_turns * NUM_SLOTS).reshape(num_turns, NUM_SLOTS) % 60
    timeline = Timeline(num_turns * 200, ())
    return Episode(turns, mel, timeline, frame_ids=frame_ids, slot_ids=slot_ids)


def laid(one: Episode) -> tuple[torch.Tensor, torch.Tensor, int]:
    positions, target_S = whole(one.turns, MARKERS)
    return positions.kind_S, target_S, len(positions)


@pytest.mark.parametrize("length", [1, 7, 64, 100, 1024])
def test_rows_are_cut_and_padded(length):
    one = episode()
    kind_S, target_S, num_positions = laid(one)
    batch = pack([one], MARKERS, replace(CALM, row_length=length), seed=1)
    kept = min(length, num_positions)
    assert len(batch.positions) == len(batch.target_S) == len(batch.weight_S) == length
    assert torch.equal(batch.positions.kind_S[:kept], kind_S[:kept])
    assert torch.equal(batch.target_S[:kept], target_S[:kept])
    assert (batch.positions.id_S[kept:] == MARKERS.pad).all()
    assert (batch.target_S[kept:] == NO_TARGET).all()
    assert (batch.weight_S[kept:] == 0).all()
    num_heard = int((batch.positions.kind_S == Kind.HEARD).sum())
    for rows in (batch.positions.heard_AM, batch.positions.said_AM, batch.positions.clock_A):
        assert len(rows) == num_heard
    assert batch.audio_seconds == pytest.approx(num_heard // AUDIO_FRAMES * 0.2)


def test_rows_lie_one_after_the_other():
    both = pack([episode(1), episode(2)], MARKERS, replace(CALM, row_length=128), seed=1)
    alone = [
        pack([episode(seed)], MARKERS, replace(CALM, row_length=128), seed=1) for seed in (1, 2)
    ]
    assert both.num_rows == 2
    assert torch.equal(both.target_S, torch.cat([row.target_S for row in alone]))
    heard_AM = torch.cat([row.positions.heard_AM for row in alone])
    assert torch.equal(both.positions.heard_AM, heard_AM)
    shifted_UK = alone[1].slot_index_UK + 128
    assert torch.equal(both.slot_index_UK, torch.cat([alone[0].slot_index_UK, shifted_UK]))
    assert not torch.equal(alone[0].positions.heard_AM, alone[1].positions.heard_AM)


@pytest.mark.parametrize("length", [*range(30, 62), 1024])
def test_slots_point_at_slots_and_carry_their_own_mel(length):
    one = episode()
    batch = pack([one, one], MARKERS, replace(CALM, row_length=length), seed=1)
    kind_UK = batch.positions.kind_S[batch.slot_index_UK]
    number_UK = batch.positions.id_S[batch.slot_index_UK]
    assert (kind_UK == Kind.SLOT).all()
    assert (number_UK == torch.arange(NUM_SLOTS)).all()
    before_U = batch.positions.id_S[batch.slot_index_UK[:, 0] - 1]
    assert (before_U == MARKERS.speak).all()
    speaking = [index for index, (_, decision) in enumerate(one.turns) if decision.speaks]
    num_complete = int((batch.positions.kind_S[:length] == Kind.SLOT).sum()) // NUM_SLOTS
    wanted = 2 * speaking[:num_complete]
    assert batch.mel_UFM[:, 0, 0].tolist() == wanted
    assert len(batch.context_UFM) == len(batch.slot_index_UK) == len(wanted)


def test_context_is_the_mel_before_or_silence():
    one = episode()
    batch = pack([one], MARKERS, replace(CALM, row_length=1024), seed=1)
    speaks = [decision.speaks for _, decision in one.turns]
    wanted = [
        float(index - 1) if speaks[index - 1] else SILENT_MEL
        for index, decided in enumerate(speaks)
        if decided
    ]
    assert batch.context_UFM[:, 0, 0].tolist() == pytest.approx(wanted, abs=1e-3)
    assert batch.context_UFM.shape == batch.mel_UFM.shape
    assert wanted.count(SILENT_MEL) > 1 and len(set(wanted)) > 3


def test_known_frames_get_noise_for_a_share_of_the_micro_turns():
    one = episode(num_turns=200)
    calm, rough = (
        pack([one], MARKERS, replace(config, row_length=4096), 3) for config in (CALM, CONTEXT)
    )
    std_U = (rough.context_UFM - calm.context_UFM).flatten(1).std(1)
    assert float((std_U > 0).float().mean()) == pytest.approx(0.5, abs=0.15)
    assert 1.2 < float(std_U.max()) < 2.2 and float(std_U[std_U > 0].min()) < 0.5


def test_frames_keep_their_pieces_when_rows_are_cut():
    one, other = episode(), episode(1)
    batch = pack([one, other], MARKERS, replace(CALM, row_length=70), 1)
    is_heard_S = batch.positions.kind_S == Kind.HEARD
    assert len(batch.frame_target_A) == int(is_heard_S.sum())
    num_first = int(is_heard_S[:70].sum())
    assert batch.frame_target_A[:num_first].tolist() == one.frame_ids[:num_first].tolist()
    assert batch.frame_target_A[num_first:][:9].tolist() == other.frame_ids[:9].tolist()
    unknown = pack([replace(one, frame_ids=None, slot_ids=None)], MARKERS, CALM, 1)
    assert (unknown.frame_target_A == NO_TARGET).all()
    assert (unknown.slot_target_UK == NO_TARGET).all()
    speaking = [i for i, (_, decision) in enumerate(one.turns) if decision.speaks]
    assert batch.slot_target_UK[:3].tolist() == one.slot_ids[speaking[:3]].tolist()
    assert len(batch.slot_target_UK) == len(batch.slot_index_UK)


def test_silent_episode_has_no_slots():
    one = episode(num_turns=3)
    batch = pack([one], MARKERS, replace(CALM, row_length=40), seed=1)
    assert batch.slot_index_UK.shape == (0, NUM_SLOTS)
    assert batch.mel_UFM.shape == batch.context_UFM.shape == (0, FRAMES, NUM_MEL_BINS)


def test_weights():
    config = replace(CALM, row_length=256, silent_weight=0.3)
    batch = pack([episode()], MARKERS, config, seed=1)
    target_S, weight_S = batch.target_S, batch.weight_S
    assert weight_S[target_S == MARKERS.silent].unique().tolist() == pytest.approx([0.3])
    assert set(weight_S[target_S == MARKERS.speak].tolist()) == {1.0}
    heard_S = (target_S == MARKERS.heard) | ((target_S >= 20) & (target_S < 40))
    assert torch.equal(batch.is_heard_S & (target_S != NO_TARGET), heard_S)
    assert set(weight_S[heard_S].tolist()) == {1.0}
    assert set(weight_S[target_S >= 40].tolist()) == {1.0}
    assert set(weight_S[target_S == MARKERS.end].tolist()) == {1.0}
    assert (weight_S[target_S == NO_TARGET] == 0).all()


def test_heard_lane_opens_and_closes():
    m = MARKERS
    id_S = torch.tensor([20, m.heard, 20, 21, m.end, 40, m.speak, m.heard, 22, m.silent, 23])
    lane = [False, True, True, True, False, False, False, True, True, False, False]
    assert in_heard_lane(id_S, m).tolist() == lane
    assert not in_heard_lane(id_S[:1], m).any()


def test_disturbance_leaves_targets_alone():
    """What the model should make of it stays; what it is fed does not (else nothing is tested)."""
    one = episode()
    for seed in range(6):
        calm = pack([one], MARKERS, replace(CALM, row_length=256), seed)
        rough = pack([one], MARKERS, replace(ALWAYS, row_length=256), seed)
        for name in (
            "target_S",
            "weight_S",
            "is_heard_S",
            "slot_index_UK",
            "frame_target_A",
            "slot_target_UK",
        ):
            assert torch.equal(getattr(calm, name), getattr(rough, name)), name
        assert torch.equal(calm.mel_UFM, rough.mel_UFM)
        assert not torch.equal(calm.context_UFM, rough.context_UFM)
        for name in ("kind_S", "heard_AM", "is_said_A", "patch_P"):
            assert torch.equal(getattr(calm.positions, name), getattr(rough.positions, name)), name
        for name in ("id_S", "said_AM", "clock_A"):
            same = torch.equal(getattr(calm.positions, name), getattr(rough.positions, name))
            assert not same, name


def test_only_heard_pieces_are_replaced():
    positions, _ = whole(episode().turns, MARKERS)
    rng = torch.Generator().manual_seed(0)
    moved = disturb(positions, MARKERS, replace(CALM, heard_text_noise=1.0), rng)
    changed_S = moved.id_S != positions.id_S
    assert changed_S.any()
    assert ((positions.id_S[changed_S] >= 20) & (positions.id_S[changed_S] < 40)).all()
    assert (positions.kind_S[changed_S] == Kind.TEXT).all()
    assert ((moved.id_S[changed_S] >= 20) & (moved.id_S[changed_S] < 40)).all()


STARTS = torch.zeros(100, dtype=torch.bool)
STARTS[20:30] = True  # the first piece of each of the episode's words


def test_forgotten_words_are_gone_whole_and_their_rest_is_not_asked_for():
    positions, target_S = whole(episode(num_turns=120).turns, MARKERS)
    rng = torch.Generator().manual_seed(0)
    moved, untold_N = forget(positions, MARKERS, STARTS, 0.6, rng)
    where_P = heard_pieces(positions, MARKERS).nonzero().flatten()
    assert torch.equal(target_S[where_P - 1], positions.id_S[where_P])  # who tells a piece
    changed_S = moved.id_S != positions.id_S
    assert set(changed_S.nonzero().flatten().tolist()) <= set(where_P.tolist())
    words = where_P.view(-1, 2)
    share = changed_S[words].any(1).float().mean().item()
    assert 0.4 < share < 0.8
    told_rest = {int(p) for p in words[:, 1]} - {int(n) + 1 for n in untold_N}
    assert {int(n) + 1 for n in untold_N} <= {int(p) for p in words[:, 1]}
    assert not any(changed_S[p - 1] or changed_S[p] for p in told_rest)
    assert len(untold_N) / len(words) == pytest.approx(share, abs=0.08)
    assert torch.equal(moved.heard_AM, positions.heard_AM)


def test_a_share_of_the_rows_forgets_where_words_are_known():
    config = replace(CALM, row_length=400, forgotten_rows=0.5, forgotten_words=0.6)
    one = episode(num_turns=40)
    calm = pack([one], MARKERS, config, 0)
    num_calm = int((calm.target_S != NO_TARGET).sum())
    lost = []
    for seed in range(40):
        batch = pack([one], MARKERS, config, seed, STARTS)
        missing_S = (batch.target_S == NO_TARGET) & (calm.target_S != NO_TARGET)
        lost.append(int(missing_S.sum()))
        assert ((calm.target_S[missing_S] >= 30) & (calm.target_S[missing_S] < 40)).all()
        assert torch.equal(batch.weight_S == 0, batch.target_S == NO_TARGET)
        assert torch.equal(batch.target_S[~missing_S], calm.target_S[~missing_S])
    assert 0.3 < sum(n > 0 for n in lost) / len(lost) < 0.7
    never = pack([one], MARKERS, replace(config, forgotten_rows=0.0), 1, STARTS)
    assert int((never.target_S != NO_TARGET).sum()) == num_calm  # control


def test_a_row_without_heard_words_has_nothing_to_forget():
    one = episode(num_turns=2)
    silent = replace(one, turns=[(f, TurnDecision((), False)) for f, _ in one.turns])
    batch = pack([silent], MARKERS, replace(CALM, row_length=40, forgotten_rows=1.0), 0, STARTS)
    assert int((batch.target_S != NO_TARGET).sum()) == 2


def test_a_late_start_moves_the_clock_as_a_whole():
    positions, _ = whole(episode().turns, MARKERS)
    config = replace(CALM, late_start=1.0, max_start_minutes=20.0)
    moved = disturb(positions, MARKERS, config, torch.Generator().manual_seed(3)).clock_A
    is_clock_A = positions.clock_A != NO_CLOCK
    offset = set((moved - positions.clock_A)[is_clock_A].tolist())
    assert len(offset) == 1 and 0 < offset.pop() < 20 * 300
    assert (moved[~is_clock_A] == NO_CLOCK).all()


@pytest.mark.parametrize(
    "config",
    [
        replace(CALM, said_noise=1.0),
        replace(CALM, strong_said_noise=1.0),
        replace(CALM, shuffled_said=1.0),
    ],
)
def test_said_bins_stay_bins(config):
    positions, _ = whole(episode().turns, MARKERS)
    moved = disturb(positions, MARKERS, config, torch.Generator().manual_seed(3)).said_AM
    is_said_A = positions.is_said_A
    assert moved.dtype == torch.uint8 and int(moved.max()) < 16
    assert not torch.equal(moved[is_said_A], positions.said_AM[is_said_A])
    if config.shuffled_said:
        for bins_AM in (moved, positions.said_AM):
            assert not torch.equal(moved, positions.said_AM)
            assert torch.equal(bins_AM.sort(0).values, positions.said_AM.sort(0).values)


def test_same_seed_same_batch():
    def flat(seed):
        batch = pack([episode(), episode(4)], MARKERS, replace(ALWAYS, row_length=200), seed)
        return torch.cat([batch.positions.id_S, batch.positions.said_AM.long().flatten()])

    assert torch.equal(flat(5), flat(5))
    assert not torch.equal(flat(5), flat(6))
