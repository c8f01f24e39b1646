"""The backbone: whole rows for training, one stream with a state for serving; same bits (fp32,
CPU).

The architecture is Inkling's (Thinking Machines Lab, 2026; `inkling` in transformers): RMSNorm, GQA
with a learned relative bias, a short convolution on k, v and both branch outputs, dense layers
first, then mixtures of experts.

Legend: B rows, S positions, D width, V vocabulary.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from microturn.model.attention import Attention, RMSNorm, ShortConvolution
from microturn.model.cache import BackboneState, LayerState
from microturn.model.config import BackboneConfig
from microturn.model.experts import DenseMLP, MixtureMLP, feed_forward
from microturn.model.free_rows import has_free_rows
from microturn.model.stream import (
    PackedAttention,
    PackedDense,
    PackedLayer,
    PackedMixture,
)
from microturn.model.tiles import ROW_TILE, padded, tiled_linear

INIT_STD = 0.02


class Block(nn.Module):
    """One layer: attention branch, feed-forward branch, each through a short convolution."""

    def __init__(self, config: BackboneConfig, layer: int) -> None:
        super().__init__()
        self.attn_norm = RMSNorm(config.width, config.norm_epsilon)
        self.attn = Attention(config, layer)
        self.attn_sconv = ShortConvolution(config.width, config.conv_kernel)
        self.mlp_norm = RMSNorm(config.width, config.norm_epsilon)
        self.mlp = feed_forward(config, layer)
        self.mlp_sconv = ShortConvolution(config.width, config.conv_kernel)

    def forward(
        self, x_BSD: Tensor, loads: list[Tensor] | None, is_text_BS: Tensor | None = None
    ) -> Tensor:
        mixed_BSD = self.attn(self.attn_norm(x_BSD), is_text_BS)
        x_BSD = x_BSD + self.attn_sconv(mixed_BSD).to(x_BSD.dtype)
        normed_ND = self.mlp_norm(x_BSD).flatten(0, 1)
        branch_BSD = self.mlp(normed_ND, loads).view(x_BSD.shape)
        return x_BSD + self.mlp_sconv(branch_BSD).to(x_BSD.dtype)

    def packed(self) -> PackedLayer:
        """This layer for a stream, its weights copied."""
        part = self.mlp
        assert isinstance(part, DenseMLP | MixtureMLP)
        return PackedLayer(
            self.attn_norm,
            PackedAttention.of(self.attn),
            self.attn_sconv.taps(),
            self.mlp_norm,
            PackedDense.of(part) if isinstance(part, DenseMLP) else PackedMixture.of(part),
            part,
            self.mlp_sconv.taps(),
        )


class Transformer(nn.Module):
    """Layers, final norm and unembedding. Embedding is `microturn.model.embed.Embedder`."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.config = config
        self.packed: list[PackedLayer] | None = None
        self.row_step = ROW_TILE  # of a stream's rows, where weights are packed
        self.layers = nn.ModuleList(Block(config, layer) for layer in range(config.num_layers))
        self.norm = RMSNorm(config.width, config.norm_epsilon)
        self.unembedding = nn.Linear(config.width, config.vocab_size, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=INIT_STD)

    def forward(
        self,
        x_BSD: Tensor,
        loads: list[Tensor] | None = None,
        is_text_BS: Tensor | None = None,
    ) -> Tensor:
        """Whole rows from position 0, any S: hidden states after the final norm, [B, S, D].

        `loads` gets one tensor of rows per routed expert from each mixture layer. is_text_BS:
        positions to remember beyond the window, where the model has retention.
        """
        length = x_BSD.shape[1]
        if length < 1:
            raise ValueError("a row needs at least one position")
        x_BSD = functional.pad(x_BSD, (0, 0, 0, -length % ROW_TILE))
        if is_text_BS is not None:
            is_text_BS = functional.pad(is_text_BS, (0, x_BSD.shape[1] - length))
        for block in self.blocks():
            x_BSD = block(x_BSD, loads, is_text_BS)
        return self.norm(x_BSD[:, :length])

    def blocks(self) -> list[Block]:
        """The layers, with their type."""
        return cast("list[Block]", list(self.layers))

    def new_state(self) -> BackboneState:
        """State of an empty stream on the model's device."""
        kernel = self.config.conv_kernel
        return BackboneState(
            [block.attn.empty_state(self.config.width, kernel) for block in self.blocks()]
        )

    @torch.no_grad()
    def pack(self) -> None:
        """Keep packed weights for `extend`, which packs them each time otherwise. They are copies:
        pack again after weights changed (`train` drops them)."""
        self.packed = [block.packed() for block in self.blocks()]
        self.row_step = 1 if all(has_free_rows(layer) for layer in self.packed) else ROW_TILE

    def train(self, mode: bool = True) -> Transformer:
        if mode:
            self.packed, self.row_step = None, ROW_TILE
        return super().train(mode)

    @torch.no_grad()
    def extend(
        self,
        x_SD: Tensor,
        state: BackboneState,
        num_ahead: int = 0,
        is_text_S: Tensor | None = None,
    ) -> Tensor:
        """Append S >= 1 positions of one stream: hidden states after the final norm, [S, D].

        The last `num_ahead` of them are a guess: the stream ends before them until
        `state.accept()`; they are not remembered as text. Changes `state` only when all layers are
        done; if it raises, the state is as it was.
        """
        num_new = len(x_SD)
        if not 0 <= num_ahead < num_new:
            raise ValueError(f"extend needs at least one position, got {num_new - num_ahead}")
        x_SD = functional.pad(x_SD, (0, 0, 0, padded(num_new, self.row_step) - num_new))
        if is_text_S is not None:
            is_text_S = is_text_S[: num_new - num_ahead]
        packed = self.packed or [block.packed() for block in self.blocks()]
        layers: list[LayerState] = []
        ahead: list[LayerState] = []
        try:
            for part, layer in zip(packed, state.layers, strict=True):
                x_SD, now, then = part.extend(
                    x_SD, num_new, num_ahead, state.length, layer, is_text_S
                )
                layers.append(now)
                ahead.append(then)
            hidden_SD = self.norm(x_SD)[:num_new]
        except BaseException:
            for layer in state.layers:
                layer.clear(state.length, state.length + num_new)
            raise
        state.ahead = (ahead, state.length + num_new) if num_ahead else None
        state.layers, state.length = layers, state.length + num_new - num_ahead
        return hidden_SD

    def unembed(self, hidden: Tensor) -> Tensor:
        """[..., D] -> logits [..., V]."""
        logits = tiled_linear(hidden / self.config.mup_divisor, self.unembedding.weight)
        return logits[..., : self.config.num_logits]

    def router_biases(self) -> list[Tensor]:
        """Correction bias of each mixture layer, in the order of `loads`; change it in place."""
        parts = [block.mlp for block in self.blocks()]
        return [part.gate.bias for part in parts if isinstance(part, MixtureMLP)]
