"""16 to 24 kHz as a stream with a delay of under a millisecond: what goes to a wire must not wait
for a resampler's blocks."""

from __future__ import annotations

import numpy as np

from microturn.turns import FloatArray

NUM_TAPS = 24


class Upsampler:
    """Takes an even number of samples, gives three for two. Two of three outputs lie between
    samples, a third from one of them."""

    def __init__(self) -> None:
        self.tail: FloatArray = np.zeros(NUM_TAPS, np.float32)

    def __call__(self, samples: FloatArray) -> FloatArray:
        """Raises ValueError for an odd number."""
        if len(samples) % 2:
            raise ValueError(f"need an even number of samples, got {len(samples)}")
        known = np.concatenate([self.tail, samples])
        self.tail = known[len(samples) :]
        before = NUM_TAPS // 2
        here = known[before : before + len(samples)]
        # np.convolve turns the taps around: the first tap meets the last sample.
        third = np.convolve(known[1:], taps(1 / 3), "valid")
        two_thirds = np.convolve(known[1:], taps(2 / 3), "valid")
        out = np.empty((len(samples) // 2, 3), np.float32)
        out[:, 0], out[:, 1], out[:, 2] = here[0::2], two_thirds[0::2], third[1::2]
        return out.reshape(-1)


def taps(part: float) -> FloatArray:
    """For the point that lies `part` of the way from the middle sample to the next."""
    distance = part - (np.arange(NUM_TAPS)[::-1] - NUM_TAPS // 2 + 1)
    window = np.i0(8 * np.sqrt(np.clip(1 - (2 * distance / NUM_TAPS) ** 2, 0, None)))
    weights = np.sinc(distance) * window
    return (weights / weights.sum()).astype(np.float32)
