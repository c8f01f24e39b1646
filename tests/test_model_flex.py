"""Flex attention against the plain forms: forward only, since a CPU has no backward of it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.attention.flex_attention import flex_attention

from microturn.model.banded import attend_batched
from microturn.model.cache import KEY_BLOCK
from microturn.model.config import RetentionConfig
from microturn.model.flex import attend_flex, attend_flex_whole
from microturn.model.retention import Sight, attend_whole
from tests.test_model_banded import BANDS, band_tensors, dense

pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")


def plain_tensors(length: int, extent: int) -> list[Tensor]:
    return [tensor.detach() for tensor in band_tensors(length, extent, torch.float32)]


@pytest.mark.parametrize("band", BANDS.values(), ids=BANDS.keys())
def test_bands_equal_the_batched_form_and_the_definition(band: tuple) -> None:
    length, reach, extent, is_window = band
    tensors = plain_tensors(length, extent)
    out = attend_flex(*tensors, reach, is_window, kernel=flex_attention)
    torch.testing.assert_close(out, dense(*tensors, is_window), rtol=1e-5, atol=2e-5)
    batched = attend_batched(*tensors, reach, is_window)
    torch.testing.assert_close(out, batched, rtol=1e-5, atol=2e-5)


def test_the_bias_and_the_window_matter() -> None:
    q, rel, k, v, profile = plain_tensors(544, 256)
    out = attend_flex(q, rel, k, v, profile, 1, True, kernel=flex_attention)
    others = (
        attend_flex(q, 0 * rel, k, v, profile, 1, True, kernel=flex_attention),
        attend_flex(q, rel, k, v, profile, None, False, kernel=flex_attention),
    )
    for other in others:
        assert float((other - out).abs().max()) > 0.05


@pytest.mark.parametrize("num_text", [16, 64])
def test_older_text_is_seen_as_in_retention(num_text: int) -> None:
    """One block of window and text all over, more than is kept with 16 and less with 64."""
    length, window = 4 * KEY_BLOCK - 16, KEY_BLOCK
    q, rel, k, v, profile = plain_tensors(length, window)
    rng = torch.Generator().manual_seed(1)
    is_text_BS = torch.rand(2, length, generator=rng) < 0.03
    sight = Sight(window, 1, RetentionConfig(num_text, 4, ()))
    given = ((q, rel), (k, v), is_text_BS, profile, sight)
    out = attend_flex_whole(*given, kernel=flex_attention)
    torch.testing.assert_close(out, attend_whole(*given), rtol=1e-5, atol=2e-5)
    without = attend_flex(q, rel, k, v, profile, 1, True, kernel=flex_attention)
    assert torch.equal(without[:, :window], out[:, :window])
    assert float((without[:, -100:] - out[:, -100:]).abs().max()) > 0.01
