"""Small random Inkling models, ours and the published implementation's, with the same weights."""

from __future__ import annotations

import random
from pathlib import Path

import torch
from torch import Tensor
from transformers import InklingConfig, InklingForConditionalGeneration
from transformers.utils import logging

from microturn.checkpoint import load_weights
from microturn.model.config import (
    AttentionConfig,
    AudioConfig,
    BackboneConfig,
    ExpertConfig,
    FlowConfig,
    ModelConfig,
    VisionConfig,
)
from microturn.model.model import InteractionModel
from microturn.published import config_to_dict
from microturn.sequence import NO_CLOCK, NUM_FINE_FRAMES, Kind, Positions

VOCAB = 48
AUDIO_ID, IMAGE_ID = VOCAB - 1, VOCAB - 2

logging.set_verbosity_error()
logging.disable_progress_bar()


def random_config(seed: int) -> ModelConfig:
    """Every part of the architecture in some mixture: dense and mixed, sliding and full."""
    rng = random.Random(seed)
    kv, sliding_kv = rng.choice([1, 2]), rng.choice([1, 2, 4])
    attention = AttentionConfig(
        num_heads=kv * rng.choice([1, 2]),
        num_kv_heads=kv,
        head_width=rng.choice([8, 16]),
        sliding_num_heads=sliding_kv * rng.choice([1, 2]),
        sliding_num_kv_heads=sliding_kv,
        sliding_head_width=rng.choice([8, 16, 24]),
        window=rng.choice([5, 32, 100, 256, 300]),
        rel_width=rng.choice([4, 16]),
        rel_extent=rng.choice([7, 64, 400]),
        log_scaling_floor=rng.choice([None, 10, 100]),
    )
    num_layers = rng.choice([2, 3, 4])
    num_routed = rng.choice([3, 4, 8])
    experts = ExpertConfig(
        num_routed, rng.randint(1, 3), rng.choice([1, 2]), rng.choice([16, 24]), rng.uniform(1, 4)
    )
    backbone = BackboneConfig(
        vocab_size=VOCAB,
        width=rng.choice([32, 48]),
        num_layers=num_layers,
        num_dense_layers=rng.randint(0, num_layers),
        dense_width=rng.choice([40, 64]),
        attention=attention,
        experts=experts,
        full_every=rng.choice([1, 2, 3]),
        conv_kernel=rng.choice([2, 4]),
        mup_divisor=rng.uniform(1, 3),
        num_logits=rng.choice([None, 40]),
    )
    vision = VisionConfig(rng.choice([1, 2, 3, 4]), patch_size=rng.choice([4, 6, 10]))
    audio = AudioConfig(num_levels=rng.choice([4, 16]))
    return ModelConfig(backbone, FlowConfig(32, 1, 2), audio, vision)


def randomise(module: torch.nn.Module, seed: int) -> None:
    """Weights with which every part matters."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point():
                continue
            noise = torch.randn(tensor.shape, generator=rng)
            if tensor.ndim >= 2:
                tensor.copy_(0.3 * noise)
            elif name.endswith("bias"):
                tensor.copy_(0.2 * noise)
            else:  # norms and scales
                tensor.copy_(1.0 + 0.2 * noise)


def published_model(config: ModelConfig, seed: int) -> InklingForConditionalGeneration:
    """The published implementation with random weights."""
    fields = config_to_dict(config) | {"image_token_id": IMAGE_ID, "audio_token_id": AUDIO_ID}
    model = InklingForConditionalGeneration(InklingConfig(**fields))
    randomise(model, seed)
    return model.eval()


def pair(seed: int, folder: Path) -> tuple[InteractionModel, InklingForConditionalGeneration]:
    """Our model and the published one; the weights went through a saved checkpoint."""
    config = random_config(seed)
    theirs = published_model(config, seed)
    theirs.save_pretrained(folder)
    ours = InteractionModel(config).eval()
    load_weights(ours, folder)
    return ours, theirs


def inputs(config: ModelConfig, length: int, seed: int) -> tuple[Positions, dict[str, Tensor]]:
    """Text, audio and patches mixed: for our model, and for the published one (without images)."""
    rng = torch.Generator().manual_seed(seed)
    kinds = torch.tensor([Kind.TEXT, Kind.TEXT, Kind.HEARD, Kind.PATCH], dtype=torch.uint8)
    kind_S = kinds[torch.randint(0, 4, (length,), generator=rng)]
    kind_S[:3] = kinds[1:]
    id_S = torch.randint(0, IMAGE_ID, (length,), generator=rng)
    id_S[kind_S == Kind.HEARD], id_S[kind_S == Kind.PATCH] = AUDIO_ID, IMAGE_ID
    num_heard, num_patches = int((kind_S == Kind.HEARD).sum()), int((kind_S == Kind.PATCH).sum())
    shape = (num_heard, config.audio.num_mel_bins)
    bins_AM = torch.randint(0, config.audio.num_levels, shape, generator=rng).to(torch.uint8)
    side = config.vision.patch_size
    patch_P = torch.randint(0, 256, (num_patches, 2, side, side, 3), generator=rng)
    positions = Positions(
        kind_S,
        id_S,
        bins_AM,
        torch.zeros_like(bins_AM),
        torch.zeros(num_heard, dtype=torch.bool),
        torch.full((num_heard,), NO_CLOCK),
        patch_P.to(torch.uint8),
        torch.zeros(num_heard, NUM_FINE_FRAMES, config.audio.num_mel_bins, dtype=torch.uint8),
    )
    return positions, {"input_ids": id_S[None], "audio_input_ids": bins_AM.long()[None]}
