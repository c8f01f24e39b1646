"""Image pair -> patches of 40x40 pixels, one position each, row by row (Inkling's order).

Images are decoded and resized outside the model. The published processor adds a column of padding
to images whose width is a multiple of 40; ours must be multiples of 40 both ways and get no
padding.

Legend: P patches, T images of a pair, R patch rows, C patch columns.
"""

from __future__ import annotations

import torch
from torch import Tensor

from microturn.sequence import PATCH_SHAPE

PATCH_SIZE = PATCH_SHAPE[1]


def still_pair(image: Tensor) -> Tensor:
    """A still is shown twice: [height, width, 3] -> [2, height, width, 3]."""
    return torch.stack([image, image])


def image_patches(images: Tensor) -> Tensor:
    """[2, height, width, 3] uint8 -> [P, 2, 40, 40, 3]. Raises ValueError naming a shape that does
    not fit."""
    if (
        images.ndim != 4
        or images.shape[0] != 2
        or images.shape[3] != 3
        or images.dtype != torch.uint8
    ):
        raise ValueError(
            "an image pair must be [2, height, width, 3] uint8, "
            f"got {list(images.shape)} {images.dtype}; show a still twice"
        )
    _, height, width, _ = images.shape
    if height % PATCH_SIZE or width % PATCH_SIZE or not height or not width:
        raise ValueError(
            f"image height and width must be multiples of {PATCH_SIZE}, "
            f"got {height} x {width}; resize it first"
        )
    # [T, R, 40, C, 40, 3]
    split = images.unflatten(2, (-1, PATCH_SIZE)).unflatten(1, (-1, PATCH_SIZE))
    return split.permute(1, 3, 0, 2, 4, 5).reshape(-1, *PATCH_SHAPE)
