"""Norm, short convolution and SwiGLU with gradients by hand: few passes over memory, little kept.

Matrix products are near the processor's peak; these elementwise parts are what else costs time in
training. Each is a function of its inputs alone, row by row, in fixed order.

Legend: B rows, S positions, C channels, T taps (kernel size), N rows of any kind, W normed width, I
inner width.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional


@functools.cache
@torch.inference_mode(False)
def constant(value: float, device: torch.device) -> Tensor:
    """A number as a tensor, as `addcmul` wants it."""
    return torch.tensor(value, dtype=torch.float32, device=device)


def normed(x: Tensor, weight_W: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """The norm, and 1 / rms of each row."""
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    start = constant(epsilon, x.device)
    inverse = torch.addcmul(start, norm, norm, value=1 / x.shape[-1]).rsqrt_()
    return (x * inverse).mul_(weight_W), inverse


class RMSNormFunction(Function):
    """x / rms(x) * weight over the last dimension, all fp32 (Zhang & Sennrich, 2019)."""

    @staticmethod
    def forward(ctx, x: Tensor, weight_W: Tensor, epsilon: float) -> Tensor:
        y, inverse = normed(x, weight_W, epsilon)
        ctx.save_for_backward(x, weight_W, inverse)
        return y

    @staticmethod
    def backward(ctx, grad: Tensor):
        x, weight_W, inverse = ctx.saved_tensors
        width = x.shape[-1]
        grad_normed = (grad * x).mul_(inverse)
        grad_weight_W = grad_normed.view(-1, width).sum(0)
        dot = grad_normed.view(-1, width).mv(weight_W).view(inverse.shape)
        scale = dot.mul_(inverse).mul_(inverse).div_(width)
        grad_x = torch.mul(grad, weight_W, out=grad_normed).mul_(inverse)
        return grad_x.sub_(x * scale), grad_weight_W, None


def rms_norm(x: Tensor, weight_W: Tensor, epsilon: float) -> Tensor:
    """Root-mean-square norm over the last dimension in fp32: fp32 of x's shape."""
    x, weight_W = x.float().contiguous(), weight_W.float()
    if not torch.is_grad_enabled():
        return normed(x, weight_W, epsilon)[0]
    return RMSNormFunction.apply(x, weight_W, epsilon)


def shifts(weight_TC: Tensor, length: int) -> list[tuple[int, Tensor]]:
    """(positions back, weights of that tap), oldest first; only those that reach into the row."""
    back = range(len(weight_TC) - 1, -1, -1)
    return [pair for pair in zip(back, weight_TC.unbind(), strict=True) if pair[0] < length]


def convolved(x_BSC: Tensor, weight_TC: Tensor) -> Tensor:
    """x plus its shifted products, oldest first."""
    y_BSC, length = x_BSC.clone(), x_BSC.shape[1]
    for back, weight_C in shifts(weight_TC, length):
        y_BSC[:, back:].addcmul_(x_BSC[:, : length - back], weight_C)
    return y_BSC


class CausalConvolution(Function):
    """x + depthwise causal convolution of x, zeros before the first position."""

    @staticmethod
    def forward(ctx, x_BSC: Tensor, weight_TC: Tensor) -> Tensor:
        ctx.save_for_backward(x_BSC, weight_TC)
        return convolved(x_BSC, weight_TC)

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
                grad_x[row, : length - back].add_(torch.mul(late, weight_C, out=room))
                product = torch.mul(late, x_SC[: length - back], out=room)
                grad_weight[-1 - back].add_(product.sum(0))
        return grad_x, grad_weight


def causal_convolution(x_BSC: Tensor, weight_TC: Tensor) -> Tensor:
    """Residual depthwise causal convolution in fp32, [B, S, C]."""
    x_BSC, weight_TC = x_BSC.float(), weight_TC.float()
    if not torch.is_grad_enabled():
        return convolved(x_BSC, weight_TC)
    return CausalConvolution.apply(x_BSC, weight_TC)


def continue_convolution(tail_TC: Tensor, x_SC: Tensor, taps_T1C: Tensor) -> Tensor:
    """`causal_convolution` of one stream after the inputs in the tail, in place of x_SC (fp32).

    Returns those inputs and x's as they were, [T + S, C]. The same products are added in the same
    order, so the bits are the same; no gradient.
    """
    inputs = torch.cat([tail_TC, x_SC])
    windows_TSC = inputs.unfold(0, len(taps_T1C), 1).permute(2, 0, 1)
    for window_SC, tap_1C in zip(windows_TSC.unbind(), taps_T1C.unbind(), strict=True):
        x_SC.addcmul_(window_SC, tap_1C)
    return inputs


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
    if not torch.is_grad_enabled():
        gate, up = gate_up.chunk(2, dim=-1)
        return functional.silu(gate).mul_(up)
    return GatedFunction.apply(gate_up)
