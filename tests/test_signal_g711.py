"""The codes of G.711."""

from __future__ import annotations

import numpy as np
import pytest

from microturn.signal import g711

# Known points of the standard's tables.
KNOWN = {
    "pcmu": {0xFF: 0, 0x7F: 0, 0x00: -32_124, 0x80: 32_124, 0xFE: 8, 0x7E: -8, 0xEF: 132},
    "pcma": {0xD5: 8, 0x55: -8, 0xAA: 32_256, 0x2A: -32_256, 0xD4: 24, 0xC5: 264},
}


@pytest.mark.parametrize("law", ["pcmu", "pcma"])
def test_known_codes(law: g711.Law) -> None:
    assert {code: int(g711.values(law)[code]) for code in KNOWN[law]} == KNOWN[law]


@pytest.mark.parametrize("law", ["pcmu", "pcma"])
def test_codes_come_back(law: g711.Law) -> None:
    codes = np.arange(256, dtype=np.uint8)
    again = np.frombuffer(g711.encode(g711.decode(codes.tobytes(), law), law), np.uint8)
    assert (g711.values(law)[again] == g711.values(law)).all(), "two codes of mu-law mean zero"
    assert len(set(again.tolist())) >= 255


@pytest.mark.parametrize("law", ["pcmu", "pcma"])
def test_speech_survives(law: g711.Law) -> None:
    samples = np.linspace(-0.98, 0.98, 5_001).astype(np.float32)
    error = np.abs(g711.decode(g711.encode(samples, law), law) - samples)
    # Half a step: 1/32 of the segment, where mu-law's segments are shifted by 132 of 32,768.
    assert (error <= 0.032 * (np.abs(samples) + 132 / 32_768) + 3e-4).all()
    loud = np.array([-2.0, 2.0], np.float32)
    assert np.abs(g711.decode(g711.encode(loud, law), law)).min() > 0.97
