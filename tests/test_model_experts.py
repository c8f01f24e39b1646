"""The mixture against its definition, row by row; bits do not depend on other rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from microturn.model.config import ExpertConfig
from microturn.model.experts import DenseMLP, GatherRows, MixtureMLP, Plan, Router, WeighRows
from microturn.model.tiles import ROW_TILE

WIDTH = 24
CONFIG = ExpertConfig(num_routed=5, num_chosen=2, num_shared=2, width=16, route_scale=2.5)


def mixture(config: ExpertConfig = CONFIG) -> MixtureMLP:
    torch.manual_seed(0)
    mlp = MixtureMLP(WIDTH, config)
    with torch.no_grad():
        for parameter in mlp.parameters():
            parameter.normal_(std=0.4)
        mlp.gate.global_scale.fill_(1.3)
        mlp.gate.bias.normal_(std=0.2)
    return mlp


def rows(count: int) -> Tensor:
    return torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(count))


def swiglu(x_D: Tensor, w13: Tensor, w2: Tensor) -> Tensor:
    gate, up = (w13 @ x_D).chunk(2)
    return w2 @ (functional.silu(gate) * up)


def by_definition(mlp: MixtureMLP, x_D: Tensor) -> Tensor:
    """One row, straight from the published description."""
    config = mlp.gate.config
    logits = mlp.gate.weight @ x_D
    score = logits[: config.num_routed].sigmoid() + mlp.gate.bias
    chosen = score.topk(config.num_chosen).indices
    candidates = torch.cat([logits[chosen], logits[config.num_routed :]])
    weight = functional.logsigmoid(candidates).softmax(0)
    weight = weight * config.route_scale * mlp.gate.global_scale
    routed, shared = mlp.experts, mlp.shared_experts
    parts = [swiglu(x_D, routed.w13_weight[e], routed.w2_weight[e]) for e in chosen]
    parts += [
        swiglu(x_D, w13, w2)
        for w13, w2 in zip(shared.shared_w13_weight, shared.shared_w2_weight, strict=True)
    ]
    return sum(w * part for w, part in zip(weight, parts, strict=True))


@pytest.mark.parametrize("config", [CONFIG, replace(CONFIG, num_chosen=5, num_shared=1)])
def test_a_mixture_is_what_it_is_defined_to_be(config: ExpertConfig) -> None:
    mlp, x_ND = mixture(config), rows(20)
    expected = torch.stack([by_definition(mlp, x_D) for x_D in x_ND])
    torch.testing.assert_close(mlp(x_ND), expected)


def test_gradients_equal_those_of_the_definition() -> None:
    mlp, x_ND = mixture(), rows(20).requires_grad_()
    wanted = [x_ND, *mlp.parameters()]
    expected = torch.stack([by_definition(mlp, x_D) for x_D in x_ND])
    theirs = torch.autograd.grad(expected.square().sum(), wanted)
    ours = torch.autograd.grad(mlp(x_ND).square().sum(), wanted)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5 * float(b.abs().max()))


def test_a_row_has_the_same_bits_whatever_comes_with_it() -> None:
    mlp, x_ND = mixture(), rows(1500)  # many rows: larger padding
    with torch.no_grad():
        whole = mlp(x_ND)
        for first, count in ((0, 1), (3, 5), (100, 64), (700, 800)):
            assert torch.equal(mlp(x_ND[first : first + count]), whole[first : first + count])


def test_loads_are_rows_by_expert() -> None:
    loads: list[Tensor] = []
    mixture()(rows(30), loads)
    assert loads[0].shape == (5,) and int(loads[0].sum()) == 60


def test_the_bias_changes_the_choice_but_not_the_weights() -> None:
    router = Router(WIDTH, CONFIG)
    x_ND = rows(8)
    with torch.no_grad():
        router.weight.normal_(std=0.4)
        router.bias.zero_()
        router.bias[:2] = 10.0
    chosen_NC, weight_NC, shared_NX = router(x_ND)
    assert chosen_NC.tolist() == [[0, 1]] * 8
    logits = x_ND @ router.weight.t()
    candidates = torch.cat([logits[:, :2], logits[:, 5:]], dim=1)
    expected = 2.5 * functional.logsigmoid(candidates).softmax(-1)
    torch.testing.assert_close(torch.cat([weight_NC, shared_NX], 1), expected)


def test_routing_stays_in_full_precision_under_autocast() -> None:
    router, x_ND = Router(WIDTH, CONFIG), rows(8)
    expected = router(x_ND)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = router(x_ND)
    assert all(torch.equal(a, b) for a, b in zip(expected, under, strict=True))


def test_a_plan_gives_every_pair_its_own_place_in_its_expert() -> None:
    chosen_NC = torch.rand(50, 5, generator=torch.Generator().manual_seed(0)).topk(2).indices
    chosen_NC = chosen_NC.sort(-1).values
    load_E = torch.bincount(chosen_NC.flatten(), minlength=5)
    plan = Plan(chosen_NC, load_E)
    assert all(size % ROW_TILE == 0 for size in plan.sizes)
    assert len(plan.place_NC.unique()) == 100
    expert_P = torch.repeat_interleave(torch.arange(5), torch.tensor(plan.sizes))
    assert torch.equal(expert_P[plan.place_NC], chosen_NC)
    assert torch.equal(plan.row_P[plan.place_NC], torch.arange(50)[:, None].expand(-1, 2))


def test_gathering_and_weighing_have_the_right_gradients() -> None:
    chosen_NC = torch.tensor([[0, 2], [1, 2], [0, 1]])
    plan = Plan(chosen_NC, torch.bincount(chosen_NC.flatten(), minlength=3))
    x_ND = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    weight_NC = torch.rand(3, 2, dtype=torch.float64, requires_grad=True)

    def there_and_back(x_ND: Tensor, weight_NC: Tensor) -> Tensor:
        x_PD = GatherRows.apply(x_ND, plan.row_P, plan.place_NC)
        return WeighRows.apply(x_PD.sin(), weight_NC, plan.place_NC)

    assert torch.autograd.gradcheck(there_and_back, (x_ND, weight_NC))


def test_the_dense_part_is_scaled_swiglu() -> None:
    mlp = DenseMLP(WIDTH, 32)
    with torch.no_grad():
        mlp.global_scale.fill_(0.7)
    x_ND = rows(5)
    expected = [0.7 * swiglu(x_D, mlp.w13_dn.weight, mlp.w2_md.weight) for x_D in x_ND]
    torch.testing.assert_close(mlp(x_ND), torch.stack(expected))
