"""What several test files need: a model folder in the shipped layout, small enough for tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import settings

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
