"""Streams of fixed shape against `extend`: to rounding, however rows are dealt out; and rounds."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from microturn.engine.bench_gpu import bench_gpu
from microturn.engine.graphs import GraphedRound
from microturn.model.model import InteractionModel
from microturn.model.static import SPARE, Moves, StaticStreams, advance
from tests.tiny import tiny_config, tiny_model

ROWS = 14


def windowed_model() -> InteractionModel:
    config = tiny_config()
    attention = replace(config.backbone.attention, full_window=48, log_scaling_floor=20)
    torch.manual_seed(0)
    backbone = replace(config.backbone, attention=attention)
    model = InteractionModel(replace(config, backbone=backbone))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.15)
    return model.eval()


MODEL = windowed_model()


def moving(lengths: list[int], counts: list[int], **told: list[int]) -> Moves:
    moves = Moves.none(len(lengths))
    for name, values in {"length_B": lengths, "count_B": counts, **told}.items():
        getattr(moves, name).copy_(torch.tensor(values))
    return moves


@torch.no_grad()
def test_streams_of_different_length_give_what_extend_gives() -> None:
    transformer, rng = MODEL.transformer, torch.Generator().manual_seed(0)
    streams = StaticStreams.empty(transformer, 3, ROWS)
    states = [transformer.new_state() for _ in range(3)]
    furthest = 0.0
    for _ in range(60):  # the rings go round more than once
        counts = torch.randint(0, ROWS + 1, (3,), generator=rng).tolist()
        x_BRD = torch.randn(3, ROWS, 64, generator=rng)
        moves = moving([state.length for state in states], counts)
        hidden_BRD = advance(transformer, streams, x_BRD, moves)
        assert hidden_BRD.isfinite().all()
        for place, (state, count) in enumerate(zip(states, counts, strict=True)):
            if count:
                expected = transformer.extend(x_BRD[place, :count], state)
                difference = (hidden_BRD[place, :count] - expected).abs().max()
                furthest = max(furthest, float(difference))
    ring = streams.layers[-1].key_BKNW.shape[2] - 1
    assert min(state.length for state in states) > ring == 48 + SPARE + ROWS
    assert 0 < furthest < 1e-4


@torch.no_grad()
def test_a_graph_of_any_number_of_rows_moves_the_same_streams() -> None:
    streams = StaticStreams.empty(MODEL.transformer, 2, ROWS)
    graphs = {count: GraphedRound(MODEL, streams, count) for count in (2, ROWS)}
    assert not any(tensor.any() for layer in streams.layers for tensor in layer.tensors())
    x_BRD = torch.randn(2, ROWS, 64, generator=torch.Generator().manual_seed(1))
    state = MODEL.transformer.new_state()
    for count, done in ((2, 0), (ROWS, 2), (2, 2 + ROWS)):
        x = x_BRD[:, :count]
        hidden_BRD = graphs[count].run(x, moving([0, done], [0, count]))
        expected_SD = MODEL.transformer.extend(x[1], state)
        torch.testing.assert_close(hidden_BRD[1], expected_SD, rtol=1e-4, atol=1e-4)
    again = graphs[2].run(x_BRD[:, :2], moving([0, 4 + ROWS], [0, 2]))[1]
    assert not torch.allclose(again, expected_SD)  # the stream went on
    assert streams.layers[0].tails[0].now[1].any() and streams.layers[0].key_BKNW[1].any()
    streams.clear(1)
    assert not any(
        tensor[:, :, :-1].any() if tensor.ndim == 4 else tensor.any()
        for layer in streams.layers
        for tensor in layer.tensors()
    )


@torch.no_grad()
@pytest.mark.parametrize("is_right", [True, False])
def test_a_guess_is_accepted_or_has_never_been(is_right: bool) -> None:
    transformer, rng = MODEL.transformer, torch.Generator().manual_seed(2)
    streams, state = StaticStreams.empty(transformer, 1, ROWS), transformer.new_state()
    first, second, third = torch.randn(3, 1, ROWS, 64, generator=rng)
    advance(transformer, streams, first, moving([0], [ROWS]))
    transformer.extend(first[0], state)
    advance(transformer, streams, second, moving([ROWS], [ROWS], num_ahead_B=[3]))
    transformer.extend(second[0, : ROWS if is_right else ROWS - 3], state)
    advance(transformer, streams, third, moving([2 * ROWS - 3], [0]))  # one of others
    moves = moving([state.length], [ROWS], accepts_B=[int(is_right)])
    found = advance(transformer, streams, third, moves)
    expected = transformer.extend(third[0], state)
    torch.testing.assert_close(found[0], expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("returns", [True, False])
def test_a_stream_goes_back_to_its_mark(returns: bool) -> None:
    transformer, rng = MODEL.transformer, torch.Generator().manual_seed(3)
    streams, state = StaticStreams.empty(transformer, 1, ROWS), transformer.new_state()
    first, second, third, fourth = torch.randn(4, 1, ROWS, 64, generator=rng)
    advance(transformer, streams, first, moving([0], [ROWS]))
    advance(transformer, streams, second, moving([ROWS], [ROWS], marks_B=[1]))
    advance(transformer, streams, third, moving([2 * ROWS], [ROWS]))
    moves = moving([ROWS], [ROWS], returns_B=[int(returns)])
    found = advance(transformer, streams, fourth, moves)
    transformer.extend(first[0], state)
    expected = transformer.extend(fourth[0], state)
    assert torch.allclose(found[0], expected, rtol=1e-4, atol=1e-4) is returns


def test_layers_without_a_window_are_refused() -> None:
    with pytest.raises(ValueError, match="sees more than a window"):
        StaticStreams.empty(tiny_model().transformer, 1, ROWS)


def test_without_a_gpu_it_says_so() -> None:
    if not torch.cuda.is_available():
        result = bench_gpu("nano", (1,), 1)
        assert result["has_gpu"] is False and "nothing was measured" in result["reason"]
    with pytest.raises(ValueError, match="at least one round"):
        bench_gpu("nano", (), 1)
