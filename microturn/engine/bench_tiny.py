"""The smallest model that has all parts: layers with and without a mixture, two kinds of windows,
vision, flow head and vocoder. Random weights; it says nothing of use.

A micro-turn of it is all small operations, so that the engine around a model can be run for a day
of session time in less than an hour.
"""

from __future__ import annotations

import torch

from microturn.engine.engine import Engine
from microturn.engine.limits import SessionLimits
from microturn.engine.load import SHIPPED
from microturn.engine.sampler import SamplingConfig
from microturn.model.config import (
    AttentionConfig,
    BackboneConfig,
    ExpertConfig,
    FineAudioConfig,
    FlowConfig,
    ModelConfig,
    VisionConfig,
)
from microturn.model.model import InteractionModel
from microturn.signal.text import Text
from microturn.signal.vocoder import Vocoder, VocoderConfig

WINDOW, FULL_WINDOW = 32, 48


def tiny_config(vocab_size: int) -> ModelConfig:
    """Two layers of 64, a sliding and a full one; both have a window."""
    attention = AttentionConfig(4, 2, 16, 4, 2, 16, WINDOW, rel_extent=64, full_window=FULL_WINDOW)
    backbone = BackboneConfig(
        vocab_size,
        width=64,
        num_layers=2,
        num_dense_layers=1,
        dense_width=96,
        attention=attention,
        experts=ExpertConfig(4, 2, 1, 32),
        full_every=2,
        mup_divisor=1.0,
    )
    return ModelConfig(
        backbone,
        FlowConfig(32, 1, 2),
        vision=VisionConfig(num_layers=2),
        fine_audio=FineAudioConfig(num_channels=16),
    )


def random_model(config: ModelConfig, seed: int = 0) -> InteractionModel:
    """Weights that are large enough to make a difference everywhere."""
    torch.manual_seed(seed)  # pyright: ignore[reportUnknownMemberType]
    model = InteractionModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.15)
    return model.eval()


def tiny_engine(limits: SessionLimits | None = None, seed: int = 0) -> Engine:
    """With the shipped text; it writes none, since it would write without end."""
    text = Text.load(SHIPPED / "nano" / "tokenizer.json")
    model = random_model(tiny_config(text.vocab_size), seed)
    vocoder = Vocoder(VocoderConfig(width=32, num_blocks=1))
    sampling = SamplingConfig(num_flow_steps=1, max_text_tokens=0)
    return Engine(model, vocoder, text, sampling, limits)
