"""Packed weights give the bits of the modules they were made from; where not, they are not used."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from microturn.model.experts import MixtureMLP
from microturn.model.model import lay_out_for_serving
from microturn.model.stream import PackedMixture, agree, by_columns, joined, product
from microturn.model.transformer import Transformer
from microturn.presets import nano
from tests.test_model_transformer import SIZES, random_transformer, rows
from tests.tiny import tiny_model


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("widths", [(256, 128, 128, 64), (64, 8), (8,), (32, 32)])
def test_joined_products_have_the_bits_of_each_alone(widths: tuple[int, ...]) -> None:
    matrices = [noise(width, 64, seed=width) for width in widths]
    x_SD = noise(48, 64)
    with torch.no_grad():
        alone = torch.cat([functional.linear(x_SD, matrix) for matrix in matrices], dim=-1)
        assert torch.equal(product(x_SD, joined(matrices)), alone)


def test_matrices_of_other_values_do_not_agree() -> None:
    matrix = noise(64, 64)
    changed = matrix.clone()
    changed[3, 5] += 1e-3
    assert agree((by_columns(matrix),), (matrix,))
    assert not agree((changed,), (matrix,))


def test_nano_is_packed_in_full() -> None:
    """Otherwise it would be right, but slow."""
    model = random_transformer(nano().backbone)
    model.pack()
    assert model.packed is not None
    for layer in model.packed:
        assert len(layer.attention.projections) == 1 and layer.mlp is not None


def mixture() -> tuple[MixtureMLP, PackedMixture]:
    part = random_transformer(SIZES["small_window"]).layers[1].mlp
    assert isinstance(part, MixtureMLP)
    packed = PackedMixture.of(part)
    assert packed is not None
    return part, packed


def test_all_experts_on_all_rows_give_the_bits_of_sorted_rows() -> None:
    part, packed = mixture()
    x_SD = noise(16, 48)
    with torch.no_grad():
        whole = part(noise(300, 48, seed=1).index_copy(0, torch.arange(16), x_SD))
        assert torch.equal(packed(x_SD, 16), whole[:16])
        part.experts.w2_weight[0] += 0.1  # negative control: packed before the change
        assert not torch.equal(packed(x_SD, 16), part(x_SD))


def test_few_rows_through_the_experts_they_chose_have_the_same_bits() -> None:
    _, packed = mixture()
    with torch.no_grad():
        for seed in range(20):
            x_SD = noise(16, 48, seed=seed)
            whole_SD = packed.whole(x_SD)
            for count in (1, 2):
                few_SD = packed(x_SD[:4], count)
                assert torch.equal(few_SD[:count], whole_SD[:count])
                x_SD[count:] = torch.nan  # rows that are nobody's
                assert torch.equal(packed(x_SD[:4], count)[:count], whole_SD[:count])
                x_SD = noise(16, 48, seed=seed)
        # Negative control: rows beyond those asked for went through others' experts.
        others = [packed(noise(16, 48, seed=seed)[:4], 1)[1:] for seed in range(20)]
        right = [packed.whole(noise(16, 48, seed=seed))[1:4] for seed in range(20)]
        assert not all(torch.equal(a, b) for a, b in zip(others, right, strict=True))


def test_where_few_rows_had_other_bits_nothing_is_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    part = random_transformer(SIZES["small_window"]).layers[1].mlp
    assert isinstance(part, MixtureMLP)
    monkeypatch.setattr(PackedMixture, "chosen", lambda self, x_SD, num_new: x_SD)
    assert PackedMixture.of(part) is None


def test_training_drops_packed_weights() -> None:
    model = random_transformer(SIZES["small_window"])
    model.pack()
    x_SD = rows(model.config, 1, 20)[0]
    before = model.extend(x_SD, model.new_state())
    with torch.no_grad():
        model.layers[0].attn.wq_du.weight += 0.1
    assert torch.equal(model.extend(x_SD, model.new_state()), before)  # copies do not follow
    model.train()
    assert model.packed is None
    assert not torch.equal(model.eval().extend(x_SD, model.new_state()), before)


def test_laying_out_for_serving_changes_no_value_name_or_bit() -> None:
    model, plain = tiny_model(), tiny_model()
    lay_out_for_serving(model)
    assert model.state_dict().keys() == plain.state_dict().keys()
    for name, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    x_BSD = noise(1, 300, 64)
    with torch.no_grad():
        assert torch.equal(model.transformer(x_BSD), plain.transformer(x_BSD))


def test_half_precision_streams_too() -> None:
    model: Transformer = random_transformer(SIZES["wide_window"])
    x_SD = rows(model.config, 1, 100)[0]
    full = model.extend(x_SD, model.new_state())
    half = model.bfloat16().extend(x_SD.bfloat16(), model.new_state())
    assert half.dtype == torch.bfloat16
    assert float((half.float() - full).square().mean().sqrt()) < 0.1
