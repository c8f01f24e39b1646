"""`microturn train`: what a person sets reaches the loop; what is left out keeps its default."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tyro

from microturn.cli import Train
from microturn.cli_train import SHIPPED, SHIPPED_TOKENIZER, train_config, train_preset
from microturn.data.bank import Bank
from microturn.train import loop
from microturn.train.loop import Counters, TrainConfig


def parse(*words: str) -> Train:
    return tyro.cli(Train, args=["nano", "--bank", "b", "--out", "o", *words])


def test_defaults_are_those_of_the_loop() -> None:
    config = train_config(parse())
    assert config == TrainConfig(
        out=Path("o"), bank=(Path("b"),), tokenizer=SHIPPED_TOKENIZER, vocoder=SHIPPED / "nano"
    )


def test_options_reach_the_loop() -> None:
    words = "--minutes 3 --rows 2 --seed 5 --lr 0.01 --row-length 256 --tokenizer t.json "
    words += "--mixture questions 2 reminder 1 --init-from w --save-every-minutes 1"
    config = train_config(parse(*words.split()))
    assert (config.minutes, config.num_rows, config.seed) == (3, 2, 5)
    assert config.optim.adamw_lr == config.optim.muon_lr == 0.01
    assert config.pack.row_length == 256 and config.tokenizer == Path("t.json")
    assert config.mixture == {"questions": 2.0, "reminder": 1.0}
    assert config.init_from == Path("w") and config.save_every_minutes == 1


def test_settings_reach_every_field_of_the_loop() -> None:
    words = "--device cpu --workers 3 --samples-every-minutes 2 --eval-every-minutes 30 "
    words += "--set optim.use_muon=false pack.said_noise=0.2 loss.flow_weight=1.5 "
    words += "monitor.details_every_steps=7 is_compiled=true"
    config = train_config(parse(*words.split()))
    assert (config.device, config.num_workers, config.is_compiled) == ("cpu", 3, True)
    assert config.monitor.samples_every_minutes == 2 and config.monitor.eval_every_minutes == 30
    assert config.monitor.details_every_steps == 7
    assert config.optim.use_muon is False and config.pack.said_noise == 0.2
    assert config.loss.flow_weight == 1.5


def test_the_result_says_where_the_weights_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[Any] = []

    def record(config: TrainConfig) -> Counters:
        seen.append(config)
        return Counters(step=7, trained_seconds=60.0, heard_hours=0.5)

    monkeypatch.setattr(loop, "train", record)
    monkeypatch.setattr(Bank, "load", lambda bank: None)
    options = replace(parse(), out=tmp_path)
    result = train_preset(options)
    assert seen == [train_config(options)]
    assert result["step"] == 7 and result["model"] == str(tmp_path / "model")


@pytest.mark.parametrize(("rank", "lines"), [(None, 1), ("0", 1), ("1", 0)])
def test_of_many_processes_the_first_one_tells(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rank: str | None,
    lines: int,
) -> None:
    monkeypatch.setattr(loop, "train", lambda config: Counters(step=7))
    monkeypatch.setattr(Bank, "load", lambda bank: None)
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    assert replace(parse(), out=tmp_path).execute() == 0
    assert len(capsys.readouterr().out.splitlines()) == lines
