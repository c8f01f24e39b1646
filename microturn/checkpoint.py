"""Configs and weights to disk and back.

A checkpoint is a directory with `config.json` and `model.safetensors` (or shards with an index) in
the format of `published.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from microturn.model.config import ModelConfig
from microturn.published import (
    OURS,
    CheckpointError,
    config_from_dict,
    config_to_dict,
    from_disk,
    published_name,
    to_disk,
)

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
WEIGHTS_MODE = 0o644  # safetensors writes 0600, which others could not read once installed
PICKLED = (".bin", ".pt", ".pth", ".ckpt")
IGNORED = ("model.mtp.",)  # multi-token-prediction layers, which we do not have

__all__ = ["CheckpointError", "load_config", "load_weights", "save", "save_tensors"]


def save(
    model: nn.Module, config: ModelConfig, path: Path | str, dtype: torch.dtype | None = None
) -> None:
    """Write config and weights. `dtype` is that of matrices on disk; None keeps theirs.

    Vectors (norms, router biases) keep their type: they are small, and their steps are too.
    Files are replaced whole, so a kill at any moment leaves either the old or the new one.
    """
    save_tensors(model.state_dict(), config, path, dtype)


def save_tensors(
    state: Mapping[str, Tensor],
    config: ModelConfig,
    path: Path | str,
    dtype: torch.dtype | None = None,
) -> None:
    """`save` for tensors by our names: those of a model's `state_dict`."""
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, tensor in state.items():
        is_matrix = tensor.is_floating_point() and tensor.ndim > 1
        wanted = dtype if dtype is not None and is_matrix else tensor.dtype
        published = published_name(name)
        laid_out = to_disk(published, tensor.detach())
        tensors[published] = laid_out.to("cpu", wanted).contiguous().clone()
    part = path / (WEIGHTS_FILE + ".part")
    save_file(tensors, part, metadata={"format": "pt"})
    part.chmod(WEIGHTS_MODE)
    os.replace(part, path / WEIGHTS_FILE)
    part = path / (CONFIG_FILE + ".part")
    part.write_text(json.dumps(config_to_dict(config), indent=2) + "\n")
    os.replace(part, path / CONFIG_FILE)


def load_config(path: Path | str) -> ModelConfig:
    """Read the config of a checkpoint directory. Raises FileNotFoundError or CheckpointError."""
    file = _directory(path) / CONFIG_FILE
    if not file.is_file():
        raise FileNotFoundError(f"{file.parent} has no {CONFIG_FILE}; is it a checkpoint?")
    try:
        fields = json.loads(file.read_text())
    except ValueError as error:
        raise CheckpointError(f"{file} is not valid JSON: {error}") from error
    return config_from_dict(fields)


def load_weights(
    model: nn.Module, path: Path | str, may_lack: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Fill the model from a checkpoint directory; types and devices stay the model's.

    A checkpoint without any tensor under `microturn.` (a published one) leaves ours as they are,
    and one without any tensor under a name in `may_lack` those; their names are returned. Nothing
    is changed unless everything fits. Raises FileNotFoundError where files are missing and
    CheckpointError naming the file or tensor otherwise.
    """
    wanted = {published_name(name): tensor for name, tensor in model.state_dict().items()}
    with ExitStack() as stack:
        where = {}
        for file in _weight_files(_directory(path)):
            try:
                reader = stack.enter_context(safe_open(file, framework="pt"))
            except SafetensorError as error:
                raise CheckpointError(f"{file} is damaged: {error}") from error
            where |= dict.fromkeys(reader.keys(), reader)
        is_published = not any(name.startswith(OURS) for name in where)
        absent = (OURS,) if is_published else ()
        absent += tuple(p for p in may_lack if not any(name.startswith(p) for name in where))
        kept = tuple(name for name in wanted if name.startswith(absent))
        _check(path, {n: t for n, t in wanted.items() if n not in kept}, where)
        with torch.no_grad():
            for name, tensor in wanted.items():
                if name not in kept:
                    tensor.copy_(from_disk(name, where[name].get_tensor(name)))
    return kept


def _check(path: Path | str, wanted: dict[str, Tensor], where: dict[str, Any]) -> None:
    for name, tensor in wanted.items():
        if name not in where:
            raise CheckpointError(f"{path}: tensor {name} is missing")
        shape = list(where[name].get_slice(name).get_shape())
        if shape != list(tensor.shape):
            raise CheckpointError(
                f"{path}: tensor {name} has shape {shape}, the config asks for {list(tensor.shape)}"
            )
    unknown = sorted(n for n in where if n not in wanted and not n.startswith(IGNORED))
    if unknown:
        raise CheckpointError(
            f"{path}: tensor {unknown[0]} has no place in the model ({len(unknown)} such tensors); "
            "does the config belong to these weights?"
        )


def _directory(path: Path | str) -> Path:
    path = Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"no checkpoint directory at {path}")
    return path


def _weight_files(path: Path) -> list[Path]:
    if (path / INDEX_FILE).is_file():
        names = json.loads((path / INDEX_FILE).read_text())["weight_map"].values()
        files = [path / name for name in sorted(set(names))]
    else:
        files = [path / WEIGHTS_FILE]
    for file in files:
        if not file.is_file():
            pickled = [p.name for end in PICKLED for p in path.glob(f"*{end}")]
            hint = "is the checkpoint complete?"
            if pickled:
                hint = f"{pickled[0]} is not read, since that could run code: convert it"
            raise FileNotFoundError(f"{path} has no {file.name}; {hint}")
    return files
