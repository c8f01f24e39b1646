"""Many streams side by side with fixed shapes: what a CUDA graph needs.

Lengths are a tensor, keys and values lie in rings as long as the window, and every step does the
same operations whatever the streams hold; nothing is read back. The mathematics is that of
`extend`, in another order of sums: it agrees to rounding, not to the bit. Layers must have windows.

Legend: B streams, R rows of a round, D width, C channels, T tail positions, H heads, K key-value
heads, J heads that share one, W head width, E rel width, L distances, N places of a ring.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from microturn.model.attention import Attention, ShortConvolution
from microturn.model.experts import DenseMLP, MixtureMLP
from microturn.model.transformer import Transformer


@dataclass(frozen=True)
class StaticLayer:
    """One layer of all streams. The last place of a ring takes rows that are not real."""

    key_BKNW: Tensor
    value_BKNW: Tensor
    tails: tuple[Tensor, Tensor, Tensor, Tensor]  # k, v, attention branch, feed-forward branch


@dataclass(frozen=True)
class StaticStreams:
    """Streams of one model: `length_B` and all layers are changed in place."""

    length_B: Tensor
    layers: list[StaticLayer]
    num_rows: int

    @property
    def num_streams(self) -> int:
        return len(self.length_B)

    @classmethod
    def empty(cls, transformer: Transformer, num_streams: int, num_rows: int) -> StaticStreams:
        """Room for so many streams, and rows a round. Raises ValueError where a layer has no window
        or remembers text."""
        like = transformer.norm.weight
        config = transformer.config
        layers = []
        for number, block in enumerate(transformer.blocks()):
            part = block.attn
            if not part.has_window or part.sight is not None:
                raise ValueError(
                    f"layer {number} sees more than a window: streams of fixed shape need "
                    "full_window and no retention"
                )
            window = part.rel_logits_proj.proj_bias.shape[1]
            shape = (num_streams, part.num_kv_heads, window + num_rows + 1, part.head_width)
            kv_width = part.num_kv_heads * part.head_width
            tails = tuple(
                torch.zeros(num_streams, config.conv_kernel - 1, channels, device=like.device)
                for channels in (kv_width, kv_width, config.width, config.width)
            )
            layers.append(StaticLayer(like.new_zeros(shape), like.new_zeros(shape), tails))  # type: ignore[arg-type]
        length_B = torch.zeros(num_streams, dtype=torch.int64, device=like.device)
        return cls(length_B, layers, num_rows)


@torch.no_grad()
def advance(
    transformer: Transformer, streams: StaticStreams, x_BRD: Tensor, count_B: Tensor
) -> Tensor:
    """Append the first count_B rows of each stream: hidden states of all rows, [B, R, D]; those
    beyond count_B have no meaning. count_B: int64 [B], 0 to R."""
    for block, layer in zip(transformer.blocks(), streams.layers, strict=True):
        mixed_BRD = attend(block.attn, layer, block.attn_norm(x_BRD), streams.length_B, count_B)
        branch = convolve(block.attn_sconv, layer.tails[2], mixed_BRD, count_B)
        x_BRD = x_BRD + branch.to(x_BRD.dtype)
        part = block.mlp
        assert isinstance(part, DenseMLP | MixtureMLP)
        branch_ND = feed_forward(part, block.mlp_norm(x_BRD).flatten(0, 1))
        branch = convolve(block.mlp_sconv, layer.tails[3], branch_ND.view(x_BRD.shape), count_B)
        x_BRD = x_BRD + branch.to(x_BRD.dtype)
    streams.length_B.add_(count_B)
    return transformer.norm(x_BRD)


def feed_forward(part: DenseMLP | MixtureMLP, x_ND: Tensor) -> Tensor:
    """A mixture with kernels is called without counting loads, which would wait for the device."""
    if isinstance(part, DenseMLP) or part.experts.kernels is None:
        return part(x_ND)
    chosen_NC, weight_NC, shared_NX = part.gate(x_ND)
    routed_ND = part.experts(x_ND, chosen_NC, weight_NC, chosen_NC)
    return routed_ND + part.shared_experts(x_ND, shared_NX)


def convolve(part: ShortConvolution, tail_BTC: Tensor, x_BRC: Tensor, count_B: Tensor) -> Tensor:
    """The short convolution of each stream after its tail, fp32; the tail moves on."""
    inputs = torch.cat([tail_BTC, x_BRC.float()], dim=1)
    num_tail, num_rows = tail_BTC.shape[1], x_BRC.shape[1]
    y_BRC = inputs[:, num_tail:].clone()
    for tap, weight_1C in enumerate(part.taps()):
        y_BRC += inputs[:, tap : tap + num_rows] * weight_1C
    place_BT = count_B[:, None] + torch.arange(num_tail, device=count_B.device)
    tail_BTC.copy_(inputs.gather(1, place_BT[..., None].expand(-1, -1, inputs.shape[2])))
    return y_BRC


def attend(
    part: Attention, layer: StaticLayer, x_BRD: Tensor, length_B: Tensor, count_B: Tensor
) -> Tensor:
    """Attention of every stream to its own ring, with the new rows in it: [B, R, D]."""
    batch, num_rows, _ = x_BRD.shape
    shape = (batch, num_rows, -1, part.head_width)
    q_BRHW = part.q_norm(part.wq_du(x_BRD).view(shape), 1.0 / part.head_width)
    rel_BRHE = part.wr_du(x_BRD).view(batch, num_rows, part.num_heads, -1)
    k_BRC = convolve(part.k_sconv, layer.tails[0], part.wk_dv(x_BRD), count_B)
    v_BRC = convolve(part.v_sconv, layer.tails[1], part.wv_dv(x_BRD), count_B)
    k_BRKW = part.k_norm(k_BRC.view(shape)).to(q_BRHW.dtype)
    v_BRKW = v_BRC.view(shape).to(q_BRHW.dtype)
    ring = layer.key_BKNW.shape[2] - 1
    row_R = torch.arange(num_rows, device=x_BRD.device)
    position_BR = length_B[:, None] + row_R
    if part.scaling_floor is not None:
        growth = ((position_BR + 1).float() / part.scaling_floor).clamp(min=1.0)
        tau = (1.0 + part.scaling_alpha * torch.log(growth))[..., None, None]
        q_BRHW = (q_BRHW.float() * tau).to(q_BRHW.dtype)
        rel_BRHE = (rel_BRHE.float() * tau).to(rel_BRHE.dtype)
    place_BR = torch.where(row_R < count_B[:, None], position_BR % ring, ring)
    index = place_BR[:, None, :, None].expand(-1, part.num_kv_heads, -1, part.head_width)
    layer.key_BKNW.scatter_(2, index, k_BRKW.transpose(1, 2).to(layer.key_BKNW.dtype))
    layer.value_BKNW.scatter_(2, index, v_BRKW.transpose(1, 2).to(layer.value_BKNW.dtype))
    k_BKNW = layer.key_BKNW[:, :, :ring].to(q_BRHW.dtype)
    v_BKNW = layer.value_BKNW[:, :, :ring].to(q_BRHW.dtype)
    bias_BHRN = bias_and_mask(part, rel_BRHE, position_BR, length_B + count_B, ring)
    share = part.num_heads // part.num_kv_heads
    q_BKGW = q_BRHW.transpose(1, 2).reshape(batch, part.num_kv_heads, share * num_rows, -1)
    score = (q_BKGW @ k_BKNW.transpose(2, 3)).view(bias_BHRN.shape) + bias_BHRN
    weight = score.float().softmax(-1).to(v_BKNW.dtype).view(*q_BKGW.shape[:3], ring)
    mixed_BHRW = (weight @ v_BKNW).view(batch, part.num_heads, num_rows, -1)
    return part.wo_ud(mixed_BHRW.transpose(1, 2).flatten(2))


def bias_and_mask(
    part: Attention, rel_BRHE: Tensor, position_BR: Tensor, end_B: Tensor, ring: int
) -> Tensor:
    """Relative bias of every row to every place of its ring, -inf where it does not look: [B, H, R,
    N]. A row sees at least a place of its own or, without real rows, place 0."""
    profile_EL = part.rel_logits_proj.proj_bias.to(rel_BRHE.dtype)
    window = profile_EL.shape[1]
    place_N = torch.arange(ring, device=end_B.device)
    newest_B1 = end_B[:, None] - 1
    held_BN = newest_B1 - (newest_B1 - place_N) % ring  # the position at each place
    distance_BRN = position_BR[..., None] - held_BN[:, None]
    is_seen = (distance_BRN >= 0) & (distance_BRN < window) & (held_BN[:, None] >= 0)
    near_BHRL = (rel_BRHE @ profile_EL).transpose(1, 2)
    index = distance_BRN.clamp(0, window - 1)[:, None].expand(-1, near_BHRL.shape[1], -1, -1)
    is_blind_BR1 = ~is_seen.any(-1, keepdim=True)
    is_seen = is_seen | (is_blind_BR1 & (place_N == 0))
    return near_BHRL.gather(3, index).masked_fill(~is_seen[:, None], float("-inf"))
