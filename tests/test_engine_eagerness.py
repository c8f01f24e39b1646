"""Each session has its own eagerness, and it travels with the session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from microturn.engine.engine import Engine
from microturn.engine.sampler import SamplingConfig
from microturn.model.config import FloorConfig
from tests.test_engine_engine import turns
from tests.tiny import tiny_engine


def speaking(engine: Engine, session_id: str, num_turns: int = 12) -> list[bool]:
    return [engine.step(session_id, turn).speaks for turn in turns(1, num_turns)]


def test_sessions_of_one_engine_differ():
    engine = tiny_engine()
    plain, eager, reserved = (engine.open(0, None, lean) for lean in (None, 50.0, -50.0))
    heard = turns(1, 12)
    found = {name: [] for name in (plain, eager, reserved)}
    for turn in heard:
        outputs = engine.step_many([(name, turn) for name in found])
        for name, output in zip(found, outputs, strict=True):
            found[name].append(output)
    assert all(output.speaks and output.p_speak > 0.5 for output in found[eager])
    assert not any(output.speaks or output.p_speak > 0.5 for output in found[reserved])
    alone = speaking(engine, engine.open(0))
    assert [output.speaks for output in found[plain]] == alone
    assert 0 < sum(alone) < len(alone)  # control: without a setting it does both


def test_it_changes_from_the_next_micro_turn_on():
    engine = tiny_engine()
    session_id, heard, found = engine.open(eagerness=50.0), turns(1, 9), []
    for place, turn in enumerate(heard):
        if place in (3, 6):
            engine.lean(session_id, -50.0 if place == 3 else "eager")
        found.append(engine.step(session_id, turn).speaks)
    assert all(found[:3])
    assert not any(found[3:6])
    assert engine.session(session_id).eagerness == 1.5
    with pytest.raises(ValueError, match="reserved, calm, balanced"):
        engine.lean(session_id, "pushy")
    with pytest.raises(KeyError, match="never opened or is closed"):
        engine.lean("nobody", 0.0)


def test_names_are_understood_and_others_refused():
    engine = tiny_engine()
    assert engine.session(engine.open(eagerness="eager")).eagerness == 1.5
    assert engine.session(engine.open()).eagerness == engine.sampling.eagerness
    with pytest.raises(ValueError, match="reserved, calm, balanced"):
        engine.open(eagerness="pushy")


def test_it_travels_in_a_snapshot():
    engine = tiny_engine()
    session_id = engine.open(eagerness=-50.0)
    engine.step(session_id, turns(1, 1)[0])
    other = engine.restore(engine.snapshot(session_id))
    assert engine.session(other).eagerness == -50.0


def test_a_calibrated_model_decides_by_its_calibration():
    """A bias in the checkpoint is what an eagerness of that size is at the floor."""
    engine = tiny_engine()
    model = engine.model
    model.config = replace(model.config, floor=FloorConfig(bias=60.0))
    always = speaking(engine, engine.open(0, eagerness=0.0))
    model.config = replace(model.config, floor=FloorConfig(bias=-60.0))
    never = speaking(engine, engine.open(0, eagerness=0.0))
    assert sum(always) > sum(never)
    assert isinstance(engine.sampling, SamplingConfig)
