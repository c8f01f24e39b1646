"""Flow head: 4 slot states and the last 200 ms of mel -> the next 200 ms of mel, jointly.

A small transformer over `num_context_frames` known frames followed by `num_frames` noisy ones.
Every frame is conditioned, through adaptive norm (Peebles & Xie, 2023; one modulation shared by all
layers as in Chen et al., 2023, PixArt-alpha), on the flow time and on the slot state of its 50 ms.
The frames of a slot, a group, have one modulation; so have all known frames.
Flow matching as in Lipman et al., 2023: x_t = (1 - t) x_0 + t x_1 with noise x_0 at t = 0 and data
x_1 at t = 1, velocity target x_1 - x_0. It samples nothing by itself: noise is an argument.

Legend: B micro-turns, F target frames, C context frames, M mel bins, K slots, T frames of both, G
groups of frames, S frames of a group, D width, H heads, W head width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

from microturn.model.config import FlowConfig
from microturn.model.tiles import tiled_linear
from microturn.turns import NUM_SLOTS

TIME_FEATURES = 64
MAX_TIME_FREQUENCY = 1000.0


def time_features(t_B: Tensor) -> Tensor:
    """Sinusoids of flow time in [0, 1]: [B] -> [B, TIME_FEATURES]."""
    half = TIME_FEATURES // 2
    exponent = torch.arange(half, device=t_B.device, dtype=torch.float32) / (half - 1)
    frequency = torch.exp(math.log(MAX_TIME_FREQUENCY) * exponent)
    angle = t_B.float()[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def euler(x: Tensor, velocity: Tensor, num_flow_steps: int) -> Tensor:
    """One of `num_flow_steps` steps from noise to data."""
    return x + velocity / num_flow_steps


def modulated(x_BGSD: Tensor, scale_BG1D: Tensor, shift_BG1D: Tensor) -> Tensor:
    """Layer norm, scaled and shifted alike in all frames of a group."""
    normed = functional.layer_norm(x_BGSD, x_BGSD.shape[-1:])
    return torch.addcmul(shift_BG1D, normed, 1 + scale_BG1D)


class AllToAll(Function):
    """Attention of all frames to all: torch's fused kernel, with its gradient by hand, as products.
    The kernel's own backward pass takes seven times as long for rows this short (docs/log.md)."""

    @staticmethod
    def forward(ctx, q_BHTW: Tensor, k_BHTW: Tensor, v_BHTW: Tensor) -> Tensor:
        ctx.save_for_backward(q_BHTW, k_BHTW, v_BHTW)
        return functional.scaled_dot_product_attention(q_BHTW, k_BHTW, v_BHTW)

    @staticmethod
    def backward(ctx, grad_BHTW: Tensor):
        q_BHTW, k_BHTW, v_BHTW = ctx.saved_tensors
        scale = q_BHTW.shape[-1] ** -0.5
        weight_BHTT = ((q_BHTW * scale) @ k_BHTW.mT).softmax(-1)
        grad_BHTT = grad_BHTW @ v_BHTW.mT
        grad_BHTT = torch.ops.aten._softmax_backward_data(
            grad_BHTT, weight_BHTT, -1, weight_BHTT.dtype
        )
        grad_BHTT = grad_BHTT * scale
        return grad_BHTT @ k_BHTW, grad_BHTT.mT @ q_BHTW, weight_BHTT.mT @ grad_BHTW


def all_to_all(q_BHTW: Tensor, k_BHTW: Tensor, v_BHTW: Tensor) -> Tensor:
    """Attention of all frames to all, in the form for the device; the values are the fused
    kernel's, bit for bit."""
    if q_BHTW.device.type == "cpu":
        return AllToAll.apply(q_BHTW, k_BHTW, v_BHTW)
    return functional.scaled_dot_product_attention(q_BHTW, k_BHTW, v_BHTW)


class FlowBlock(nn.Module):
    """Attention over all frames, then a feed-forward layer, both modulated per frame."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.modulation = nn.Parameter(torch.zeros(6, width))
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def attend(self, x_BGSD: Tensor) -> Tensor:
        """All frames see each other."""
        batch, width = x_BGSD.shape[0], x_BGSD.shape[-1]
        qkv = tiled_linear(x_BGSD, self.qkv.weight).view(
            batch, -1, 3, self.num_heads, width // self.num_heads
        )
        q_BHTW, k_BHTW, v_BHTW = qkv.permute(2, 0, 3, 1, 4)
        mixed_BHTW = all_to_all(q_BHTW, k_BHTW, v_BHTW)
        return tiled_linear(mixed_BHTW.transpose(1, 2).reshape(x_BGSD.shape), self.out.weight)

    def forward(self, x_BGSD: Tensor, modulation_BG6D: Tensor) -> Tensor:
        """Frames in groups of one modulation each -> the same."""
        m_BG1D = (modulation_BG6D + self.modulation)[:, :, None].unbind(3)
        normed = modulated(x_BGSD, m_BG1D[0], m_BG1D[1])
        x_BGSD = torch.addcmul(x_BGSD, m_BG1D[2], self.attend(normed))
        normed = modulated(x_BGSD, m_BG1D[3], m_BG1D[4])
        hidden = functional.gelu(tiled_linear(normed, self.up.weight, self.up.bias))
        branch_BGSD = tiled_linear(hidden, self.down.weight, self.down.bias)
        return torch.addcmul(x_BGSD, m_BG1D[5], branch_BGSD)


@dataclass(frozen=True)
class Condition:
    """Slot states, and the context frames' modulation and input."""

    slot_BKD: Tensor
    modulation_BG6D: Tensor
    context_BCD: Tensor


