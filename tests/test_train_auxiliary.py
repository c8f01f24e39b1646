"""Heads that only training has: what they measure, and that they stay out of saved weights."""

from __future__ import annotations

import math

import pytest
import torch

from microturn.sequence import NO_TARGET, Kind
from microturn.train.auxiliary import SILENT_FRAME_WEIGHT, AuxiliaryHeads, attach, attached
from microturn.train.loss import LossConfig, losses
from microturn.train.optim import OptimConfig, Optimizers
from microturn.train.state import Counters, fill, read_state, save_run
from tests.test_data_pack import MARKERS
from tests.test_train_loss import batch, with_heads
from tests.tiny import tiny_config, tiny_model


def test_frames_are_weighed_and_unknown_ones_do_not_count():
    torch.manual_seed(0)
    heads, hidden_AD = AuxiliaryHeads(tiny_config()), torch.randn(4, 64)
    target_A = torch.tensor([20, MARKERS.pad, NO_TARGET, 21])
    loss_A, weight_A = heads.frame_loss(hidden_AD, target_A, MARKERS.pad)
    assert weight_A.tolist() == pytest.approx([1.0, SILENT_FRAME_WEIGHT, 0.0, 1.0])
    log_AV = heads.frames(hidden_AD).log_softmax(-1)
    assert loss_A[0].item() == pytest.approx(-log_AV[0, 20].item())
    assert loss_A[1].item() == pytest.approx(-log_AV[1, MARKERS.pad].item())


def test_slots_are_weighed_likewise():
    torch.manual_seed(0)
    heads, slots_UKD = AuxiliaryHeads(tiny_config()), torch.randn(1, 4, 64)
    target_UK = torch.tensor([[20, MARKERS.pad, NO_TARGET, 21]])
    loss_N, weight_N = heads.slot_loss(slots_UKD, target_UK, MARKERS.pad)
    assert weight_N.tolist() == pytest.approx([1.0, SILENT_FRAME_WEIGHT, 0.0, 1.0])
    log_NV = heads.slots(slots_UKD[0]).log_softmax(-1)
    assert loss_N[0].item() == pytest.approx(-log_NV[0, 20].item())
    assert loss_N[3].item() == pytest.approx(-log_NV[3, 21].item())
    other_N, _ = heads.slot_loss(slots_UKD, target_UK.flip(1), MARKERS.pad)
    assert other_N[0].item() != pytest.approx(loss_N[0].item())  # control


def test_mel_is_guessed_in_the_order_of_its_frames():
    config = tiny_config()
    heads, slots_UKD = AuxiliaryHeads(config), torch.randn(2, 4, 64)
    mel_UFM = heads.mel(slots_UKD).view(2, config.flow.num_frames, -1).detach()
    assert heads.mel_loss(slots_UKD, mel_UFM).abs().max() < 1e-10
    assert (heads.mel_loss(slots_UKD, mel_UFM.flip(1)) > 1e-3).all()  # control
    assert (heads.mel_loss(slots_UKD.flip(1), mel_UFM) > 1e-3).all()


def test_the_losses_are_what_the_heads_say():
    model, one = with_heads(), batch()
    heads = attached(model)
    found = losses(model, one, MARKERS)
    rows = one.rows
    hidden_BSD = model(rows.positions, rows.num_rows)
    slots_UKD = model.slot_states(hidden_BSD, rows.slot_index_UK)
    mel = heads.mel_loss(slots_UKD, rows.mel_UFM).mean().item()
    hidden_AD = hidden_BSD.flatten(0, 1)[rows.positions.kind_S == Kind.HEARD]
    loss_A, weight_A = heads.frame_loss(hidden_AD, rows.frame_target_A, MARKERS.pad)
    frames = (loss_A * weight_A).sum().item()
    slot_N, slot_weight_N = heads.slot_loss(slots_UKD, rows.slot_target_UK, MARKERS.pad)
    slots = (slot_N * slot_weight_N).sum().item()
    num_known = int((rows.frame_target_A != NO_TARGET).sum())
    figures = found.figures()
    assert figures["mel"] == pytest.approx(mel, rel=1e-4)
    assert figures["frames"] == pytest.approx(frames / float(weight_A.sum()), rel=1e-4)
    assert figures["slots"] == pytest.approx(slots / float(slot_weight_N.sum()), rel=1e-4)
    config = LossConfig(mel_weight=0.0, frame_weight=0.0, slot_weight=0.0)
    without = losses(model, one, MARKERS, config).total.item()
    now = LossConfig()
    extra = now.mel_weight * mel + now.frame_weight * frames / num_known
    extra += now.slot_weight * slots / slot_weight_N.numel()
    assert found.total.item() == pytest.approx(without + extra, rel=1e-4)


def test_a_model_without_heads_has_none_of_their_losses():
    model, one = tiny_model(), batch()
    assert attached(model) is None
    figures = losses(model, one, MARKERS).figures()
    assert figures["mel"] == 0 and math.isnan(figures["frames"])
    assert math.isfinite(figures["text"]) and math.isfinite(figures["flow"])


def test_heads_go_on_with_a_run_and_stay_out_of_the_model(tmp_path):
    model = tiny_model()
    assert fill(model, None, tmp_path, None) == Counters()
    save_run(model, Optimizers(model, OptimConfig()), Counters(7, 1.0, 2.0), tmp_path)
    again = tiny_model(1)
    assert fill(again, read_state(tmp_path), tmp_path, None).step == 7
    for a, b in zip(attached(model).parameters(), attached(again).parameters(), strict=True):
        assert torch.equal(a, b)
    plain = tiny_model(2)
    fill(plain, None, tmp_path, tmp_path / "model")  # raises where the folder had the heads too
    name = "transformer.norm.weight"
    assert torch.equal(plain.get_parameter(name), model.get_parameter(name))


def test_a_run_of_before_there_were_heads_gets_new_ones(tmp_path):
    model = tiny_model()
    save_run(model, Optimizers(model, OptimConfig()), Counters(3, 1.0, 2.0), tmp_path)
    again = tiny_model(1)
    assert fill(again, read_state(tmp_path), tmp_path, None).step == 3
    assert isinstance(attached(again), AuxiliaryHeads)


def test_heads_are_a_part_of_the_model_that_trains():
    model = tiny_model()
    heads = attach(model)
    assert {id(p) for p in heads.parameters()} <= {id(p) for p in model.parameters()}


def test_a_run_from_before_a_head_goes_on_with_a_new_one(tmp_path):
    model = tiny_model()
    fill(model, None, tmp_path, None)
    save_run(model, Optimizers(model, OptimConfig()), Counters(7, 1.0, 2.0), tmp_path)
    state = read_state(tmp_path)
    state["weights"] = {k: x for k, x in state["weights"].items() if "auxiliary.slots" not in k}
    again = tiny_model(1)
    assert fill(again, state, tmp_path, None).step == 7
    assert torch.equal(attached(again).mel.weight, attached(model).mel.weight)
    assert not torch.equal(attached(again).slots.weight, attached(model).slots.weight)
    optimizers = Optimizers(again, OptimConfig())
    optimizers.load_state_dict(state["optimizers"])
    for p in again.parameters():
        p.grad = torch.zeros_like(p)
    optimizers.step(0.5)
