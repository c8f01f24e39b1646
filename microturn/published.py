"""Inkling's published format: tensor names and layouts, fields of the config.

Tensors of the backbone and of the input towers have their published names on disk, so that
published checkpoints load here and ours open in transformers; tensors that only we have are under
`microturn.`, and so are our fields of the config.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from torch import Tensor

from microturn.model.config import (
    AttentionConfig,
    AudioConfig,
    BackboneConfig,
    ExpertConfig,
    FineAudioConfig,
    FloorConfig,
    FlowConfig,
    ModelConfig,
    RetentionConfig,
    VisionConfig,
)

OURS = "microturn."
VISION_DEPTH = ("n_layers", "num_hidden_layers")  # both names are in use
DEFAULT_FLOW = FlowConfig(512, 8, 8)  # for published checkpoints, which have no flow head
PREFIXES = (  # name in our modules, published name; the first that fits counts
    ("transformer.unembedding.", "model.llm.unembed."),
    ("transformer.", "model.llm."),
    ("embedder.embed.", "model.llm.embed."),
    ("embedder.embed_norm.", "model.llm.embed_norm."),
    ("embedder.audio.", "model.audio."),
    ("embedder.visual.", "model.visual."),
    ("embedder.", OURS),
    ("", OURS),
)
ENDINGS = ((".rel_logits_proj.proj_bias", ".rel_logits_proj.proj"),)
INTERLEAVED = (  # gate and up rows alternate on disk; here gate comes first
    (".w13_dn.weight", 0),
    (".experts.w13_weight", 1),
    (".shared_w13_weight", 1),
)


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message says which file or tensor and why."""


# ---- names and layout of tensors ------------------------------------------------------------


def published_name(name: str) -> str:
    """Name on disk of one of our parameters or buffers."""
    for ours, published in PREFIXES:
        if name.startswith(ours):
            name = published + name.removeprefix(ours)
            break
    for ours, published in ENDINGS:
        if name.endswith(ours):
            name = name.removesuffix(ours) + published
    return name


def interleaved_dim(name: str) -> int | None:
    """Dimension along which a tensor's halves alternate on disk, if they do."""
    return next((dim for ending, dim in INTERLEAVED if name.endswith(ending)), None)


def to_disk(name: str, tensor: Tensor) -> Tensor:
    """Halves [gate | up] -> alternating rows, where the published tensor has them."""
    dim = interleaved_dim(name)
    if dim is None:
        return tensor
    return tensor.unflatten(dim, (2, -1)).transpose(dim, dim + 1).flatten(dim, dim + 1)


def from_disk(name: str, tensor: Tensor) -> Tensor:
    """Undo `to_disk`."""
    dim = interleaved_dim(name)
    if dim is None:
        return tensor
    return tensor.unflatten(dim, (-1, 2)).transpose(dim, dim + 1).flatten(dim, dim + 1)


# ---- config ------------------------------------------------------------------------------------


def _vision_to_dict(vision: VisionConfig) -> dict[str, Any]:
    return {
        "model_type": "inkling_vision",
        "num_hidden_layers": vision.num_layers,
        "patch_size": vision.patch_size,
        "temporal_patch_size": vision.temporal_patch_size,
        "num_channels": vision.num_channels,
    }


def config_to_dict(config: ModelConfig) -> dict[str, Any]:
    """Published fields for transformers, our own under `microturn`."""
    backbone, attention = config.backbone, config.backbone.attention
    layers = range(backbone.num_layers)
    text = {
        "model_type": "inkling_text",
        "vocab_size": backbone.vocab_size,
        "unpadded_vocab_size": backbone.num_logits,
        "hidden_size": backbone.width,
        "num_hidden_layers": backbone.num_layers,
        "num_attention_heads": attention.num_heads,
        "num_key_value_heads": attention.num_kv_heads,
        "head_dim": attention.head_width,
        "swa_num_attention_heads": attention.sliding_num_heads,
        "swa_num_key_value_heads": attention.sliding_num_kv_heads,
        "swa_head_dim": attention.sliding_head_width,
        "sliding_window_size": attention.window,
        "d_rel": attention.rel_width,
        "rel_extent": attention.rel_extent,
        "log_scaling_n_floor": attention.log_scaling_floor,
        "log_scaling_alpha": attention.log_scaling_alpha,
        "layer_types": ["hybrid_sliding" if backbone.is_sliding(i) else "hybrid" for i in layers],
        "mlp_layer_types": ["dense" if backbone.is_dense(i) else "sparse" for i in layers],
        "conv_kernel_size": backbone.conv_kernel,
        "rms_norm_eps": backbone.norm_epsilon,
        "intermediate_size": backbone.dense_width,
        "logits_mup_width_multiplier": backbone.mup_divisor,
    }
    if backbone.experts is not None:
        text |= {
            "moe_intermediate_size": backbone.experts.width,
            "n_routed_experts": backbone.experts.num_routed,
            "num_experts_per_tok": backbone.experts.num_chosen,
            "n_shared_experts": backbone.experts.num_shared,
            "route_scale": backbone.experts.route_scale,
        }
    audio = {
        "model_type": "inkling_audio",
        "n_mel_bins": config.audio.num_mel_bins,
        "mel_vocab_size": config.audio.num_levels,
    }
    fields: dict[str, Any] = {
        "architectures": ["InklingForConditionalGeneration"],
        "model_type": "inkling_mm_model",
        "text_config": text,
        "audio_config": audio,
    }
    if config.vision is not None:
        fields["vision_config"] = _vision_to_dict(config.vision)
    fields["microturn"] = {
        "flow": asdict(config.flow),
        "max_text_tokens": config.max_text_tokens,
        "has_experts": backbone.experts is not None,
        "full_window": attention.full_window,
        "floor": asdict(config.floor),
        "fine_audio": None if config.fine_audio is None else asdict(config.fine_audio),
        "retention": None if attention.retention is None else asdict(attention.retention),
    }
    return fields


