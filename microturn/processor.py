"""What MKL, which torch multiplies with on x86 processors, is asked for before its first product.

On Intel's processors MKL's fp32 products of fewer than 16 rows run through kernels of their own:
with 4, 8 or 12 rows a row has other bits than the same row among 320, so tiles of 4 rows
(model/tiles.py) are not enough. In its strict mode of conditional numerical reproducibility
(`MKL_CBWR=AVX512,STRICT`; oneMKL developer guide, "Reproducibility conditions") all numbers of rows
give the same bits. MKL reads the variable when it first multiplies. On AMD's processors it has
kernels for all of them alike, which the mode makes worse, and is not asked (docs/numerics.md).
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

VARIABLE = "MKL_CBWR"
CPUINFO = Path("/proc/cpuinfo")
HAS_STRICT = ("AVX2", "AVX512")  # branches that have the mode, by torch's names for them


def is_intel(cpuinfo: Path = CPUINFO) -> bool:
    """Whether the processor calls itself Intel's: by Linux's /proc/cpuinfo, elsewhere by the name
    that Python's `platform` has for it."""
    told = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else platform.processor()
    return "GenuineIntel" in told


def ask_for_strict_products() -> None:
    """Set MKL's strict mode for this process and its children, unless the user has set another or
    the processor is not Intel's. Call it before the first product."""
    branch = torch.backends.cpu.get_cpu_capability()
    if torch.backends.mkl.is_available() and branch in HAS_STRICT and is_intel():
        os.environ.setdefault(VARIABLE, f"{branch},STRICT")
