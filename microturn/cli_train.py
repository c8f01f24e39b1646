"""`microturn train`: options -> the training loop."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from microturn.engine.load import SHIPPED

if TYPE_CHECKING:
    from microturn.cli import Train
    from microturn.train.loop import TrainConfig  # needs the extra [train]

SHIPPED_TOKENIZER = SHIPPED / "nano" / "tokenizer.json"


def train_preset(options: Train) -> dict[str, Any]:
    """Train and say where the weights are. Raises ValueError for what the user can mend."""
    for name in (
        "minutes", "rows", "lr", "row_length", "save_every_minutes", "samples_every_minutes",
        "eval_every_minutes", "threads", "workers",
    ):  # fmt: skip
        value = getattr(options, name)
        if value is not None and value <= 0:
            raise ValueError(f"{name} must be positive, got {value}")
    if not 0 <= options.roughness <= 1:
        raise ValueError(f"roughness must be 0 to 1, got {options.roughness}")
    if options.has_rooms and not rooms_are_installed():
        raise ValueError("has_rooms needs pyroomacoustics: pip install 'microturn[data]'")
    from microturn.data.bank import Bank
    from microturn.data.loader import weights
    from microturn.train.loop import sizes, train

    sizes(options.preset)
    weights(options.mixture or None)
    config = train_config(options)
    Bank.load(options.bank)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    with contextlib.redirect_stdout(sys.stderr):  # stdout is for the result
        counters = train(config)
    return {"out": str(options.out), "model": str(options.out / "model"), **vars(counters)}


def rooms_are_installed() -> bool:
    """Whether rooms by the image method are there."""
    from microturn.data.rooms import is_available

    return is_available()


def train_config(options: Train) -> TrainConfig:
    """What a person sets, as the loop's config; what is left out keeps its default there."""
    from microturn.data.pack import PackConfig
    from microturn.train.loop import TrainConfig
    from microturn.train.monitor import MonitorConfig
    from microturn.train.optim import OptimConfig
    from microturn.train.settings import with_settings

    optim, pack = OptimConfig(), PackConfig()
    if options.lr is not None:
        optim = replace(optim, muon_lr=options.lr, adamw_lr=options.lr)
    if options.row_length is not None:
        pack = replace(pack, row_length=options.row_length)
    monitor = MonitorConfig(
        samples_every_minutes=options.samples_every_minutes,
        eval_every_minutes=options.eval_every_minutes,
    )
    config = TrainConfig(
        out=options.out,
        bank=options.bank,
        tokenizer=options.tokenizer or SHIPPED_TOKENIZER,
        preset=options.preset,
        minutes=options.minutes,
        num_rows=options.rows,
        seed=options.seed,
        mixture=options.mixture or None,
        init_from=options.init_from,
        save_every_minutes=options.save_every_minutes,
        roughness=options.roughness,
        has_rooms=options.has_rooms,
        vocoder=SHIPPED / "nano",
        device=options.device,
        num_workers=options.workers,
        pack=pack,
        optim=optim,
        monitor=monitor,
    )
    return with_settings(config, options.set)
