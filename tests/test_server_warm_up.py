"""What is measured before the first client: ever more sessions, and nothing left open."""

from __future__ import annotations

import pytest

from microturn.engine.engine import Engine
from microturn.engine.limits import SessionLimits
from microturn.server import warm_up
from microturn.server.admission import AdmissionConfig
from microturn.server.warm_up import measured_admission, median_tick_ms, serving_limits
from tests.tiny import tiny_engine


def test_the_whole_range_or_until_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def pretend(engine: Engine, num_sessions: int) -> float:
        asked.append(num_sessions)
        return 30.0 * num_sessions

    monkeypatch.setattr(warm_up, "median_tick_ms", pretend)
    engine = tiny_engine()
    assert measured_admission(engine, 4).expected_ms(4) == 120
    assert asked == [1, 2, 4]
    asked.clear()
    admission = measured_admission(engine, 64)
    assert asked == [1, 2, 4, 8], "8 sessions take 240 ms: enough is known"
    assert admission.has_room(4) and not admission.has_room(8)
    asked.clear()
    measured_admission(engine, 64, AdmissionConfig(budget_ms=29.0))
    assert asked == [1]


def test_it_measures_and_leaves_nothing_open() -> None:
    engine = tiny_engine()
    assert median_tick_ms(engine, 2) > 0
    assert engine.sessions == {}


def test_what_fails_leaves_nothing_open() -> None:
    tiny = tiny_engine()

    class Failing(Engine):
        def step_many(self, *args, **options):
            return [RuntimeError("broken")]

    engine = Failing(tiny.model, tiny.vocoder, tiny.text, tiny.sampling)
    with pytest.raises(RuntimeError, match="broken"):
        median_tick_ms(engine, 2)
    assert engine.sessions == {}


def test_no_room_ends_it() -> None:
    tiny = tiny_engine()
    limits = SessionLimits(max_state_bytes=2**40, max_micro_turns=10)
    one = Engine(tiny.model, tiny.vocoder, tiny.text, tiny.sampling, limits).reserved_bytes
    limits = SessionLimits(max_state_bytes=one, max_micro_turns=10)
    engine = Engine(tiny.model, tiny.vocoder, tiny.text, tiny.sampling, limits)
    assert measured_admission(engine, 4).expected_ms(1) > 0
    assert engine.sessions == {}


def test_limits_of_a_server() -> None:
    limits = serving_limits(8, 100)
    assert limits == SessionLimits(
        max_sessions=8,
        max_state_bytes=100 * 2**20,
        max_micro_turns=36_000,
        idle_micro_turns=300,
        kept_micro_turns=0,
    )
    with pytest.raises(ValueError, match="memory_mb must be at least 1"):
        serving_limits(8, 0)
    with pytest.raises(ValueError, match="max_sessions must be at least 1"):
        serving_limits(0, 10)
