"""Which numbers of rows are free is found by trial, and a trial finds those that are not."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from microturn.model.free_rows import has_free_linear, has_free_rows, is_free
from microturn.model.model import lay_out_for_serving
from microturn.model.tiles import FEW_ROWS, ROW_TILE, padded
from tests.tiny import tiny_model


def test_padded() -> None:
    assert [padded(count) for count in (1, 4, 5, 8, 33)] == [4, 4, 8, 8, 36]
    assert [padded(count, 1) for count in (1, 3, 4, 5, 7, FEW_ROWS)] == [4, 4, 4, 5, 7, FEW_ROWS]
    assert padded(FEW_ROWS + 1, 1) == FEW_ROWS + ROW_TILE


@pytest.mark.parametrize("count", [5, 7, FEW_ROWS])
def test_one_number_of_rows_that_differs_is_found(count: int) -> None:
    x_RD = torch.randn(64, 8)
    assert is_free(lambda x: x * 2, x_RD)
    assert not is_free(lambda x: x * (3 if len(x) == count else 2), x_RD)
    assert not is_free(lambda x: x + torch.arange(len(x))[:, None], x_RD)  # the place shows


@pytest.mark.usefixtures("bare_rows")
def test_below_a_tile_it_does_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: products of one to three rows have a kernel of their own."""
    matrix_ED, x_RD = torch.randn(1024, 256), torch.randn(128, 256)
    monkeypatch.setattr("microturn.model.free_rows.ROW_TILE", 1)
    assert not is_free(lambda x: functional.linear(x, matrix_ED), x_RD)


def test_one_shape_that_fails_keeps_whole_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model()
    lay_out_for_serving(model)
    transformer = model.transformer
    assert transformer.packed is not None
    is_here = all(has_free_rows(layer) for layer in transformer.packed)
    assert transformer.row_step == (1 if is_here else ROW_TILE)
    for part in ("has_free_linear", "has_free_batch", "has_free_attention"):
        with monkeypatch.context() as context:
            context.setattr(f"microturn.model.free_rows.{part}", lambda *args: False)
            transformer.pack()
            assert transformer.row_step == ROW_TILE
    transformer.train()
    assert transformer.row_step == ROW_TILE and transformer.packed is None


def test_a_shape_is_tried_once() -> None:
    shape = torch.Size((24, 16))
    before = has_free_linear.cache_info().misses
    found = [has_free_linear(shape, torch.float32, False) for _ in range(3)]
    assert len(set(found)) == 1 and has_free_linear.cache_info().misses <= before + 1
