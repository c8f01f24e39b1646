"""G.711 (ITU-T): the codes of telephony, 8 bits a sample, fine near zero and coarse far from it.

A code's value is all that the standard's decoder gives; encoding takes the nearest value.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from microturn.turns import FloatArray

Law = Literal["pcmu", "pcma"]


@cache
def values(law: Law) -> npt.NDArray[np.int16]:
    """The 16-bit value of each of the 256 codes."""
    code = np.arange(256) ^ (0xFF if law == "pcmu" else 0x55)
    exponent, mantissa = code >> 4 & 7, code & 15
    if law == "pcmu":
        magnitude = ((2 * mantissa + 33) << exponent) - 33 << 2
        is_positive = (code & 0x80) == 0  # the sign bit is inverted on the wire too
    else:
        first = (2 * mantissa + 1) << 3
        magnitude = np.where(exponent == 0, first, (first + 256) << np.maximum(exponent - 1, 0))
        is_positive = (code & 0x80) != 0
    return np.where(is_positive, magnitude, -magnitude).astype(np.int16)


@cache
def ordered(law: Law) -> tuple[npt.NDArray[np.uint8], FloatArray]:
    """Codes by rising value, and the thresholds half way between neighbours."""
    codes = np.argsort(values(law), kind="stable").astype(np.uint8)
    rising = values(law)[codes].astype(np.float32)
    return codes, (rising[1:] + rising[:-1]) / np.float32(2)


def decode(data: bytes, law: Law) -> FloatArray:
    """Codes -> float32 in [-1, 1)."""
    return values(law)[np.frombuffer(data, np.uint8)].astype(np.float32) / np.float32(32_768)


def encode(samples: FloatArray, law: Law) -> bytes:
    """float32 -> the nearest codes."""
    codes, thresholds = ordered(law)
    scaled = samples.astype(np.float32) * np.float32(32_768)
    return codes[np.searchsorted(thresholds, scaled)].tobytes()
