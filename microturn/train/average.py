"""The mean of two trained models of the same sizes. Two ends of one run, each with its rate gone
down to zero, lie in one valley: between them it hears, keeps the floor and stops better than at
either (docs/log.md; weight averaging after Wortsman et al., 2022, "Model soups").

    python -m microturn.train.average --models out/before/model out/after/model --out out/mean
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import tyro
from torch import Tensor

from microturn.checkpoint import load_config, load_weights, save
from microturn.model.model import InteractionModel

OTHER_FILES = ("tokenizer.json", "vocoder.json", "vocoder.safetensors")


@dataclass(frozen=True)
class Average:
    """share: of the second in the mean. Tokenizer, vocoder and calibration are the second's."""

    models: tuple[Path, Path]
    out: Path
    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be 0 to 1, got {self.share:g}")


def mean_of(first: dict[str, Tensor], second: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Tensor by tensor in fp32; what is no floating-point number is the second's."""
    return {
        name: (first[name].float() * (1 - share) + tensor.float() * share).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in second.items()
    }


def average(run: Average) -> None:
    """Write the mean, in bf16. Raises ValueError for models of different sizes or vocabularies."""
    first, second = run.models
    configs = [load_config(folder) for folder in run.models]
    if replace(configs[0], floor=configs[1].floor) != configs[1]:
        raise ValueError(f"{first} and {second} have different sizes: only equal ones have a mean")
    if (first / OTHER_FILES[0]).read_bytes() != (second / OTHER_FILES[0]).read_bytes():
        raise ValueError(f"{first} and {second} have different tokenizers: their rows differ")
    models = [InteractionModel(config) for config in configs]
    for model, folder in zip(models, run.models, strict=True):
        load_weights(model, folder)
    models[1].load_state_dict(mean_of(models[0].state_dict(), models[1].state_dict(), run.share))
    save(models[1], configs[1], run.out, torch.bfloat16)
    for name in OTHER_FILES:
        if (second / name).is_file():
            shutil.copy(second / name, run.out / name)


if __name__ == "__main__":
    average(tyro.cli(Average))
