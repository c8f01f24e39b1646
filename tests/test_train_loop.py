"""A run that is interrupted and resumed is the run that was not; losses fall; state survives."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from itertools import count

import pytest
import torch
from safetensors.torch import load_file

from microturn.checkpoint import CheckpointError, load_config
from microturn.data.bank import Bank
from microturn.data.pack import PackConfig
from microturn.model.model import InteractionModel
from microturn.train import loop
from microturn.train.grow import GrowRun, grow
from microturn.train.loop import TrainConfig, balance_routers, train
from microturn.train.monitor import MonitorConfig
from microturn.train.optim import OptimConfig
from tests.tiny import tiny_config
from tests.tones import TOKENIZER, tone_bank


@pytest.fixture
def config(monkeypatch, tmp_path):
    """A tiny model on tones; the clock moves one second between two readings."""
    tiny = tiny_config()
    tiny = replace(tiny, backbone=replace(tiny.backbone, vocab_size=512), vision=None)
    ticks = count()
    monkeypatch.setattr(loop, "preset", lambda _: tiny)
    monkeypatch.setattr(loop, "clock", lambda: float(next(ticks)))
    monkeypatch.setattr(Bank, "load", classmethod(lambda cls, paths: tone_bank()))
    return TrainConfig(
        out=tmp_path / "run",
        bank=(tmp_path,),
        tokenizer=TOKENIZER,
        minutes=6 / 60,  # six steps
        num_rows=1,
        mixture={"questions": 1.0, "interruption": 1.0, "reminder": 1.0},  # it cannot see
        pack=PackConfig(row_length=192),
        optim=OptimConfig(use_muon=False),
        monitor=MonitorConfig(details_every_steps=3, samples_every_minutes=2 / 60),
    )


def weights(config):
    return load_file(config.out / "model" / "model.safetensors")


def test_a_folders_sizes_are_trained(config, tmp_path):
    train(config)
    grow(GrowRun(config.out / "model", (1,), tmp_path / "grown"))
    larger = replace(
        config,
        out=tmp_path / "larger",
        preset=str(tmp_path / "grown"),
        init_from=tmp_path / "grown",
        minutes=2 / 60,
    )
    assert train(larger).step == 2
    assert load_config(larger.out / "model").backbone.num_layers == 4
    before = load_file(tmp_path / "grown" / "model.safetensors")
    writer = "model.llm.layers.2.attn.wo_ud.weight"
    assert not before[writer].any() and weights(larger)[writer].any()
    with pytest.raises(CheckpointError, match="instead of the preset"):
        train(replace(larger, out=tmp_path / "small", preset="nano"))


def test_a_run_keeps_its_sizes_when_the_preset_changes(config, monkeypatch):
    train(replace(config, minutes=2 / 60))
    changed = replace(loop.preset("nano").backbone, num_layers=4)
    larger = replace(loop.preset("nano"), backbone=changed)
    monkeypatch.setattr(loop, "preset", lambda _: larger)
    assert train(replace(config, minutes=3 / 60)).step == 3
    assert load_config(config.out / "model").backbone.num_layers == 3


def test_resumed_equals_uninterrupted(config, tmp_path, monkeypatch):
    whole = replace(config, out=tmp_path / "whole")
    assert train(whole).step == 6

    class Killed(Exception):
        pass

    step = loop.train_step
    calls = count()

    def dying(*arguments):
        if next(calls) == 3:
            raise Killed
        return step(*arguments)

    monkeypatch.setattr(loop, "train_step", dying)
    often = replace(config, save_every_minutes=0.5 / 60)
    with pytest.raises(Killed):
        train(often)
    monkeypatch.setattr(loop, "train_step", step)
    counters = train(often)
    assert counters.step == 6
    assert counters.heard_hours > 0
    one, two = weights(whole), weights(often)
    assert all(torch.equal(one[name], two[name]) for name in one)
    other = replace(config, out=tmp_path / "other", seed=1)  # control: another seed, other weights
    train(other)
    assert any(not torch.equal(one[name], value) for name, value in weights(other).items())


def test_asked_to_stop_it_saves_and_goes_on_later(config, monkeypatch):
    step = loop.train_step
    calls = count()

    def interrupted(*arguments):
        if next(calls) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(*arguments)

    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(loop, "train_step", interrupted)
    assert train(config).step == 3  # the step at hand is finished
    assert signal.getsignal(signal.SIGTERM) is handler
    monkeypatch.setattr(loop, "train_step", step)
    assert train(config).step == 6
    lines = [json.loads(line) for line in (config.out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]


def test_weights_and_state_are_of_one_moment(config):
    """A kill between the two files costs nothing: the run goes on from the state alone."""
    train(replace(config, minutes=2 / 60))
    (config.out / "model" / "model.safetensors").write_bytes(b"torn")
    assert train(config).step == 6
    assert weights(config)


def test_a_damaged_state_is_named(config):
    train(replace(config, minutes=1 / 60))
    path = config.out / "state.pt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"state\.pt is damaged"):
        train(config)


def test_losses_fall_and_are_logged(config):
    train(replace(config, minutes=40 / 60, optim=OptimConfig(use_muon=False, adamw_lr=1e-2)))
    lines = [json.loads(line) for line in (config.out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 41))
    first, last = lines[:5], lines[-5:]
    for name in ("text", "flow"):
        assert sum(line[name] for line in last) < 0.8 * sum(line[name] for line in first)
    assert any(config.out.glob("events.*"))


def test_init_from_takes_weights_but_not_the_clock(config, tmp_path):
    train(config)
    again = replace(config, out=tmp_path / "next", init_from=config.out / "model", minutes=0.0)
    assert train(again).step == 1  # one step at the floor of the schedule
    before, after = weights(config), weights(again)
    assert max(float((before[n].float() - after[n].float()).abs().max()) for n in before) < 0.01


def test_balancing_raises_the_bias_of_idle_experts():
    torch.manual_seed(0)
    model = InteractionModel(tiny_config())
    loads = [torch.tensor([10, 0, 4, 2]) for _ in model.transformer.router_biases()]
    balance_routers(model, loads)
    for bias in model.transformer.router_biases():
        assert bias[1] > 0 > bias[0]
        assert float(bias[2]) == 0  # exactly the mean


def test_a_batch_without_words_is_logged_as_json(config):
    def refuse(constant):
        raise ValueError(constant)

    train(replace(config, mixture={"questions": 1.0}, pack=PackConfig(row_length=12)))
    lines = (config.out / "log.jsonl").read_text().splitlines()
    found = [json.loads(line, parse_constant=refuse) for line in lines]
    assert any(line["words"] is None for line in found)
    assert all(line["text"] > 0 for line in found)
