"""Narrow weights: what an fp32 model with rounded weights gives, to the bit; and less memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from microturn.engine.engine import Engine
from microturn.engine.sampler import SamplingConfig
from microturn.model.config import ExpertConfig
from microturn.model.experts import MixtureMLP
from microturn.model.model import InteractionModel, count_parameters, lay_out_for_serving
from microturn.model.narrow import Narrow, join, narrow_weights, narrowed, wide
from microturn.model.tiles import tiled_linear
from microturn.signal.vocoder import Vocoder, VocoderConfig
from microturn.turns import INPUT_SAMPLES, MicroTurnInput, MicroTurnOutput
from tests.tiny import TinyText, tiny_config, tiny_model

KINDS = ("bf16", "int8")


def matrix(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_int8_is_off_by_half_a_step_at_most_and_keeps_the_greatest() -> None:
    wide_ED = matrix(20, 30)
    narrow = narrowed(wide_ED, "int8")
    step_E1 = wide_ED.abs().amax(-1, keepdim=True) / 127
    assert narrow.values.dtype == torch.int8
    assert ((narrow.widened() - wide_ED).abs() <= step_E1 * 0.501).all()
    assert (narrow.widened() != wide_ED).any()
    torch.testing.assert_close(narrow.widened().abs().amax(-1), wide_ED.abs().amax(-1))


def test_a_row_of_zeros_stays_zero() -> None:
    assert torch.equal(narrowed(torch.zeros(2, 5), "int8").widened(), torch.zeros(2, 5))


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_joining(kind: str) -> None:
    stack = narrowed(matrix(3, 4, 6), kind)
    assert len(stack) == 3 and stack.shape == (3, 4, 6)
    assert torch.equal(stack[1].widened(), stack.widened()[1])
    assert [len(one) for one in stack.unbind()] == [4, 4, 4]
    joined = join([stack[0], stack[2]])
    assert torch.equal(wide(joined), torch.cat([stack[0].widened(), stack[2].widened()]))
    x_RD = matrix(5, 6)
    assert torch.equal(tiled_linear(x_RD, stack[0]), tiled_linear(x_RD, stack[0].widened()))


def rounded(model: InteractionModel, kind: str) -> InteractionModel:
    """The fp32 model of the same rounded matrices."""
    for module in model.modules():
        names = ["weight"] if isinstance(module, nn.Linear) else []
        names += [name for name, one in module.named_parameters(recurse=False) if one.ndim == 3]
        for name in names:
            if type(module).__name__ != "ShortConvolution":
                parameter = getattr(module, name)
                parameter.data = narrowed(parameter, kind).widened()
    return model


def outputs(model: InteractionModel) -> list[MicroTurnOutput]:
    torch.manual_seed(1)
    vocoder = Vocoder(VocoderConfig(width=32, num_blocks=1))
    sampling = SamplingConfig(text_temperature=2.0, num_flow_steps=1, max_text_tokens=2)
    engine = Engine(model, vocoder, TinyText(), sampling)
    session, rng = engine.open(instructions="a text of more than a tile"), np.random.default_rng(0)
    sound = rng.standard_normal((6, INPUT_SAMPLES)).astype(np.float32)
    return [
        engine.step(session, MicroTurnInput(index, audio), force_speak=index % 2 == 1)
        for index, audio in enumerate(sound)
    ]


def equal(ones: list[MicroTurnOutput], others: list[MicroTurnOutput]) -> bool:
    return all(
        one.p_speak == other.p_speak
        and one.text_ids == other.text_ids
        and np.array_equal(one.audio, other.audio)
        for one, other in zip(ones, others, strict=True)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_narrow_model_gives_the_bits_of_the_rounded_one(kind: str) -> None:
    narrow = tiny_model()
    narrow_weights(narrow, kind)
    assert any(isinstance(module, Narrow) for module in narrow.transformer.modules())
    found = outputs(narrow)
    assert equal(found, outputs(rounded(tiny_model(), kind)))
    assert not equal(found, outputs(tiny_model()))  # rounding does something


@pytest.mark.parametrize("kind", KINDS)
def test_many_experts_and_whole_rows_too(kind: str) -> None:
    config = tiny_config()
    experts = ExpertConfig(20, 2, 1, 32)  # too many to be packed
    config = replace(config, backbone=replace(config.backbone, experts=experts))
    models = []
    for _ in range(2):
        torch.manual_seed(0)
        models.append(InteractionModel(config).eval())
    narrow_weights(models[0], kind)
    rounded(models[1], kind)
    x_BSD = matrix(1, 40, config.backbone.width)
    with torch.no_grad():
        assert torch.equal(*(model.transformer(x_BSD) for model in models))
        assert any(isinstance(one, MixtureMLP) for one in models[0].modules())
        streams = []
        for model in models:
            lay_out_for_serving(model)
            streams.append(model.transformer.extend(x_BSD[0], model.transformer.new_state()))
    assert torch.equal(*streams)


def num_bytes(model: nn.Module) -> int:
    tensors = [*model.parameters(), *model.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def test_memory_shrinks_and_parameters_are_still_counted() -> None:
    sizes, counts = {}, set()
    for kind in ("fp32", *KINDS):
        model = tiny_model()
        narrow_weights(model, kind)
        sizes[kind], _ = num_bytes(model.transformer), counts.add(count_parameters(model))
    assert sizes["int8"] < 0.4 * sizes["fp32"] and sizes["bf16"] < 0.6 * sizes["fp32"]
    assert len(counts) == 1


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="fp32, bf16 or int8"):
        narrow_weights(tiny_model(), "int4")
