"""A model with its text and vocoder, by name or folder: `Model.from_pretrained`, `save_pretrained`.

    model = microturn.Model.from_pretrained("nano")
    engine = model.engine()

Weights are safetensors only: reading them runs no code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch

from microturn.checkpoint import load_config, load_weights, save
from microturn.engine.engine import Engine
from microturn.engine.limits import SessionLimits
from microturn.engine.load import model_folder
from microturn.engine.sampler import SamplingConfig
from microturn.model.config import ModelConfig
from microturn.model.model import InteractionModel
from microturn.signal.text import Text
from microturn.signal.vocoder import Vocoder, load_vocoder, save_vocoder

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
HUB_FILES = (
    "config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "tokenizer.json",
    "vocoder.json",
    "README.md",
)


@dataclass
class Model:
    """An interaction model and what it needs to hear and to sound."""

    network: InteractionModel
    text: Text
    vocoder: Vocoder

    def __post_init__(self) -> None:
        wanted = self.config.backbone.vocab_size
        if self.text.vocab_size != wanted:
            raise ValueError(
                f"the text has {self.text.vocab_size} tokens, the model {wanted}: they do not "
                "belong together"
            )

    @property
    def config(self) -> ModelConfig:
        return self.network.config

    @classmethod
    def from_pretrained(cls, name: str | Path, revision: str | None = None) -> Model:
        """A shipped model by name, a folder, or `owner/name` on the Hugging Face hub (needs the
        package huggingface_hub; `revision` is a branch, tag or commit there).

        Raises ValueError or FileNotFoundError naming what is missing or does not fit.
        """
        folder = find(name, revision)
        network = InteractionModel(load_config(folder))
        load_weights(network, folder)
        tokenizer = folder / "tokenizer.json"
        if not tokenizer.is_file():
            raise FileNotFoundError(f"{folder} has no tokenizer.json; is the model complete?")
        return cls(network.eval(), Text.load(tokenizer), load_vocoder(folder))

    def save_pretrained(self, path: str | Path, dtype: torch.dtype | None = torch.bfloat16) -> None:
        """Write a folder that `from_pretrained` and every command with `--model` opens. `dtype`:
        of matrices on disk; None keeps theirs."""
        path = Path(path)
        save(self.network, self.config, path, dtype)
        self.text.save(path / "tokenizer.json")
        save_vocoder(self.vocoder, path, dtype or torch.float32)

    def engine(
        self, sampling: SamplingConfig | None = None, limits: SessionLimits | None = None
    ) -> Engine:
        """An engine over this model. It lays the weights out for streams: train another copy."""
        return Engine(self.network, self.vocoder, self.text, sampling, limits)


def find(name: str | Path, revision: str | None = None) -> Path:
    """The folder of a model; one of the hub is downloaded. Raises ValueError for what is none."""
    try:
        return model_folder(name)
    except ValueError as error:
        if isinstance(name, Path) or not HUB_NAME.fullmatch(name):
            raise
        return download(name, revision, error)


def download(name: str, revision: str | None, not_here: ValueError) -> Path:
    """A model of the hub, in the hub's own cache. Raises ValueError where that is not possible."""
    try:
        from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError:
        raise ValueError(
            f"{not_here}; for a model of the Hugging Face hub: pip install huggingface_hub"
        ) from None
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(HUB_FILES)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ValueError(f"cannot get {name} from the Hugging Face hub: {reason}") from error
