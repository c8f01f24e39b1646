"""Matrices that are kept in bf16 or int8 and widened when they are used.

The product itself is that of fp32 on the widened matrix: so whatever holds for fp32 (a row's bits
do not depend on its company; a stream gives the bits of the whole) holds for narrow weights too,
and a model with narrow weights gives the bits of an fp32 model whose weights were rounded.

int8 has one scale for each output: the greatest magnitude of its row over 127.

Legend: E outputs, D inputs.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Weights = Literal["fp32", "bf16", "int8"]
GREATEST = 127


class Narrow(nn.Module):
    """A matrix, or a stack of them, in few bits. values: [..., E, D] bf16 or int8; scale: fp32 that
    broadcasts to it, or None."""

    def __init__(self, values: Tensor, scale: Tensor | None) -> None:
        super().__init__()
        self.values: Tensor
        self.scale: Tensor | None
        self.register_buffer("values", values)
        self.register_buffer("scale", scale)

    def widened(self) -> Tensor:
        """fp32, in the layout of `values`."""
        wide = self.values.float()
        return wide if self.scale is None else wide.mul_(self.scale)

    @property
    def shape(self) -> torch.Size:
        return self.values.shape

    @property
    def dtype(self) -> torch.dtype:
        """The type that products run in."""
        return torch.float32

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> Narrow:
        return Narrow(self.values[index], None if self.scale is None else self.scale[index])

    def unbind(self) -> tuple[Narrow, ...]:
        """The matrices of a stack."""
        return tuple(self[index] for index in range(len(self)))

    def each(self, change: str, *given: int) -> Narrow:
        """The same change of shape (a method of tensors) of values and of scales."""
        values = getattr(self.values, change)(*given)
        return Narrow(values, None if self.scale is None else getattr(self.scale, change)(*given))


Matrix = Tensor | Narrow


def wide(matrix: Matrix) -> Tensor:
    """The matrix as products need it."""
    return matrix.widened() if isinstance(matrix, Narrow) else matrix


def narrowed(matrix_ED: Tensor, weights: Weights) -> Narrow:
    """A matrix, or a stack of them, [..., E, D], in few bits."""
    matrix_ED = matrix_ED.detach().float()
    if weights == "bf16":
        return Narrow(matrix_ED.bfloat16(), None)
    scale_E1 = matrix_ED.abs().amax(-1, keepdim=True).clamp_(min=1e-30) / GREATEST
    values_ED = (matrix_ED / scale_E1).round_().clamp_(-GREATEST, GREATEST)
    return Narrow(values_ED.to(torch.int8), scale_E1)


def join(matrices: list[Matrix]) -> Matrix:
    """Matrices below each other; all of them narrow, or none."""
    if not isinstance(matrices[0], Narrow):
        return torch.cat([wide(matrix) for matrix in matrices]).detach()
    parts = [matrix for matrix in matrices if isinstance(matrix, Narrow)]
    assert len(parts) == len(matrices)  # a model is narrow as a whole
    scales = [part.scale for part in parts if part.scale is not None]
    return Narrow(torch.cat([part.values for part in parts]), torch.cat(scales) if scales else None)


def narrow_weights(model: nn.Module, weights: Weights) -> None:
    """Keep the matrices of all linears and experts in few bits; the wide ones are freed. Such a
    model serves and does not train. Embeddings, routers, norms and convolutions stay.

    Raises ValueError for an unknown kind.
    """
    if weights not in ("fp32", "bf16", "int8"):
        raise ValueError(f"weights must be fp32, bf16 or int8, got {weights!r}")
    if weights == "fp32":
        return
    for module in list(model.modules()):
        names = ["weight"] if isinstance(module, nn.Linear) else stacks(module)
        for name in names:
            narrow = narrowed(getattr(module, name), weights)
            delattr(module, name)
            setattr(module, name, narrow)


def stacks(module: nn.Module) -> list[str]:
    """Names of a module's own stacks of matrices: experts."""
    return [
        name
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.ndim == 3 and name.endswith(("w13_weight", "w2_weight"))
    ]
