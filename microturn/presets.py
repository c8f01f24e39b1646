"""Named model sizes: functions that return frozen configs."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from microturn.model.config import (
    AttentionConfig,
    BackboneConfig,
    ExpertConfig,
    FineAudioConfig,
    FlowConfig,
    ModelConfig,
    VisionConfig,
)


def _attention(
    num_heads: int, num_kv_heads: int, head_width: int, window: int, full_window: int | None = None
) -> AttentionConfig:
    """Full and sliding layers alike."""
    heads = (num_heads, num_kv_heads, head_width)
    return AttentionConfig(*heads, *heads, window, full_window=full_window)


def nano() -> ModelConfig:
    """Below 15M parameters: trained here on CPU, shipped with the package."""
    backbone = BackboneConfig(
        vocab_size=512,
        width=256,
        num_layers=8,
        num_dense_layers=2,
        dense_width=512,
        attention=_attention(4, 2, 64, window=256, full_window=1024),
        experts=ExpertConfig(num_routed=8, num_chosen=2, num_shared=1, width=128, route_scale=3.0),
        full_every=8,  # the last one
        mup_divisor=1.0,
    )
    return ModelConfig(
        backbone,
        FlowConfig(192, 4, 4),
        vision=VisionConfig(num_layers=2),
        fine_audio=FineAudioConfig(),
    )


def mini() -> ModelConfig:
    """About 350M parameters: one GPU."""
    backbone = BackboneConfig(
        vocab_size=16_384,
        width=768,
        num_layers=12,
        num_dense_layers=2,
        dense_width=3072,
        attention=_attention(12, 4, 64, window=512),
        experts=ExpertConfig(num_routed=16, num_chosen=2, num_shared=1, width=640, route_scale=3.0),
        mup_divisor=3.0,
    )
    return ModelConfig(
        backbone,
        FlowConfig(512, 8, 8),
        vision=VisionConfig(num_layers=4),
        fine_audio=FineAudioConfig(num_channels=512),
    )


def inkling_small() -> ModelConfig:
    """The published Inkling-Small (42 layers, width 4096) with our flow head.

    The published total of 276B takes all 42 layers as mixtures; the first two are dense, which
    leaves 264B. About 12B are active for one position.
    """
    backbone = BackboneConfig(
        vocab_size=201_024,
        width=4096,
        num_layers=42,
        num_dense_layers=2,
        dense_width=16_384,
        attention=AttentionConfig(32, 8, 128, 32, 8, 128, 512, log_scaling_floor=128_000),
        experts=ExpertConfig(
            num_routed=256, num_chosen=6, num_shared=2, width=2048, route_scale=8.0
        ),
        mup_divisor=16.0,
        num_logits=200_058,
    )
    return ModelConfig(backbone, FlowConfig(1024, 12, 16), vision=VisionConfig(num_layers=4))


PRESETS: MappingProxyType[str, Callable[[], ModelConfig]] = MappingProxyType(
    {"nano": nano, "mini": mini, "inkling_small": inkling_small}
)


def preset(name: str) -> ModelConfig:
    """The config of that name. Raises ValueError for an unknown one."""
    if name not in PRESETS:
        raise ValueError(f"no preset {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]()
