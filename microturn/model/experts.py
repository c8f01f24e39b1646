"""Feed-forward parts: dense, and a mixture of routed and shared experts.

Router: sigmoid scores; a correction bias takes part in the choice only (Wang et al., 2024,
auxiliary-loss-free balancing); weights are a softmax of log-sigmoid over the chosen and the shared
experts, so that the shared ones act as a sink. Rows are sorted by expert once; each expert is two
products over its rows, padded to a multiple of 4; each row then adds its experts in ascending
order, whatever other rows there are.

Legend: N rows, D width, I expert width, E routed experts, C chosen experts, X shared experts, P
padded pairs of row and expert.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from microturn.model.config import BackboneConfig, ExpertConfig
from microturn.model.fused import gated
from microturn.model.grouped import grouped_experts
from microturn.model.narrow import wide
from microturn.model.tiles import ROW_TILE, tiled_linear

MANY_ROWS = 1024
MANY_ROWS_TILE = (
    128  # fewer distinct shapes from step to step: matrix kernels are built once per shape
)


class DenseMLP(nn.Module):
    """SwiGLU with a learned scalar on its output."""

    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        self.w13_dn = nn.Linear(width, 2 * inner_width, bias=False)
        self.w2_md = nn.Linear(inner_width, width, bias=False)
        self.global_scale = nn.Parameter(torch.ones(1))

    def forward(self, x_ND: Tensor, loads: list[Tensor] | None = None) -> Tensor:
        hidden = gated(tiled_linear(x_ND, self.w13_dn.weight))
        return tiled_linear(hidden, self.w2_md.weight) * self.global_scale


class Router(nn.Module):
    """Chooses experts and weighs them, in fp32."""

    def __init__(self, width: int, config: ExpertConfig) -> None:
        super().__init__()
        self.config = config
        self.weight = nn.Parameter(torch.empty(config.num_routed + config.num_shared, width))
        self.global_scale = nn.Parameter(torch.ones(1))
        self.bias: Tensor
        self.register_buffer("bias", torch.zeros(config.num_routed))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x_ND: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Chosen experts [N, C], ascending; their weights [N, C]; shared weights [N, X]."""
        config = self.config
        with torch.autocast(x_ND.device.type, enabled=False):
            logits_NT = tiled_linear(x_ND.float(), self.weight.float())
            routed_NE = logits_NT[:, : config.num_routed]
            score_NE = routed_NE.detach().sigmoid() + self.bias.float()
            chosen_NC = score_NE.topk(config.num_chosen, dim=-1).indices.sort(dim=-1).values
            candidates = torch.cat(
                [routed_NE.gather(1, chosen_NC), logits_NT[:, config.num_routed :]], dim=1
            )
            weight = functional.logsigmoid(candidates).softmax(-1)
            weight = weight * (config.route_scale * self.global_scale.float())
        return chosen_NC, weight[:, : config.num_chosen], weight[:, config.num_chosen :]


class Experts(nn.Module):
    """Routed experts, stacked. `kernels` computes them instead where nothing is learned: on a GPU
    `experts_triton.Kernels`."""

    kernels: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor] | None

    def __init__(self, width: int, config: ExpertConfig) -> None:
        super().__init__()
        self.num_routed = config.num_routed
        self.kernels = None
        self.w13_weight = nn.Parameter(torch.empty(config.num_routed, 2 * config.width, width))
        self.w2_weight = nn.Parameter(torch.empty(config.num_routed, width, config.width))
        nn.init.normal_(self.w13_weight, std=0.02)
        nn.init.normal_(self.w2_weight, std=0.02)

    def forward(self, x_ND: Tensor, chosen_NC: Tensor, weight_NC: Tensor, load_E: Tensor) -> Tensor:
        if self.kernels is not None and not torch.is_grad_enabled():
            return self.kernels(
                x_ND, chosen_NC, weight_NC, wide(self.w13_weight), wide(self.w2_weight)
            )
        if x_ND.is_cuda:
            return grouped_experts(
                x_ND, chosen_NC, weight_NC, load_E, self.w13_weight, self.w2_weight
            )
        plan = Plan(chosen_NC, load_E)
        x_PD = GatherRows.apply(x_ND, plan.row_P, plan.place_NC)
        parts = []
        matrices = zip(self.w13_weight.unbind(), self.w2_weight.unbind(), strict=True)
        for x_RD, (w13, w2) in zip(x_PD.split(plan.sizes), matrices, strict=True):
            if len(x_RD):
                parts.append(functional.linear(gated(functional.linear(x_RD, wide(w13))), wide(w2)))
        weight_NC = weight_NC.to(x_ND.dtype)
        return WeighRows.apply(torch.cat(parts), weight_NC, plan.place_NC)


