"""What a run shows of itself reaches TensorBoard; evaluations beside it come and go."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from microturn.data.pack import PackConfig
from microturn.signal.vocoder import Vocoder, VocoderConfig, save_vocoder
from microturn.train import quick_eval
from microturn.train.batches import prepare
from microturn.train.loss import losses
from microturn.train.monitor import Monitor, MonitorConfig, picture
from microturn.train.quick_eval import QuickEval
from microturn.train.state import Counters
from tests.test_data_pack import MARKERS, episode
from tests.tiny import tiny_model

CONFIG = MonitorConfig(details_every_steps=1, samples_every_minutes=1.0)


def shown(folder: Path, config: MonitorConfig = CONFIG) -> tuple[EventAccumulator, dict]:
    """One step of a tiny model, recorded a minute after the last sample."""
    save_vocoder(Vocoder(VocoderConfig(width=8, num_blocks=1)), folder / "vocoder")
    one = episode()
    one = replace(one, timeline=replace(one.timeline, families=("sums",)))
    batch = prepare([one], MARKERS, PackConfig(row_length=96), [1])
    model, loads = tiny_model(), []
    result, log = losses(model, batch, MARKERS, loads=loads), io.StringIO()
    with SummaryWriter(str(folder)) as writer, tqdm(total=5.0, disable=True) as bar:
        monitor = Monitor(config, writer, log, bar, 0.0)
        counters = Counters(step=3, trained_seconds=60.0, heard_hours=0.5)
        monitor.record(counters, result, 1.5, loads, 2.0)
        monitor.sample(counters, model, batch, folder / "vocoder")
        monitor.sample(counters, model, batch, folder / "vocoder")  # not again at once
        monitor.add_scores(counters, {"turn/taken": 0.5})
    events = EventAccumulator(str(folder), {"scalars": 0, "images": 0, "audio": 0, "histograms": 0})
    events.Reload()
    return events, json.loads(log.getvalue().splitlines()[0])


def test_everything_is_there(tmp_path):
    events, line = shown(tmp_path)
    tags = events.Tags()
    assert {"text", "flow", "heard", "said", "text by skill/sums", "flow by skill/sums"} <= set(
        tags["scalars"]
    )
    assert "text by skill/facts" not in tags["scalars"]  # it did not play
    assert {"router load/0 max", "router load/0 evenness", "eval/turn/taken"} <= set(
        tags["scalars"]
    )
    assert set(tags["histograms"]) == {"p_speak/speech is due", "p_speak/silence is due"}
    assert len(tags["images"]) == len(tags["audio"]) == 1
    (sound,) = events.Audio("said")
    assert sound.sample_rate == 24_000 and sound.length_frames > 24_000 // 5
    assert events.Scalars("text by skill/sums")[0].value == pytest.approx(line["text"], rel=1e-3)
    assert line["step"] == 3 and line["gradient_norm"] == 1.5


def test_samples_can_be_left_out(tmp_path):
    events, _ = shown(tmp_path, replace(CONFIG, samples_every_minutes=None, details_every_steps=2))
    tags = events.Tags()
    assert not tags["images"] and not tags["audio"] and not tags["histograms"]


def test_a_picture_has_low_bands_down_and_is_in_range():
    mel_TM = torch.zeros(30, 80)
    mel_TM[:, 0] = 5.0
    found = picture(mel_TM, mel_TM)
    assert found.shape == (1, 162, 30) and float(found.min()) >= 0 and float(found.max()) == 1
    assert float(found[0, 79].min()) == 1 and float(found[0, 0].max()) == 0


@pytest.mark.parametrize(
    "changes", [{"details_every_steps": 0}, {"eval_every_minutes": 0.0}, {"eval_minutes": -1.0}]
)
def test_impossible_intervals_are_refused(changes):
    with pytest.raises(ValueError, match=r"must be"):
        MonitorConfig(**changes)


class Process:
    """An evaluation that goes on until it is told to end."""

    def __init__(self, command, **_) -> None:
        self.command, self.code, self.is_ended = command, None, False

    def poll(self):
        return self.code

    def terminate(self) -> None:
        self.is_ended = True

    def wait(self) -> None:
        assert self.is_ended


def test_evaluations_come_at_intervals_one_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(quick_eval.subprocess, "Popen", Process)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    evaluation = QuickEval(MonitorConfig(eval_every_minutes=1.0), tmp_path, 0.0)
    assert not evaluation.is_due(59.0) and evaluation.is_due(60.0) and not evaluation.is_due(61.0)
    evaluation.start(Counters(step=4))
    process = evaluation.process
    assert (evaluation.folder / "model" / "config.json").is_file()
    assert f"model:{evaluation.folder / 'model'}" in process.command
    assert evaluation.poll() == {}
    evaluation.start(Counters(step=5))
    assert evaluation.process is process  # the first is not done
    cells = [{"metric": "taken", "value": 0.5}, {"metric": "late", "value": None}]
    report = {"groups": [{"name": "turn", "cells": cells}]}
    (evaluation.folder / "report.json").write_text(json.dumps(report))
    process.code = 0
    assert evaluation.poll() == {"turn/taken": 0.5} and evaluation.poll() == {}
    evaluation.start(Counters(step=6))
    last = evaluation.process
    evaluation.stop()
    assert last.is_ended and not process.is_ended
    assert not QuickEval(MonitorConfig(), tmp_path, 0.0).is_due(1e9)  # off by default
