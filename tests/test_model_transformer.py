"""The backbone: chunked and whole runs give the same bits; states survive failures and undo."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from microturn.model.cache import KEY_BLOCK
from microturn.model.config import AttentionConfig, BackboneConfig, ExpertConfig
from microturn.model.transformer import Transformer
from microturn.presets import nano

SIZES = {
    "nano": nano().backbone,
    "small_window": BackboneConfig(
        vocab_size=32,
        width=48,
        num_layers=3,
        num_dense_layers=1,
        dense_width=64,
        attention=AttentionConfig(4, 2, 16, 4, 1, 24, window=40, rel_extent=300),
        experts=ExpertConfig(4, 2, 2, 24, 3.0),
        full_every=3,
    ),
    "windowed_full": BackboneConfig(
        vocab_size=32,
        width=48,
        num_layers=2,
        num_dense_layers=2,
        dense_width=64,
        attention=AttentionConfig(2, 2, 16, 2, 1, 16, window=40, full_window=300),
        full_every=2,
    ),
    "wide_window": BackboneConfig(
        vocab_size=32,
        width=64,
        num_layers=4,
        num_dense_layers=4,
        dense_width=96,
        attention=AttentionConfig(2, 2, 32, 6, 3, 8, 300, 4, 70, log_scaling_floor=50),
        full_every=2,
        conv_kernel=3,
    ),
}
CHUNKS = {
    "at once": [700],
    "one by one, then the rest": [1] * 12 + [688],
    "micro-turns": [5] * 10 + [200] + [1, 1, 5] * 20 + [310],
    "across blocks": [250, 13, 3, 240, 17, 177],
}


def random_transformer(config: BackboneConfig, seed: int = 0) -> Transformer:
    torch.manual_seed(seed)
    model = Transformer(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.15)
    return model


def rows(config: BackboneConfig, batch: int, length: int) -> Tensor:
    return torch.randn(batch, length, config.width, generator=torch.Generator().manual_seed(1))


def whole(model: Transformer, x_BSD: Tensor) -> Tensor:
    with torch.no_grad():
        return model(x_BSD)


def streamed(model: Transformer, x_SD: Tensor, chunks: list[int]) -> Tensor:
    state = model.new_state()
    parts = [model.extend(part_SD, state) for part_SD in x_SD.split(chunks)]
    assert state.length == len(x_SD)
    return torch.cat(parts)


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS.keys())
@pytest.mark.parametrize("size", SIZES)
def test_any_chunking_gives_the_bits_of_the_whole(size: str, chunks: list[int]) -> None:
    model = random_transformer(SIZES[size])
    x_BSD = rows(model.config, 1, 700)
    assert torch.equal(streamed(model, x_BSD[0], chunks), whole(model, x_BSD)[0])


@pytest.mark.parametrize("size", SIZES)
def test_a_row_does_not_depend_on_its_length_or_its_neighbours(size: str) -> None:
    model = random_transformer(SIZES[size])
    x_BSD = rows(model.config, 3, 530)
    hidden_BSD = whole(model, x_BSD)
    assert torch.equal(whole(model, x_BSD[1:2]), hidden_BSD[1:2])
    for length in (1, 37, 300):
        assert torch.equal(whole(model, x_BSD[:, :length]), hidden_BSD[:, :length])


@pytest.mark.usefixtures("bare_rows")
def test_negative_control_bare_linears_depend_on_the_number_of_rows() -> None:
    rng = torch.Generator().manual_seed(0)
    x_ND, weight_ED = torch.randn(128, 256, generator=rng), torch.randn(256, 256, generator=rng)
    alone = torch.cat([functional.linear(x_ND[i : i + 1], weight_ED) for i in range(128)])
    assert not torch.equal(alone, functional.linear(x_ND, weight_ED))


def test_negative_control_one_changed_input_is_seen_by_later_rows_only() -> None:
    model = random_transformer(SIZES["small_window"])
    x_BSD = rows(model.config, 1, 600)
    before = whole(model, x_BSD)[0]
    x_BSD[0, 300, 0] += 0.5
    after = whole(model, x_BSD)[0]
    assert torch.equal(before[:300], after[:300])
    assert not torch.equal(before[300], after[300])
    assert not torch.equal(before[599], after[599])  # through the full layer


def test_sliding_layers_forget_what_left_the_window() -> None:
    config = replace(SIZES["small_window"], num_layers=2, num_dense_layers=2)  # both slide
    model = random_transformer(config)
    x_BSD = rows(config, 1, 600)
    before = whole(model, x_BSD)[0]
    x_BSD[0, 100] += 1.0
    after = whole(model, x_BSD)[0]
    seen = 2 * (40 - 1) + 4 * 3 * 2  # windows, and four convolutions of kernel 4 in each layer
    assert not torch.equal(before[100 + 40], after[100 + 40])
    assert torch.equal(before[100 + seen :], after[100 + seen :])


def test_sliding_layers_hold_a_bounded_buffer() -> None:
    model = random_transformer(SIZES["small_window"])
    state = model.new_state()
    for part_SD in rows(model.config, 1, 2600)[0].split(130):
        model.extend(part_SD, state)
    sizes = [layer.key_KNW.shape[1] for layer in state.layers]
    assert sizes[0] <= 8 * KEY_BLOCK and sizes[1] <= 8 * KEY_BLOCK
    assert sizes[2] >= 2600  # the full layer
    assert state.num_bytes() > 0


def test_a_window_on_full_layers_bounds_the_whole_stream() -> None:
    config = SIZES["windowed_full"]
    model = random_transformer(config)
    state, sizes = model.new_state(), []
    for part in rows(config, 1, 3000)[0].split(100):
        model.extend(part, state)
        sizes.append(state.num_bytes())
    assert max(sizes[20:]) == max(sizes[10:20])
    unbounded = replace(config, attention=replace(config.attention, full_window=None))
    state = random_transformer(unbounded).new_state()
    random_transformer(unbounded).extend(rows(config, 1, 3000)[0], state)
    assert state.num_bytes() > 2 * max(sizes)  # negative control: without the window it grows


def test_a_failed_extend_leaves_the_stream_as_it_was() -> None:
    model = random_transformer(SIZES["small_window"])
    x_SD = rows(model.config, 1, 520)[0]
    expected = whole(model, x_SD[None])[0]
    state = model.new_state()
    model.extend(x_SD[:250], state)

    def fail(*_: object) -> None:
        raise RuntimeError("no memory")

    hook = model.layers[2].mlp.register_forward_hook(fail)
    with pytest.raises(RuntimeError, match="no memory"):
        model.extend(torch.full((200, model.config.width), torch.nan), state)
    hook.remove()
    assert state.length == 250
    assert torch.equal(model.extend(x_SD[250:], state), expected[250:])


def test_a_mark_undoes_extends_even_those_that_were_not_numbers() -> None:
    model = random_transformer(SIZES["wide_window"])
    x_SD = rows(model.config, 1, 900)[0]
    expected = whole(model, x_SD[None])[0]
    state = model.new_state()
    model.extend(x_SD[:300], state)
    mark = state.mark()
    model.extend(torch.full((9, model.config.width), torch.nan), state)
    state.rollback(mark)
    model.extend(x_SD[:550], state)  # something else, and buffers that grow
    state.rollback(mark)
    assert torch.equal(model.extend(x_SD[300:], state), expected[300:])


def test_rolling_back_to_a_place_that_was_undone_is_refused() -> None:
    model = random_transformer(SIZES["small_window"])
    state = model.new_state()
    early = state.mark()
    model.extend(rows(model.config, 1, 8)[0], state)
    late = state.mark()
    state.rollback(early)
    with pytest.raises(ValueError, match="position 8: the stream has only 0"):
        state.rollback(late)


def test_clones_go_their_own_ways() -> None:
    model = random_transformer(SIZES["small_window"])
    x_SD = rows(model.config, 1, 60)[0]
    expected = whole(model, x_SD[None])[0]
    state = model.new_state()
    model.extend(x_SD[:20], state)
    branch = state.clone()
    model.extend(-x_SD[20:], branch)
    assert torch.equal(model.extend(x_SD[20:], state), expected[20:])


def test_loads_count_the_rows_of_each_expert() -> None:
    model = random_transformer(SIZES["small_window"])
    loads: list[Tensor] = []
    model(rows(model.config, 2, 32), loads)
    assert len(loads) == len(model.router_biases()) == 2
    assert all(load_E.shape == (4,) and int(load_E.sum()) == 2 * 32 * 2 for load_E in loads)


def test_the_correction_bias_moves_rows_between_experts() -> None:
    model = random_transformer(SIZES["small_window"])
    x_BSD = rows(model.config, 1, 64)
    model.router_biases()[0][3] -= 10.0
    loads: list[Tensor] = []
    model(x_BSD, loads)
    assert int(loads[0][3]) == 0


def test_logits_are_divided_and_cut() -> None:
    config = replace(SIZES["small_window"], mup_divisor=4.0, num_logits=30)
    model = random_transformer(config)
    hidden_SD = rows(config, 1, 5)[0]
    logits_SV = model.unembed(hidden_SD)
    assert logits_SV.shape == (5, 30)
    expected = hidden_SD / 4.0 @ model.unembedding.weight[:30].t()
    torch.testing.assert_close(logits_SV, expected)


def test_gradients_reach_every_parameter_also_in_half_precision() -> None:
    model = random_transformer(SIZES["small_window"]).train()
    x_BSD = rows(model.config, 2, 300).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model.unembed(model(x_BSD))
    logits.float().logsumexp(-1).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name
    assert x_BSD.grad is not None


def test_half_precision_is_near_full_precision() -> None:
    model = random_transformer(SIZES["wide_window"])
    x_BSD = rows(model.config, 1, 300)
    full = whole(model, x_BSD)
    half = whole(model.bfloat16(), x_BSD.bfloat16())
    assert half.dtype == torch.bfloat16
    assert float((half.float() - full).square().mean().sqrt()) < 0.1


def test_nothing_to_run_is_an_error() -> None:
    model = random_transformer(SIZES["small_window"])
    with pytest.raises(ValueError, match="at least one position"):
        model(torch.zeros(1, 0, 48))
    with pytest.raises(ValueError, match="at least one position"):
        model.extend(torch.zeros(0, 48), model.new_state())
