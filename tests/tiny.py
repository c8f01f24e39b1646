"""A real model, small enough for every test: random weights, a word-level text, a small vocoder."""

from __future__ import annotations

from dataclasses import fields

from microturn.engine.bench_tiny import random_model
from microturn.engine.engine import Engine
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
from microturn.sequence import Markers
from microturn.signal.vocoder import Vocoder, VocoderConfig

VOCAB = 64


class TinyText:
    """Letters as ids: enough of `Text` for an engine."""

    markers = Markers(*range(len(fields(Markers))))
    vocab_size = VOCAB

    def encode(self, text: str) -> list[int]:
        return [len(fields(Markers)) + ord(letter) % 32 for letter in text]

    def decode(self, ids: list[int]) -> str:
        return "".join(chr(ord("a") + i % 26) for i in ids)


def tiny_config() -> ModelConfig:
    attention = AttentionConfig(4, 2, 16, 4, 2, 16, window=32, rel_extent=64)
    backbone = BackboneConfig(
        vocab_size=VOCAB,
        width=64,
        num_layers=3,
        num_dense_layers=1,
        dense_width=96,
        attention=attention,
        experts=ExpertConfig(4, 2, 1, 32),
        full_every=3,
        mup_divisor=1.0,
    )
    return ModelConfig(
        backbone,
        FlowConfig(32, 2, 2),
        vision=VisionConfig(num_layers=2),
        fine_audio=FineAudioConfig(num_channels=16),
    )


def tiny_model(seed: int = 0) -> InteractionModel:
    return random_model(tiny_config(), seed)


def tiny_engine(seed: int = 0, sampling: SamplingConfig | None = None) -> Engine:
    model = tiny_model(seed)
    vocoder = Vocoder(VocoderConfig(width=32, num_blocks=1))
    sampling = sampling or SamplingConfig(text_temperature=2.0, num_flow_steps=2)
    return Engine(model, vocoder, TinyText(), sampling)
