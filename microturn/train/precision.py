"""Is bf16 faster than fp32 on this processor? Measured once, since processors differ by a factor of
20.

Legend: R rows, D width.
"""

from __future__ import annotations

import functools
import time

import torch


def product_seconds(
    dtype: torch.dtype, rows: int = 512, width: int = 256, repeats: int = 5
) -> float:
    """Best time of one [R, D] x [D, D] product in `dtype`, in seconds."""
    x_RD, weight_DD = torch.ones(rows, width, dtype=dtype), torch.ones(width, width, dtype=dtype)
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        torch.nn.functional.linear(x_RD, weight_DD)
        best = min(best, time.perf_counter() - started)
    return best


@functools.cache
def bf16_is_fast() -> bool:
    """True where a bf16 product beats fp32."""
    return product_seconds(torch.bfloat16) < product_seconds(torch.float32)
