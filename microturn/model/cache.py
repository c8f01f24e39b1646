"""State of one stream in the backbone: keys, values and three convolution tails a layer.

Keys and values live in buffers of whole key blocks at absolute positions. Rows below `length` are
never written again, so a mark (references and the length) undoes any number of extends, and an
extend that fails leaves the stream as it was: length and tails change last. Rows beyond `length`
are finite but have no meaning.

Legend: K key-value heads, N buffer positions, W head width, T tail positions, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from microturn.model.retention import TextRows

KEY_BLOCK = 128
FIRST_BLOCKS = 2  # room of a new stream
SPARE_BLOCKS = 4  # room beyond the need when a window's buffer is made anew


@dataclass(frozen=True)
class LayerState:
    """One layer. Buffer position 0 is absolute position `start`, a multiple of KEY_BLOCK.

    `reach` is how many blocks before a query's own block the layer can see; None means all.
    tails: the last kernel - 1 inputs of the convolutions of k and v, side by side, of the attention
    output and of the feed-forward part. text: what is remembered beyond the window.
    """

    key_KNW: Tensor
    value_KNW: Tensor
    tails: tuple[Tensor, Tensor, Tensor]
    start: int = 0
    reach: int | None = None
    text: TextRows | None = None

    def with_room(self, length: int, num_new: int) -> LayerState:
        """The same content, room for `num_new` more positions; blocks out of sight are dropped."""
        need = length + num_new
        if need <= self.start + self.key_KNW.shape[1]:
            return self
        start = self.start
        if self.reach is not None:
            start = max(start, (length // KEY_BLOCK - self.reach) * KEY_BLOCK)
        num_needed = -(-(need - start) // KEY_BLOCK) * KEY_BLOCK
        spare = SPARE_BLOCKS * KEY_BLOCK if self.reach is not None else num_needed
        held = slice(start - self.start, length - self.start)
        buffers = []
        for old_KNW in (self.key_KNW, self.value_KNW):
            heads, _, width = old_KNW.shape
            new_KNW = old_KNW.new_zeros(heads, num_needed + spare, width)
            new_KNW[:, : length - start] = old_KNW[:, held]
            buffers.append(new_KNW)
        return replace(self, key_KNW=buffers[0], value_KNW=buffers[1], start=start)

    def with_tails(self, inputs: tuple[Tensor, Tensor, Tensor], num_new: int) -> LayerState:
        """The same content after `num_new` more positions; inputs: of each convolution, from the
        present tail on, [T + S, C]."""
        kv, attention, mlp = (
            after[num_new : num_new + len(before)]
            for after, before in zip(inputs, self.tails, strict=True)
        )
        return replace(self, tails=(kv, attention, mlp))

    def write(self, key_KSW: Tensor, value_KSW: Tensor, length: int) -> None:
        """Put new rows behind the first `length` positions."""
        rows = slice(length - self.start, length - self.start + key_KSW.shape[1])
        self.key_KNW[:, rows] = key_KSW
        self.value_KNW[:, rows] = value_KSW

    def clear(self, first: int, last: int) -> None:
        """Zero positions first to last - 1, as far as the buffers hold them.

        What is masked gets weight zero, but zero times NaN is NaN: nothing bad may stay behind.
        """
        rows = slice(max(0, first - self.start), max(0, last - self.start))
        self.key_KNW[:, rows] = 0
        self.value_KNW[:, rows] = 0

    def blocks(self, first: int, last: int) -> tuple[Tensor, Tensor]:
        """Keys and values of absolute blocks first to last, both included."""
        rows = slice(first * KEY_BLOCK - self.start, (last + 1) * KEY_BLOCK - self.start)
        return self.key_KNW[:, rows], self.value_KNW[:, rows]

    def clone(self) -> LayerState:
        kv, attention, mlp = (tail.clone() for tail in self.tails)
        key_KNW, value_KNW = self.key_KNW.clone(), self.value_KNW.clone()
        return replace(self, key_KNW=key_KNW, value_KNW=value_KNW, tails=(kv, attention, mlp))

    def tensors(self) -> list[Tensor]:
        """Everything that it holds."""
        text = [] if self.text is None else [self.text.key_KMW, self.text.value_KMW]
        return [self.key_KNW, self.value_KNW, *self.tails, *text]


@dataclass(frozen=True)
class Mark:
    """A place to come back to."""

    layers: tuple[LayerState, ...]
    length: int


@dataclass
class BackboneState:
    """One stream: what every layer remembers of its first `length` positions.

    `ahead` is the stream after positions that were only a guess (layers and length), until they are
    accepted or something else is appended.
    """

    layers: list[LayerState]
    length: int = 0
    ahead: tuple[list[LayerState], int] | None = None

    def accept(self) -> None:
        """The guess was right: the stream goes on after it. Raises ValueError where there is
        none."""
        if self.ahead is None:
            raise ValueError("there is no guess to accept: extend with num_ahead first")
        self.layers, self.length = self.ahead
        self.ahead = None

    def mark(self) -> Mark:
        """Remember this place, at no cost. Valid until a rollback to an earlier place."""
        return Mark(tuple(self.layers), self.length)

    def rollback(self, mark: Mark) -> None:
        """Forget what was appended since `mark`. Raises ValueError for a mark beyond the end."""
        if mark.length > self.length:
            raise ValueError(
                f"cannot roll back to position {mark.length}: the stream has only {self.length}"
            )
        end = self.length if self.ahead is None else self.ahead[1]
        for layer in mark.layers:
            layer.clear(mark.length, end)
        self.layers = list(mark.layers)
        self.length, self.ahead = mark.length, None

    def clone(self) -> BackboneState:
        """An independent copy, for branches that both go on."""
        return BackboneState([layer.clone() for layer in self.layers], self.length)

    def num_bytes(self) -> int:
        """Memory held by buffers and tails."""
        tensors = [tensor for layer in self.layers for tensor in layer.tensors()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def empty_layer(
    num_kv_heads: int,
    head_width: int,
    width: int,
    num_tail: int,
    reach: int | None,
    like: Tensor,
) -> LayerState:
    """A layer that has seen nothing. Tails are fp32, as the convolutions are."""
    buffer_KNW = like.new_zeros(num_kv_heads, FIRST_BLOCKS * KEY_BLOCK, head_width)
    channels = (2 * num_kv_heads * head_width, width, width)
    kv, attention, mlp = (
        torch.zeros(num_tail, channel, dtype=torch.float32, device=like.device)
        for channel in channels
    )
    return LayerState(buffer_KNW, buffer_KNW.clone(), (kv, attention, mlp), reach=reach)
