"""Presets have the sizes they promise; counted on the meta device."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from microturn.model.config import ModelConfig
from microturn.model.model import InteractionModel, count_parameters
from microturn.presets import PRESETS, inkling_small, preset


def on_meta(config: ModelConfig) -> InteractionModel:
    with torch.device("meta"):
        return InteractionModel(config)


def published_parameters(model: InteractionModel) -> int:
    """Backbone and input towers: what is in a published checkpoint."""
    ours = (model.flow, model.embedder.said, model.embedder.clock)
    total = count_parameters(model) - sum(count_parameters(part) for part in ours)
    return total - model.embedder.slot.numel()


def active_parameters(model: InteractionModel) -> int:
    """Published parameters that take part in one position: chosen experts instead of all."""
    backbone = model.config.backbone
    idle = backbone.experts.num_routed - backbone.experts.num_chosen
    num_mixtures = backbone.num_layers - backbone.num_dense_layers
    per_expert = 3 * backbone.width * backbone.experts.width
    return published_parameters(model) - num_mixtures * idle * per_expert


def test_nano_is_below_15_million() -> None:
    assert 10e6 < count_parameters(on_meta(preset("nano"))) <= 15e6


def test_mini_is_about_350_million() -> None:
    assert count_parameters(on_meta(preset("mini"))) == pytest.approx(350e6, rel=0.1)


def test_inkling_small_has_the_size_of_its_checkpoint() -> None:
    assert published_parameters(on_meta(inkling_small())) == pytest.approx(263.7e9, rel=0.01)


def test_inkling_small_has_the_published_total_when_all_layers_are_mixtures() -> None:
    config = inkling_small()
    config = replace(config, backbone=replace(config.backbone, num_dense_layers=0))
    assert published_parameters(on_meta(config)) == pytest.approx(276e9, rel=0.01)


def test_inkling_small_has_the_published_active_size() -> None:
    assert active_parameters(on_meta(inkling_small())) == pytest.approx(12e9, rel=0.01)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_found_by_name(name: str) -> None:
    assert preset(name) == PRESETS[name]()


def test_an_unknown_preset_lists_the_names() -> None:
    with pytest.raises(ValueError, match="no preset 'huge'; choose one of nano, mini"):
        preset("huge")
