"""The training loop: one readable loop, resumable to the step.

A run is a folder: `state.pt` (weights, optimizers and counters in one file, replaced at once),
`model/` (the same weights, opens with `microturn run --model`), `events.*` (TensorBoard),
`log.jsonl`. What a batch holds is a function of (seed, step), so the data state is the step. The
length of a run is given in minutes of training time, and the schedule follows that. Ctrl-C and
SIGTERM finish the step, save, and end the run; called again it goes on.

Legend: E routed experts.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter as clock
from typing import Any, TextIO

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from microturn.checkpoint import load_weights, save
from microturn.data.bank import Bank
from microturn.data.loader import episodes
from microturn.data.pack import PackConfig, RowBatch, pack
from microturn.model.model import InteractionModel, count_parameters
from microturn.presets import preset
from microturn.scenarios import families
from microturn.sequence import Markers
from microturn.signal.text import Text
from microturn.train.loss import Losses, losses
from microturn.train.mixture import mixture_at
from microturn.train.optim import OptimConfig, Optimizers
from microturn.train.precision import bf16_is_fast

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
ROUTER_BIAS_RATE = 3e-3  # step of the load-balancing bias (Wang et al., 2024)


@dataclass(frozen=True)
class TrainConfig:
    """One run. `mixture` weighs the families; None takes those of `mixture.py` as the run goes on.

    roughness: share of episodes in hard acoustics; has_rooms: shoebox rooms among them (extra
    [data]).
    """

    out: Path
    bank: tuple[Path, ...]
    tokenizer: Path
    preset: str = "nano"
    minutes: float = 60.0
    num_rows: int = 4
    seed: int = 0
    mixture: dict[str, float] | None = None
    init_from: Path | None = None
    save_every_minutes: float = 5.0
    roughness: float = 0.0
    has_rooms: bool = False
    pack: PackConfig = field(default_factory=PackConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)


@dataclass
class Counters:
    """What must survive a restart beside weights and optimizer states."""

    step: int = 0
    trained_seconds: float = 0.0
    heard_hours: float = 0.0


class Batches(IterableDataset[RowBatch]):
    """An endless stream of batches from `first_step` on, made in a worker process."""

    def __init__(self, config: TrainConfig, markers: Markers, first_step: int) -> None:
        self.config, self.markers, self.first_step = config, markers, first_step

    def __iter__(self) -> Iterator[RowBatch]:
        torch.set_num_threads(1)
        config = self.config
        bank, text = Bank.load(config.bank), Text.load(config.tokenizer)
        stream = episodes(
            seed=config.seed,
            start=self.first_step * config.num_rows,
            bank=bank,
            text=text,
            mixture=config.mixture or partial(mixture_at, families=list(families())),
            roughness=config.roughness,
            has_rooms=config.has_rooms,
        )
        step = self.first_step
        while True:
            chosen = [next(stream) for _ in range(config.num_rows)]
            yield pack(chosen, self.markers, config.pack, seed=config.seed * 1_000_003 + step)
            step += 1


def balance_routers(model: InteractionModel, loads: list[Tensor]) -> None:
    """Nudge each router's correction bias towards equal load: no auxiliary loss."""
    for bias_E, load_E in zip(model.transformer.router_biases(), loads, strict=True):
        load_E = load_E.float()
        bias_E.data += ROUTER_BIAS_RATE * torch.sign(load_E.mean() - load_E)


def train_step(
    model: InteractionModel,
    optimizers: Optimizers,
    batch: RowBatch,
    markers: Markers,
    rng: torch.Generator,
    progress: float,
) -> tuple[Losses, float, list[Tensor]]:
    """Forward (bf16 where that is faster), backward, clip, update. Returns losses, gradient norm,
    expert loads."""
    loads: list[Tensor] = []
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16_is_fast()):
        result = losses(model, batch, markers, rng, loads)
    result.total.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), optimizers.config.max_gradient_norm)
    optimizers.step(progress)
    model.zero_grad(set_to_none=True)
    balance_routers(model, loads)
    return result, float(norm), loads


def save_run(
    model: InteractionModel, optimizers: Optimizers, counters: Counters, out: Path
) -> None:
    """Write everything that a run needs into one file, then the weights for others to open."""
    state = {
        "weights": model.state_dict(),
        "optimizers": optimizers.state_dict(),
        "counters": asdict(counters),
    }
    torch.save(state, out / "state.pt.part")
    os.replace(out / "state.pt.part", out / "state.pt")
    save(model, model.config, out / "model", dtype=torch.float32)


