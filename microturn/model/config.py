"""Frozen configurations of the model's parts. Numbers only; no tensors.

The field names are ours; `microturn/checkpoint.py` knows the published names.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from microturn.sequence import MAX_TEXT_TOKENS, NUM_FINE_FRAMES, NUM_MEL_BINS, PATCH_SHAPE


def _require_positive(owner: object, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        if value < 1:
            raise ValueError(f"{type(owner).__name__}.{name} must be at least 1, got {value}")


@dataclass(frozen=True)
class RetentionConfig:
    """Text that full layers with a window go on seeing beyond it (`retention.py`).

    num_text: so many positions; num_first: of them the first of the stream, which stay for good.
    passing_ids: tokens that are not remembered: those of the floor.
    """

    num_text: int
    num_first: int
    passing_ids: tuple[int, ...]

    def __post_init__(self) -> None:
        _require_positive(self, "num_text")
        if self.num_text % 16:  # rows of keys in whole tiles
            raise ValueError(f"num_text must be a multiple of 16, got {self.num_text}")
        if not 0 <= self.num_first < self.num_text:
            raise ValueError(
                f"num_first must be 0 to {self.num_text - 1} of num_text, got {self.num_first}"
            )


@dataclass(frozen=True)
class AttentionConfig:
    """Grouped-query attention of full and of sliding layers.

    rel_width: width of the relative states; rel_extent: distance, in positions, that the learned
    relative bias reaches in full layers (in layers with a window it reaches exactly the window).
    full_window: a window for full layers too, so that a stream's cost and memory stay flat for a
    day; None, as published, lets them see everything. retention: text that they see beyond it.
    log_scaling_floor: from which position on scores of full layers grow with log length; None
    leaves them alone.
    """

    num_heads: int
    num_kv_heads: int
    head_width: int
    sliding_num_heads: int
    sliding_num_kv_heads: int
    sliding_head_width: int
    window: int
    rel_width: int = 16
    rel_extent: int = 1024
    log_scaling_floor: int | None = None
    log_scaling_alpha: float = 0.1
    full_window: int | None = None
    retention: RetentionConfig | None = None

    def __post_init__(self) -> None:
        _require_positive(
            self,
            "num_heads",
            "num_kv_heads",
            "head_width",
            "sliding_num_heads",
            "sliding_num_kv_heads",
            "sliding_head_width",
            "window",
            "rel_width",
            "rel_extent",
        )
        for heads, kv_heads in (
            (self.num_heads, self.num_kv_heads),
            (self.sliding_num_heads, self.sliding_num_kv_heads),
        ):
            if heads % kv_heads:
                raise ValueError(f"{heads} heads cannot share {kv_heads} key-value heads evenly")
        if self.retention is not None and self.full_window is None:
            raise ValueError("retention is for layers with a window: give full_window too")
        if self.log_scaling_floor is not None and self.log_scaling_floor < 1:
            raise ValueError(f"log_scaling_floor must be at least 1, got {self.log_scaling_floor}")


@dataclass(frozen=True)
class ExpertConfig:
    """Mixture of experts: `num_chosen` of `num_routed` for a row, `num_shared` for all rows."""

    num_routed: int
    num_chosen: int
    num_shared: int
    width: int
    route_scale: float = 8.0

    def __post_init__(self) -> None:
        _require_positive(self, "num_routed", "num_chosen", "num_shared", "width")
        if self.num_chosen > self.num_routed:
            raise ValueError(f"cannot choose {self.num_chosen} of {self.num_routed} routed experts")


@dataclass(frozen=True)
class BackboneConfig:
    """The transformer.

    Layer i slides unless (i + 1) % full_every == 0. The first num_dense_layers layers have a dense
    feed-forward part, the others experts. Hidden states are divided by mup_divisor before
    unembedding; num_logits cuts logits of a padded unembedding (None keeps all).
    """

    vocab_size: int
    width: int
    num_layers: int
    num_dense_layers: int
    dense_width: int
    attention: AttentionConfig
    experts: ExpertConfig | None = None
    full_every: int = 6
    conv_kernel: int = 4
    norm_epsilon: float = 1e-6
    mup_divisor: float = 24.0
    num_logits: int | None = None

    def __post_init__(self) -> None:
        _require_positive(
            self, "vocab_size", "width", "num_layers", "dense_width", "full_every", "conv_kernel"
        )
        if not 0 <= self.num_dense_layers <= self.num_layers:
            raise ValueError(
                f"num_dense_layers must be 0 to {self.num_layers}, got {self.num_dense_layers}"
            )
        if self.num_dense_layers < self.num_layers and self.experts is None:
            raise ValueError("layers beyond num_dense_layers need an ExpertConfig; give `experts`")
        if self.num_logits is not None and not 1 <= self.num_logits <= self.vocab_size:
            raise ValueError(f"num_logits must be 1 to {self.vocab_size}, got {self.num_logits}")
        if self.mup_divisor <= 0:
            raise ValueError(f"mup_divisor must be positive, got {self.mup_divisor}")

    def is_sliding(self, layer: int) -> bool:
        """Does this layer attend to a window only?"""
        return (layer + 1) % self.full_every != 0

    def is_dense(self, layer: int) -> bool:
        """Does this layer have a dense feed-forward part?"""
        return layer < self.num_dense_layers


@dataclass(frozen=True)
class AudioConfig:
    """dMel bag of embeddings."""

    num_mel_bins: int = NUM_MEL_BINS
    num_levels: int = 16

    def __post_init__(self) -> None:
        _require_positive(self, "num_mel_bins", "num_levels")


@dataclass(frozen=True)
class FineAudioConfig:
    """A convolution over the fine frames of each heard position, then a linear. Ours: without it
    the audio side is the published one."""

    num_channels: int = 256
    kernel: int = 5

    def __post_init__(self) -> None:
        _require_positive(self, "num_channels", "kernel")
        if self.kernel > NUM_FINE_FRAMES:
            raise ValueError(
                f"kernel must be {NUM_FINE_FRAMES} at most, the frames of one position, "
                f"got {self.kernel}"
            )


@dataclass(frozen=True)
class VisionConfig:
    """hMLP: `num_layers` linears that fold space, then time, of one patch into depth."""

    num_layers: int = 4
    patch_size: int = PATCH_SHAPE[1]
    temporal_patch_size: int = PATCH_SHAPE[0]
    num_channels: int = PATCH_SHAPE[3]

    def __post_init__(self) -> None:
        _require_positive(self, "num_layers", "patch_size", "temporal_patch_size", "num_channels")


@dataclass(frozen=True)
class FlowConfig:
    """Flow head: a transformer over `num_context_frames` known and `num_frames` new mel frames.

    num_steps: Euler steps from noise to mel that it is meant for; distillation makes them fewer.
    """

    width: int
    num_layers: int
    num_heads: int
    num_mel_bins: int = 80
    num_frames: int = 20
    num_context_frames: int = 20
    num_steps: int = 2

    def __post_init__(self) -> None:
        _require_positive(
            self, "width", "num_layers", "num_heads", "num_mel_bins", "num_frames", "num_steps"
        )
        if self.width % self.num_heads:
            raise ValueError(f"flow width {self.width} is no multiple of {self.num_heads} heads")
        if self.num_context_frames < 0:
            raise ValueError(
                f"num_context_frames must not be negative, got {self.num_context_frames}"
            )


@dataclass(frozen=True)
class FloorConfig:
    """Calibration of the floor decision, measured after training (`train/calibrate.py`).

    With d the logit of `<|speak|>` less that of `<|silent|>`, p(speak) is sigmoid(scale d + bias).
    """

    scale: float = 1.0
    bias: float = 0.0

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"the scale of the floor decision must be above 0, got {self.scale}")


@dataclass(frozen=True)
class ModelConfig:
    """The whole interaction model. `vision` is None for a model that does not see, `fine_audio` for
    one that hears in steps of 50 ms only, as published."""

    backbone: BackboneConfig
    flow: FlowConfig
    audio: AudioConfig = field(default_factory=AudioConfig)
    vision: VisionConfig | None = field(default_factory=VisionConfig)
    max_text_tokens: int = MAX_TEXT_TOKENS
    floor: FloorConfig = field(default_factory=FloorConfig)
    fine_audio: FineAudioConfig | None = None

    def __post_init__(self) -> None:
        _require_positive(self, "max_text_tokens")
