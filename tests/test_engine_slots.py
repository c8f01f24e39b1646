"""An engine over slots of fixed shape does what the ordinary one does, to rounding, in any company;
slots come back on every path. On CPU, without capture."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch

from microturn.engine.engine import Engine
from microturn.engine.limits import EngineFull, SessionEnded, SessionLimits
from microturn.engine.sampler import SamplingConfig
from microturn.engine.slots import Slots
from microturn.model.static import SPARE
from microturn.model.together import extend_together
from microturn.sequence import text_positions
from microturn.turns import MicroTurnInput, MicroTurnOutput
from tests.test_engine_bench_flat import windowed_engine
from tests.test_engine_engine import same, turns

NUM_TURNS, NUM_SLOTS = 8, 3
SAMPLING = SamplingConfig(num_flow_steps=1, max_text_tokens=2)
LIMITS = SessionLimits(max_sessions=NUM_SLOTS, kept_micro_turns=0)
ORDINARY = windowed_engine()
LONG = "be brief " * 12  # more positions than one round
PATTERN = [False, True, True, False]


def an_engine(is_static: bool = True) -> Engine:
    parts = (ORDINARY.model, ORDINARY.vocoder, ORDINARY.text)
    return Engine(*parts, SAMPLING, LIMITS, is_static=is_static)


STATIC = an_engine()


def heard_by(seed: int, num_turns: int = NUM_TURNS) -> list[MicroTurnInput]:
    """Nothing of its own sound comes back: a rounding that moves a bin of it would move all."""
    return [replace(turn, played_ms=0) for turn in turns(seed, num_turns)]


def talk(engine: Engine, seed: int, num_turns: int = NUM_TURNS) -> list[MicroTurnOutput]:
    """A session that is told to speak now and then, with instructions longer than a round."""
    session_id = engine.open(seed=seed, instructions=LONG)
    outputs = [
        engine.step(session_id, turn, PATTERN[turn.index % 4]) for turn in heard_by(seed, num_turns)
    ]
    engine.close(session_id)
    return outputs


def near(one: MicroTurnOutput, other: MicroTurnOutput) -> bool:
    return (
        (one.text_ids, one.speaks) == (other.text_ids, other.speaks)
        and abs(one.p_speak - other.p_speak) < 1e-4
        and np.allclose(one.audio, other.audio, atol=1e-3)
    )


def test_it_does_what_the_ordinary_engine_does() -> None:
    slots, ordinary = talk(STATIC, 1), talk(an_engine(False), 1)
    assert all(map(near, slots, ordinary))
    assert any(output.audio.any() for output in slots)
    assert any(output.text_ids for output in slots)
    other = talk(STATIC, 2)
    assert not all(map(near, other, ordinary))
    assert not STATIC.sessions and len(STATIC.slots.free) == NUM_SLOTS  # type: ignore[union-attr]


def test_a_company_does_what_each_does_alone() -> None:
    alone = [talk(STATIC, seed) for seed in range(2)]
    ids = [STATIC.open(seed=seed, instructions=LONG) for seed in range(2)]
    heard = [heard_by(seed) for seed in range(2)]
    for index in range(NUM_TURNS):
        forced = dict.fromkeys(ids, PATTERN[index % 4])
        results = STATIC.step_many([(s, heard[i][index]) for i, s in enumerate(ids)], forced)
        for place, result in enumerate(results):
            assert isinstance(result, MicroTurnOutput) and near(result, alone[place][index])
    for session_id in ids:
        STATIC.close(session_id)


def test_a_tick_that_fails_leaves_streams_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vocoder fails after all rounds of a tick have run; then each session runs alone."""
    quiet = talk(STATIC, 3, 6)
    engine, fails = an_engine(), [4]
    voice = engine.tick.voice

    def broken(*given: object) -> None:
        if fails[0] and engine.sessions[session_id].index == 3:
            fails[0] -= 1
            raise RuntimeError("no voice")
        voice(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.tick, "voice", broken)
    session_id = engine.open(seed=3, instructions=LONG)
    for turn in heard_by(3, 6):
        for _ in range(5):
            forced = {session_id: PATTERN[turn.index % 4]}
            (result,) = engine.step_many([(session_id, turn)], forced)
            if isinstance(result, MicroTurnOutput):
                break
        assert isinstance(result, MicroTurnOutput) and same(result, quiet[turn.index])
    assert fails == [0]


