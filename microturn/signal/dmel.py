"""Log-mel <-> dMel bins (Bai et al., 2024, dMel): nearest of 16 centres from -7 to 2, as Inkling
publishes them.

Legend: A frames, M mel bins.
"""

from __future__ import annotations

import torch
from torch import Tensor

NUM_DMEL_BINS = 16
NUM_FINE_LEVELS = 256
LOG_MEL_MIN, LOG_MEL_MAX = -7.0, 2.0


def centres() -> Tensor:
    """The 16 values that bins stand for, float64."""
    return torch.linspace(LOG_MEL_MIN, LOG_MEL_MAX, NUM_DMEL_BINS, dtype=torch.float64)


def to_bins(log_mel_AM: Tensor) -> Tensor:
    """Nearest centre (the lower one of two equally near), uint8.

    In float32 like the published code: half way between two centres the rounding decides.
    """
    clamped_AM = log_mel_AM.float().clamp(LOG_MEL_MIN, LOG_MEL_MAX)
    return (clamped_AM[..., None] - centres().float()).abs().argmin(-1).to(torch.uint8)


def to_fine_levels(log_mel: Tensor) -> Tensor:
    """Nearest of 256 levels over the same range, uint8 of the same shape: steps of 0.7 dB, where
    the 16 bins have steps of 12 dB."""
    share = (log_mel.float().clamp(LOG_MEL_MIN, LOG_MEL_MAX) - LOG_MEL_MIN) / (
        LOG_MEL_MAX - LOG_MEL_MIN
    )
    return (share * (NUM_FINE_LEVELS - 1)).round().to(torch.uint8)


def to_log_mel(bins_AM: Tensor) -> Tensor:
    """The centres of bins, float32."""
    return centres()[bins_AM.long()].float()
