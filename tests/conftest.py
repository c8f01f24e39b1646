"""What several test files need: a model folder in the shipped layout, small enough for tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from microturn.checkpoint import save
from microturn.signal.text import Text
from microturn.signal.vocoder import Vocoder, VocoderConfig, save_vocoder
from tests.tiny import VOCAB, tiny_model


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
