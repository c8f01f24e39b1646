"""The losses: what is authored counts, by its weight; figures by lane are what they say."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
import torch

from microturn.data.loader import episodes
from microturn.data.pack import PackConfig, pack
from microturn.model.model import InteractionModel
from microturn.sequence import NO_TARGET
from microturn.train.loss import logit_normal_time, losses
from tests.tiny import tiny_config
from tests.tones import shipped_text, tone_bank

MARKERS = shipped_text().markers


@pytest.fixture(scope="module")
def batch():
    stream = episodes(3, 0, tone_bank(), shipped_text(), duration_ms=8000)
    spoken = [episode for episode in islice(stream, 6) if episode.timeline.events]
    return pack(spoken[:2], MARKERS, PackConfig(row_length=256), seed=0)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = tiny_config()
    return InteractionModel(replace(config, backbone=replace(config.backbone, vocab_size=512)))


def run(model, batch, seed=0):
    return losses(model, batch, MARKERS, torch.Generator().manual_seed(seed))


def test_a_new_model_knows_nothing(model, batch):
    result = run(model, batch)
    uniform = torch.log(torch.tensor(512.0))
    assert result.words == pytest.approx(float(uniform), rel=0.15)
    assert float(result.total.detach()) == pytest.approx(result.text + result.flow, rel=1e-5)
    assert 1.0 < result.flow < 10.0


def test_weights_of_zero_do_not_count(model, batch):
    half = batch.weight_S.clone()
    half[: len(half) // 2] = 0
    wrong = batch.target_S.clone()
    first = torch.zeros_like(wrong, dtype=torch.bool)
    first[: len(first) // 2] = True
    wrong[first & (wrong != NO_TARGET)] = 400
    one = run(model, replace(batch, weight_S=half))
    two = run(model, replace(batch, weight_S=half, target_S=wrong))
    assert one.text == pytest.approx(two.text, rel=1e-6)
    three = run(model, replace(batch, target_S=wrong))  # control: with weights they do
    assert three.text != pytest.approx(run(model, batch).text, rel=1e-4)


def test_gradients_reach_every_part(model, batch):
    model.zero_grad()
    run(model, batch).total.backward()
    for part in ("embedder", "transformer", "flow"):
        gradients = [p.grad for p in getattr(model, part).parameters() if p.grad is not None]
        assert any(float(gradient.abs().max()) > 0 for gradient in gradients), part
    model.zero_grad()


def test_a_batch_without_speech_has_no_flow_loss(model, batch):
    silent = replace(
        batch,
        slot_index_UK=batch.slot_index_UK[:0],
        mel_UFM=batch.mel_UFM[:0],
        context_UFM=batch.context_UFM[:0],
    )
    assert run(model, silent).flow == 0


def test_flow_times_lie_inside():
    times = logit_normal_time(2000, torch.Generator().manual_seed(0))
    assert 0 < float(times.min()) < float(times.max()) < 1
    assert float(times.mean()) == pytest.approx(0.5, abs=0.02)
