"""What several test files need: a model folder in the shipped layout, small enough for tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import settings
from torch import Tensor

from microturn.checkpoint import save
from microturn.signal.text import Text
from microturn.signal.vocoder import Vocoder, VocoderConfig, save_vocoder
from tests.tiny import VOCAB, tiny_model

# The same examples in every run, and no clock: a busy machine must not fail a test.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in the shipped layout."""
    folder = tmp_path_factory.mktemp("model")
    model = tiny_model()
    save(model, model.config, folder, dtype=torch.float32)
    save_vocoder(Vocoder(VocoderConfig(width=32, num_blocks=1)), folder)
    Text.train(["the quick brown fox jumps over the lazy dog then there"], VOCAB).save(
        folder / "tokenizer.json"
    )
    return folder


FEW = 4  # rows that have a kernel of their own in `bare_rows`


@pytest.fixture
def bare_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """For negative controls: rows are not padded, and linears on few rows add up in another order.

    Ordinary kernels do that on most processors, not on all (microturn/processor.py).
    """
    ordinary = torch.nn.functional.linear

    def linear(x: Tensor, weight_ED: Tensor, bias_E: Tensor | None = None) -> Tensor:
        half = x.shape[-1] // 2
        if x.numel() // x.shape[-1] >= FEW or not half:
            return ordinary(x, weight_ED, bias_E)
        first = ordinary(x[..., :half], weight_ED[:, :half])
        return ordinary(x[..., half:], weight_ED[:, half:], bias_E) + first

    monkeypatch.setattr("torch.nn.functional.linear", linear)
    monkeypatch.setattr("microturn.model.tiles.ROW_TILE", 1)
