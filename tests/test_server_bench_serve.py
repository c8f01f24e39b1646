"""The load of many clients on a real server: figures add up; no time is asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from microturn.server.bench_serve import Talk, bench_serve, read_samples, row


def test_clients_on_a_real_server(model_folder: Path) -> None:
    result = bench_serve(str(model_folder), (1,), num_micro_turns=10)
    (one,) = result["by_clients"]
    assert one["clients"] == one["admitted"] == 1
    assert one["refused"] == one["broken"] == 0
    assert one["micro_turns"] >= 10
    assert 0 < one["tick_median_ms"] <= one["tick_p95_ms"] <= one["tick_p99_ms"]
    assert list(result)[-1] == "sessions_held"


def test_rows() -> None:
    talks = [
        Talk(num_voiced=3, num_micro_turns=10, tick_ms=[10.0, 20.0], close_code=1000),
        Talk(num_voiced=0, num_micro_turns=10, tick_ms=[30.0], close_code=1011),
        Talk(refusal="no room", close_code=1013),
    ]
    samples = {
        "microturn_micro_turns_total": 20.0,
        "microturn_micro_turns_late_total": 1.0,
        "microturn_ticks_slipped_total": 2.0,
        "microturn_inputs_late_total": 0.0,
    }
    one = row(talks, samples)
    assert (one["admitted"], one["refused"], one["broken"]) == (2, 1, 1)
    assert one["refusals"] == ["no room"]
    assert (one["late_share"], one["voiced_share"], one["tick_median_ms"]) == (0.05, 0.15, 20.0)


def test_samples_without_labels() -> None:
    text = '# HELP a b\na_total 3\nb{le="1"} 4\nc 0.5\n'
    assert read_samples(text) == {"a_total": 3.0, "c": 0.5}


def test_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="at least one client"):
        bench_serve("nano", (0,), 5)
