"""All ways to compute a mixture agree, and a wrong one is seen; the crossover of two series."""

from __future__ import annotations

import pytest
import torch

from microturn.engine.bench_moe import bench_moe, crossover, first_mixture, measure, plain
from tests.tiny import tiny_model


def test_report_and_agreement() -> None:
    before = torch.get_num_threads()
    result = bench_moe(tiny_model(), (1, 20), 2)
    assert torch.get_num_threads() == before
    assert result["agree"] and result["layer"] == 1 and result["copy_gb_s"] > 0
    one, twenty = result["by_rows"]
    assert {"loop", "packed", "plain", "transformers_eager"} <= set(one["median_ms"])
    assert one["weights_gb_s"] > 0 and 0 < twenty["largest_difference"] < 1e-4


@torch.no_grad()
def test_a_way_that_does_other_work_is_seen() -> None:
    _, part = first_mixture(tiny_model())
    ways = {"loop": part, "plain": lambda x_ND: 1.1 * plain(part, x_ND)}
    assert measure(ways, part, torch.randn(3, 64), 1, 1.0)["largest_difference"] > 1e-2


def test_where_many_rows_begin_to_pay() -> None:
    rows = [
        {"rows": count, "median_ms": {"few": few, "many": 2.0}}
        for count, few in ((1, 1.0), (2, 3.0), (4, 1.5), (8, 4.0), (16, 9.0))
    ]
    assert crossover(rows, "few", "many") == 8
    assert crossover(rows[:3], "few", "many") is None
    assert crossover(rows, "absent", "many") is None


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        bench_moe(tiny_model(), ())
    model = tiny_model()
    for block in model.transformer.blocks():
        block.mlp = model.transformer.blocks()[0].mlp
    with pytest.raises(ValueError, match="no mixture"):
        bench_moe(model)
