"""16-bit samples, and resampling that does not depend on how a stream is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microturn.signal import pcm


@given(st.lists(st.integers(-32_768, 32_767), max_size=50))
def test_samples_come_back(samples: list[int]) -> None:
    data = np.array(samples, "<i2").tobytes()
    assert pcm.encode(pcm.decode(data)) == data


def test_what_is_too_loud_is_clipped() -> None:
    data = pcm.encode(np.array([-3.0, 3.0], np.float32))
    assert np.frombuffer(data, "<i2").tolist() == [-32_768, 32_767]


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="even number of bytes, got 3"):
        pcm.decode(b"abc")


def test_the_same_rate_needs_no_resampler() -> None:
    assert pcm.resampler(16_000, 16_000) is None


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8_000, 16_000), (24_000, 16_000), (24_000, 8_000)])
@pytest.mark.parametrize("step", [1, 77, 480])
def test_cuts_do_not_matter(from_hz: int, to_hz: int, step: int) -> None:
    time = np.arange(from_hz // 2) / from_hz
    samples = np.sin(2 * np.pi * 300 * time).astype(np.float32)
    whole, parts = pcm.resampler(from_hz, to_hz), pcm.resampler(from_hz, to_hz)
    assert whole is not None
    assert parts is not None
    at_once = whole.resample_chunk(samples)
    cut = [parts.resample_chunk(samples[i : i + step]) for i in range(0, len(samples), step)]
    joined = np.concatenate(cut)
    length = min(len(joined), len(at_once))
    assert length > to_hz * 0.2
    np.testing.assert_allclose(joined[:length], at_once[:length], atol=1e-6)
