"""The mean of two models: tensor by tensor, of like models only."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from microturn.checkpoint import load_config, load_weights, save
from microturn.model.model import InteractionModel
from microturn.train.average import Average, average, mean_of
from tests.tiny import tiny_model
from tests.tones import TOKENIZER


def folder(path: Path, seed: int) -> Path:
    """A tiny model with weights of its own."""
    model = tiny_model()
    torch.manual_seed(seed)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    save(model, model.config, path)
    shutil.copy(TOKENIZER, path / "tokenizer.json")
    return path


def weights(path: Path) -> dict[str, torch.Tensor]:
    model = InteractionModel(load_config(path))
    load_weights(model, path)
    return dict(model.state_dict())


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_every_tensor_is_the_mean(tmp_path: Path, share: float) -> None:
    pair = folder(tmp_path / "a", 1), folder(tmp_path / "b", 2)
    (pair[1] / "vocoder.json").write_text("{}")
    average(Average(pair, tmp_path / "mean", share))
    first, second, found = (weights(path) for path in (*pair, tmp_path / "mean"))
    assert any(not torch.equal(first[name], second[name]) for name in first)
    for name, tensor in found.items():
        wanted = (1 - share) * first[name].float() + share * second[name].float()
        torch.testing.assert_close(tensor.float(), wanted, rtol=0.01, atol=1e-3)  # kept in bf16
    assert (tmp_path / "mean/tokenizer.json").read_bytes() == TOKENIZER.read_bytes()
    assert (tmp_path / "mean/vocoder.json").read_text() == "{}"
    assert not (tmp_path / "mean/vocoder.safetensors").exists()


def test_numbers_that_count_are_the_seconds() -> None:
    first = {"steps": torch.tensor([3]), "x": torch.tensor([0.0])}
    second = {"steps": torch.tensor([5]), "x": torch.tensor([2.0])}
    assert mean_of(first, second, 0.5) == {"steps": torch.tensor([5]), "x": torch.tensor([1.0])}


def test_unlike_models_have_no_mean(tmp_path: Path) -> None:
    pair = folder(tmp_path / "a", 1), folder(tmp_path / "b", 2)
    model = tiny_model()
    flow = replace(model.config.flow, num_layers=model.config.flow.num_layers + 1)
    config = replace(model.config, flow=flow)
    save(InteractionModel(config), config, tmp_path / "c")
    with pytest.raises(ValueError, match="different sizes"):
        average(Average((pair[0], tmp_path / "c"), tmp_path / "out"))
    (pair[1] / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match="different tokenizers"):
        average(Average(pair, tmp_path / "out"))
    with pytest.raises(ValueError, match="share must be 0 to 1, got 2"):
        Average(pair, tmp_path / "out", 2.0)
    assert not (tmp_path / "out").exists()
