"""Sessions one by one and side by side: the same bits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from microturn.engine.bench_sessions import bench_sessions, held, same
from microturn.turns import MicroTurnInput
from tests.test_engine_engine import turns
from tests.tiny import tiny_engine


def test_both_ways_give_the_same_bits() -> None:
    before, engine = torch.get_num_threads(), tiny_engine()
    result = bench_sessions(engine, (3, 1, 3), 2)
    assert torch.get_num_threads() == before and not engine.sessions
    assert [row["sessions"] for row in result["by_sessions"]] == [1, 3]
    assert all(row["is_equal"] for row in result["by_sessions"])
    assert result["threads"] == result["processes"] == 1 and list(result)[-2] == "sessions_held"


def test_other_outputs_are_seen() -> None:
    engine = tiny_engine()
    first: MicroTurnInput = turns(0, 1)[0]
    one, other = (engine.step(engine.open(seed=seed), first, True) for seed in (1, 2))
    assert not same(one, other) and same(one, replace(one))


def test_held_is_the_most_that_is_in_time() -> None:
    times = ((1, 50.0), (4, 199.9), (8, 200.0))
    rows = [{"sessions": count, "packed": {"p99_ms": ms}} for count, ms in times]
    assert held(rows, "p99_ms") == 4 and held(rows[2:], "p99_ms") == 0


def test_what_cannot_be_measured_is_refused() -> None:
    for wrong in ({"counts": ()}, {"counts": (0,)}, {"num_ticks": 0}, {"num_threads": 0}):
        with pytest.raises(ValueError, match="at least one"):
            bench_sessions(tiny_engine(), **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="raise max_sessions"):
        bench_sessions(tiny_engine(), (33,))
