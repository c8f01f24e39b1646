"""Grouped products give what the loop over experts gives, and its gradients."""

from __future__ import annotations

import pytest
import torch

from microturn.model.config import ExpertConfig
from microturn.model.experts import Experts
from microturn.model.grouped import grouped_experts, places


def routed(num_rows: int, num_experts: int = 5, idle: int | None = None):
    """Rows, chosen experts and weights; one expert may be left out."""
    torch.manual_seed(num_rows)
    experts = Experts(32, ExpertConfig(num_experts, 2, 1, 16))
    score_NE = torch.randn(num_rows, num_experts)
    if idle is not None:
        score_NE[:, idle] = -9.0
    chosen_NC = score_NE.topk(2).indices.sort(-1).values
    load_E = torch.bincount(chosen_NC.flatten(), minlength=num_experts)
    return experts, torch.randn(num_rows, 32), chosen_NC, torch.rand(num_rows, 2), load_E


@pytest.mark.parametrize(("num_rows", "idle"), [(1, None), (16, None), (100, 2), (100, 4)])
def test_same_as_the_loop(num_rows, idle):
    experts, x_ND, chosen_NC, weight_NC, load_E = routed(num_rows, idle=idle)
    outcomes = []
    for way in ("loop", "grouped"):
        experts.zero_grad()
        x, weight = x_ND.clone().requires_grad_(), weight_NC.clone().requires_grad_()
        if way == "loop":
            y_ND = experts(x, chosen_NC, weight, load_E)
        else:
            y_ND = grouped_experts(
                x, chosen_NC, weight, load_E, experts.w13_weight, experts.w2_weight
            )
        (y_ND * torch.linspace(0, 1, 32)).sum().backward()
        grads = [x.grad, weight.grad, experts.w13_weight.grad, experts.w2_weight.grad]
        outcomes.append([y_ND.detach(), *(grad.clone() for grad in grads)])
    for a, b in zip(*outcomes, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    wrong = grouped_experts(  # control: other experts, other rows
        x_ND, (chosen_NC + 1) % 5, weight_NC, load_E.roll(1), experts.w13_weight, experts.w2_weight
    )
    assert not torch.allclose(wrong, outcomes[0][0], atol=1e-4)


def test_every_pair_has_a_place_of_its_own_in_its_experts_part():
    _, _, chosen_NC, _, load_E = routed(37)
    row_P, place_NC, end_E = places(chosen_NC, load_E)
    assert len(set(place_NC.flatten().tolist())) == place_NC.numel()
    start_E = torch.cat([end_E.new_zeros(1), end_E[:-1]])
    for row in range(37):
        for expert, place in zip(chosen_NC[row].tolist(), place_NC[row].tolist(), strict=True):
            assert int(start_E[expert]) <= place < int(end_E[expert])
            assert int(row_P[place]) == row
    assert int(end_E[-1]) == len(row_P) and len(row_P) % 16 == 0
    assert all(int(end) % 16 == 0 for end in end_E)
