"""Attention with a learned relative bias, and the short convolution around it.

Scores are tau (q . k / W + b[distance]); b is mixed for each query from learned profiles over distance, and there
are no rotary positions. One rule makes chunked and whole runs agree to the bit: a query row in block i of 256
positions always meets the same whole key blocks, absolute blocks max(0, i - reach) to i, so its softmax and its
sums have one length and one order however many rows come with it.

The bias needs no gather: profiles are laid out by distance, padded to rows one longer than the key range, and the
same memory read with rows one shorter shifts row r by r places (the skew of Huang et al., 2018, Music Transformer).
The padding is -inf, so the causal and the window mask come with it.

Legend: B rows, S positions, D width, C channels, H heads, K key-value heads, W head width, E rel width, G groups of
(row, query block, head), R query rows, N key positions, L distances.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from microturn.model.cache import KEY_BLOCK, LayerState, empty_layer
from microturn.model.config import BackboneConfig
from microturn.model.tiles import ROW_TILE, tiled_linear

VALUE_SPAN = 1024  # keys summed in one product; longer rows add spans in ascending order
NEVER = float("-inf")


def compute_dtype(x: Tensor) -> torch.dtype:
    """The type matrix products run in: that of autocast where it is on, else that of x."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


class RMSNorm(nn.Module):
    """Root-mean-square norm in fp32 (Zhang & Sennrich, 2019); the result has the compute type."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        normed = functional.rms_norm(x.float(), x.shape[-1:], None, self.epsilon)
        return (normed * self.weight).to(compute_dtype(x))


class ShortConvolution(nn.Module):
    """Depthwise causal convolution with a residual, in fp32, as shifted products in fixed order."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, kernel))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x_BSC: Tensor, tail_BTC: Tensor | None = None) -> Tensor:
        """Convolve; `tail_BTC` holds the kernel - 1 inputs before x, zeros if None. Returns fp32."""
        kernel = self.weight.shape[-1]
        x_BSC = x_BSC.float()
        length = x_BSC.shape[1]
        if tail_BTC is None:
            padded = functional.pad(x_BSC, (0, 0, kernel - 1, 0))
        else:
            padded = torch.cat([tail_BTC, x_BSC], dim=1)
        y_BSC = x_BSC
        for tap in range(kernel):
            y_BSC = y_BSC + padded[:, tap : tap + length] * self.weight[:, 0, tap].float()
        return y_BSC


def next_tail(tail_TC: Tensor, x_SC: Tensor) -> Tensor:
    """The last T inputs after S more."""
    return torch.cat([tail_TC, x_SC.float()])[-len(tail_TC) :] if len(tail_TC) else tail_TC


def skewed_bias(
    rel_GRE: Tensor, profile_EL: Tensor, offset: int, num_keys: int, is_window: bool
) -> Tensor:
    """Relative bias and mask of query rows over whole key blocks: [G, R, N].

    Query row r stands at key position num_keys - KEY_BLOCK + offset + r. Beyond the profile's reach the bias
    is zero, or -inf where the profile is the window. Future keys are -inf.
    """
    groups, num_rows, _ = rel_GRE.shape
    extent = profile_EL.shape[1]
    # Columns left to right: distance `far` down to 0. Where a window ends inside the keys, the
    # padding serves both ends; otherwise rows must begin with real columns, so they start a block
    # further left, and that block is cut off below.
    is_cut = is_window and extent - 1 <= num_keys - KEY_BLOCK
    spare = 0 if is_cut else KEY_BLOCK
    far = num_keys - KEY_BLOCK + spare
    num_near = min(far + 1, extent)
    near_GRL = rel_GRE @ profile_EL[:, :num_near].flip(1)
    left = far + 1 - num_near
    if left and not is_window:  # in reach of no profile: bias zero
        near_GRL = functional.pad(near_GRL, (left, 0))
        left = 0
    total = num_keys + spare
    right = total + 1 - offset - left - near_GRL.shape[2]
    padded = functional.pad(near_GRL, (offset + left, right), value=NEVER)
    skewed = padded.flatten(1)[:, : num_rows * total].view(groups, num_rows, total)
    return skewed[..., spare:]


def attend(q_GRW: Tensor, k_GNW: Tensor, v_GNW: Tensor, bias_GRN: Tensor) -> Tensor:
    """Softmax attention; the scale is already in q. Softmax in fp32."""
    score_GRN = torch.baddbmm(bias_GRN, q_GRW, k_GNW.transpose(1, 2))
    weight_GRN = score_GRN.softmax(-1)
    if weight_GRN.shape[-1] <= VALUE_SPAN:
        return weight_GRN @ v_GNW
    spans = zip(weight_GRN.split(VALUE_SPAN, -1), v_GNW.split(VALUE_SPAN, 1), strict=True)
    out_GRW = None
    for weight, value in spans:
        part = weight @ value
        out_GRW = part if out_GRW is None else out_GRW + part
    return out_GRW


class RelativeProfiles(nn.Module):
    """Learned bank of bias-over-distance profiles."""

    def __init__(self, rel_width: int, extent: int) -> None:
        super().__init__()
        self.proj_bias = nn.Parameter(torch.empty(rel_width, extent))
        nn.init.normal_(self.proj_bias, std=0.02)


