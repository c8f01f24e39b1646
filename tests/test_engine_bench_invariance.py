"""The bench of invariance: pairs of the same work, all ways; no time is ever asserted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from microturn.engine.bench import ROUND
from microturn.engine.bench_invariance import (
    KINDS,
    Rows,
    Taken,
    bench_invariance,
    cost,
    describe,
    figures,
)
from microturn.engine.ordinary import WAYS
from microturn.engine.sampler import SamplingConfig
from tests.test_engine_engine import run, turns
from tests.tiny import tiny_engine

PATTERN = (False, False, True, True, False)
ENGINE = tiny_engine(sampling=SamplingConfig(num_flow_steps=1, max_text_tokens=2))


def test_report() -> None:
    threads = torch.get_num_threads()
    result = bench_invariance(ENGINE, num_turns=len(PATTERN), pattern=PATTERN)
    assert torch.get_num_threads() == threads and ENGINE.sessions == {}
    left_out = result["micro_turns_with_other_words"]
    assert sum(result[kind]["count"] for kind in KINDS) == len(PATTERN) - left_out
    for kind in (*KINDS, "whole"):
        assert all(result[kind][way]["cpu_median_ms"] > 0 for way in WAYS)
        assert set(result[kind]["over_ordinary"]) == set(WAYS[:-1])
    assert result["micro_turns_with_other_bits"]["ordinary"] > 0
    assert list(result)[-1] == "cost" and result["device"] == "cpu"
    lines = describe(result)
    assert lines[-1].startswith("cost of fixed tiles and order: ") and lines[-1].endswith(" %")
    assert "give other bits in " in lines[-2] and len(lines) == 5


def test_a_mistake_leaves_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="at least 50"):
        bench_invariance(ENGINE, num_turns=49)

    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("microturn.engine.bench_invariance.take", broken)
    with pytest.raises(RuntimeError, match="broken"):
        bench_invariance(ENGINE, num_turns=len(ROUND))
    assert ENGINE.sessions == {}


def test_only_the_same_work_is_compared() -> None:
    session_id, (output,) = run(ENGINE, turns(0, 1))
    ENGINE.close(session_id)
    output = replace(output, speaks=False)
    wordy = replace(output, text_ids=(*output.text_ids, 20))

    def ways(fixed_ms: float, ordinary: Taken) -> dict:
        return {way: Taken(fixed_ms, fixed_ms, output) for way in WAYS} | {"ordinary": ordinary}

    rows = Rows([ways(3.0, Taken(2.0, 2.0, output)), ways(9.0, Taken(1.0, 1.0, wordy))])
    assert len(rows.of(None)) == len(rows.of("silent")) == 1 and rows.of("speaking") == []
    assert cost(rows.of(None)) == 0.5 and cost([]) is None
    found = figures(rows.of(None))
    assert found["over_ordinary"]["fixed"] == found["over_ordinary_wall"] == 1.5
    assert figures([]) == {"count": 0}
