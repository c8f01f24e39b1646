"""Positions -> vectors: text, what is heard and said, the clock, image patches, audio-out slots.

Text, heard audio and patches are embedded as Inkling does (normed embedding, dMel bag of
embeddings, hMLP). The second audio table (what the model itself was heard to say), the clock and
the slots are ours.

The fine frames (`FineFrames`) are ours too.

Legend: S positions, A heard positions, M mel bins, F fine frames, W windows of them, C channels,
P patches, D width, V vocabulary, L levels, K clock features.
"""

from __future__ import annotations

import itertools
import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from microturn.model.attention import RMSNorm, compute_dtype
from microturn.model.config import AudioConfig, FineAudioConfig, ModelConfig, VisionConfig
from microturn.model.tiles import tiled_linear
from microturn.sequence import NUM_FINE_FRAMES, NUM_MEL_BINS, Kind, Positions
from microturn.turns import MICRO_TURN_MS, NUM_SLOTS

INIT_STD = 0.02
AUDIO_EPSILON = VISION_EPSILON = 1e-6
IMAGE_MEAN = (
    0.48145466,
    0.4578275,
    0.40821073,
)  # of red, green, blue in [0, 1]: CLIP's, as published
IMAGE_STD = (0.26862954, 0.26130258, 0.27577711)
FINE_SCALE, FINE_OFFSET = 9 / 255, 5.0  # levels -> log10 of mel, plus 2: about unit range
NUM_CLOCK_PERIODS = 32
SHORTEST_PERIOD_S = 0.4
LONGEST_PERIOD_S = 86_400.0


class BagOfBins(nn.Module):
    """One table row for each (mel bin, level); a frame is the normed sum of its bins' rows."""

    def __init__(self, width: int, config: AudioConfig) -> None:
        super().__init__()
        self.num_levels = config.num_levels
        self.encoder = nn.Embedding(config.num_mel_bins * config.num_levels, width)
        self.final_norm = RMSNorm(width, AUDIO_EPSILON)
        nn.init.normal_(self.encoder.weight, std=INIT_STD)

    def forward(self, bins_AM: Tensor) -> Tensor:
        """Levels uint8 [A, M] -> [A, D]: a multi-hot row times the table."""
        levels_L = torch.arange(self.num_levels, device=bins_AM.device, dtype=bins_AM.dtype)
        table = self.encoder.weight
        hot_AML = (bins_AM[..., None] == levels_L).to(compute_dtype(table))
        return self.final_norm(tiled_linear(hot_AML.flatten(1), table.t()))


class FineFrames(nn.Module):
    """What was heard in steps of 10 ms, added to the bag of bins: a convolution in time over the
    frames of one position, GELU, a linear (the first two layers of Whisper's encoder, Radford et
    al., 2022, within 100 ms). Nothing is carried from one position to the next."""

    def __init__(self, width: int, config: FineAudioConfig) -> None:
        super().__init__()
        self.kernel = config.kernel
        num_windows = NUM_FINE_FRAMES - config.kernel + 1
        self.conv = nn.Linear(config.kernel * NUM_MEL_BINS, config.num_channels)
        self.linear = nn.Linear(num_windows * config.num_channels, width)
        self.final_norm = RMSNorm(width, AUDIO_EPSILON)
        nn.init.constant_(
            self.final_norm.weight, 0.3
        )  # low: beside trained weights it is noise at first

    def forward(self, fine_AFM: Tensor) -> Tensor:
        """Levels uint8 [A, F, M] -> [A, D]."""
        x_AFM = fine_AFM.to(compute_dtype(self.conv.bias)) * FINE_SCALE - FINE_OFFSET
        x_AWN = x_AFM.unfold(1, self.kernel, 1).mT.flatten(2)
        hidden_AWC = functional.gelu(tiled_linear(x_AWN, self.conv.weight, self.conv.bias))
        out_AD = tiled_linear(hidden_AWC.flatten(1), self.linear.weight, self.linear.bias)
        return self.final_norm(out_AD)


def prime_factors(number: int) -> list[int]:
    """Prime factors in ascending order."""
    factors, divisor = [], 2
    while number > 1:
        while number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        divisor += 1
    return factors


