"""A run on disk: `state.pt` (weights, optimizers, counters: one file, replaced at once) and
`model/` (the weights, and what a model folder needs beside them)."""

from __future__ import annotations

import os
import pickle
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from microturn.checkpoint import CheckpointError, load_weights, save_tensors
from microturn.model.model import InteractionModel
from microturn.published import OURS
from microturn.signal.vocoder import CONFIG_FILE as VOCODER_CONFIG
from microturn.signal.vocoder import WEIGHTS_FILE as VOCODER_WEIGHTS
from microturn.train.auxiliary import PREFIX, attach
from microturn.train.distributed import Place, whole_tree
from microturn.train.optim import Optimizers

FINE_AUDIO = OURS + "fine."  # weights of before may lack it; it is new then

STATE_FILE, MODEL_FOLDER, TOKENIZER_FILE = "state.pt", "model", "tokenizer.json"


@dataclass
class Counters:
    """What must survive a restart beside weights and optimizer states."""

    step: int = 0
    trained_seconds: float = 0.0
    heard_hours: float = 0.0


def save_run(
    model: InteractionModel,
    optimizers: Optimizers,
    counters: Counters,
    out: Path,
    place: Place | None = None,
) -> None:
    """Write everything that a run needs into one file, then the weights for others to open.

    All processes call it together; the first one writes.
    """
    place = place or Place()
    weights, states = whole_tree(model.state_dict()), optimizers.state_dict()
    if place.is_main:
        state = {"weights": weights, "optimizers": states, "counters": asdict(counters)}
        torch.save(state, out / (STATE_FILE + ".part"))
        os.replace(out / (STATE_FILE + ".part"), out / STATE_FILE)
        kept = {name: x for name, x in weights.items() if not name.startswith(PREFIX)}
        save_tensors(kept, model.config, out / MODEL_FOLDER, dtype=torch.float32)
    place.wait()


def read_state(out: Path) -> dict[str, Any] | None:
    """What `save_run` wrote, or None for a run that has not begun.

    Raises ValueError where it cannot be read.
    """
    path = out / STATE_FILE
    if not path.exists():
        return None
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"{path} is damaged ({error}); remove it to start from {out / MODEL_FOLDER} "
            "with --init-from"
        ) from error


def fill(
    model: InteractionModel, state: dict[str, Any] | None, out: Path, init_from: Path | None
) -> Counters:
    """Weights and counters of a run that goes on, of `init_from`, or from scratch; the model gets
    the heads that only training has. It must not be sharded yet; the optimizers' states come later,
    when it is.

    Raises CheckpointError where weights and sizes do not fit.
    """
    if state is None and init_from is not None:
        try:
            load_weights(model, init_from, may_lack=(FINE_AUDIO,))
        except CheckpointError as error:
            raise CheckpointError(
                f"{error}\nto train a model of these sizes, name {init_from} instead of the preset"
            ) from error
    elif state is not None and "weights" not in state:  # runs of before the weights were kept there
        load_weights(model, out / MODEL_FOLDER)
    heads = attach(model)
    if state is None:
        return Counters()
    weights = state.get("weights", {})
    if weights:  # heads that came after the run began are new
        new = {PREFIX + name: x for name, x in heads.state_dict().items()}
        model.load_state_dict(new | weights)
    return Counters(**state["counters"])


def complete(folder: Path, tokenizer: Path, vocoder: Path | None) -> None:
    """Put beside trained weights what a model folder needs: text, and a vocoder if it has none."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / TOKENIZER_FILE).is_file() or not tokenizer.samefile(folder / TOKENIZER_FILE):
        shutil.copyfile(tokenizer, folder / TOKENIZER_FILE)
    for name in (VOCODER_CONFIG, VOCODER_WEIGHTS):
        if vocoder is not None and (vocoder / name).is_file() and not (folder / name).is_file():
            shutil.copyfile(vocoder / name, folder / name)
