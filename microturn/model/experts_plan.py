"""Where rows stand for grouped products of experts on a GPU: all on the device, nothing is read
back, and every shape is known from the number of rows alone (so that a graph can be captured).

Legend: N rows, C chosen experts, E experts, T tiles, P places (T times the tile's rows).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NOTHING = -1


@dataclass(frozen=True)
class GroupPlan:
    """expert_T: the expert of each tile, NOTHING for tiles that are not needed; row_P: the row at
    each place, NOTHING for padding; place_NC: the place of each pair of row and expert. No row is
    dropped, however many choose one expert."""

    expert_T: Tensor
    row_P: Tensor
    place_NC: Tensor

    @classmethod
    def of(cls, chosen_NC: Tensor, num_experts: int, tile: int) -> GroupPlan:
        """From the chosen experts [N, C] of each row."""
        device = chosen_NC.device
        num_rows, num_chosen = chosen_NC.shape
        num_pairs = num_rows * num_chosen
        num_tiles = most_tiles(num_pairs, num_experts, tile)
        flat = chosen_NC.flatten()
        load_E = torch.zeros(num_experts, dtype=torch.int64, device=device)
        load_E.scatter_add_(0, flat, torch.ones_like(flat))
        tiles_E = (load_E + tile - 1) // tile
        end_E = tiles_E.cumsum(0)
        tile_T = torch.arange(num_tiles, device=device)
        expert_T = torch.searchsorted(end_E, tile_T, right=True)
        expert_T = expert_T.masked_fill(expert_T == num_experts, NOTHING)
        order = flat.argsort(stable=True)
        first_pair_E = load_E.cumsum(0) - load_E
        first_place_E = (end_E - tiles_E) * tile
        sorted_expert = flat[order]
        rank = torch.arange(num_pairs, device=device) - first_pair_E[sorted_expert]
        place = first_place_E[sorted_expert] + rank
        row_P = torch.full((num_tiles * tile,), NOTHING, dtype=torch.int64, device=device)
        row_P[place] = order // num_chosen
        place_NC = torch.empty_like(flat)
        place_NC[order] = place
        return cls(expert_T, row_P, place_NC.view(num_rows, num_chosen))


def most_tiles(num_pairs: int, num_experts: int, tile: int) -> int:
    """Tiles that suffice whatever is chosen: every expert that is hit may leave one unfilled."""
    return min(num_pairs, num_pairs // tile + num_experts)
