"""Which parameters go where, the schedule, and experts that are updated through views."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from microturn.train.optim import OptimConfig, Optimizers, is_matrix, schedule
from tests.tiny import tiny_model


def step(model: nn.Module, optimizers: Optimizers) -> dict[str, torch.Tensor]:
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    for value in model.parameters():
        value.grad = torch.randn(
            value.shape, generator=torch.Generator().manual_seed(value.numel())
        )
    optimizers.step(0.5)
    return {n: (v.detach() - before[n]).abs() for n, v in model.named_parameters()}


@pytest.mark.parametrize("use_muon", [False, True])
def test_every_parameter_moves(use_muon):
    model = tiny_model()
    moved = step(model, Optimizers(model, OptimConfig(use_muon=use_muon)))
    assert all(float(change.max()) > 0 for change in moved.values())


def test_each_expert_is_a_matrix_of_its_own():
    model = tiny_model()
    optimizers = Optimizers(model, OptimConfig(use_muon=True))
    name, stacked = next((n, p) for n, p in model.named_parameters() if p.ndim == 3 and "w13" in n)
    assert is_matrix(name, stacked)
    moved = step(model, optimizers)[name]
    assert all(float(expert.max()) > 0 for expert in moved)
    assert all(view.grad is None for _, views in optimizers.stacked for view in views)


def test_embeddings_and_norms_are_no_matrices():
    model = tiny_model()
    places = {name: is_matrix(name, value) for name, value in model.named_parameters()}
    assert not any(places[name] for name in places if "embed" in name or "norm" in name)
    assert not any(places[name] for name in places if "unembedding" in name or "conv" in name)
    assert any(places.values())


def test_schedule_warms_up_holds_and_decays():
    config = OptimConfig(warmup=0.1, decay=0.5)
    values = [schedule(p, config) for p in (0.0, 0.05, 0.1, 0.5, 0.75, 1.0, 2.0)]
    assert values == pytest.approx([1e-3, 0.5, 1.0, 1.0, 0.5, 1e-3, 1e-3])


def test_state_of_other_optimizers_is_refused():
    model = tiny_model()
    both = Optimizers(model, OptimConfig(use_muon=True))
    one = Optimizers(model, OptimConfig(use_muon=False))
    with pytest.raises(ValueError, match="set use_muon to go on"):
        one.load_state_dict(both.state_dict())
    one.load_state_dict(Optimizers(model, OptimConfig(use_muon=False)).state_dict())