def plan_scales(config: VisionConfig) -> list[tuple[int, int, int]]:
    """Fold sizes after each layer as Inkling plans them: (time, side, channels) from (1, 1, 3) on.

    Candidates fold space by the prime factors of the patch's side, largest first, then time;
    channels are those that lose nothing, rounded up to 64. Layers take the candidates nearest to
    even steps of log size, each at most once while there are enough of them (the cheapest
    assignment); first and last are fixed.
    """
    scales = [(1, 1, config.num_channels)]
    side = time = 1
    for factor in reversed(prime_factors(config.patch_size)):
        side *= factor
        scales.append((1, side, math.ceil(side**2 * config.num_channels / 64) * 64))
    for factor in reversed(prime_factors(config.temporal_patch_size)):
        time *= factor
        channels = side**2 * config.num_channels * time * 64  # as published, not rounded to 64
        scales.append((time, side, channels))
    total = config.patch_size**2 * config.temporal_patch_size * config.num_channels
    ideal = [math.log(total) * layer / config.num_layers for layer in range(config.num_layers + 1)]
    size = [math.log(time * side * side) for time, side, _ in scales]
    if config.num_layers >= len(scales):
        chosen = [min(range(len(size)), key=lambda i: abs(size[i] - step)) for step in ideal]
    else:
        choices = itertools.combinations(range(len(scales)), config.num_layers + 1)
        chosen = list(
            min(
                choices,
                key=lambda picks: sum(
                    abs(size[i] - step) for i, step in zip(picks, ideal, strict=True)
                ),
            )
        )
    chosen[0], chosen[-1] = 0, len(scales) - 1
    return [scales[i] for i in chosen]


def fold(x: Tensor, time: int, side: int) -> Tensor:
    """Space and time to depth: [P, T, H, W, C] -> [P, T/time, H/side, W/side, time side side C]."""
    patches, frames, height, width, channels = x.shape
    x = x.reshape(
        patches, frames // time, time, height // side, side, width // side, side, channels
    )
    return x.permute(0, 1, 3, 5, 2, 4, 6, 7).flatten(4)


