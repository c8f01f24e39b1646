"""Weights by one measure: the same weights agree exactly, a hurt flow head shows where it should,
and nowhere else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from microturn.checkpoint import save
from microturn.data.bank import Bank
from microturn.model.model import InteractionModel
from microturn.train.judge import MEASURES, JudgeConfig, judge, sums
from tests.tiny import tiny_config
from tests.tones import TOKENIZER, tone_bank


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The same weights twice, and once with a flow head that adds what it should take away."""
    monkeypatch.setattr(Bank, "load", classmethod(lambda cls, paths, for_training: tone_bank()))
    tiny = tiny_config()
    tiny = replace(tiny, backbone=replace(tiny.backbone, vocab_size=512))
    found = [tmp_path / name for name in ("one", "same", "hurt")]
    for folder in found:
        torch.manual_seed(0)
        model = InteractionModel(tiny)
        if folder.name == "hurt":
            with torch.no_grad():
                for parameter in model.flow.parameters():
                    parameter.add_(0.3 * torch.randn(parameter.shape))
        save(model, model.config, folder)
        shutil.copyfile(TOKENIZER, folder / "tokenizer.json")
    return found


def test_the_same_weights_agree_and_others_do_not(folders: list[Path], tmp_path: Path) -> None:
    config = JudgeConfig((tmp_path,), num_episodes=2)
    head, one, same, hurt = judge(folders, config)
    assert head == ["weights", *MEASURES]
    assert [row[0] for row in (one, same, hurt)] == ["one", "same", "hurt"]
    assert all(cell.endswith("(+0.0000; +0.0000 to +0.0000)") for cell in same[1:])
    gaps = [float(cell.split("(")[1].split(";")[0]) for cell in hurt[1:]]
    assert gaps[0] == 0.0  # what is written does not pass through the flow head
    assert all(gap > 0.01 for gap in gaps[1:])


def test_conversations_follow_the_seed(folders: list[Path], tmp_path: Path) -> None:
    config = JudgeConfig((tmp_path,), num_episodes=2, families=("turn_end",))
    found = sums(folders[0], config)
    assert sums(folders[0], config) == found
    assert sums(folders[0], replace(config, seed=78)) != found
    assert sum(each["speaking"] for each in found) > 0
    with pytest.raises(ValueError, match="num_episodes"):
        replace(config, num_episodes=1)
