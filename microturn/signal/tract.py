"""The same sound from another vocal tract and through another microphone: mel filters that look at
bent frequencies, with other gains. Only training asks for it, so that few voices teach many
(vocal tract length perturbation, Jaitly and Hinton, 2013; here each formant region also moves by
itself).

Legend: M mel bins.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from microturn.sequence import NUM_MEL_BINS

AT_HZ = (500.0, 1200.0, 2200.0, 3500.0)  # between the usual places of the first formants
ALL_TOGETHER = (0.87, 1.15)
EACH = (0.94, 1.06)
NUM_RIPPLES = (1, 2, 3, 5)  # half waves of the gains over all bins
RIPPLE = 0.1  # standard deviation of each, in decades of magnitude: 2 dB


@dataclass(frozen=True)
class Tract:
    """What bin a frequency of the sound is heard in, and how loud.

    to_hz: the frequencies that stand where AT_HZ stood; 0 Hz and 8 kHz stay, and straight lines
    join them. ripples: (amplitude, phase) of the gains' half waves. Raises ValueError for
    frequencies that do not rise from 0 to below 8 kHz.
    """

    to_hz: tuple[float, ...]
    ripples: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        edges_hz = (0.0, *self.to_hz, 8000.0)
        rises = all(low < high for low, high in pairwise(edges_hz))
        if len(self.to_hz) != len(AT_HZ) or not rises:
            raise ValueError(f"want {len(AT_HZ)} rising frequencies below 8 kHz, got {self.to_hz}")

    def bent(self, frequency: Tensor) -> Tensor:
        """Where filters look that stood at these frequencies, 0 to 8 kHz."""
        at, to = (
            torch.tensor([0.0, *hz, 8000.0], dtype=torch.float64) for hz in (AT_HZ, self.to_hz)
        )
        place = torch.bucketize(frequency.double(), at[1:-1], right=True)
        slope = to.diff() / at.diff()
        return to[place] + (frequency.double() - at[place]) * slope[place]

    def gains(self) -> Tensor:
        """What is added to the logarithm (base 10) of each bin, [M] float32."""
        place_M = torch.linspace(0.0, math.pi, NUM_MEL_BINS)
        gains_M = torch.zeros(NUM_MEL_BINS)
        for number, (amplitude, phase) in zip(NUM_RIPPLES, self.ripples, strict=False):
            gains_M += amplitude * torch.cos(number * place_M + phase)
        return gains_M


def draw_tract(rng: random.Random) -> Tract:
    """Somebody else's."""
    together = rng.uniform(*ALL_TOGETHER)
    to_hz = tuple(hz * together * rng.uniform(*EACH) for hz in AT_HZ)
    ripples = tuple((rng.gauss(0, RIPPLE), rng.uniform(0, 2 * math.pi)) for _ in NUM_RIPPLES)
    return Tract(to_hz, ripples)
