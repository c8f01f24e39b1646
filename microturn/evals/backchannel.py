"""Backchannels of the system itself: how often, and at the times at which people give them.

Definitions of Full-Duplex-Bench V1. The reference distribution is loaded by path, never bundled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from microturn.evals.episode import Span, Word
from microturn.evals.timing import SHORT_MS

TURN_MS = 3000  # a longer segment takes the turn and ends the scan
FEW_WORDS = 2
BIN_MS = 200
FLOOR = 1e-10

Distribution = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Backchannels:
    """What one output holds. frequency: per second of the episode."""

    takeover: int
    segments: tuple[Span, ...]
    frequency_hz: float


def backchannels(
    segments: Sequence[Span],
    words: Sequence[Word],
    duration_ms: int,
    rule: Literal["any", "last"] = "any",
) -> Backchannels:
    """Scan VAD segments in order.

    rule: `last` lets a later short segment undo an earlier takeover, as upstream does.
    """
    taken, short = 0, list[Span]()
    for start, end in segments:
        if end - start > TURN_MS:
            taken = 1
            break
        short.append((start, end))
        num_words = sum(bool(text) and start <= a < end for text, a, _ in words)
        takes = int(not (end - start < SHORT_MS and num_words <= FEW_WORDS))
        taken = takes if rule == "last" else max(taken, takes)
    return Backchannels(taken, tuple(short), len(short) / (duration_ms / 1000))


def occupancy(segments: Sequence[Span], duration_ms: int) -> Distribution:
    """How much of each 0.2 s holds a backchannel, plus a floor, as a distribution."""
    edges = np.arange(-(-duration_ms // BIN_MS)) * BIN_MS
    filled = np.zeros(len(edges))
    for start, end in segments:
        overlap_ms = np.minimum(edges + BIN_MS, end) - np.maximum(edges, start)
        filled += np.clip(overlap_ms, 0, BIN_MS) / BIN_MS
    return normalised(filled)


def normalised(weights: Distribution) -> Distribution:
    """Weights plus a floor, to sum 1."""
    raised = weights + FLOOR
    return raised / raised.sum()


def resampled(reference: Sequence[float], length: int) -> Distribution:
    """A reference distribution brought linearly to `length` bins."""
    at = np.linspace(0.0, 1.0, length)
    return normalised(np.interp(at, np.linspace(0.0, 1.0, len(reference)), reference))


def jensen_shannon(p: Distribution, q: Distribution) -> float:
    """The Jensen-Shannon distance, base e: the square root of the divergence."""
    middle = (p + q) / 2
    terms = [np.sum(part[part > 0] * np.log(part[part > 0] / middle[part > 0])) for part in (p, q)]
    return float(np.sqrt(max(0.0, sum(terms) / 2)))


def timing_divergence(
    segments: Sequence[Span], duration_ms: int, reference: Sequence[float]
) -> float:
    """Distance of the backchannels' times from the reference; 1 where there are none."""
    if not segments:
        return 1.0
    own = occupancy(segments, duration_ms)
    return jensen_shannon(own, resampled(reference, len(own)))