class FlowHead(nn.Module):
    """Velocity net, loss and Euler sampler. `slot_width` is the width of the backbone."""

    def __init__(self, config: FlowConfig, slot_width: int) -> None:
        super().__init__()
        if config.num_frames % NUM_SLOTS:
            raise ValueError(
                f"num_frames {config.num_frames} must be a multiple of the {NUM_SLOTS} slots"
            )
        self.frames_per_slot = config.num_frames // NUM_SLOTS
        if config.num_context_frames % self.frames_per_slot:
            raise ValueError(
                f"num_context_frames {config.num_context_frames} must be a multiple of the "
                f"{self.frames_per_slot} frames of a slot"
            )
        self.config = config
        width = config.width
        self.frame_in = nn.Linear(config.num_mel_bins, width)
        self.context_in = nn.Linear(config.num_mel_bins, width)
        self.position = nn.Parameter(
            torch.randn(config.num_context_frames + config.num_frames, width) * 0.02
        )
        self.slot_in = nn.Linear(slot_width, width)
        self.time_in = nn.Linear(TIME_FEATURES, width)
        self.context_condition = nn.Parameter(torch.zeros(width))
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(
            FlowBlock(width, config.num_heads) for _ in range(config.num_layers)
        )
        self.final_modulation = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, config.num_mel_bins)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def condition(self, context_BCM: Tensor, slots_BKD: Tensor) -> Condition:
        """What does not depend on the flow time: done once for all steps."""
        slot_BKD = tiled_linear(slots_BKD, self.slot_in.weight, self.slot_in.bias)
        known_B1D = functional.silu(self.context_condition + slot_BKD[:, :1])
        known = tiled_linear(known_B1D, self.modulation.weight, self.modulation.bias)
        context_BCD = tiled_linear(context_BCM, self.context_in.weight, self.context_in.bias)
        num_context = context_BCM.shape[1]
        return Condition(
            slot_BKD,
            known.unflatten(-1, (6, -1)).expand(-1, num_context // self.frames_per_slot, -1, -1),
            context_BCD + self.position[:num_context],
        )

    def velocity(self, x_BFM: Tensor, t_B: Tensor, condition: Condition) -> Tensor:
        """Velocity at x_t. x is normalised mel; returns [B, F, M] in float32."""
        slot_BKD, num_context = condition.slot_BKD, condition.context_BCD.shape[1]
        time_BD = tiled_linear(time_features(t_B), self.time_in.weight, self.time_in.bias)
        target_BKD = functional.silu(slot_BKD + time_BD[:, None])
        modulation = tiled_linear(target_BKD, self.modulation.weight, self.modulation.bias)
        modulation_BG6D = torch.cat(
            [condition.modulation_BG6D, modulation.unflatten(-1, (6, -1))], dim=1
        )
        groups = (-1, self.frames_per_slot)
        frame_BFD = tiled_linear(x_BFM, self.frame_in.weight, self.frame_in.bias)
        frame_BFD = (frame_BFD.unflatten(1, groups) + slot_BKD[:, :, None]).flatten(1, 2)
        x_BTD = torch.cat([condition.context_BCD, frame_BFD + self.position[num_context:]], dim=1)
        x_BGSD = x_BTD.unflatten(1, groups)
        for block in self.blocks:
            x_BGSD = block(x_BGSD, modulation_BG6D)
        scale_BK1D, shift_BK1D = tiled_linear(
            target_BKD, self.final_modulation.weight, self.final_modulation.bias
        )[:, :, None].chunk(2, -1)
        x_BKSD = modulated(x_BGSD[:, num_context // self.frames_per_slot :], scale_BK1D, shift_BK1D)
        return tiled_linear(x_BKSD, self.out.weight, self.out.bias).flatten(1, 2).float()

    def loss(
        self,
        mel_BFM: Tensor,
        context_BCM: Tensor,
        slots_BKD: Tensor,
        noise_BFM: Tensor,
        t_B: Tensor,
    ) -> Tensor:
        """Flow-matching loss for each micro-turn: mean squared error of the velocity, [B]."""
        t_B11 = t_B[:, None, None]
        x_BFM = (1 - t_B11) * noise_BFM + t_B11 * mel_BFM
        velocity_BFM = self.velocity(x_BFM, t_B, self.condition(context_BCM, slots_BKD))
        return (velocity_BFM - (mel_BFM - noise_BFM)).square().mean((1, 2))

    def sample(
        self,
        noise_BFM: Tensor,
        context_BCM: Tensor,
        slots_BKD: Tensor,
        num_flow_steps: int,
        velocities: list[Tensor] | None = None,
    ) -> Tensor:
        """Euler steps from t = 0 to t = 1: [B, F, M]. `velocities` collects that of each step.

        Raises ValueError for less than one step.
        """
        if num_flow_steps < 1:
            raise ValueError(f"num_flow_steps must be at least 1, got {num_flow_steps}")
        x_BFM, condition = noise_BFM, self.condition(context_BCM, slots_BKD)
        for step in range(num_flow_steps):
            t_B = torch.full((len(x_BFM),), step / num_flow_steps, device=x_BFM.device)
            velocity_BFM = self.velocity(x_BFM, t_B, condition)
            x_BFM = euler(x_BFM, velocity_BFM, num_flow_steps)
            if velocities is not None:
                velocities.append(velocity_BFM)
        return x_BFM
