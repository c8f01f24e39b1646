"""The published format: configs there and back, names, layouts."""

from __future__ import annotations

import json

import pytest
import torch

from microturn.presets import PRESETS, preset
from microturn.published import (
    CheckpointError,
    config_from_dict,
    config_to_dict,
    from_disk,
    published_name,
    to_disk,
)


@pytest.mark.parametrize("name", PRESETS)
def test_configs_survive_json(name: str) -> None:
    config = preset(name)
    assert config_from_dict(json.loads(json.dumps(config_to_dict(config)))) == config


def test_a_config_of_before_fine_frames_has_none() -> None:
    fields = config_to_dict(preset("nano"))
    assert config_from_dict(fields).fine_audio is not None
    del fields["microturn"]["fine_audio"]
    assert config_from_dict(fields).fine_audio is None


def test_a_config_without_a_field_names_it() -> None:
    fields = config_to_dict(preset("nano"))
    del fields["text_config"]["hidden_size"]
    with pytest.raises(CheckpointError, match="hidden_size"):
        config_from_dict(fields)


def test_layer_orders_that_cannot_be_expressed_are_refused() -> None:
    fields = config_to_dict(preset("nano"))
    fields["text_config"]["layer_types"] = ["hybrid"] + ["hybrid_sliding"] * 5
    with pytest.raises(CheckpointError, match="full-attention layers"):
        config_from_dict(fields)
    fields = config_to_dict(preset("nano"))
    fields["text_config"]["mlp_layer_types"] = ["sparse", *["dense"] * 5]
    with pytest.raises(CheckpointError, match="dense layers must come first"):
        config_from_dict(fields)


@pytest.mark.parametrize(
    ("ours", "published"),
    [
        ("transformer.layers.3.attn.wq_du.weight", "model.llm.layers.3.attn.wq_du.weight"),
        (
            "transformer.layers.3.attn.rel_logits_proj.proj_bias",
            "model.llm.layers.3.attn.rel_logits_proj.proj",
        ),
        ("transformer.unembedding.weight", "model.llm.unembed.weight"),
        ("embedder.embed_norm.weight", "model.llm.embed_norm.weight"),
        ("embedder.visual.layers.norm_0.weight", "model.visual.layers.norm_0.weight"),
        ("embedder.said.encoder.weight", "microturn.said.encoder.weight"),
        ("flow.out.bias", "microturn.flow.out.bias"),
    ],
)
def test_names(ours: str, published: str) -> None:
    assert published_name(ours) == published


def test_gate_and_up_rows_alternate_on_disk() -> None:
    name = "model.llm.layers.0.mlp.w13_dn.weight"
    halves = torch.tensor([[1.0], [2.0], [-1.0], [-2.0]])  # gate 1 2, up -1 -2
    assert to_disk(name, halves).flatten().tolist() == [1, -1, 2, -2]
    assert torch.equal(from_disk(name, to_disk(name, halves)), halves)
    stacked = torch.randn(3, 6, 2)
    name = "model.llm.layers.0.mlp.experts.w13_weight"
    assert torch.equal(from_disk(name, to_disk(name, stacked)), stacked)
    assert torch.equal(to_disk("model.llm.norm.weight", halves), halves)
