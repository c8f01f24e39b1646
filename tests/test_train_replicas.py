"""Two processes with a model each, and the mean of both."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from microturn.train import loop
from microturn.train.distributed import Place
from microturn.train.optim import OptimConfig, Optimizers
from microturn.train.replicas import Meetings, average, tensors_of
from microturn.train.state import Counters, read_state
from tests.test_train_distributed import STEPS, config_of, lines_of, train_tiny
from tests.tiny import tiny_model
from tests.two_processes import run_two

EVERY = 2


def apart_config(out: Path, steps: int = STEPS) -> loop.TrainConfig:
    return replace(config_of(out, steps), average_every=EVERY)


def in_two(folder: Path) -> tuple[int, float]:
    """A run of two copies in each of two processes, and what the mean of their ranks is."""
    rank = torch.full((3,), float(torch.distributed.get_rank()))
    average([rank, rank[1:]], 2)
    return train_tiny(apart_config(folder / "two")), float(rank.sum())


def alone(folder: Path, rank: int) -> dict[str, torch.Tensor]:
    """What one of two copies makes of its rows, without a meeting."""

    @contextmanager
    def place(*_: object):
        yield Place(rank, 2, is_apart=True)

    saved = []
    patched = {"place": place, "Meetings": lambda *_: Alone(saved)}
    before = {name: getattr(loop, name) for name in patched}
    for name, value in patched.items():
        setattr(loop, name, value)
    try:
        train_tiny(apart_config(folder / f"alone_{rank}"))
    except EndedError:
        return saved[0]
    finally:
        for name, value in before.items():
            setattr(loop, name, value)
    raise AssertionError("it did not meet")


class EndedError(Exception):
    pass


class Alone:
    """Keeps the weights instead of meeting anybody."""

    def __init__(self, saved: list[dict[str, torch.Tensor]]) -> None:
        self.saved = saved

    def is_due(self, step: int) -> bool:
        return step == STEPS

    def hold(self, model, *_: object) -> None:
        self.saved.append({name: x.detach().clone() for name, x in model.state_dict().items()})
        raise EndedError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copies")
    assert run_two(in_two, folder) == [(STEPS, 1.5)] * 2
    return folder


@pytest.fixture(scope="module")
def copies(folder: Path):
    names = ("preset", "clock", "loader")
    before = {name: getattr(loop, name) for name in names}
    try:
        yield [alone(folder, rank) for rank in range(2)]
    finally:
        for name, value in before.items():
            setattr(loop, name, value)


def test_what_is_saved_is_the_mean_of_both_copies(folder, copies):
    one, other = copies
    together = read_state(folder / "two")["weights"]
    assert together.keys() == one.keys()
    differing = 0
    for name, tensor in together.items():
        mean = (one[name].float() + other[name].float()) / 2
        torch.testing.assert_close(tensor.float(), mean, rtol=1e-4, atol=1e-6, msg=name)
        differing += not torch.equal(one[name], other[name])
    assert differing > 20  # control: they had gone apart
    saved = load_file(folder / "two" / "model" / "model.safetensors")
    assert all(torch.isfinite(tensor.float()).all() for tensor in saved.values())


def test_both_count_what_both_have_heard(folder):
    state, lines = read_state(folder / "two"), lines_of(folder / "two")
    assert state["counters"]["step"] == STEPS == len(lines)
    assert state["counters"]["heard_hours"] > 1.2 * lines[-1]["heard_hours"] > 0


def test_one_process_goes_on_with_it(folder):
    names = ("preset", "clock", "loader")
    before = {name: getattr(loop, name) for name in names}
    try:
        assert train_tiny(apart_config(folder / "two", 2 * STEPS)) == 2 * STEPS
    finally:
        for name, value in before.items():
            setattr(loop, name, value)


def test_copies_meet_every_few_steps_and_one_process_at_each():
    apart = Meetings(Place(0, 2, is_apart=True), 3, 0.0)
    assert [step for step in range(1, 10) if apart.is_due(step)] == [3, 6, 9]
    for here in (Place(), Place(0, 2)):
        assert Meetings(here, 0, 0.0).is_due(1) and Meetings(here, 3, 0.0).is_due(1)
    model = tiny_model()
    counters = Counters(3, 4.0, 5.0)
    before = {name: x.clone() for name, x in model.state_dict().items()}
    Meetings(Place(), 0, 0.0).hold(model, Optimizers(model, OptimConfig()), counters)
    assert counters == Counters(3, 4.0, 5.0)
    assert all(torch.equal(before[name], x) for name, x in model.state_dict().items())


def test_moments_are_averaged_too_and_steps_are_not():
    model = tiny_model()
    optimizers = Optimizers(model, OptimConfig(use_muon=True))
    num_weights = len(tensors_of(model, optimizers))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizers.step(0.5)
    found = tensors_of(model, optimizers)
    num_moved = sum(p.requires_grad for p in model.parameters())
    assert len(found) > num_weights + num_moved
    assert all(tensor.ndim > 0 for tensor in found)


def test_a_negative_number_is_refused(tmp_path):
    with pytest.raises(ValueError, match="average_every must not be negative"):
        loop.train(replace(config_of(tmp_path), average_every=-1))
