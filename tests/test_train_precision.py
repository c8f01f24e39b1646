"""bf16 is used where it is measured to be faster, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from microturn.train import precision
from microturn.train.precision import bf16_is_fast, product_seconds


@pytest.fixture(autouse=True)
def measured_anew() -> Iterator[None]:
    bf16_is_fast.cache_clear()
    yield
    bf16_is_fast.cache_clear()


@pytest.mark.parametrize(("bf16_s", "is_fast"), [(0.5, True), (1.0, False), (2.0, False)])
def test_the_faster_one_is_chosen(monkeypatch, bf16_s, is_fast):
    seconds = {torch.bfloat16: bf16_s, torch.float32: 1.0}
    monkeypatch.setattr(precision, "product_seconds", seconds.__getitem__)
    assert bf16_is_fast() is is_fast


def test_measured_once(monkeypatch):
    calls = []
    monkeypatch.setattr(precision, "product_seconds", lambda dtype: calls.append(dtype) or 1.0)
    assert {bf16_is_fast() for _ in range(5)} == {False}
    assert calls == [torch.bfloat16, torch.float32]


def test_best_of_several(monkeypatch):
    ticks = iter([0.0, 3.0, 10.0, 11.0, 20.0, 22.0])
    monkeypatch.setattr(precision.time, "perf_counter", lambda: next(ticks))
    assert product_seconds(torch.float32, rows=16, width=16, repeats=3) == 1.0
