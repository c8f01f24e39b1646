"""Attention with a learned relative bias, and the short convolution around it.

Scores are tau (q . k / W + b[distance]); b is mixed for each query from learned profiles over
distance, and there are no rotary positions. One rule makes chunked and whole runs agree to the bit:
a query row in block i of 128 positions always meets the same whole key blocks, absolute blocks
max(0, i - reach) to i, so its softmax and its sums have one length and one order however many rows
come with it (`banded.py`).

Legend: B rows, S positions, D width, C channels, T taps, H heads, K key-value heads, W head width,
E rel width, N key positions, L distances.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from microturn.model.banded import attend_batched, attend_tiled
from microturn.model.cache import KEY_BLOCK, LayerState, empty_layer
from microturn.model.config import BackboneConfig
from microturn.model.flex import FLEX_WIDTHS, attend_flex, attend_flex_whole
from microturn.model.fused import causal_convolution, rms_norm
from microturn.model.retention import Sight, TextRows, attend_whole
from microturn.model.tiles import tiled_linear


def compute_dtype(x: Tensor) -> torch.dtype:
    """The type matrix products run in: that of autocast where it is on, else that of x."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


class RMSNorm(nn.Module):
    """Root-mean-square norm in fp32; the result has the compute type."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor, scale: float = 1.0) -> Tensor:
        """Norm of x times weight times `scale`."""
        weight = self.weight if scale == 1.0 else self.weight * scale
        return rms_norm(x, weight, self.epsilon).to(compute_dtype(x))


class ShortConvolution(nn.Module):
    """Depthwise causal convolution with a residual, in fp32, as shifted products in fixed order."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, kernel))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x_BSC: Tensor) -> Tensor:
        """Convolve, zeros before the first position. fp32."""
        return causal_convolution(x_BSC, self.weight[:, 0].t().contiguous())

    def taps(self) -> Tensor:
        """Weights by tap, oldest first: [T, 1, C] fp32, a copy."""
        return self.weight.detach().permute(2, 1, 0).float().contiguous()


class RelativeProfiles(nn.Module):
    """Learned bank of bias-over-distance profiles."""

    def __init__(self, rel_width: int, extent: int) -> None:
        super().__init__()
        self.proj_bias = nn.Parameter(torch.empty(rel_width, extent))
        nn.init.normal_(self.proj_bias, std=0.02)


class Attention(nn.Module):
    """Grouped-query attention of one layer over whole rows; one stream: `stream.py`."""

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
        window = attention.window if self.is_sliding else attention.full_window
        self.has_window = window is not None
        self.sight = None
        if not self.is_sliding and window is not None and attention.retention is not None:
            self.sight = Sight(window, -(-(window - 1) // KEY_BLOCK), attention.retention)
        self.reach = None if window is None else -(-(window - 1) // KEY_BLOCK)
        extent = attention.rel_extent if window is None else window
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
        layer = empty_layer(
            self.num_kv_heads, self.head_width, width, kernel - 1, self.reach, self.k_norm.weight
        )
        return layer if self.sight is None else replace(layer, text=TextRows.none(layer.key_KNW))

    def tau(self, first: int, num_rows: int, like: Tensor) -> Tensor | None:
        """Log-length scaling at absolute positions, [S, 1, 1], or None where it is off."""
        if self.scaling_floor is None:
            return None
        count_S = torch.arange(first + 1, first + num_rows + 1, device=like.device).float()
        tau_S = 1.0 + self.scaling_alpha * torch.log((count_S / self.scaling_floor).clamp(min=1.0))
        return tau_S[:, None, None]

    def queries(self, x_BSD: Tensor, first: int) -> tuple[Tensor, Tensor]:
        """Scaled queries [B, S, H, W] and relative states [B, S, H, E]."""
        shape = (*x_BSD.shape[:2], self.num_heads, -1)
        q_BSHW = tiled_linear(x_BSD, self.wq_du.weight).view(shape)
        q_BSHW = self.q_norm(q_BSHW, 1.0 / self.head_width)
        rel_BSHE = tiled_linear(x_BSD, self.wr_du.weight).view(shape)
        tau_S11 = self.tau(first, x_BSD.shape[1], x_BSD)
        if tau_S11 is not None:
            q_BSHW = (q_BSHW.float() * tau_S11).to(q_BSHW.dtype)
            rel_BSHE = (rel_BSHE.float() * tau_S11).to(rel_BSHE.dtype)
        return q_BSHW, rel_BSHE

    def forward(self, x_BSD: Tensor, is_text_BS: Tensor | None = None) -> Tensor:
        """Whole rows from position 0: [B, S, D] -> [B, S, D]; S is a multiple of 4."""
        batch, length, _ = x_BSD.shape
        q_BSHW, rel_BSHE = self.queries(x_BSD, 0)
        kv_shape = (batch, length, self.num_kv_heads, self.head_width)
        k_BSKW = self.k_norm(self.k_sconv(tiled_linear(x_BSD, self.wk_dv.weight)).view(kv_shape))
        v_BSKW = self.v_sconv(tiled_linear(x_BSD, self.wv_dv.weight)).view(kv_shape)
        pad = (0, 0, 0, 0, 0, -length % KEY_BLOCK)
        k_BNKW = functional.pad(k_BSKW.to(q_BSHW.dtype), pad)
        v_BNKW = functional.pad(v_BSKW.to(q_BSHW.dtype), pad)
        profile_EL = self.rel_logits_proj.proj_bias.to(q_BSHW.dtype)
        queries, keys = (q_BSHW, rel_BSHE), (k_BNKW, v_BNKW)
        mixed_BSHW = self.mixed(queries, keys, profile_EL, is_text_BS)
        return tiled_linear(mixed_BSHW.flatten(2), self.wo_ud.weight)

    def mixed(
        self,
        queries: tuple[Tensor, Tensor],
        keys: tuple[Tensor, Tensor],
        profile_EL: Tensor,
        is_text_BS: Tensor | None,
    ) -> Tensor:
        """Attention in the form for the device, [B, S, H, W]: tiles in cache on a CPU, flex
        attention on CUDA where its kernels take the width, batches of blocks elsewhere."""
        device, band = keys[0].device.type, (self.reach, self.has_window)
        is_flex = device == "cuda" and self.head_width in FLEX_WIDTHS
        if self.sight is not None and is_text_BS is not None:
            whole = attend_flex_whole if is_flex else attend_whole
            return whole(queries, keys, is_text_BS, profile_EL, self.sight)
        if is_flex:
            return attend_flex(*queries, *keys, profile_EL, *band)
        attend = attend_tiled if device == "cpu" else attend_batched
        return attend(*queries, *keys, profile_EL, *band)
