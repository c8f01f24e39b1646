"""Experts on a GPU: the plan of places; and, where Triton is installed, its kernels through its
interpreter on CPU, against the plain twin."""

from __future__ import annotations

import importlib.util
import os

import pytest
import torch
from torch import Tensor

from microturn.model.config import ExpertConfig
from microturn.model.experts import MixtureMLP
from microturn.model.experts_plan import NOTHING, GroupPlan, most_tiles

HAS_TRITON = importlib.util.find_spec("triton") is not None
if HAS_TRITON and not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # read when kernels are defined
EXPERTS, CHOSEN, WIDTH, INNER = 5, 2, 48, 40


def chosen(num_rows: int, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(num_rows, EXPERTS, generator=rng).topk(CHOSEN).indices.sort(-1).values


@pytest.mark.parametrize("num_rows", [1, 2, 7, 16, 33, 100])
def test_every_pair_has_a_place_in_a_tile_of_its_expert(num_rows: int) -> None:
    chosen_NC = chosen(num_rows, num_rows)
    plan = GroupPlan.of(chosen_NC, EXPERTS, 16)
    assert len(plan.expert_T) == most_tiles(num_rows * CHOSEN, EXPERTS, 16)
    assert len(plan.place_NC.unique()) == num_rows * CHOSEN
    assert torch.equal(plan.expert_T[plan.place_NC // 16], chosen_NC)
    rows = torch.arange(num_rows)[:, None].expand(-1, CHOSEN)
    assert torch.equal(plan.row_P[plan.place_NC], rows)
    assert int((plan.row_P != NOTHING).sum()) == num_rows * CHOSEN


def test_no_row_is_dropped_when_all_choose_one_expert() -> None:
    chosen_NC = torch.tensor([[3, 4]]).expand(100, -1)
    plan = GroupPlan.of(chosen_NC, EXPERTS, 16)
    assert plan.expert_T.tolist() == [3] * 7 + [4] * 7 + [NOTHING] * 3
    assert (plan.row_P != NOTHING).sum() == 200


def test_a_plan_needs_as_much_whatever_is_chosen() -> None:
    shapes = {GroupPlan.of(chosen(40, seed), EXPERTS, 16).row_P.shape for seed in range(5)}
    assert len(shapes) == 1  # so a graph can be captured once


def mixture() -> tuple[MixtureMLP, Tensor]:
    torch.manual_seed(0)
    mlp = MixtureMLP(WIDTH, ExpertConfig(EXPERTS, CHOSEN, 1, INNER))
    with torch.no_grad():
        for parameter in mlp.parameters():
            parameter.normal_(std=0.4)
    return mlp.eval(), torch.randn(40, WIDTH)


def test_the_mixture_takes_kernels_only_where_nothing_is_learned() -> None:
    mlp, x_ND = mixture()
    calls: list[int] = []

    def kernels(x_ND: Tensor, chosen_NC: Tensor, weight_NC: Tensor, *stacks: Tensor) -> Tensor:
        calls.append(len(x_ND))
        return torch.zeros_like(x_ND)

    expected = mlp(x_ND)
    mlp.experts.kernels = kernels
    assert torch.equal(mlp(x_ND), expected) and calls == []
    with torch.no_grad():
        assert not torch.equal(mlp(x_ND), expected) and calls == [40]


if HAS_TRITON:  # without it there is nothing to run: no test, and none that is skipped

    @pytest.mark.parametrize("crossover", [0, 1000])
    @pytest.mark.parametrize("num_rows", [1, 5, 40])
    def test_kernels_give_what_the_plain_twin_gives(num_rows: int, crossover: int) -> None:
        from microturn.model.experts_triton import Kernels

        mlp, x_ND = mixture()
        with torch.no_grad():
            expected = mlp(x_ND[:num_rows])
            mlp.experts.kernels = Kernels(crossover)
            found = mlp(x_ND[:num_rows])
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
        assert not torch.equal(found, mlp.shared_experts(x_ND[:num_rows], found[:, :1]))

    def test_gemv_gives_a_row_the_same_bits_in_any_company() -> None:
        # Grouped products promise it too, but the interpreter multiplies tiles with NumPy, whose
        # rows depend on their place: that is left to a GPU.
        from microturn.model.experts_triton import Kernels

        mlp, x_ND = mixture()
        mlp.experts.kernels = Kernels(crossover=1000)
        with torch.no_grad():
            chosen_NC, weight_NC, _ = mlp.gate(x_ND)
            load_E = torch.bincount(chosen_NC.flatten(), minlength=EXPERTS)
            whole = mlp.experts(x_ND, chosen_NC, weight_NC, load_E)
            for rows in (slice(0, 1), slice(3, 8), slice(20, 40)):
                alone = mlp.experts(x_ND[rows], chosen_NC[rows], weight_NC[rows], load_E)
                assert torch.equal(alone, whole[rows])
