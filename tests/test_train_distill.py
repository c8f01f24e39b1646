"""In few steps the student comes nearer to where its teacher goes in many; nothing else moves."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from microturn.checkpoint import load_config, save
from microturn.data.pack import PackConfig
from microturn.engine.sampler import SamplingConfig
from microturn.signal.text import ALPHABET, Text
from microturn.train import distill as distill_module
from microturn.train.batches import prepare
from microturn.train.distill import DistillRun, distance, distill, draw_times, main, spoken
from tests.test_data_pack import MARKERS, episode
from tests.tiny import VOCAB, tiny_model

RUN = DistillRun(
    Path("m"), (Path("b"),), Path("o"), 60.0, 8, 2, max_steps=25, lr=3e-3, noise=(0.5, 1.0)
)
PACK = PackConfig(row_length=96)


def batches(num: int):
    for number in range(num):
        turns = 3 if number == 1 else 30  # one batch without speech
        yield prepare([episode(number, turns)], MARKERS, PACK, [number])


def curved_model():
    """A flow head whose path bends: its velocity depends on time and place."""
    model = tiny_model()
    with torch.no_grad():
        torch.manual_seed(1)
        for name, parameter in model.flow.named_parameters():
            if "out.weight" in name or "modulation" in name or "time_in" in name:
                parameter.normal_(std=0.3)
    return model


def test_the_student_comes_nearer_in_few_steps():
    model = curved_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    teacher = copy.deepcopy(model.flow)
    found = distill(model, batches(40), RUN)
    assert found["steps"] == 25
    assert found["distance_before"] > 1e-4  # the path does bend
    assert found["distance_after"] < 0.75 * found["distance_before"]
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]) or name.startswith("flow."), name
    asked = spoken(model, next(batches(1)), RUN, torch.Generator().manual_seed(5))
    two = distance(model.flow, teacher, asked, RUN, 2)
    assert two < distance(teacher, teacher, asked, RUN, 2)  # control: without training
    assert distance(teacher, teacher, asked, RUN, 8) == 0


def test_times_are_where_steps_begin_or_anywhere():
    rng = torch.Generator().manual_seed(0)
    only = draw_times(1000, replace(RUN, at_steps=1.0), rng)
    assert set(only.tolist()) == {0.0, 0.5}
    mixed = draw_times(1000, RUN, rng)
    share = float(((mixed == 0) | (mixed == 0.5)).float().mean())
    assert 0.4 < share < 0.6


@pytest.mark.parametrize(
    "changes",
    [{"num_student_steps": 8}, {"num_student_steps": 0}, {"noise": (1.0, 0.5)}, {"minutes": 0.0}],
)
def test_impossible_runs_are_refused(changes):
    with pytest.raises(ValueError, match=r"student|noise|positive"):
        replace(RUN, **changes)


def test_the_saved_model_is_served_with_as_few_steps(tmp_path: Path, monkeypatch):
    model, config = curved_model(), tiny_model().config
    assert SamplingConfig().steps_of(config.flow) == 2
    save(model, config, tmp_path / "model")
    Text.train([" ".join(ALPHABET)] * 5, VOCAB).save(tmp_path / "model" / "tokenizer.json")
    monkeypatch.setattr(distill_module, "loader", lambda *_: batches(3))
    monkeypatch.setattr(distill_module, "complete", lambda *_: None)
    run = replace(RUN, model=tmp_path / "model", out=tmp_path / "out", max_steps=1)
    main(replace(run, num_student_steps=1))
    flow = load_config(tmp_path / "out").flow
    assert (flow.num_steps, replace(flow, num_steps=2)) == (1, config.flow)
    assert SamplingConfig().steps_of(flow) == 1
    assert SamplingConfig(num_flow_steps=3).steps_of(flow) == 3
