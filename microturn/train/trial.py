"""What the paired trials share: clips and voices, a small backbone, models that begin alike, one
schedule."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from microturn.data.bank import Bank, Clip, read_manifest
from microturn.data.stats import manifests_of
from microturn.model.config import AttentionConfig, BackboneConfig

WARMUP, DECAY = 0.05, 0.4  # shares of a run


def training_clips(paths: Sequence[Path]) -> list[Clip]:
    """All clips of these banks that may train."""
    clips = [clip for path in paths for m in manifests_of(path) for clip in read_manifest(m)]
    return [clip for clip in clips if clip.split == "train"]


def held_voices(clips: Sequence[Clip], count: int) -> set[str]:
    """User voices that only test, the same in every run.

    Raises ValueError where none would be left to train.
    """
    voices = Bank(clips).voices
    if len(voices) <= count:
        raise ValueError(f"{len(voices)} user voices are too few to keep {count} for the test")
    return set(random.Random("held").sample(voices, count))


def small_backbone(
    vocab_size: int, width: int, num_layers: int, dense_width: int, windows: tuple[int, int]
) -> BackboneConfig:
    """Dense layers, the last one full; heads of 64. windows: of sliding and of full layers, in
    positions."""
    heads = (width // 64, 1, 64)
    return BackboneConfig(
        vocab_size=vocab_size,
        width=width,
        num_layers=num_layers,
        num_dense_layers=num_layers,
        dense_width=dense_width,
        attention=AttentionConfig(*heads, *heads, window=windows[0], full_window=windows[1]),
        full_every=num_layers,
        mup_divisor=1.0,
    )


def begin_alike(models: Sequence[nn.Module]) -> None:
    """Give all models the first one's values wherever names and shapes agree, in place."""
    first = models[0].state_dict()
    for model in models[1:]:
        state = model.state_dict()
        same = {k: t for k, t in first.items() if k in state and state[k].shape == t.shape}
        model.load_state_dict(state | same)


def rate(progress: float) -> float:
    """Share of the peak rate of learning: up, level, down to a hundredth."""
    return max(0.01, min(1.0, progress / WARMUP + 0.01, (1 - progress) / DECAY))
