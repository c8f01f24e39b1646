"""Streams of fixed shape against `extend`: to rounding, however rows are dealt out; and rounds."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from microturn.engine.bench_gpu import bench_gpu
from microturn.engine.graphs import GraphedRound
from microturn.model.model import InteractionModel
from microturn.model.static import StaticStreams, advance
from tests.tiny import tiny_config, tiny_model

ROWS = 5


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


@torch.no_grad()
def test_streams_of_different_length_give_what_extend_gives() -> None:
    transformer, rng = MODEL.transformer, torch.Generator().manual_seed(0)
    streams = StaticStreams.empty(transformer, 3, ROWS)
    states = [transformer.new_state() for _ in range(3)]
    furthest = 0.0
    for _ in range(40):  # the rings go round more than once
        count_B = torch.randint(0, ROWS + 1, (3,), generator=rng)
        x_BRD = torch.randn(3, ROWS, 64, generator=rng)
        hidden_BRD = advance(transformer, streams, x_BRD, count_B)
        assert hidden_BRD.isfinite().all()
        for place, state in enumerate(states):
            count = int(count_B[place])
            if count:
                expected = transformer.extend(x_BRD[place, :count], state)
                difference = (hidden_BRD[place, :count] - expected).abs().max()
                furthest = max(furthest, float(difference))
    assert streams.length_B.tolist() == [state.length for state in states]
    assert min(state.length for state in states) > 48 + ROWS
    assert 0 < furthest < 1e-4


@torch.no_grad()
def test_a_round_gives_logits_of_the_last_real_row() -> None:
    streams = StaticStreams.empty(MODEL.transformer, 2, ROWS)
    graph = GraphedRound(MODEL, streams)
    assert streams.length_B.tolist() == [0, 0]  # warming up leaves no trace
    x_BRD = torch.randn(2, ROWS, 64, generator=torch.Generator().manual_seed(1))
    logits_BV = graph.run(x_BRD, torch.tensor([ROWS, 2]))
    for place, count in enumerate((ROWS, 2)):
        hidden_SD = MODEL.transformer.extend(x_BRD[place, :count], MODEL.transformer.new_state())
        expected_V = MODEL.text_logits(hidden_SD[-1:])[0]
        torch.testing.assert_close(logits_BV[place], expected_V, rtol=1e-4, atol=1e-4)
    wrong_V = graph.run(x_BRD, torch.tensor([ROWS, 2]))[0]
    assert not torch.allclose(wrong_V, expected_V)  # the stream went on


def test_layers_without_a_window_are_refused() -> None:
    with pytest.raises(ValueError, match="sees more than a window"):
        StaticStreams.empty(tiny_model().transformer, 1, ROWS)


def test_without_a_gpu_it_says_so() -> None:
    if not torch.cuda.is_available():
        result = bench_gpu("nano", (1,), 1)
        assert result["has_gpu"] is False and "nothing was measured" in result["reason"]
    with pytest.raises(ValueError, match="at least one round"):
        bench_gpu("nano", (), 1)
