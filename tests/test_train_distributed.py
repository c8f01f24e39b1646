"""Two processes with a share of the rows each, and of the parameters, are one with all of them."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from microturn.checkpoint import save
from microturn.data.pack import PackConfig
from microturn.model.config import ModelConfig
from microturn.model.model import InteractionModel
from microturn.train import loop
from microturn.train.batches import Batches, prepare
from microturn.train.distributed import Place, check_rows, device_of, rows_of, touch
from microturn.train.loop import TrainConfig, train
from microturn.train.loss import LossConfig
from microturn.train.monitor import MonitorConfig
from microturn.train.optim import OptimConfig
from tests.test_data_pack import episode
from tests.tiny import tiny_config
from tests.tones import TOKENIZER
from tests.two_processes import run_two

STEPS, LENGTH = 2, 96
NAMES = ("text", "flow", "words", "floor", "heard_right", "gradient_norm", "expert_load_max")
TIED = {"expert_load_max": 4e-3}  # a share of 768 picks: sums in another order may turn a close one


class Rows:
    """Batches of random episodes instead of a bank's: row k is a function of k."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __iter__(self):
        one, step = self.batches, self.batches.first_step
        while True:
            first = step * one.config.num_rows + one.first_row
            rows = range(first, first + one.num_own)
            # The last row of a step is silent: its process has no speech of its own.
            chosen = [episode(row, 3 if row % 4 == 3 else 20 + 2 * row) for row in rows]
            config = one.config
            yield prepare(chosen, one.markers, config.pack, list(rows), config.pad_to)
            step += 1


def tiny_preset(_: str) -> ModelConfig:
    """Two layers, and none of the large matrices of the eye, which take Muon long."""
    tiny = tiny_config()
    backbone = replace(tiny.backbone, vocab_size=512, num_layers=2, full_every=2)
    return replace(tiny, backbone=backbone, vision=None)


def train_tiny(config: TrainConfig) -> int:
    """`train` on `Rows`, a second a step."""
    ticks = count()
    loop.preset = tiny_preset
    loop.clock = lambda: float(next(ticks))
    loop.loader = lambda batches, num_workers: Rows(batches)
    return train(config).step


def config_of(out: Path, steps: int = STEPS) -> TrainConfig:
    return TrainConfig(
        out=out,
        bank=(out,),
        tokenizer=TOKENIZER,
        minutes=steps / 60,
        num_rows=4,
        device="cpu",
        pack=PackConfig(row_length=LENGTH),
        loss=LossConfig(),
        optim=OptimConfig(use_muon=True, adamw_lr=1e-3, muon_lr=1e-3, warmup=0, decay=0),
        monitor=MonitorConfig(details_every_steps=2, samples_every_minutes=1 / 60),
    )


def in_two(folder: Path) -> list[int]:
    """In each of two processes: a new run, then one that a single process began."""
    return [
        train_tiny(config_of(folder / "two-one")),
        train_tiny(config_of(folder / "one-two", 2 * STEPS)),
    ]


def lines_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one process, one begun by two and ended by one, and the other way round."""
    folder = tmp_path_factory.mktemp("runs")
    patched = {name: getattr(loop, name) for name in ("preset", "clock", "loader")}
    try:
        train_tiny(config_of(folder / "one", 2 * STEPS))
        train_tiny(config_of(folder / "one-two"))
        assert run_two(in_two, folder) == [[STEPS, 2 * STEPS]] * 2
        train_tiny(config_of(folder / "two-one", 2 * STEPS))
    finally:
        for name, value in patched.items():
            setattr(loop, name, value)
    return folder


@pytest.mark.parametrize("order", ["two-one", "one-two"])
def test_two_processes_have_the_losses_of_one(folder, order):
    """Also when a run begun by two processes goes on with one, and the other way round."""
    one, two = lines_of(folder / "one"), lines_of(folder / order)
    assert [line["step"] for line in two] == list(range(1, 2 * STEPS + 1))
    for a, b in zip(one, two, strict=True):
        for figure in NAMES:
            close = pytest.approx(a[figure], rel=2e-3, abs=TIED.get(figure, 2e-4))
            assert b[figure] == close, (a["step"], figure)
    assert one[0]["text"] != pytest.approx(one[1]["text"], rel=2e-3)  # control: steps differ


def test_weights_end_where_those_of_one_process_do(folder):
    names = ("one", "two-one", "one-two")
    one, *others = (load_file(folder / run / "model" / "model.safetensors") for run in names)
    torch.manual_seed(0)
    model = InteractionModel(tiny_preset("tiny"))
    save(model, model.config, folder / "begun")
    begun = load_file(folder / "begun" / "model.safetensors")

    def apart(tensors: dict[str, torch.Tensor]) -> float:
        return sum(float((tensors[key] - value).square().sum()) for key, value in one.items())

    assert all(apart(tensors) < 1e-3 * apart(begun) for tensors in others)


def test_rows_of_each_process():
    assert rows_of(7, 2) == [4, 3] and rows_of(1, 3) == [1, 0, 0] and rows_of(4, 3) == [2, 2, 0]


def test_all_inputs_have_a_gradient_even_where_rows_lack_them():
    model = InteractionModel(tiny_config())
    (touch(model) + model.transformer.norm.weight.sum()).backward()
    for part in (model.embedder.said, model.embedder.visual):
        assert all(float(p.grad.abs().max()) == 0 for p in part.parameters())
    assert model.embedder.slot.grad is None


def test_rows_must_be_shared_evenly():
    check_rows(8, 4)
    with pytest.raises(ValueError, match="multiple of 4"):
        check_rows(6, 4)


def test_an_unknown_device_is_named():
    assert device_of("cpu").type == "cpu"
    with pytest.raises(ValueError, match="cpu or cuda"):
        device_of("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="no GPU"):
            device_of("cuda")


def test_one_process_sums_alone():
    here = Place()
    tensor = torch.ones(2)
    assert here.summed(tensor)[0] is tensor
    assert here.agreed(1.5) == [1.5] and here.any_of(True) and not here.any_of(False)