def test_what_is_not_a_number_ends_one_session_and_its_slot_is_clean() -> None:
    engine = an_engine()
    quiet = talk(engine, 4, 3)
    bad, good = engine.open(seed=9), engine.open(seed=4, instructions=LONG)
    heard = heard_by(4, 3)
    assert engine.slots is not None
    slot = engine.session(bad).backbone.slot  # type: ignore[attr-defined]
    for index in range(3):
        if index == 1:
            engine.slots.streams.layers[0].key_BKNW[slot] = torch.nan
        ids = [one for one in (bad, good) if one in engine.sessions]
        forced = dict.fromkeys(ids, PATTERN[index % 4])
        results = engine.step_many([(one, heard[index]) for one in ids], forced)
        assert near(results[-1], quiet[index])  # type: ignore[arg-type]
        if index == 1:
            assert isinstance(results[0], SessionEnded)
    engine.close(good)
    assert sorted(engine.slots.free) == [0, 1, 2]
    assert all(map(near, talk(engine, 4, 3), quiet))  # in the slot that was broken


def half_open(engine: Engine) -> Generator[Any]:
    return cast(Generator[Any], engine.opening(instructions=LONG))


def test_slots_come_back_and_run_out() -> None:
    engine = an_engine()
    assert engine.slots is not None
    for _ in range(3):
        opening = half_open(engine)
        next(opening)
        assert len(engine.slots.free) == NUM_SLOTS - 1
        opening.close()  # dropped in the middle
        assert len(engine.slots.free) == NUM_SLOTS
    waiting = [half_open(engine) for _ in range(NUM_SLOTS)]
    for one in waiting:
        next(one)
    with pytest.raises(EngineFull, match="slots of this engine are taken"):
        engine.open()
    for one in waiting:
        one.close()
    ids = [engine.open() for _ in range(NUM_SLOTS)]
    with pytest.raises(EngineFull):
        engine.open()
    for session_id in (*ids, *ids):
        engine.close(session_id)
    assert sorted(engine.slots.free) == list(range(NUM_SLOTS))


def test_what_slots_cannot_do_is_said() -> None:
    engine = an_engine()
    session_id = engine.open()
    for call in (engine.snapshot, lambda _: engine.restore(b"")):
        with pytest.raises(ValueError, match="do not travel"):
            call(session_id)
    engine.step(session_id, turns(0, 1)[0])
    with pytest.raises(ValueError, match="can go back to"):
        engine.rollback(session_id, 0)
    parts = (ORDINARY.model, ORDINARY.vocoder, ORDINARY.text)
    with pytest.raises(ValueError, match="kept_micro_turns=0"):
        Engine(*parts, SAMPLING, SessionLimits(), is_static=True)
    state = engine.session(session_id).backbone
    mark = state.mark()
    state.length += SPARE + 1
    with pytest.raises(ValueError, match=f"{SPARE} positions at most"):
        state.rollback(mark)
    full = Slots(ORDINARY.model, 1, rows=(1, 5))
    full.take()
    with pytest.raises(ValueError, match="no slot is free"):
        full.take()


def test_a_run_longer_than_any_round_goes_in_parts() -> None:
    """Typed text of 150 letters in one micro-turn."""
    found = []
    for engine in (STATIC, an_engine(False)):
        session_id = engine.open(seed=1)
        sound = turns(1, 1)[0].audio
        found.append(engine.step(session_id, MicroTurnInput(0, sound, text="word" * 38), True))
        assert engine.session(session_id).backbone.length > 150
        engine.close(session_id)
    assert near(*found)


@torch.inference_mode()
@pytest.mark.parametrize("is_right", [True, False])
def test_a_guess_outlives_rounds_of_others(is_right: bool) -> None:
    """The first stream is done, with a guess, when the second still has rows to run."""
    model, found = ORDINARY.model, []
    slots = Slots(model, 2, rows=(8,))
    short, long = (text_positions(list(range(20, 20 + count))) for count in (6, 12))
    for states in ([slots.take(), slots.take()], [model.transformer.new_state() for _ in range(2)]):
        extend_together(model, [short, long], states, [2, 0])
        if is_right:
            states[0].accept()
        assert [state.length for state in states] == [6 if is_right else 4, 12]
        found.append(extend_together(model, [long, short], states, [0, 0]))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
