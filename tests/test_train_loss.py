"""The losses against a slow calculation, position by position, and where their gradients reach."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch.nn import functional

from microturn.data.pack import PackConfig
from microturn.model.model import InteractionModel
from microturn.sequence import NO_TARGET
from microturn.train.auxiliary import attach
from microturn.train.batches import TrainBatch, prepare, skill_names
from microturn.train.loss import LossConfig, Losses, Share
from microturn.train.loss import losses as all_losses
from tests.test_data_pack import MARKERS, episode
from tests.tiny import VOCAB, tiny_config, tiny_model

CONFIG = PackConfig(row_length=96, silent_weight=0.3)


LOSS = LossConfig()


def batch(num_rows: int = 2, pad_to: int = 1, seed: int = 4) -> TrainBatch:
    seeds = range(seed, seed + num_rows)
    return prepare([episode(row) for row in range(num_rows)], MARKERS, CONFIG, seeds, pad_to)


@dataclass(frozen=True)
class Found:
    """Losses with their figures as attributes."""

    losses: Losses

    def __getattr__(self, name: str) -> float:
        return self.losses.figures()[name]

    @property
    def total(self) -> torch.Tensor:
        return self.losses.total


def losses(model, one: TrainBatch, loads=None, share=None, config=LOSS) -> Found:
    return Found(all_losses(model, one, MARKERS, config, loads, share))


def with_heads() -> InteractionModel:
    model = tiny_model()
    attach(model)
    return model


def rng(seed: int = 9) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def with_targets(one: TrainBatch, weight_S, target_S) -> TrainBatch:
    index_N = one.index_N
    return replace(one, weight_N=weight_S[index_N], target_N=target_S[index_N])


def test_text_loss_is_the_weighted_mean_over_authored_positions():
    model, one = tiny_model(), batch()
    rows, found = one.rows, losses(model, one)
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
    found = losses(InteractionModel(tiny_config()), batch())
    assert found.words == pytest.approx(math.log(VOCAB), rel=0.15)


def test_weights_of_zero_do_not_count():
    model, one = tiny_model(), batch()
    rows = one.rows
    is_first_S = torch.arange(len(rows.target_S)) < len(rows.target_S) // 2
    weight_S = rows.weight_S.masked_fill(is_first_S, 0)
    wrong_S = rows.target_S.masked_fill(is_first_S & (rows.target_S != NO_TARGET), 50)
    right, wrong = (
        losses(model, with_targets(one, weight_S, target_S))
        for target_S in (rows.target_S, wrong_S)
    )
    assert right.text == pytest.approx(wrong.text, rel=1e-6)
    counted = losses(model, with_targets(one, rows.weight_S, wrong_S))
    assert counted.text != pytest.approx(losses(model, one).text, rel=1e-4)


def test_flow_loss_takes_noise_and_times_of_the_batch():
    model, one = tiny_model(), batch()
    rows, found = one.rows, losses(model, one)
    slots_UKD = model(rows.positions, rows.num_rows).flatten(0, 1)[rows.slot_index_UK]
    flow_U = model.flow.loss(
        rows.mel_UFM, rows.context_UFM, slots_UKD, one.noise_UFM, one.t_U
    ).detach()
    assert found.flow == pytest.approx(float(flow_U.mean()), rel=1e-5)
    assert found.total.item() == pytest.approx(found.text + LOSS.flow_weight * found.flow, rel=1e-5)
    other = losses(model, replace(one, noise_UFM=one.noise_UFM.flip(0)))
    assert other.text == found.text and other.flow != found.flow
    heavy = losses(model, one, config=LossConfig(flow_weight=3.0))
    assert heavy.total.item() == pytest.approx(found.text + 3 * found.flow, rel=1e-5)


def test_padding_changes_nothing_but_shapes():
    model, plain, filled = with_heads(), batch(), batch(pad_to=32)
    assert len(filled.index_N) % 32 == len(filled.t_U) % 32 == 0
    assert len(filled.index_N) > len(plain.index_N) and len(filled.t_U) > len(plain.t_U)
    one, two = losses(model, plain), losses(model, filled)
    assert one.losses.figures() == pytest.approx(two.losses.figures(), rel=1e-5)
    assert two.total.item() == pytest.approx(one.total.item(), rel=1e-5)
    torch.testing.assert_close(two.losses.skill_sum_2G, one.losses.skill_sum_2G)
    counted = replace(filled, is_real_U=torch.ones_like(filled.is_real_U))  # control
    assert losses(model, counted).flow != pytest.approx(one.flow, rel=1e-3)


def test_shares_of_a_batch_add_up_to_it():
    """Two processes with a row each, their totals averaged: the batch of both rows."""
    model, rows = with_heads(), [episode(0), episode(1, num_turns=6)]
    both = prepare(rows, MARKERS, CONFIG, [4, 5])
    halves = [prepare([rows[i]], MARKERS, CONFIG, [4 + i]) for i in range(2)]
    counts = [Share.of(half) for half in halves]
    assert counts[0].weight > counts[1].weight and counts[0].num_flow > counts[1].num_flow
    names = ("weight", "num_flow", "num_frames")
    share = Share(*(sum(getattr(c, name) for c in counts) / 2 for name in names))
    found = [losses(model, half, share=share) for half in halves]
    expected = losses(model, both)
    assert sum(f.total.item() for f in found) / 2 == pytest.approx(expected.total.item(), rel=1e-5)
    alone = [losses(model, half).total.item() for half in halves]  # control: means of means
    assert sum(alone) / 2 != pytest.approx(expected.total.item(), rel=1e-3)
    for name in ("sum_Q", "count_Q"):
        summed = sum(getattr(f.losses, name) for f in found)
        torch.testing.assert_close(summed, getattr(expected.losses, name), rtol=1e-5, atol=1e-4)


def test_losses_by_skill_are_those_of_its_rows():
    model = tiny_model()
    plain = [episode(row) for row in range(2)]
    named = [
        replace(one, timeline=replace(one.timeline, families=played))
        for one, played in zip(plain, (("sums",), ("sums", "quiet")), strict=True)
    ]
    names = skill_names()
    found = losses(model, prepare(named, MARKERS, CONFIG, [4, 5])).losses
    alone = losses(model, prepare(named[1:], MARKERS, CONFIG, [5])).losses
    mean_2G = found.skill_sum_2G / found.skill_count_2G
    assert mean_2G[0, names.index("sums")] == pytest.approx(found.figures()["text"], rel=1e-5)
    assert mean_2G[1, names.index("quiet")] == pytest.approx(alone.figures()["flow"], rel=1e-5)
    assert float(found.skill_count_2G[0, names.index("facts")]) == 0


def test_accuracies_by_lane():
    """A model that always answers one token is right exactly where that token is due."""
    model, one = tiny_model(), batch()
    rows, answer = one.rows, MARKERS.heard
    model.text_logits = lambda hidden: functional.one_hot(
        torch.full(hidden.shape[:-1], answer), VOCAB
    ).float()
    found = losses(model, one)
    is_word_S = (rows.target_S != NO_TARGET) & (rows.target_S != MARKERS.silent)
    is_word_S &= rows.target_S != MARKERS.speak
    heard_S = is_word_S & rows.is_heard_S
    share = (rows.target_S[heard_S] == answer).float().mean()
    assert found.heard_right == pytest.approx(float(share)) and 0 < found.heard_right < 1
    assert found.said_right == 0 and found.floor_right == 0


def test_gradients_reach_every_part():
    model, rows = with_heads(), batch()
    loads: list[torch.Tensor] = []
    losses(model, rows, loads).total.backward()
    for part in ("flow.out.weight", "flow.slot_in.weight", "flow.blocks.0.qkv.weight"):
        gradient = model.get_parameter(part).grad
        assert gradient is not None and gradient.abs().max() > 0, part
    reached = {
        name.split(".")[0]
        for name, parameter in model.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().max() > 0
    }
    assert reached == {"embedder", "transformer", "flow", "auxiliary"}
    experts = model.config.backbone.experts
    assert len(loads) == len(model.transformer.router_biases())
    for load_E in loads:
        assert int(load_E.sum()) == len(rows.rows.positions) * experts.num_chosen


def test_no_gradient_from_positions_without_a_target():
    model, rows = tiny_model(), batch(1)
    seen = {}

    def keep(hidden):
        seen["hidden"] = hidden
        hidden.retain_grad()
        return model.transformer.unembed(hidden).float()

    model.text_logits = keep
    losses(model, rows).total.backward()
    assert len(seen["hidden"]) == int((rows.rows.target_S != NO_TARGET).sum())
    assert (seen["hidden"].grad.abs().amax(-1) > 0).all()


def test_rows_without_speech_have_no_flow_loss():
    short = replace(CONFIG, row_length=40)
    silent = prepare([episode(num_turns=3)], MARKERS, short, [1])
    found = losses(tiny_model(), silent)
    assert found.flow == 0 and found.total.detach().item() == pytest.approx(found.text)
    assert math.isfinite(found.text)


def test_flow_times_are_spread_evenly():
    t_U = torch.cat([batch(seed=seed).t_U for seed in range(0, 400, 2)])
    assert len(t_U) > 1000 and ((t_U >= 0) & (t_U < 1)).all()
    counts = torch.histc(t_U, 4, 0.0, 1.0)
    assert counts.min() > 0.8 * len(t_U) / 4  # logit-normal times have 0.55 of it at the ends


@pytest.mark.parametrize("fields", [{"flow_weight": -1.0}, {"mel_weight": -0.5}])
def test_options_that_make_no_sense_are_refused(fields):
    with pytest.raises(ValueError, match="flow_"):
        LossConfig(**fields)
