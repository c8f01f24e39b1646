"""The stopwatch: kinds apart, figures in order, threads put back. No time is ever asserted."""

from __future__ import annotations

import pytest
import torch

from microturn.engine.bench import bench_tick, flatness, play, summary
from microturn.engine.sampler import SamplingConfig
from tests.tiny import tiny_engine

ENGINE = tiny_engine(sampling=SamplingConfig(num_flow_steps=1))


def test_kinds_are_forced_and_apart() -> None:
    spoken: list[bool] = []
    step = ENGINE.step

    class Watching:
        open, close = ENGINE.open, ENGINE.close

        def step(self, session_id, turn, force_speak=None):
            output = step(session_id, turn, force_speak)
            spoken.append(output.speaks)
            return output

    play(Watching(), 3, True, 0)
    play(Watching(), 2, False, 0)
    assert spoken == [True] * 3 + [False] * 2
    assert ENGINE.sessions == {}


def test_report() -> None:
    before = torch.get_num_threads()
    result = bench_tick(ENGINE, num_silent=20, num_speaking=10)
    assert torch.get_num_threads() == before
    for kind, count in (("silent", 20), ("speaking", 10)):
        figures = result[kind]
        assert figures["count"] == count
        assert (
            0 < figures["median_ms"] <= figures["p95_ms"] <= figures["p99_ms"] <= figures["max_ms"]
        )
    assert result["flatness"]["micro_turns"] == 20
    assert result["machine"]["cores"] >= 1 and result["machine"]["cpu"]


def test_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 10"):
        bench_tick(ENGINE, num_silent=9)


def test_flatness_compares_the_ends() -> None:
    steady = [(1.0, 10.0, 0)] * 100
    assert flatness(steady)["tail_over_head"] == 1.0
    growing = [(1.0, 10.0 + i, 0) for i in range(100)]
    assert flatness(growing)["tail_over_head"] > 4
    warm = [(1.0, 500.0, 0)] * 5 + steady  # warming up is not slowing down
    assert flatness(warm)["tail_over_head"] == 1.0


def test_summary_counts_text() -> None:
    assert summary([(1.0, 1.0, 0), (3.0, 2.0, 3)])["text_tokens_mean"] == 1.5
