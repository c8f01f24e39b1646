"""Sessions over several engine processes: the bits of one engine, and one process that dies."""

from __future__ import annotations

import functools
import os
import signal
import time

import pytest

from microturn.engine.bench_sessions import same
from microturn.engine.crew import Crew
from microturn.engine.engine import Engine
from microturn.engine.limits import EngineFull, SessionEnded, SessionLimits
from tests.test_engine_engine import turns
from tests.tiny import tiny_engine

ROOM = 3  # sessions of each process


def small_engine(max_sessions: int = ROOM, idle: int | None = None) -> Engine:
    engine = tiny_engine()
    limits = SessionLimits(max_sessions=max_sessions, idle_micro_turns=idle, notice_micro_turns=0)
    return Engine(engine.model, engine.vocoder, engine.text, engine.sampling, limits)


def no_engine() -> Engine:
    raise ValueError("no weights here")


def no_process() -> Engine:
    os._exit(3)


@pytest.fixture(scope="module")
def crew():
    crew = Crew(small_engine, 2)
    yield crew
    crew.shutdown()
    assert not any(member.process.process.is_alive() for member in crew.members)


@pytest.fixture
def ids(crew: Crew):
    """Four sessions, two in each process."""
    ids = [crew.open(seed=seed) for seed in range(4)]
    yield ids
    for session_id in ids:
        crew.close(session_id)


def pids(crew: Crew) -> list[int]:
    return [member.process.process.pid or 0 for member in crew.members]


def test_bits_of_one_engine(crew: Crew, ids: list[str]) -> None:
    engine = tiny_engine()
    mine = [engine.open(seed=seed) for seed in range(4)]
    for turn in turns(3, 3):
        forced = [place % 2 == 0 for place in range(4)]
        theirs = crew.step_many([(id, turn) for id in ids], dict(zip(ids, forced, strict=True)))
        ours = engine.step_many([(id, turn) for id in mine], dict(zip(mine, forced, strict=True)))
        for one, other in zip(theirs, ours, strict=True):
            assert not isinstance(one, Exception) and not isinstance(other, Exception)
            assert same(one, other)
    assert sorted(member.load for member in crew.members) == [2, 2]


def test_what_fails_is_in_its_place(crew: Crew, ids: list[str]) -> None:
    first, second = turns(0, 2)
    crew.step(ids[0], first)
    results = crew.step_many([(ids[0], first), (ids[1], second), ("nobody", first)])
    assert not isinstance(results[0], Exception) and results[0].index == 0  # the kept one
    assert isinstance(results[1], ValueError) and isinstance(results[2], KeyError)
    with pytest.raises(ValueError, match="given twice"):
        crew.step_many([(ids[0], second), (ids[0], second)])


def test_snapshots_travel_and_sessions_go_back(crew: Crew, ids: list[str]) -> None:
    first, second = turns(0, 2)
    crew.step(ids[0], first)
    copy = crew.restore(crew.snapshot(ids[0]))
    crew.lean(copy, "eager")
    crew.lean(copy, 0.0)
    try:
        assert same(crew.step(copy, second), crew.step(ids[0], second))
    finally:
        crew.close(copy)
        crew.close(copy)
    crew.rollback(ids[0], 1)
    with pytest.raises(KeyError, match="no session"):
        crew.snapshot(copy)


def test_room_is_that_of_all(crew: Crew) -> None:
    assert crew.limits.max_sessions == 2 * ROOM
    ids = [crew.open() for _ in range(2 * ROOM)]
    with pytest.raises(EngineFull, match="are open"):
        crew.open()
    for session_id in ids:
        crew.close(session_id)
    crew.close(crew.open())


def test_an_opening_that_nobody_waits_for_leaves_nothing(crew: Crew) -> None:
    parts = crew.opening(0, "talk about the weather, and about nothing else but the weather. " * 4)
    assert next(parts) is None and sum(member.load for member in crew.members) == 1
    del parts
    assert crew.expire(0) == [] and sum(member.load for member in crew.members) == 0


def test_sessions_that_idle_are_told_and_gone() -> None:
    crew = Crew(functools.partial(small_engine, idle=2), 1)
    try:
        session_id = crew.open()
        ends = [notice for tick in range(4) for notice in crew.expire(tick)]
        assert [(end.session_id, end.reason, end.num_left) for end in ends] == [
            (session_id, "idle", 0)
        ]
        with pytest.raises(KeyError):
            crew.step(session_id, turns(0, 1)[0])
    finally:
        crew.shutdown()


def until_all_are_there(crew: Crew) -> None:
    for _ in range(600):
        crew.expire(0)
        if all(member.is_ready for member in crew.members):
            return
        time.sleep(0.1)
    raise AssertionError("the crew did not come back")


def test_only_sessions_of_a_dead_process_suffer(crew: Crew, ids: list[str]) -> None:
    first, second = turns(0, 2)
    crew.step_many([(id, first) for id in ids])
    before = pids(crew)
    os.kill(before[0], signal.SIGKILL)
    results = crew.step_many([(id, second) for id in ids])
    lost = [id for id, result in zip(ids, results, strict=True) if isinstance(result, SessionEnded)]
    assert len(lost) == 2 and crew.num_died == 1
    assert sum(not isinstance(result, Exception) for result in results) == 2
    kept = crew.open()  # where there still is an engine
    until_all_are_there(crew)
    assert pids(crew)[1] == before[1] and pids(crew)[0] != before[0]
    crew.close(kept)
    assert sum(member.load for member in crew.members) == 2


def test_a_death_between_ticks_is_told_in_the_next(crew: Crew, ids: list[str]) -> None:
    first, second = turns(0, 2)
    crew.step_many([(id, first) for id in ids])
    os.kill(pids(crew)[1], signal.SIGKILL)
    crew.members[1].process.process.join()
    crew.expire(1)
    results = crew.step_many([(id, second) for id in ids])
    assert sum(isinstance(result, SessionEnded) for result in results) == 2
    again = crew.step_many([(id, second) for id in ids])
    assert sum(isinstance(result, KeyError) for result in again) == 2
    until_all_are_there(crew)


def test_what_cannot_start_says_why() -> None:
    with pytest.raises(ValueError, match="no weights here"):
        Crew(no_engine, 2)
    with pytest.raises(RuntimeError, match="died while it loaded"):
        Crew(no_process, 1)
    with pytest.raises(ValueError, match="at least 1 process"):
        Crew(small_engine, 0)
