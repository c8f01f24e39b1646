"""FLOPs of a step against a count of what is executed; the report holds together. Nothing is timed
against a limit."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from microturn.model.config import ModelConfig
from microturn.model.model import InteractionModel
from microturn.sequence import Markers
from microturn.train import throughput
from microturn.train.loss import losses
from microturn.train.throughput import (
    ThroughputRun,
    bench_train,
    describe,
    matrix_peak,
    random_batch,
    step_flops,
)
from tests.tiny import tiny_config

MARKERS = Markers(*range(len(Markers.names())))


def config_of(window: int, length: int) -> ModelConfig:
    """Windows as long as the row, so that tiles hold little that is masked."""
    tiny = tiny_config()
    attention = replace(tiny.backbone.attention, window=window, rel_extent=length)
    backbone = replace(tiny.backbone, attention=attention)
    return replace(tiny, backbone=backbone, vision=None)


def executed(config: ModelConfig, run: ThroughputRun) -> float:
    model, batch = InteractionModel(config), random_batch(run, config, 1)
    counter = FlopCounterMode(display=False)
    with counter:
        losses(model, batch, MARKERS).total.backward()
    return counter.get_total_flops()


def test_needed_flops_are_below_what_is_executed_and_not_far():
    run, length = ThroughputRun(num_rows=1, row_length=512), 512
    config = config_of(512, length)
    needed = step_flops(config, random_batch(run, config, 1))
    done = executed(config, run)
    tables = 2 * 3 * 2 * 80 * 16 * 64 * 4 * 103  # dMel tables as products: heard and said
    assert 0.5 * (done - tables) < needed < done


def test_more_rows_and_wider_windows_need_more():
    run, config = ThroughputRun(num_rows=1, row_length=256), config_of(64, 256)
    one = step_flops(config, random_batch(run, config, 1))
    two_rows = replace(run, num_rows=2)
    assert step_flops(config, random_batch(two_rows, config, 1)) == pytest.approx(2 * one, rel=0.1)
    wide = config_of(256, 256)
    assert step_flops(wide, random_batch(run, wide, 1)) > one
    padded = random_batch(run, config, 32)
    assert step_flops(config, padded) == one  # what is padded is not needed


def test_the_report_holds_together(monkeypatch):
    monkeypatch.setattr(throughput, "preset", lambda _: config_of(64, 256))
    found = bench_train(ThroughputRun("tiny", 1, 64, 2, 1, "cpu"))
    assert found["share_of_peak"] == pytest.approx(
        found["model_gflops"] / found["peak_gflops"], rel=0.05, abs=1e-3
    )
    assert 0 < found["share_of_peak"] < 1
    assert found["positions_per_second"] == pytest.approx(
        64 / found["step_seconds"]["median"], rel=0.1
    )
    assert 0 < sum(part["share"] for part in found["profile"]) <= 1.001
    assert "GFLOP/s" in describe(found)[-1]


def test_the_peak_is_a_rate():
    assert min(matrix_peak(torch.device("cpu"), torch.float32)) > 1e7


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="num_rows"):
        ThroughputRun(num_rows=0)