class Plan:
    """Where each pair of row and expert stands when rows are sorted by expert and padded.

    row_P: source row of each padded place (0 where nothing stands); place_NC: place of each pair;
    sizes: padded number of rows of each expert.
    """

    def __init__(self, chosen_NC: Tensor, load_E: Tensor) -> None:
        num_rows, num_chosen = chosen_NC.shape
        tile = ROW_TILE if num_rows < MANY_ROWS else MANY_ROWS_TILE
        padded_E = (load_E + tile - 1) // tile * tile
        self.sizes: list[int] = padded_E.tolist()
        flat = chosen_NC.flatten()
        order = flat.argsort(stable=True)
        start_E = padded_E.cumsum(0) - padded_E
        skipped_E = start_E - (load_E.cumsum(0) - load_E)
        place = torch.arange(len(flat), device=flat.device) + skipped_E[flat[order]]
        self.row_P = torch.zeros(sum(self.sizes), dtype=torch.int64, device=flat.device)
        self.row_P[place] = order // num_chosen
        self.place_NC = torch.empty_like(flat)
        self.place_NC[order] = place
        self.place_NC = self.place_NC.view(num_rows, num_chosen)


class GatherRows(torch.autograd.Function):
    """x_ND -> rows at their places, [P, D]. Backward adds a row's places in fixed order."""

    @staticmethod
    def forward(ctx, x_ND: Tensor, row_P: Tensor, place_NC: Tensor) -> Tensor:
        ctx.save_for_backward(place_NC)
        return x_ND.index_select(0, row_P)

    @staticmethod
    def backward(ctx, grad_PD: Tensor):
        (place_NC,) = ctx.saved_tensors
        grad_ND = grad_PD.index_select(0, place_NC[:, 0])
        for choice in range(1, place_NC.shape[1]):
            grad_ND += grad_PD.index_select(0, place_NC[:, choice])
        return grad_ND, None, None


class WeighRows(torch.autograd.Function):
    """Rows at their places [P, D] -> weighted sums [N, D], in ascending order of choices.

    Padding places get gradient zero.
    """

    @staticmethod
    def forward(ctx, y_PD: Tensor, weight_NC: Tensor, place_NC: Tensor) -> Tensor:
        ctx.save_for_backward(y_PD, weight_NC, place_NC)
        total_ND = None
        for place_N, weight_N in zip(place_NC.unbind(1), weight_NC.unbind(1), strict=True):
            part_ND = y_PD.index_select(0, place_N).mul_(weight_N[:, None])
            total_ND = part_ND if total_ND is None else total_ND.add_(part_ND)
        assert total_ND is not None  # at least one expert is chosen
        return total_ND

    @staticmethod
    def backward(ctx, grad_ND: Tensor):
        y_PD, weight_NC, place_NC = ctx.saved_tensors
        grad_y, grad_weight = torch.zeros_like(y_PD), torch.empty_like(weight_NC)
        for choice, place_N in enumerate(place_NC.unbind(1)):
            grad_y.index_copy_(0, place_N, grad_ND * weight_NC[:, choice : choice + 1])
            product_ND = y_PD.index_select(0, place_N).mul_(grad_ND)
            grad_weight[:, choice] = product_ND.sum(1)
        return grad_y, grad_weight, None


class SharedExperts(nn.Module):
    """Experts every row goes through, each weighed by the router."""

    def __init__(self, width: int, config: ExpertConfig) -> None:
        super().__init__()
        self.shared_w13_weight = nn.Parameter(
            torch.empty(config.num_shared, 2 * config.width, width)
        )
        self.shared_w2_weight = nn.Parameter(torch.empty(config.num_shared, width, config.width))
        nn.init.normal_(self.shared_w13_weight, std=0.02)
        nn.init.normal_(self.shared_w2_weight, std=0.02)

    def forward(self, x_ND: Tensor, weight_NX: Tensor) -> Tensor:
        y_ND = None
        for index in range(len(self.shared_w13_weight)):
            hidden = gated(tiled_linear(x_ND, self.shared_w13_weight[index]))
            hidden = hidden * weight_NX[:, index : index + 1].to(hidden.dtype)
            part_ND = tiled_linear(hidden, self.shared_w2_weight[index])
            y_ND = part_ND if y_ND is None else y_ND + part_ND
        assert y_ND is not None  # there is at least one shared expert
        return y_ND


class MixtureMLP(nn.Module):
    """Router, routed experts, shared experts."""

    def __init__(self, width: int, config: ExpertConfig) -> None:
        super().__init__()
        self.gate = Router(width, config)
        self.experts = Experts(width, config)
        self.shared_experts = SharedExperts(width, config)

    def forward(self, x_ND: Tensor, loads: list[Tensor] | None = None) -> Tensor:
        """[N, D] -> [N, D]; appends rows per routed expert [E] to `loads`."""
        chosen_NC, weight_NC, shared_NX = self.gate(x_ND)
        load_E = torch.bincount(chosen_NC.flatten(), minlength=self.experts.num_routed)
        if loads is not None:
            loads.append(load_E)
        routed_ND = self.experts(x_ND, chosen_NC, weight_NC, load_E)
        return routed_ND + self.shared_experts(x_ND, shared_NX)


def feed_forward(config: BackboneConfig, layer: int) -> nn.Module:
    """The feed-forward part of one layer."""
    if config.is_dense(layer):
        return DenseMLP(config.width, config.dense_width)
    assert config.experts is not None  # BackboneConfig sees to it
    return MixtureMLP(config.width, config.experts)
