"""InteractionModel: embed -> transformer -> text logits, and slot states for the flow head.
Mathematics only.

Legend: B rows, S positions, D width, V vocabulary, U speaking micro-turns, K slots.
"""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn

from microturn.model.cache import BackboneState
from microturn.model.config import ModelConfig
from microturn.model.embed import Embedder
from microturn.model.experts import Experts, SharedExperts
from microturn.model.flow import FlowHead
from microturn.model.narrow import Narrow, wide
from microturn.model.retention import is_text
from microturn.model.stream import by_columns
from microturn.model.transformer import Transformer
from microturn.sequence import Kind, Positions


class InteractionModel(nn.Module):
    """One transformer that hears, sees, reads, speaks and writes."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedder = Embedder(config)
        self.transformer = Transformer(config.backbone)
        self.flow = FlowHead(config.flow, config.backbone.width)

    def forward(
        self, positions: Positions, num_rows: int, loads: list[Tensor] | None = None
    ) -> Tensor:
        """Whole rows at once (training): positions of `num_rows` rows of equal length ->
        hidden_BSD.

        `loads` collects one tensor of rows per expert for each mixture layer.
        """
        x_SD = self.embedder(positions)
        is_text_S = self.remembered(positions)
        is_text_BS = None if is_text_S is None else is_text_S.view(num_rows, -1)
        return self.transformer(x_SD.view(num_rows, -1, x_SD.shape[-1]), loads, is_text_BS)

    def extend(self, positions: Positions, state: BackboneState, num_ahead: int = 0) -> Tensor:
        """Append positions to one session's state: hidden_SD of the new positions. The last
        `num_ahead` are a guess (`BackboneState.accept`)."""
        x_SD, is_text_S = self.embedder(positions), self.remembered(positions)
        return self.transformer.extend(x_SD, state, num_ahead, is_text_S)

    def remembered(self, positions: Positions) -> Tensor | None:
        """Which positions full layers see beyond their window, [S]; None without retention."""
        retention = self.config.backbone.attention.retention
        if retention is None:
            return None
        return is_text(positions.kind_S, positions.id_S, Kind.TEXT, retention)

    def text_logits(self, hidden: Tensor) -> Tensor:
        """[..., D] -> [..., V] in float32."""
        return self.transformer.unembed(hidden).float()

    def slot_states(self, hidden_BSD: Tensor, slot_index_UK: Tensor) -> Tensor:
        """Hidden states of the slots: flat positions [U, K] into all rows -> [U, K, D]."""
        return hidden_BSD.reshape(-1, hidden_BSD.shape[-1])[slot_index_UK]


def lay_out_for_serving(model: InteractionModel) -> None:
    """Keep the matrices of linears and experts in memory column by column: products of few rows
    read them once instead of packing them first; and pack the backbone for streams. Values, names
    and bits stay (test_model_stream)."""
    for module in list(model.modules()):
        if isinstance(module, nn.Linear):
            laid_out = by_columns(module.weight)
            if isinstance(laid_out, Narrow):
                cast(Any, module).weight = laid_out
            else:
                module.weight.data = laid_out
        elif isinstance(module, Experts | SharedExperts):
            for stack in module.parameters():
                first_ED = wide(by_columns(stack[0]))
                if not first_ED.is_contiguous():
                    stack.data = stack.data.mT.contiguous().mT
    model.transformer.pack()


def count_parameters(model: nn.Module) -> int:
    """Number of parameters, shared ones once."""
    narrow = {module.values for module in model.modules() if isinstance(module, Narrow)}
    return sum(tensor.numel() for tensor in {*model.parameters(), *narrow})
