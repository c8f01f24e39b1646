"""The losses against a slow calculation, position by position, and where their gradients reach."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from microturn.data.pack import PackConfig, RowBatch, pack
from microturn.model.model import InteractionModel
from microturn.sequence import NO_TARGET
from microturn.train.loss import FLOW_WEIGHT, logit_normal_time, losses
from tests.test_data_pack import MARKERS, episode
from tests.tiny import VOCAB, tiny_config, tiny_model

CONFIG = PackConfig(row_length=96, silent_weight=0.3)


def batch(num_rows: int = 2) -> RowBatch:
    return pack([episode(seed) for seed in range(num_rows)], MARKERS, CONFIG, seed=4)


def rng(seed: int = 9) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_text_loss_is_the_weighted_mean_over_authored_positions():
    model, rows = tiny_model(), batch()
    found = losses(model, rows, MARKERS, rng())
    logits_SV = model.text_logits(model(rows.positions, rows.num_rows)).detach().flatten(0, 1)
    total, weights, by_kind = 0.0, 0.0, {"floor": [], "words": []}
    for logits_V, target, weight in zip(logits_SV, rows.target_S, rows.weight_S, strict=True):
        if target == NO_TARGET:
            continue
        entropy = -float(functional.log_softmax(logits_V, -1)[target])
        total, weights = total + float(weight) * entropy, weights + float(weight)
        kind = "floor" if int(target) in (MARKERS.silent, MARKERS.speak) else "words"
        by_kind[kind].append((entropy, int(logits_V.argmax()) == int(target)))
    assert found.text == pytest.approx(total / weights, rel=1e-4)
    for kind, value in (("floor", found.floor), ("words", found.words)):
        mean = sum(entropy for entropy, _ in by_kind[kind]) / len(by_kind[kind])
        assert value == pytest.approx(mean, rel=1e-4)
    right = [is_right for _, is_right in by_kind["floor"]]
    assert found.floor_right == pytest.approx(sum(right) / len(right))
    unweighted = sum(entropy for pairs in by_kind.values() for entropy, _ in pairs)
    assert found.text != pytest.approx(unweighted / sum(map(len, by_kind.values())), rel=1e-3)


def test_a_new_model_knows_nothing():
    torch.manual_seed(0)
    found = losses(InteractionModel(tiny_config()), batch(), MARKERS, rng())
    assert found.words == pytest.approx(math.log(VOCAB), rel=0.15)


def test_weights_of_zero_do_not_count():
    model, rows = tiny_model(), batch()
    is_first_S = torch.arange(len(rows.target_S)) < len(rows.target_S) // 2
    weight_S = rows.weight_S.masked_fill(is_first_S, 0)
    wrong_S = rows.target_S.masked_fill(is_first_S & (rows.target_S != NO_TARGET), 50)
    right, wrong = (
        losses(model, replace(rows, weight_S=weight_S, target_S=target_S), MARKERS, rng())
        for target_S in (rows.target_S, wrong_S)
    )
    assert right.text == pytest.approx(wrong.text, rel=1e-6)
    counted = losses(model, replace(rows, target_S=wrong_S), MARKERS, rng())
    assert counted.text != pytest.approx(losses(model, rows, MARKERS, rng()).text, rel=1e-4)


def test_flow_loss_takes_noise_then_times_from_the_generator():
    model, rows = tiny_model(), batch()
    found = losses(model, rows, MARKERS, rng())
    same = rng()
    noise_UFM = torch.randn(rows.mel_UFM.shape, generator=same)
    t_U = logit_normal_time(len(noise_UFM), same)
    slots_UKD = model(rows.positions, rows.num_rows).flatten(0, 1)[rows.slot_index_UK]
    flow = (
        model.flow.loss(rows.mel_UFM, rows.context_UFM, slots_UKD, noise_UFM, t_U).mean().detach()
    )
    assert found.flow == pytest.approx(flow.item(), rel=1e-5)
    assert found.total.detach().item() == pytest.approx(
        found.text + FLOW_WEIGHT * found.flow, rel=1e-5
    )
    other = losses(model, rows, MARKERS, rng(1))
    assert other.text == found.text and other.flow != found.flow


def test_accuracies_by_lane():
    """A model that always answers one token is right exactly where that token is due."""
    model, rows = tiny_model(), batch()
    answer = MARKERS.heard
    model.text_logits = lambda hidden: functional.one_hot(
        torch.full(hidden.shape[:-1], answer), VOCAB
    ).float()
    found = losses(model, rows, MARKERS, rng())
    is_word_S = (rows.target_S != NO_TARGET) & (rows.target_S != MARKERS.silent)
    is_word_S &= rows.target_S != MARKERS.speak
    heard_S = is_word_S & rows.is_heard_S
    share = (rows.target_S[heard_S] == answer).float().mean()
    assert found.heard_right == pytest.approx(float(share)) and 0 < found.heard_right < 1
    assert found.said_right == 0 and found.floor_right == 0


def test_gradients_reach_every_part():
    model, rows = tiny_model(), batch()
    loads: list[torch.Tensor] = []
    losses(model, rows, MARKERS, rng(), loads).total.backward()
    for part in ("flow.out.weight", "flow.slot_in.weight", "flow.blocks.0.qkv.weight"):
        gradient = model.get_parameter(part).grad
        assert gradient is not None and gradient.abs().max() > 0, part
    reached = {
        name.split(".")[0]
        for name, parameter in model.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().max() > 0
    }
    assert reached == {"embedder", "transformer", "flow"}
    experts = model.config.backbone.experts
    assert len(loads) == len(model.transformer.router_biases())
    for load_E in loads:
        assert int(load_E.sum()) == len(rows.positions) * experts.num_chosen


def test_no_gradient_from_positions_without_a_target():
    model, rows = tiny_model(), batch(1)
    seen = {}

    def keep(hidden):
        seen["hidden"] = hidden
        hidden.retain_grad()
        return model.transformer.unembed(hidden).float()

    model.text_logits = keep
    losses(model, rows, MARKERS, rng()).total.backward()
    assert len(seen["hidden"]) == int((rows.target_S != NO_TARGET).sum())
    assert (seen["hidden"].grad.abs().amax(-1) > 0).all()


def test_rows_without_speech_have_no_flow_loss():
    silent = pack([episode(num_turns=3)], MARKERS, replace(CONFIG, row_length=40), seed=1)
    found = losses(tiny_model(), silent, MARKERS, rng())
    assert found.flow == 0 and found.total.detach().item() == pytest.approx(found.text)
    assert math.isfinite(found.text)


def test_times_are_logit_normal():
    t_U = logit_normal_time(20_000, rng())
    assert ((t_U > 0) & (t_U < 1)).all()
    assert torch.logit(t_U).mean().abs() < 0.03
    assert torch.logit(t_U).std() == pytest.approx(1.0, abs=0.03)
    assert torch.equal(t_U, logit_normal_time(20_000, rng()))
