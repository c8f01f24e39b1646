"""The stopwatch: kinds apart, figures in order, threads put back. No time is ever asserted."""

from __future__ import annotations

import pytest
import torch

from microturn.engine.bench import NUM_PARTS, ROUND, Measured, bench_tick, flatness, play, summary
from microturn.engine.sampler import SamplingConfig
from tests.tiny import tiny_engine

ENGINE = tiny_engine(sampling=SamplingConfig(num_flow_steps=1))


def test_the_floor_decision_is_forced() -> None:
    pattern = (True, False, False)
    spoken: list[bool] = []
    step = ENGINE.step

    class Watching:
        open, close = ENGINE.open, ENGINE.close

        def step(self, session_id, turn, force_speak=None):
            output = step(session_id, turn, force_speak)
            spoken.append(output.speaks)
            return output

    measured = play(Watching(), 6, 0, pattern)
    assert spoken == [one.speaks for one in measured] == list(pattern * 2)
    assert ENGINE.sessions == {}


def test_a_failed_run_leaves_no_session() -> None:
    class Failing:
        open, close = ENGINE.open, ENGINE.close

        def step(self, *args, **options):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        play(Failing(), 3, 0)
    assert ENGINE.sessions == {}


def test_report() -> None:
    before = torch.get_num_threads()
    result = bench_tick(ENGINE, num_turns=50)
    assert torch.get_num_threads() == before
    for kind, count in (("silent", 30), ("speaking", 20)):
        figures = result[kind]
        assert figures["count"] == count
        assert (
            0 < figures["median_ms"] <= figures["p95_ms"] <= figures["p99_ms"] <= figures["max_ms"]
        )
    assert result["flatness"]["micro_turns"] == 50
    assert list(result)[-1] == "flatness" and list(result["flatness"])[-1] == "tail_over_head"
    assert result["machine"]["cores"] >= 1 and result["machine"]["cpu"]


def test_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 50"):
        bench_tick(ENGINE, num_turns=49)


def test_compared_parts_hold_whole_rounds() -> None:
    assert 1500 // NUM_PARTS % len(ROUND) == 0
    assert True in ROUND and False in ROUND


def session(*cpu_ms: float) -> list[Measured]:
    return [Measured(i % 2 == 1, 1.0, cpu) for i, cpu in enumerate(cpu_ms)]


def test_flatness_compares_late_with_early() -> None:
    steady = flatness(session(*[10.0] * 100))
    assert steady["tail_over_head"] == steady["speaking_tail_over_head"] == 1.0
    growing = flatness(session(*[10.0 + i for i in range(100)]))
    assert growing["tail_over_head"] > 4 and growing["silent_tail_over_head"] > 4
    warm = session(*[500.0] * 10, *[10.0] * 90)  # warming up is not slowing down
    assert flatness(warm)["tail_over_head"] == 1.0


def test_flatness_of_1500_compares_the_last_150_with_150_to_300() -> None:
    cpu_ms = [99.0] * 150 + [2.0] * 150 + [99.0] * 1050 + [3.0] * 150
    assert flatness(session(*cpu_ms))["tail_over_head"] == 1.5


def test_summary_counts_text() -> None:
    result = summary([Measured(True, 1.0, 1.0, 0), Measured(True, 3.0, 2.0, 3)])
    assert result["text_tokens_mean"] == 1.5 and result["count"] == 2