def _full_every(text: dict[str, Any]) -> int:
    """The period of full layers. Raises CheckpointError where there is none."""
    count = text["num_hidden_layers"]
    if text.get("layer_types") is not None:
        sliding = {i for i, kind in enumerate(text["layer_types"]) if "sliding" in kind}
    elif text.get("local_layer_ids") is not None:
        sliding = set(text["local_layer_ids"])
    else:
        return 6
    full = [i for i in range(count) if i not in sliding]
    period = full[0] + 1 if full else count + 1
    if full != [i for i in range(count) if (i + 1) % period == 0]:
        raise CheckpointError(
            f"config: full-attention layers {full} are not every n-th layer, as we need them"
        )
    return period


def _num_dense(text: dict[str, Any]) -> int:
    """Number of dense layers, which must come first. Raises CheckpointError otherwise."""
    kinds = text.get("mlp_layer_types")
    if kinds is None:
        return text.get("dense_mlp_idx", 0)
    count = sum(kind == "dense" for kind in kinds)
    if any(kind != "dense" for kind in kinds[:count]):
        raise CheckpointError(f"config: dense layers must come first, got {kinds}")
    return count


def _retention(fields: dict[str, Any] | None) -> RetentionConfig | None:
    if fields is None:
        return None
    numbers = (fields["num_text"], fields["num_first"])
    return RetentionConfig(*numbers, tuple(fields["passing_ids"]))


def _backbone_from_dict(
    text: dict[str, Any], has_experts: bool, ours: dict[str, Any]
) -> BackboneConfig:
    attention = AttentionConfig(
        num_heads=text["num_attention_heads"],
        num_kv_heads=text["num_key_value_heads"],
        head_width=text["head_dim"],
        sliding_num_heads=text["swa_num_attention_heads"],
        sliding_num_kv_heads=text["swa_num_key_value_heads"],
        sliding_head_width=text["swa_head_dim"],
        window=text["sliding_window_size"],
        rel_width=text["d_rel"],
        rel_extent=text["rel_extent"],
        log_scaling_floor=text.get("log_scaling_n_floor"),
        log_scaling_alpha=text.get("log_scaling_alpha", 0.1),
        full_window=ours.get("full_window"),
        retention=_retention(ours.get("retention")),
    )
    # Some configs call the experts' width `intermediate_size`, and name the dense one apart.
    dense_width = text.get("dense_intermediate_size")
    expert_width = text.get("moe_intermediate_size")
    if dense_width is not None:
        expert_width = text["intermediate_size"]
    else:
        dense_width = text["intermediate_size"]
    experts = None
    if has_experts:
        experts = ExpertConfig(
            num_routed=text["n_routed_experts"],
            num_chosen=text["num_experts_per_tok"],
            num_shared=text["n_shared_experts"],
            width=cast(int, expert_width),
            route_scale=text["route_scale"],
        )
    return BackboneConfig(
        vocab_size=text["vocab_size"],
        width=text["hidden_size"],
        num_layers=text["num_hidden_layers"],
        num_dense_layers=_num_dense(text),
        dense_width=dense_width,
        attention=attention,
        experts=experts,
        full_every=_full_every(text),
        conv_kernel=text.get("conv_kernel_size", text.get("sconv_kernel_size", 4)),
        norm_epsilon=text["rms_norm_eps"],
        mup_divisor=text["logits_mup_width_multiplier"],
        num_logits=text.get("unpadded_vocab_size"),
    )


def config_from_dict(fields: dict[str, Any]) -> ModelConfig:
    """Undo `config_to_dict`; a published config without our fields gets a default flow head."""
    try:
        ours = fields.get("microturn") or {}
        backbone = _backbone_from_dict(fields["text_config"], ours.get("has_experts", True), ours)
        flow = FlowConfig(**ours["flow"]) if "flow" in ours else DEFAULT_FLOW
        audio = fields["audio_config"]
        vision = None
        if (seen := fields.get("vision_config")) is not None:
            vision = VisionConfig(
                num_layers=seen[next(key for key in VISION_DEPTH if key in seen)],
                patch_size=seen["patch_size"],
                temporal_patch_size=seen["temporal_patch_size"],
                num_channels=seen["num_channels"],
            )
        extra = {"max_text_tokens": ours["max_text_tokens"]} if "max_text_tokens" in ours else {}
        return ModelConfig(
            backbone,
            flow,
            AudioConfig(audio["n_mel_bins"], audio["mel_vocab_size"]),
            vision,
            floor=FloorConfig(**ours.get("floor", {})),
            fine_audio=FineAudioConfig(**fine) if (fine := ours.get("fine_audio")) else None,
            **extra,
        )
    except KeyError as error:
        raise CheckpointError(f"config: field {error} is missing") from error
