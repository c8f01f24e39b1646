"""MKL is asked for its strict mode on Intel's processors, before the first product."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from microturn import processor
from microturn.processor import VARIABLE, ask_for_strict_products, is_intel

CPUINFO = "processor\t: 0\nvendor_id\t: {}\nmodel name\t: any\n"


def cpuinfo(folder: Path, vendor: str) -> Path:
    path = folder / "cpuinfo"
    path.write_text(CPUINFO.format(vendor), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("vendor", "expected"), [("GenuineIntel", True), ("AuthenticAMD", False), ("", False)]
)
def test_the_vendor_is_read(
    vendor: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_intel(cpuinfo(tmp_path, vendor)) is expected
    name = f"Intel64 Family 6 Model 143, {vendor}"  # as Windows has it
    monkeypatch.setattr("platform.processor", lambda: name)
    assert is_intel(tmp_path / "none") is expected


@pytest.mark.parametrize(
    ("is_there", "branch", "before", "expected"),
    [
        (True, "AVX512", None, "AVX512,STRICT"),
        (True, "AVX2", None, "AVX2,STRICT"),
        (True, "DEFAULT", None, None),  # the mode needs AVX2
        (True, "AVX512", "COMPATIBLE", "COMPATIBLE"),  # the user's word counts
        (False, "AVX512", None, None),
    ],
)
def test_what_is_asked_for(
    is_there: bool,
    branch: str,
    before: str | None,
    expected: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: branch)
    monkeypatch.setattr(processor, "is_intel", lambda: is_there)
    monkeypatch.setenv(VARIABLE, before or "")
    if before is None:
        monkeypatch.delenv(VARIABLE)
    ask_for_strict_products()
    assert os.environ.get(VARIABLE) == expected


def test_no_product_comes_before_the_question() -> None:
    """MKL, told to say what it does, has said nothing by the time the model is imported, and names
    the mode at the first product."""
    if not torch.backends.mkl.is_available():
        return
    code = (
        "import os, microturn.model.tiles, torch; print('imported', flush=True)\n"
        "torch.nn.functional.linear(torch.ones(8, 8), torch.ones(8, 8))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MKL_VERBOSE": "1", VARIABLE: "COMPATIBLE"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    before, _, after = told.partition("imported")
    assert "CNR" not in before
    assert "CNR:" in after and "CNR:OFF" not in after
