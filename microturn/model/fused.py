"""Norm, short convolution and SwiGLU with gradients by hand: few passes over memory, little kept.

Matrix products are near the processor's peak; these elementwise parts are what else costs time in
training. Each is a function of its inputs alone, row by row, in fixed order.

Legend: B rows, S positions, C channels, T taps (kernel size), N rows of any kind, W normed width, I
inner width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional


class RMSNormFunction(Function):
    """x / rms(x) * weight over the last dimension, all fp32 (Zhang & Sennrich, 2019)."""

    @staticmethod
    def forward(ctx, x: Tensor, weight_W: Tensor, epsilon: float) -> Tensor:
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        inverse = norm.square_().div_(x.shape[-1]).add_(epsilon).rsqrt_()
        ctx.save_for_backward(x, weight_W, inverse)
        return (x * inverse).mul_(weight_W)

    @staticmethod
    def backward(ctx, grad: Tensor):
        x, weight_W, inverse = ctx.saved_tensors
        width = x.shape[-1]
        grad_normed = (grad * x).mul_(inverse)
        grad_weight_W = grad_normed.view(-1, width).sum(0)
        dot = grad_normed.view(-1, width).mv(weight_W).view(inverse.shape)
        scale = dot.mul_(inverse).mul_(inverse).div_(width)
        grad_x = torch.mul(grad, weight_W, out=grad_normed).mul_(inverse)
        grad_x -= x * scale
        return grad_x, grad_weight_W, None


def rms_norm(x: Tensor, weight_W: Tensor, epsilon: float) -> Tensor:
    """Root-mean-square norm over the last dimension in fp32: fp32 of x's shape."""
    return RMSNormFunction.apply(x.float().contiguous(), weight_W.float(), epsilon)


class CausalConvolution(Function):
    """x + depthwise causal convolution of x, zeros before the first position."""

    @staticmethod
    def forward(ctx, x_BSC: Tensor, weight_TC: Tensor) -> Tensor:
        ctx.save_for_backward(x_BSC, weight_TC)
        y_BSC, part = x_BSC.clone(), torch.empty_like(x_BSC)
        length = x_BSC.shape[1]
        for back, weight_C in shifts(weight_TC, length):
            product = torch.mul(x_BSC[:, : length - back], weight_C, out=part[:, back:])
            y_BSC[:, back:] += product
        return y_BSC

    @staticmethod
    def backward(ctx, grad_BSC: Tensor):
        x_BSC, weight_TC = ctx.saved_tensors
        length = x_BSC.shape[1]
        grad_x, part_SC = grad_BSC.clone(), torch.empty_like(x_BSC[0])
        grad_weight = torch.zeros_like(weight_TC)
        for row, (x_SC, late_SC) in enumerate(zip(x_BSC, grad_BSC, strict=True)):
            # One row at a time stays in cache.
            for back, weight_C in shifts(weight_TC, length):
                late, room = late_SC[back:], part_SC[back:]
                grad_x[row, : length - back] += torch.mul(late, weight_C, out=room)
                product = torch.mul(late, x_SC[: length - back], out=room)
                grad_weight[-1 - back] += product.sum(0)
        return grad_x, grad_weight


def shifts(weight_TC: Tensor, length: int) -> list[tuple[int, Tensor]]:
    """(positions back, weights of that tap), oldest first; only those that reach into the row."""
    num_taps = len(weight_TC)
    return [
        (num_taps - 1 - tap, weight_TC[tap])
        for tap in range(num_taps)
        if num_taps - 1 - tap < length
    ]


def causal_convolution(x_BSC: Tensor, weight_TC: Tensor) -> Tensor:
    """Residual depthwise causal convolution in fp32, [B, S, C]."""
    return CausalConvolution.apply(x_BSC.float(), weight_TC.float())


class GatedFunction(Function):
    """silu(gate) * up for gate_up = [gate | up] (Shazeer, 2020)."""

    @staticmethod
    def forward(ctx, gate_up: Tensor) -> Tensor:
        ctx.save_for_backward(gate_up)
        gate, up = gate_up.chunk(2, dim=-1)
        return functional.silu(gate).mul_(up)

    @staticmethod
    def backward(ctx, grad: Tensor):
        (gate_up,) = ctx.saved_tensors
        gate, up = gate_up.chunk(2, dim=-1)
        grad_gate_up = torch.empty_like(gate_up)
        grad_gate, grad_up = grad_gate_up.chunk(2, dim=-1)
        torch.mul(functional.silu(gate), grad, out=grad_up)
        torch.ops.aten.silu_backward.grad_input(grad * up, gate, grad_input=grad_gate)
        return grad_gate_up


def gated(gate_up: Tensor) -> Tensor:
    """SwiGLU's product: the first half of the last dimension gates the second."""
    return GatedFunction.apply(gate_up)