def resume(model: InteractionModel, optimizers: Optimizers, config: TrainConfig) -> Counters:
    """Continue a run where it stopped, or start from `init_from`, or from scratch.

    Raises ValueError where `state.pt` cannot be read.
    """
    path = config.out / "state.pt"
    if path.exists():
        try:
            state = torch.load(path, weights_only=True)
        except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
            raise ValueError(
                f"{path} is damaged ({error}); remove it to start from {config.out / 'model'} "
                "with --init-from"
            ) from error
        if "weights" in state:
            model.load_state_dict(state["weights"])
        else:  # runs of before the weights were kept in the state
            load_weights(model, config.out / "model")
        optimizers.load_state_dict(state["optimizers"])
        return Counters(**state["counters"])
    if config.init_from is not None:
        load_weights(model, config.init_from)
    return Counters()


class Stop:
    """Whether somebody asked the run to end."""

    is_asked = False

    def ask(self, *_: object) -> None:
        self.is_asked = True


@contextmanager
def stopping() -> Iterator[Stop]:
    """Ctrl-C and SIGTERM ask for an end instead of making one."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():  # signals belong to the main one
        yield stop
        return
    before = {number: signal.signal(number, stop.ask) for number in STOP_SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def train(config: TrainConfig) -> Counters:
    """Train until `minutes` of training time are spent. Interrupt and call again to go on."""
    config.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    text = Text.load(config.tokenizer)
    model = InteractionModel(preset(config.preset))
    optimizers = Optimizers(model, config.optim)
    counters = resume(model, optimizers, config)
    print(
        f"{config.preset}: {count_parameters(model) / 1e6:.2f} M parameters, step {counters.step}"
    )
    with (
        SummaryWriter(str(config.out)) as writer,
        (config.out / "log.jsonl").open("a", encoding="utf-8") as log,
        tqdm(total=config.minutes, initial=counters.trained_seconds / 60, unit="min") as bar,
        stopping() as stop,
    ):
        run(config, text.markers, model, optimizers, counters, Monitor(writer, log, bar), stop)
        save_run(model, optimizers, counters, config.out)
    if stop.is_asked:
        print(f"stopped and saved at step {counters.step}; call again to go on")
    return counters


def run(
    config: TrainConfig,
    markers: Markers,
    model: InteractionModel,
    optimizers: Optimizers,
    counters: Counters,
    monitor: Monitor,
    stop: Stop,
) -> None:
    """The loop itself; saves at intervals."""
    batches = DataLoader(
        Batches(config, markers, counters.step), batch_size=None, num_workers=1, prefetch_factor=4
    )
    last_save = counters.trained_seconds
    for batch in batches:
        started = clock()
        rng = torch.Generator().manual_seed(config.seed * 7_919 + counters.step)
        progress = counters.trained_seconds / max(1.0, config.minutes * 60)
        result, norm, loads = train_step(model, optimizers, batch, markers, rng, progress)
        seconds = clock() - started
        counters.step += 1
        counters.trained_seconds += seconds
        counters.heard_hours += batch.audio_seconds / 3600
        monitor.record(counters, result, norm, loads, seconds)
        if stop.is_asked or counters.trained_seconds >= config.minutes * 60:
            return
        if counters.trained_seconds - last_save > config.save_every_minutes * 60:
            save_run(model, optimizers, counters, config.out)
            last_save = counters.trained_seconds


@dataclass(frozen=True)
class Monitor:
    """Where one step's figures go: TensorBoard, the log, the progress bar."""

    writer: SummaryWriter
    log: TextIO
    bar: tqdm[Any]

    def record(
        self,
        counters: Counters,
        result: Losses,
        norm: float,
        loads: list[Tensor],
        seconds: float,
    ) -> None:
        values = {name: value for name, value in vars(result).items() if name != "total"}
        values |= {
            "gradient_norm": norm,
            "seconds": seconds,
            "heard_hours": counters.heard_hours,
        }
        if loads:
            share = torch.stack([load.float() / load.sum() for load in loads])
            values["expert_load_max"] = float(share.max())
        for name, value in values.items():
            self.writer.add_scalar(name, value, counters.step)
        # A batch may hold no words of a lane: its figures are not numbers, and JSON has none such.
        line = {n: round(v, 5) if math.isfinite(v) else None for n, v in values.items()}
        line = {"step": counters.step, **line}
        self.log.write(json.dumps(line) + "\n")
        self.log.flush()
        self.bar.update(max(0.0, min(seconds / 60, self.bar.total - self.bar.n)))
        self.bar.set_postfix(
            step=counters.step, words=f"{result.words:.3f}", flow=f"{result.flow:.3f}"
        )