class Attention(nn.Module):
    """Grouped-query attention of one layer, whole rows or one stream."""

    def __init__(self, config: BackboneConfig, layer: int) -> None:
        super().__init__()
        attention = config.attention
        self.is_sliding = config.is_sliding(layer)
        if self.is_sliding:
            self.num_heads = attention.sliding_num_heads
            self.num_kv_heads = attention.sliding_num_kv_heads
            self.head_width = attention.sliding_head_width
        else:
            self.num_heads = attention.num_heads
            self.num_kv_heads = attention.num_kv_heads
            self.head_width = attention.head_width
        self.scaling_floor = None if self.is_sliding else attention.log_scaling_floor
        self.scaling_alpha = attention.log_scaling_alpha
        self.reach = -(-(attention.window - 1) // KEY_BLOCK) if self.is_sliding else None
        extent = attention.window if self.is_sliding else attention.rel_extent
        kv_width = self.num_kv_heads * self.head_width
        q_width = self.num_heads * self.head_width
        self.wq_du = nn.Linear(config.width, q_width, bias=False)
        self.wk_dv = nn.Linear(config.width, kv_width, bias=False)
        self.wv_dv = nn.Linear(config.width, kv_width, bias=False)
        self.wr_du = nn.Linear(config.width, self.num_heads * attention.rel_width, bias=False)
        self.wo_ud = nn.Linear(q_width, config.width, bias=False)
        self.k_sconv = ShortConvolution(kv_width, config.conv_kernel)
        self.v_sconv = ShortConvolution(kv_width, config.conv_kernel)
        self.q_norm = RMSNorm(self.head_width, config.norm_epsilon)
        self.k_norm = RMSNorm(self.head_width, config.norm_epsilon)
        self.rel_logits_proj = RelativeProfiles(attention.rel_width, extent)

    def empty_state(self, width: int, kernel: int) -> LayerState:
        """State of a stream that has no positions yet."""
        return empty_layer(
            self.num_kv_heads, self.head_width, width, kernel - 1, self.reach, self.wk_dv.weight
        )

    def tau(self, first: int, num_rows: int, like: Tensor) -> Tensor | None:
        """Log-length scaling of scores at absolute positions, [S, 1, 1], or None where it is off."""
        if self.scaling_floor is None:
            return None
        count_S = torch.arange(first + 1, first + num_rows + 1, device=like.device).float()
        tau_S = 1.0 + self.scaling_alpha * torch.log((count_S / self.scaling_floor).clamp(min=1.0))
        return tau_S[:, None, None]

    def queries(self, x_BSD: Tensor, first: int) -> tuple[Tensor, Tensor]:
        """Scaled queries [B, S, H, W] and relative states [B, S, H, E]."""
        shape = (*x_BSD.shape[:2], self.num_heads, -1)
        q_BSHW = self.q_norm(tiled_linear(x_BSD, self.wq_du.weight).view(shape)) / self.head_width
        rel_BSHE = tiled_linear(x_BSD, self.wr_du.weight).view(shape)
        tau_S11 = self.tau(first, x_BSD.shape[1], x_BSD)
        if tau_S11 is not None:
            q_BSHW = (q_BSHW.float() * tau_S11).to(q_BSHW.dtype)
            rel_BSHE = (rel_BSHE.float() * tau_S11).to(rel_BSHE.dtype)
        return q_BSHW, rel_BSHE

    def spread(self, x_BKNW: Tensor) -> Tensor:
        """Give every query head its key-value head: [B, K, N, W] -> [B H, N, W]."""
        batch, heads, keys, width = x_BKNW.shape
        share = self.num_heads // heads
        spread = x_BKNW[:, :, None].expand(batch, heads, share, keys, width)
        return spread.reshape(batch * self.num_heads, keys, width)

    def rows(
        self, q_BRHW: Tensor, rel_BRHE: Tensor, k_BKNW: Tensor, v_BKNW: Tensor, offset: int
    ) -> Tensor:
        """Query rows of one block against its key blocks: [B, R, H, W]."""
        batch, num_rows, heads, width = q_BRHW.shape
        q_GRW = q_BRHW.transpose(1, 2).reshape(batch * heads, num_rows, width)
        rel_GRE = rel_BRHE.transpose(1, 2).reshape(batch * heads, num_rows, -1)
        profile_EL = self.rel_logits_proj.proj_bias.to(rel_GRE.dtype)
        bias_GRN = skewed_bias(rel_GRE, profile_EL, offset, k_BKNW.shape[2], self.is_sliding)
        out_GRW = attend(q_GRW, self.spread(k_BKNW), self.spread(v_BKNW), bias_GRN)
        return out_GRW.view(batch, heads, num_rows, width).transpose(1, 2)

    def forward(self, x_BSD: Tensor) -> Tensor:
        """Whole rows from position 0: [B, S, D] -> [B, S, D]; S is a multiple of 16."""
        batch, length, _ = x_BSD.shape
        q_BSHW, rel_BSHE = self.queries(x_BSD, 0)
        kv_shape = (batch, length, self.num_kv_heads, self.head_width)
        k_BSKW = self.k_norm(self.k_sconv(tiled_linear(x_BSD, self.wk_dv.weight)).view(kv_shape))
        v_BSKW = self.v_sconv(tiled_linear(x_BSD, self.wv_dv.weight)).view(kv_shape)
        missing = -length % KEY_BLOCK
        k_BKNW = functional.pad(k_BSKW, (0, 0, 0, 0, 0, missing)).transpose(1, 2)
        v_BKNW = functional.pad(v_BSKW.to(k_BSKW.dtype), (0, 0, 0, 0, 0, missing)).transpose(1, 2)
        parts = []
        block, num_whole = 0, length // KEY_BLOCK
        while block * KEY_BLOCK < length:
            rows = slice(block * KEY_BLOCK, min(length, (block + 1) * KEY_BLOCK))
            first = 0 if self.reach is None else max(0, block - self.reach)
            is_steady = self.reach is not None and block >= self.reach and num_whole - block > 1
            if (
                is_steady
            ):  # all further whole blocks see equally many key blocks: one product for all
                count = num_whole - block
                parts.append(self.steady(q_BSHW, rel_BSHE, k_BKNW, v_BKNW, block, count))
                block = num_whole
                continue
            keys = slice(first * KEY_BLOCK, (block + 1) * KEY_BLOCK)
            parts.append(
                self.rows(
                    q_BSHW[:, rows], rel_BSHE[:, rows], k_BKNW[:, :, keys], v_BKNW[:, :, keys], 0
                )
            )
            block += 1
        mixed_BSU = torch.cat(parts, dim=1).flatten(2)
        return tiled_linear(mixed_BSU, self.wo_ud.weight)

    def steady(
        self,
        q_BSHW: Tensor,
        rel_BSHE: Tensor,
        k_BKNW: Tensor,
        v_BKNW: Tensor,
        block: int,
        count: int,
    ) -> Tensor:
        """`count` query blocks from `block` on, folded into the batch: [B, count * 256, H, W]."""
        batch = q_BSHW.shape[0]
        rows = slice(block * KEY_BLOCK, (block + count) * KEY_BLOCK)
        keys = slice((block - self.reach) * KEY_BLOCK, (block + count) * KEY_BLOCK)
        span = (self.reach + 1) * KEY_BLOCK
        folded = [
            x[:, rows].unflatten(1, (count, KEY_BLOCK)).flatten(0, 1) for x in (q_BSHW, rel_BSHE)
        ]
        spans = [
            x[:, :, keys].unfold(2, span, KEY_BLOCK).permute(0, 2, 1, 4, 3).flatten(0, 1)
            for x in (k_BKNW, v_BKNW)
        ]
        out = self.rows(*folded, *spans, 0)
        return out.reshape(batch, count * KEY_BLOCK, self.num_heads, self.head_width)

    def extend(
        self, x_SD: Tensor, num_new: int, length: int, state: LayerState
    ) -> tuple[Tensor, LayerState, tuple[Tensor, Tensor]]:
        """Append the first `num_new` of the padded rows x_SD at position `length`.

        Returns the attention output [S, D], the state with room and the rows written, and new k and v tails.
        """
        q_1SHW, rel_1SHE = self.queries(x_SD[None], length)
        k_SC = tiled_linear(x_SD, self.wk_dv.weight)
        v_SC = tiled_linear(x_SD, self.wv_dv.weight)
        tails = (
            next_tail(state.tails[0], k_SC[:num_new]),
            next_tail(state.tails[1], v_SC[:num_new]),
        )
        k_SC_mixed = self.k_sconv(k_SC[None], state.tails[0][None])[0]
        v_SC_mixed = self.v_sconv(v_SC[None], state.tails[1][None])[0]
        k_SKW = self.k_norm(k_SC_mixed.unflatten(1, (self.num_kv_heads, -1)))
        v_SKW = v_SC_mixed.unflatten(1, (self.num_kv_heads, -1))
        state = state.with_room(length, num_new)
        state.write(k_SKW[:num_new].transpose(0, 1), v_SKW[:num_new].transpose(0, 1), length)
        parts = []
        done = 0
        while done < num_new:
            block, offset = divmod(length + done, KEY_BLOCK)
            count = min(KEY_BLOCK - offset, num_new - done)
            rows = slice(done, done + count)
            pad = (0, 0, 0, 0, 0, -count % ROW_TILE)
            first = 0 if self.reach is None else max(0, block - self.reach)
            key_KNW, value_KNW = state.blocks(first, block)
            out = self.rows(
                functional.pad(q_1SHW[:, rows], pad),
                functional.pad(rel_1SHE[:, rows], pad),
                key_KNW[None].to(q_1SHW.dtype),
                value_KNW[None].to(q_1SHW.dtype),
                offset,
            )
            parts.append(out[0, :count])
            done += count
        mixed_SU = functional.pad(torch.cat(parts).flatten(1), (0, 0, 0, len(x_SD) - num_new))
        return tiled_linear(mixed_SU, self.wo_ud.weight), state, tails
