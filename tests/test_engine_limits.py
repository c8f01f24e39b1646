"""Slots, reserved bytes, ends with notice. Ticks are numbers that the test makes up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from microturn.engine.limits import (
    EngineFull,
    Notice,
    SessionEnded,
    SessionLimits,
    reserved_bytes,
)
from microturn.engine.sampler import SamplingConfig
from microturn.presets import nano
from tests.test_engine_engine import run, turns
from tests.tiny import tiny_config, tiny_engine


def limited(**changes):
    engine = tiny_engine(sampling=SamplingConfig(num_flow_steps=1))
    engine.limits = SessionLimits(**changes)
    if engine.limits.max_state_bytes is not None:
        engine.reserved_bytes = reserved_bytes(engine.model.config.backbone, engine.limits)
    return engine


@pytest.mark.parametrize(
    "changes",
    [{"max_sessions": 0}, {"max_state_bytes": 0}, {"max_micro_turns": 0}, {"kept_micro_turns": -1}],
)
def test_impossible_limits_are_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        SessionLimits(**changes)


def test_slots_come_back_on_every_path():
    engine = limited(max_sessions=2)
    first = engine.open()
    engine.open()
    with pytest.raises(EngineFull, match="all 2 sessions"):
        engine.open()
    engine.close(first)
    engine.close(first)
    engine.open()
    engine.text = None  # what fails while opening takes no slot
    for session_id in list(engine.sessions):
        engine.close(session_id)
    with pytest.raises(AttributeError):
        engine.open(instructions="be kind")
    assert engine.sessions == {}


def test_admission_is_by_what_a_session_can_come_to_hold():
    limits = SessionLimits(max_micro_turns=50)
    one = reserved_bytes(tiny_config().backbone, limits)
    engine = limited(max_state_bytes=2 * one + 1, max_micro_turns=50)
    engine.open()
    engine.open()
    with pytest.raises(EngineFull, match="2 sessions reserve"):
        engine.open()


def test_no_session_outgrows_what_is_reserved():
    engine = limited(max_micro_turns=40, max_state_bytes=10**9, kept_micro_turns=8)
    session_id = engine.open()
    for turn in turns(1, 40):
        engine.step(session_id, turn, force_speak=True)
        assert engine.sessions[session_id].num_bytes() <= engine.reserved_bytes


def test_what_grows_without_end_cannot_be_reserved():
    with pytest.raises(ValueError, match="set max_micro_turns"):
        reserved_bytes(tiny_config().backbone, SessionLimits())
    assert reserved_bytes(nano().backbone, SessionLimits()) < 100e6  # windows in all layers
    more = replace(SessionLimits(), kept_micro_turns=500)
    assert reserved_bytes(nano().backbone, more) > reserved_bytes(nano().backbone, SessionLimits())


def test_idle_sessions_are_told_and_closed():
    engine = limited(idle_micro_turns=10, notice_micro_turns=3)
    busy, idle, heard = engine.open(), engine.open(), turns(1, 30)
    told = []
    for tick in range(20):
        engine.step(busy, heard[tick])
        told += [(tick, notice) for notice in engine.expire(tick)]
    assert told == [(7, Notice(idle, "idle", 3)), (10, Notice(idle, "idle", 0))]
    assert list(engine.sessions) == [busy]


def test_a_step_in_time_keeps_a_session_and_a_later_end_is_told_again():
    engine = limited(idle_micro_turns=10, notice_micro_turns=3)
    session_id, heard = engine.open(), turns(1, 2)
    told = []
    for tick in range(30):
        if tick == 8:
            engine.step(session_id, heard[0])
        told += [(tick, notice.num_left) for notice in engine.expire(tick)]
    assert told == [(7, 3), (15, 3), (18, 0)]


def test_the_maximum_length_is_told_and_held():
    engine = limited(max_micro_turns=6, notice_micro_turns=2)
    session_id, heard, told = engine.open(), turns(1, 7), []
    for tick in range(6):
        engine.step(session_id, heard[tick])
        told += [(notice.reason, notice.num_left) for notice in engine.expire(tick)]
    assert told == [("length", 2), ("length", 0)]
    assert engine.sessions == {}


def test_a_step_beyond_the_maximum_ends_the_session():
    engine = limited(max_micro_turns=3)
    session_id, _ = run(engine, turns(1, 3))
    with pytest.raises(SessionEnded, match="maximum of 3"):
        engine.step(session_id, turns(1, 4)[3])
    assert engine.sessions == {}
