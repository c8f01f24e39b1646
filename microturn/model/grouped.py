"""Routed experts as two grouped products: for a GPU, where waiting for the counts costs more than
some rows too many. The loop over experts in `experts.py` is its plain twin.

Rows are sorted by expert, each expert's part padded to a multiple of 16, and nothing is read back
to the host: the buffer has room for the worst case, and what is left of it goes through the last
expert, unused and without a gradient.

Legend: N rows, D width, I expert width, E routed experts, C chosen experts, P places.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

GROUP_TILE = 16  # rows; grouped products want their parts aligned


def places(chosen_NC: Tensor, load_E: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Source row of each place [P], place of each pair [N, C], end of each expert's part [E]."""
    num_rows, num_chosen = chosen_NC.shape
    num_experts = len(load_E)
    num_places = (-(-(num_rows * num_chosen) // GROUP_TILE) + num_experts) * GROUP_TILE
    padded_E = (load_E + GROUP_TILE - 1) // GROUP_TILE * GROUP_TILE
    flat = chosen_NC.flatten()
    order = flat.argsort(stable=True)
    skipped_E = (padded_E.cumsum(0) - padded_E) - (load_E.cumsum(0) - load_E)
    place = torch.arange(len(flat), device=flat.device) + skipped_E[flat[order]]
    row_P = torch.zeros(num_places, dtype=torch.int64, device=flat.device)
    row_P[place] = order // num_chosen
    place_NC = torch.empty_like(flat)
    place_NC[order] = place
    end_E = padded_E.cumsum(0).to(torch.int32)
    end_E[-1] = num_places
    return row_P, place_NC.view(num_rows, num_chosen), end_E


def grouped_experts(
    x_ND: Tensor,
    chosen_NC: Tensor,
    weight_NC: Tensor,
    load_E: Tensor,
    w13_E2ID: Tensor,
    w2_EDI: Tensor,
) -> Tensor:
    """What `Experts` computes, [N, D], in the type of x; sums of a row in ascending order."""
    row_P, place_NC, end_E = places(chosen_NC, load_E)
    w13, w2 = w13_E2ID.to(x_ND.dtype), w2_EDI.to(x_ND.dtype)
    x_PD = x_ND.index_select(0, row_P)
    gate_PI, up_PI = functional.grouped_mm(x_PD, w13.mT, offs=end_E).chunk(2, -1)
    y_PD = functional.grouped_mm(functional.silu(gate_PI) * up_PI, w2.mT, offs=end_E)
    parts = [
        y_PD.index_select(0, place_N) * weight_N[:, None].to(y_PD.dtype)
        for place_N, weight_N in zip(place_NC.unbind(1), weight_NC.unbind(1), strict=True)
    ]
    total_ND = parts[0]
    for part_ND in parts[1:]:
        total_ND = total_ND + part_ND
    return total_ND
