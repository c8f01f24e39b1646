"""Our backbone and towers against the published implementation in transformers, fp32."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from microturn.model.embed import normalise
from microturn.model.model import InteractionModel
from microturn.sequence import Positions, text_positions
from tests.inkling_cases import IMAGE_ID, inputs, pair

TOLERANCE = 1e-4
CHUNKS = (1, 1, 5, 17, 3)


def our_logits(model: InteractionModel, positions: Positions) -> Tensor:
    with torch.no_grad():
        return model.text_logits(model(positions, num_rows=1))[0]


def length_of(seed: int) -> int:
    """Some conversations are longer than a key block of 256, most are not."""
    return 300 + seed if seed % 4 == 0 else 60 + seed


def furthest(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape
    return float((a - b).abs().max())


@pytest.mark.parametrize("seed", range(24))
def test_logits_and_cached_decoding_equal_the_published_model(seed: int, tmp_path: Path) -> None:
    ours, theirs = pair(seed, tmp_path)
    positions, fields = inputs(ours.config, length_of(seed), seed)
    fields["pixel_values"] = normalise(positions.patch_P)
    cache = DynamicCache(config=theirs.config.get_text_config())
    with torch.no_grad():
        expected = theirs(**fields, past_key_values=cache, use_cache=True).logits[0]
    assert expected.std() > 0.05
    assert furthest(our_logits(ours, positions), expected) < TOLERANCE
    state = ours.transformer.new_state()
    with torch.no_grad():
        streamed = ours.text_logits(ours.extend(positions, state))
        assert furthest(streamed, expected) < TOLERANCE
        rng = torch.Generator().manual_seed(seed)
        for count in CHUNKS:
            ids = torch.randint(0, IMAGE_ID, (count,), generator=rng)
            expected = theirs(ids[None], past_key_values=cache, use_cache=True).logits[0]
            decoded = ours.text_logits(ours.extend(text_positions(ids.tolist()), state))
            assert furthest(decoded, expected) < TOLERANCE


@pytest.mark.parametrize(
    "name",
    [
        "transformer.layers.0.attn.wr_du.weight",
        "transformer.layers.0.attn.rel_logits_proj.proj_bias",
        "transformer.layers.0.attn.k_sconv.weight",
        "transformer.layers.1.mlp_sconv.weight",
        "embedder.audio.encoder.weight",
        "embedder.visual.layers.linear_0.weight",
    ],
)
def test_a_small_change_of_any_part_is_seen(name: str, tmp_path: Path) -> None:
    ours, theirs = pair(3, tmp_path)
    positions, fields = inputs(ours.config, 60, 3)
    with torch.no_grad():
        expected = theirs(**fields, pixel_values=normalise(positions.patch_P)).logits[0]
        assert furthest(our_logits(ours, positions), expected) < TOLERANCE
        parameter = ours.get_parameter(name)
        parameter += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
    assert furthest(our_logits(ours, positions), expected) > TOLERANCE
