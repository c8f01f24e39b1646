"""Configs refuse what cannot be built, and say why."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from microturn.model import config as configs
from microturn.model.config import FlowConfig
from microturn.presets import nano

BACKBONE = nano().backbone


@pytest.mark.parametrize(
    ("owner", "change", "message"),
    [
        (BACKBONE, {"vocab_size": 0}, "vocab_size must be at least 1"),
        (BACKBONE, {"num_dense_layers": 9}, "num_dense_layers must be 0 to 8, got 9"),
        (BACKBONE, {"experts": None}, "need an ExpertConfig"),
        (BACKBONE, {"num_logits": 9_999}, "num_logits must be 1 to 512, got 9999"),
        (BACKBONE, {"mup_divisor": 0.0}, "mup_divisor must be positive"),
        (BACKBONE.attention, {"window": 0}, "window must be at least 1"),
        (BACKBONE.attention, {"num_kv_heads": 3}, "4 heads cannot share 3 key-value heads"),
        (BACKBONE.attention, {"log_scaling_floor": 0}, "log_scaling_floor must be at least 1"),
        (BACKBONE.experts, {"num_chosen": 9}, "cannot choose 9 of 8"),
        (BACKBONE.experts, {"num_shared": 0}, "num_shared must be at least 1"),
        (nano().audio, {"num_levels": 0}, "num_levels must be at least 1"),
        (nano().fine_audio, {"kernel": 9}, "kernel must be 8 at most"),
        (nano().fine_audio, {"num_channels": 0}, "num_channels must be at least 1"),
        (nano().vision, {"num_layers": 0}, "num_layers must be at least 1"),
        (FlowConfig(256, 4, 4), {"num_heads": 7}, "flow width 256 is no multiple of 7"),
        (FlowConfig(256, 4, 4), {"num_steps": 0}, "num_steps"),
        (nano().flow, {"num_context_frames": -1}, "num_context_frames must not be negative"),
        (nano(), {"max_text_tokens": 0}, "max_text_tokens must be at least 1"),
    ],
)
def test_bad_values_are_refused(owner: object, change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(owner, **change)


def test_every_sixth_layer_is_full() -> None:
    config = replace(BACKBONE, num_layers=12, full_every=6)
    assert [i for i in range(12) if not config.is_sliding(i)] == [5, 11]
    assert [config.is_dense(i) for i in range(4)] == [True, True, False, False]


def test_a_dense_model_needs_no_experts() -> None:
    assert replace(BACKBONE, num_dense_layers=8, experts=None).experts is None


def test_configs_are_small() -> None:
    names = [name for name in vars(configs) if name.endswith("Config")]
    assert len(names) >= 7
    for name in names:
        assert len(fields(getattr(configs, name))) <= 13, name