class HMLP(nn.Module):
    """Hierarchical MLP of a patch (Touvron et al., 2022): fold, linear, norm, GELU."""

    def __init__(self, width: int, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        scales = plan_scales(config)
        self.folds: list[tuple[int, int]] = []
        self.layers = nn.ModuleDict()
        for index, (start, end) in enumerate(itertools.pairwise(scales)):
            time, side = end[0] // start[0], end[1] // start[1]
            is_last = index == config.num_layers - 1
            out_width = width if is_last else end[2]
            self.folds.append((time, side))
            linear = nn.Linear(start[2] * time * side * side, out_width, bias=False)
            nn.init.normal_(linear.weight, std=INIT_STD)
            self.layers[f"linear_{index}"] = linear
            if not is_last:
                self.layers[f"norm_{index}"] = RMSNorm(out_width, VISION_EPSILON)
        self.final_norm = RMSNorm(width, VISION_EPSILON)

    def forward(self, patch_P: Tensor) -> Tensor:
        """uint8 [P, time, height, width, colour] -> [P, D]."""
        return self.encode(normalise(patch_P).to(self.final_norm.weight.dtype))

    def encode(self, x: Tensor) -> Tensor:
        """Normalised pixels of the same shape -> [P, D]."""
        for index, (time, side) in enumerate(self.folds):
            linear = cast(nn.Linear, self.layers[f"linear_{index}"])
            x = tiled_linear(fold(x, time, side), linear.weight)
            if index < len(self.folds) - 1:
                x = functional.gelu(self.layers[f"norm_{index}"](x))
        return self.final_norm(x.flatten(1))


def normalise(patch_P: Tensor) -> Tensor:
    """uint8 colours to about unit range, as published."""
    mean = torch.tensor(IMAGE_MEAN, device=patch_P.device)
    std = torch.tensor(IMAGE_STD, device=patch_P.device)
    return (patch_P.float() / 255.0 - mean) / std


def clock_features(index_A: Tensor) -> Tensor:
    """Sine and cosine of elapsed time at log-spaced periods: micro-turn indices [A] -> fp32 [A, K].

    Angles are computed in fp64, so that a day in, steps of 200 ms are as sharp as at the start.
    """
    steps = torch.arange(NUM_CLOCK_PERIODS, dtype=torch.float64, device=index_A.device)
    ratio = LONGEST_PERIOD_S / SHORTEST_PERIOD_S
    period_s = SHORTEST_PERIOD_S * ratio ** (steps / (NUM_CLOCK_PERIODS - 1))
    elapsed_s = index_A.double()[:, None] * MICRO_TURN_MS / 1000.0
    angle = 2 * math.pi * (elapsed_s / period_s).frac()
    return torch.cat([angle.sin(), angle.cos()], dim=-1).float()


class Embedder(nn.Module):
    """Everything the sequence can hold -> [S, D]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        backbone = config.backbone
        width = backbone.width
        self.vocab_size = backbone.vocab_size
        self.embed = nn.Embedding(backbone.vocab_size, width)
        self.embed_norm = RMSNorm(width, backbone.norm_epsilon)
        self.audio = BagOfBins(width, config.audio)
        self.said = BagOfBins(width, config.audio)
        self.fine = None if config.fine_audio is None else FineFrames(width, config.fine_audio)
        self.visual = None if config.vision is None else HMLP(width, config.vision)
        self.clock = nn.Linear(2 * NUM_CLOCK_PERIODS, width, bias=False)
        self.slot = nn.Parameter(torch.randn(NUM_SLOTS, width))
        nn.init.normal_(self.embed.weight, std=INIT_STD)
        nn.init.normal_(self.clock.weight, std=INIT_STD)

    def text(self, id_N: Tensor) -> Tensor:
        """Token ids [N] -> [N, D]. Raises ValueError for ids outside the vocabulary."""
        if len(id_N) and not 0 <= int(id_N.min()) <= int(id_N.max()) < self.vocab_size:
            raise ValueError(
                f"token ids must be 0 to {self.vocab_size - 1}, "
                f"got {int(id_N.min())} to {int(id_N.max())}"
            )
        return self.embed_norm(functional.embedding(id_N, self.embed.weight))

    def heard(self, positions: Positions) -> Tensor:
        """Heard positions: what was heard, what the model was heard to say, the clock: [A, D]."""
        heard_AD = self.audio(positions.heard_AM)
        parts = [heard_AD]
        if self.fine is not None:
            parts.append(self.fine(positions.fine_AFM))
        if positions.is_said_A.any():
            said_AD = self.said(positions.said_AM)
            parts.append(said_AD * positions.is_said_A[:, None].to(said_AD.dtype))
        has_clock_A = positions.clock_A >= 0
        features_AK = clock_features(positions.clock_A.clamp(min=0)) * has_clock_A[:, None]
        parts.append(tiled_linear(features_AK.to(self.clock.weight.dtype), self.clock.weight))
        total_AD = parts[0]
        for part in parts[1:]:
            total_AD = total_AD + part
        return total_AD

    def forward(self, positions: Positions) -> Tensor:
        """[S, D] in the type of the weights. Raises ValueError for patches it cannot see."""
        kind_S = positions.kind_S
        is_text_S = kind_S == Kind.TEXT
        parts = [self.text(positions.id_S[is_text_S])]
        order = [is_text_S.nonzero().flatten()]
        if len(positions.heard_AM):
            parts.append(self.heard(positions))
            order.append((kind_S == Kind.HEARD).nonzero().flatten())
        if len(positions.patch_P):
            if self.visual is None:
                raise ValueError("this model has no vision part: give no image patches")
            parts.append(self.visual(positions.patch_P))
            order.append((kind_S == Kind.PATCH).nonzero().flatten())
        is_slot_S = kind_S == Kind.SLOT
        parts.append(functional.embedding(positions.id_S[is_slot_S], self.slot))
        order.append(is_slot_S.nonzero().flatten())
        place_S = torch.empty_like(positions.id_S)
        place_S[torch.cat(order)] = torch.arange(len(place_S), device=place_S.device)
        rows_SD = torch.cat([part.to(self.slot.dtype) for part in parts])
        return rows_SD.index_select(0, place_S)
