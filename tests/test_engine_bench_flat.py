"""A long session beside its twin: same bits from the window alone, and a memory line that sees
growth. No time is ever asserted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from microturn.engine import bench_flat_state
from microturn.engine.bench import ROUND
from microturn.engine.bench_flat import (
    MICRO_TURNS_AN_HOUR,
    bench_flat,
    live,
    memory,
    side_by_side,
    sight,
    tenths,
    twin_of,
)
from microturn.engine.bench_flat_state import Series, Stand
from microturn.engine.bench_sessions import same
from microturn.engine.bench_tiny import tiny_engine as tiny_windowed
from microturn.engine.engine import Engine
from microturn.engine.sampler import SamplingConfig
from microturn.model.model import InteractionModel
from microturn.signal.vocoder import Vocoder, VocoderConfig
from microturn.turns import MicroTurnInput
from tests.tiny import TinyText, tiny_config, tiny_engine


def windowed_engine() -> Engine:
    config = tiny_config()
    attention = replace(config.backbone.attention, full_window=48)
    torch.manual_seed(0)
    model = InteractionModel(
        replace(config, backbone=replace(config.backbone, attention=attention))
    )
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.15)
    sampling = SamplingConfig(num_flow_steps=1, max_text_tokens=1)
    return Engine(model, Vocoder(VocoderConfig(width=32, num_blocks=1)), TinyText(), sampling)


def equal_to_its_twin(engine: Engine, num_turns: int, num_recorded: int) -> bool:
    stand = Stand.found(engine, num_turns, num_recorded, 3, None)
    past, session_id = live(engine, stand, num_recorded), stand.session_id
    assert past[0][0].index == num_turns - num_recorded  # the session's beginning is not in it
    twin = twin_of(engine, session_id, past)
    state = engine.session(twin).backbone
    assert state.length == engine.session(session_id).backbone.length
    result = side_by_side(engine, session_id, twin, 3, stand.rng)
    return result["is_equal"]


def test_the_window_alone_gives_the_same_bits() -> None:
    assert equal_to_its_twin(windowed_engine(), 90, 70)


def test_where_a_layer_sees_everything_the_window_does_not_suffice() -> None:
    sampling = SamplingConfig(num_flow_steps=1, max_text_tokens=1)
    assert not equal_to_its_twin(tiny_engine(sampling=sampling), 90, 70)


def test_report() -> None:
    engine = windowed_engine()
    before = torch.get_num_threads()
    result = bench_flat(engine, 50, 4)
    assert torch.get_num_threads() == before and engine.sessions == {}
    assert result["is_equal"] and result["micro_turns"] == 50
    assert len(result["cpu_median_ms_by_tenth"]) == 10
    assert result["memory"]["process_mb"] > 0 and result["memory"]["session_mb"] > 0
    assert list(result)[-1] == "tail_over_head"


def test_what_cannot_stay_flat_is_refused() -> None:
    with pytest.raises(ValueError, match="full_window"):
        bench_flat(tiny_engine(), 50)
    with pytest.raises(ValueError, match=f"at least {len(ROUND)}"):
        bench_flat(windowed_engine(), 49)


def test_sight_adds_windows_and_convolutions() -> None:
    backbone = windowed_engine().model.config.backbone
    assert sight(backbone) == 2 * 31 + 47 + 3 * 3 * (backbone.conv_kernel - 1)


def test_a_saw_is_flat_and_growth_is_seen() -> None:
    day = 24 * MICRO_TURNS_AN_HOUR
    series = Series.of(day, 600)
    saw = 10_000_000 + np.arange(len(series.at)) % 7 * 1_000_000
    series.rss_bytes[:], series.state_bytes[:] = saw, saw + series.at / day * 48e6
    result = memory(series)
    assert abs(result["process_mb_per_hour"]) < 0.05
    assert result["session_mb_per_hour"] == pytest.approx(2.0, abs=0.05)


def test_a_run_that_was_interrupted_goes_on_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_flat_state, "KEEP_EVERY", 20)
    num_turns, num_recorded, path = 90, 30, tmp_path / "run.npz"
    engine = tiny_windowed()
    whole = live(engine, Stand.found(engine, num_turns, num_recorded, 5, None), num_recorded)
    stand, step = Stand.found(engine, num_turns, num_recorded, 5, path), engine.step

    def power_cut(session_id: str, turn: MicroTurnInput, force_speak: bool | None = None):
        if turn.index == 57:
            raise KeyboardInterrupt
        return step(session_id, turn, force_speak)

    monkeypatch.setattr(engine, "step", power_cut)
    with pytest.raises(KeyboardInterrupt):
        live(engine, stand, num_recorded)
    engine = tiny_windowed()
    again = Stand.found(engine, num_turns, num_recorded, 5, path)
    assert (again.index, again.num_interruptions) == (40, 1)
    assert np.array_equal(again.series.cpu_ms[:40], stand.series.cpu_ms[:40])
    assert again.series.at[again.series.first_of_process] >= 40
    past = live(engine, again, num_recorded)
    assert all(same(one[1], other[1]) for one, other in zip(past, whole, strict=True))
    assert not same(past[-1][1], whole[-2][1])
    assert (again.series.rss_bytes > 1).all()
    with pytest.raises(ValueError, match="keeps a run of 90 micro-turns with seed 5, not of 90"):
        Stand.found(engine, num_turns, num_recorded, 6, path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="keeps no run"):
        Stand.found(engine, num_turns, num_recorded, 5, path)


def test_a_growing_process_is_seen_since_the_last_interruption() -> None:
    series = Series.of(24 * MICRO_TURNS_AN_HOUR, 600)
    series.rss_bytes[:] = 5e8
    series.first_of_process = 100  # the second process is smaller and grows
    series.rss_bytes[100:] = 4e8 + (series.at[100:] - series.at[100]) / MICRO_TURNS_AN_HOUR * 3e6
    assert memory(series)["process_mb_per_hour"] == pytest.approx(3.0, abs=0.1)


def test_tenths() -> None:
    assert tenths(np.repeat(np.arange(10, dtype=np.float32), 5)) == [float(i) for i in range(10)]
