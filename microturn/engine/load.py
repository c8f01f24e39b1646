"""A folder of weights -> an engine.

A model folder holds `config.json` and `model.safetensors` (microturn/checkpoint.py),
`tokenizer.json`, `vocoder.json` and `vocoder.safetensors`. Shipped models are folders in
`microturn/weights/`.
"""

from __future__ import annotations

from pathlib import Path

import torch

from microturn.checkpoint import load_config, load_weights
from microturn.engine.bench_gpu import use_kernels
from microturn.engine.engine import Engine
from microturn.engine.limits import SessionLimits
from microturn.engine.numerics import verify_numerics
from microturn.engine.sampler import SamplingConfig
from microturn.model.model import InteractionModel
from microturn.model.narrow import Weights, narrow_weights
from microturn.sampled import Recording
from microturn.signal.text import Text
from microturn.signal.vocoder import load_vocoder

SHIPPED = Path(__file__).parent.parent / "weights"


def model_folder(name: str | Path) -> Path:
    """Where a model is: a shipped name or a path. Raises ValueError listing the shipped names."""
    for folder in (SHIPPED / str(name), Path(name)):
        if folder.is_dir() and str(name):
            return folder
    shipped = ", ".join(sorted(path.name for path in SHIPPED.iterdir() if path.is_dir()))
    raise ValueError(f"no model {name!r}: give a folder with weights, or one of: {shipped}")


def load(
    name: str | Path = "nano",
    sampling: SamplingConfig | None = None,
    limits: SessionLimits | None = None,
    weights: Weights = "fp32",
    recording: Recording = "nothing",
    is_exact: bool = False,
    device: str = "cpu",
) -> Engine:
    """Load a model with its text and vocoder; `weights` is what its matrices are kept in.

    is_exact: check first that results depend on no company here (`numerics.py`); an engine that
    records for a trainer always does. device: on another one than "cpu" the streams lie in slots of
    fixed shape, and their rounds are CUDA graphs (`slots.py`; not run on a GPU yet). Raises
    ValueError or FileNotFoundError naming what is wrong.
    """
    folder = model_folder(name)
    model = InteractionModel(load_config(folder))
    load_weights(model, folder)
    narrow_weights(model, weights)
    text = Text.load(folder / "tokenizer.json")
    if text.vocab_size != model.config.backbone.vocab_size:
        raise ValueError(
            f"{folder}: tokenizer.json has {text.vocab_size} tokens, "
            f"the model {model.config.backbone.vocab_size}"
        )
    is_static = torch.device(device).type != "cpu"
    if is_static and (is_exact or recording != "nothing"):
        raise ValueError("equal bits are claimed on the CPU only: load with device='cpu'")
    if is_static:
        use_kernels(model.to(device))
    vocoder = load_vocoder(folder)
    engine = Engine(model, vocoder, text, sampling, limits, recording, is_static)
    if is_exact or recording != "nothing":
        verify_numerics(engine.model, engine.vocoder).require()
    return engine
