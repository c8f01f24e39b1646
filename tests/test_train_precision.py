"""The choice of precision follows the measurement."""

from __future__ import annotations

import pytest
import torch

from microturn.train import precision


@pytest.mark.parametrize(("half", "full", "is_fast"), [(1.0, 2.0, True), (2.0, 1.0, False)])
def test_the_faster_one_is_taken(monkeypatch, half, full, is_fast):
    seconds = {torch.bfloat16: half, torch.float32: full}
    monkeypatch.setattr(precision, "product_seconds", seconds.__getitem__)
    precision.bf16_is_fast.cache_clear()
    assert precision.bf16_is_fast() is is_fast
    precision.bf16_is_fast.cache_clear()


def test_a_product_takes_time():
    assert precision.product_seconds(torch.float32, rows=16, width=16, repeats=1) > 0
