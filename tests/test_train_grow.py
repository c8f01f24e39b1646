"""A grown model gives what the old one gave, and its new layers learn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from microturn.checkpoint import load_config, load_weights, save
from microturn.model.model import InteractionModel
from microturn.train.grow import GrowRun, grow, grown, silence, sources
from tests.tiny import tiny_model
from tests.tones import TOKENIZER


@pytest.fixture
def model() -> InteractionModel:
    """Three layers: dense and sliding, a sliding mixture, a full mixture."""
    return tiny_model()


@pytest.mark.parametrize(
    ("after", "num_dense", "full_every"), [((1,), 1, 4), ((0,), 2, 4), ((0, 1), 2, 5)]
)
def test_it_gives_what_it_gave(
    model: InteractionModel, after: tuple[int, ...], num_dense: int, full_every: int
) -> None:
    larger = grown(model, after)
    backbone = larger.config.backbone
    assert (backbone.num_layers, backbone.num_dense_layers) == (3 + len(after), num_dense)
    assert backbone.full_every == full_every
    x_BSD = torch.randn(2, 40, backbone.width)
    before_BSD = model.transformer(x_BSD)
    assert torch.equal(larger.transformer(x_BSD), before_BSD)
    new = sources(3, after).index((after[0], True))
    larger.transformer.blocks()[new].load_state_dict(
        model.transformer.blocks()[after[0]].state_dict()
    )  # control: a copy that writes
    assert not torch.allclose(larger.transformer(x_BSD), before_BSD, atol=1e-3)


@pytest.mark.parametrize("layer", [0, 1])
def test_a_silenced_layer_learns(model: InteractionModel, layer: int) -> None:
    block = model.transformer.blocks()[layer]
    silence(block)
    x_BSD = torch.randn(1, 20, model.config.backbone.width)
    assert torch.equal(block(x_BSD, None), x_BSD)
    block(x_BSD, None).square().sum().backward()
    moved = [name for name, p in block.named_parameters() if p.grad is not None and p.grad.any()]
    assert any("attn.wo" in name for name in moved)
    assert any("w2" in name for name in moved)


@pytest.mark.parametrize("after", [(), (3,), (-1,), (1, 1)])
def test_layers_that_there_are_not_are_refused(
    model: InteractionModel, after: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="names layers from 0 to 2, each once"):
        grown(model, after)


def test_full_layers_at_odd_distances_are_refused(model: InteractionModel) -> None:
    config = replace(model.config, backbone=replace(model.config.backbone, num_layers=6))
    with pytest.raises(ValueError, match="would not come at equal distances"):
        grown(InteractionModel(config), (1,))


def test_a_folder_grows(model: InteractionModel, tmp_path: Path) -> None:
    save(model, model.config, tmp_path / "old")
    (tmp_path / "old" / "tokenizer.json").write_bytes(TOKENIZER.read_bytes())
    found = grow(GrowRun(tmp_path / "old", (1,), tmp_path / "new"))
    assert found["parameters"] > found["parameters_before"]
    larger = InteractionModel(load_config(tmp_path / "new"))
    load_weights(larger, tmp_path / "new")
    x_BSD = torch.randn(1, 12, model.config.backbone.width)
    assert torch.equal(larger.transformer(x_BSD), model.transformer(x_BSD))
    assert (tmp_path / "new" / "tokenizer.json").is_file()
