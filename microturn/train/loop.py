"""The training loop: one readable loop, resumable to the step, on one process or many.

A run is a folder: `state.pt` (weights, optimizers and counters in one file, replaced at once),
`model/` (the same weights, opens with `microturn run --model`), `events.*` (TensorBoard),
`log.jsonl`. What a batch holds is a function of (seed, step), so the data state is the step. The
length of a run is given in minutes of training time, and the schedule follows that. Ctrl-C and
SIGTERM finish the step, save, and end the run; called again it goes on, with as many processes as
there are then.

Legend: E routed experts.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter as clock

import torch
from torch import Tensor

from microturn.checkpoint import CONFIG_FILE, load_config
from microturn.data.pack import PackConfig
from microturn.model.config import ModelConfig
from microturn.model.model import InteractionModel, count_parameters
from microturn.presets import preset
from microturn.sequence import Markers
from microturn.signal.text import Text
from microturn.train.batches import BatchConfig, Batches, TrainBatch, loader, moved
from microturn.train.distributed import Place, check_rows, place, shard, touch, whole
from microturn.train.loss import LossConfig, Losses, Share, losses
from microturn.train.monitor import Monitor, MonitorConfig, monitoring
from microturn.train.optim import OptimConfig, Optimizers
from microturn.train.precision import bf16_is_fast
from microturn.train.quick_eval import QuickEval
from microturn.train.replicas import Meetings
from microturn.train.state import MODEL_FOLDER, Counters, complete, fill, read_state, save_run

__all__ = ["Counters", "TrainConfig", "train", "train_step"]

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
ROUTER_BIAS_RATE = 3e-3  # step of the load-balancing bias (Wang et al., 2024)
PAD_TO = 32  # targets and speaking micro-turns, on GPU or where the model is sharded


@dataclass(frozen=True)
class TrainConfig:
    """One run. `preset` is the name of one, or a model folder, whose sizes are taken (`init_from`
    is where weights come from). `mixture` weighs the families; None takes those of `mixture.py` as
    the run goes on, as if `mixture_after` episodes were over (a run that goes on from weights
    which have listened enough begins with a later stage).

    num_rows: of one step, over all processes. roughness: share of episodes in hard acoustics;
    has_rooms: shoebox rooms among them (extra [data]); other_tracts: share of episodes that are
    heard through other vocal tracts. vocoder: folder of the vocoder that lies
    beside saved weights and plays samples. device: cpu or cuda; None takes a GPU where one is.
    is_compiled: torch.compile for the blocks; None compiles on a GPU.
    average_every: with many processes, each has a whole model, and after so many steps all take the
    mean (`replicas.py`); 0 cuts one model up. An end that is asked for comes at the next mean.
    """

    out: Path
    bank: tuple[Path, ...]
    tokenizer: Path
    preset: str = "nano"
    minutes: float = 60.0
    num_rows: int = 4
    seed: int = 0
    mixture: dict[str, float] | None = None
    mixture_after: int = 0
    init_from: Path | None = None
    save_every_minutes: float = 5.0
    roughness: float = 0.0
    has_rooms: bool = False
    other_tracts: float = 0.0
    vocoder: Path | None = None
    device: str | None = None
    is_compiled: bool | None = None
    num_workers: int = 1
    average_every: int = 0
    pack: PackConfig = field(default_factory=PackConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    monitor: MonitorConfig = field(default_factory=MonitorConfig)

    def batches(self, pad_to: int) -> BatchConfig:
        """What a batch depends on."""
        return BatchConfig(
            self.bank,
            self.tokenizer,
            self.num_rows,
            self.seed,
            self.mixture,
            self.mixture_after,
            self.roughness,
            self.has_rooms,
            self.pack,
            self.num_workers,
            pad_to,
            self.other_tracts,
        )


def balance_routers(model: InteractionModel, loads: list[Tensor]) -> None:
    """Nudge each router's correction bias towards equal load: no auxiliary loss."""
    for bias_E, load_E in zip(model.transformer.router_biases(), loads, strict=True):
        load_E = load_E.float()
        bias_E.data += ROUTER_BIAS_RATE * torch.sign(load_E.mean() - load_E)


def train_step(
    model: InteractionModel,
    optimizers: Optimizers,
    batch: TrainBatch,
    markers: Markers,
    progress: float,
    config: LossConfig,
    here: Place,
) -> tuple[Losses, float, list[Tensor]]:
    """Forward (bf16 where that is faster), backward, clip, update. Returns losses, gradient norm,
    expert loads, each of the whole batch."""
    loads: list[Tensor] = []
    kind = here.device.type
    share = None
    if here.is_sharded:
        (counts,) = here.summed(Share.counts(batch))
        share = Share(*(counts / here.world_size).tolist())
    with torch.autocast(kind, dtype=torch.bfloat16, enabled=kind == "cuda" or bf16_is_fast()):
        result = losses(model, batch, markers, config, loads, share)
    total = result.total + touch(model) if here.is_one_of_many else result.total
    total.backward()
    limit = optimizers.config.max_gradient_norm
    norm = whole(torch.nn.utils.clip_grad_norm_(model.parameters(), limit))
    optimizers.step(progress)
    model.zero_grad(set_to_none=True)
    loads = here.summed(*loads) if loads else loads
    balance_routers(model, loads)
    return here.summed_losses(result), float(norm), loads


def compile_blocks(model: InteractionModel, backend: str = "inductor") -> None:
    """torch.compile for what is most of the work: blocks of one shape, each compiled once."""
    for block in [*model.transformer.layers, *model.flow.blocks]:
        block.compile(dynamic=False, backend=backend)


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


@dataclass
class Run:
    """What the loop holds."""

    config: TrainConfig
    markers: Markers
    model: InteractionModel
    optimizers: Optimizers
    counters: Counters
    here: Place

    def save(self) -> None:
        """Write the run, and what makes `model/` a model folder."""
        config = self.config
        save_run(self.model, self.optimizers, self.counters, config.out, self.here)
        if self.here.is_main:
            complete(config.out / "model", config.tokenizer, config.vocoder)


def train(config: TrainConfig) -> Counters:
    """Train until `minutes` of training time are spent. Interrupt and call again to go on.

    Raises ValueError for what the user can mend.
    """
    if config.average_every < 0:
        raise ValueError(f"average_every must not be negative, got {config.average_every}")
    with place(config.device, config.average_every > 0) as here:
        check_rows(config.num_rows, here.world_size)
        run = begin(config, here)
        counters = run.counters
        with (
            monitoring(config.monitor, config.out, config.minutes, counters, here) as monitor,
            stopping() as stop,
        ):
            loop(run, monitor, stop)
            run.save()
        if stop.is_asked and here.is_main:
            print(f"stopped and saved at step {counters.step}; call again to go on")
        return counters


def sizes(name: str) -> ModelConfig:
    """The config of that preset, or of the model folder of that path.

    Raises ValueError for a name that is neither.
    """
    if (Path(name) / CONFIG_FILE).is_file():
        return load_config(name)
    try:
        return preset(name)
    except ValueError as error:
        raise ValueError(f"{error}; or give a model folder, with {CONFIG_FILE}") from error


def begin(config: TrainConfig, here: Place) -> Run:
    """Model and optimizers of a run, new or resumed, on their device and cut up. A run that goes on
    keeps its sizes, whatever the preset has become."""
    if here.is_main:
        config.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    markers = Text.load(config.tokenizer).markers
    state, saved = read_state(config.out), config.out / MODEL_FOLDER
    has_begun = state is not None and (saved / CONFIG_FILE).is_file()
    model = InteractionModel(sizes(str(saved) if has_begun else config.preset))
    num_parameters = count_parameters(model)
    counters = fill(model, state, config.out, config.init_from)
    model.to(here.device)
    is_gpu = here.device.type == "cuda"
    if is_gpu if config.is_compiled is None else config.is_compiled:
        compile_blocks(model)
    shard(model, here)
    optimizers = Optimizers(model, config.optim)
    if state is not None:
        optimizers.load_state_dict(state["optimizers"])
    if here.is_main:
        print(
            f"{config.preset}: {num_parameters / 1e6:.2f} M parameters, step {counters.step}, "
            f"{here.world_size} x {here.device.type}"
        )
    return Run(config, markers, model, optimizers, counters, here)


def loop(run: Run, monitor: Monitor, stop: Stop) -> None:
    """The loop itself; saves at intervals."""
    config, counters, here = run.config, run.counters, run.here
    meetings = Meetings(here, config.average_every, counters.heard_hours)
    needs_padding = here.is_one_of_many or here.device.type == "cuda"
    data = config.batches(PAD_TO if needs_padding else 1)
    batches = Batches(data, run.markers, counters.step, here.rank, here.world_size)
    last_save = counters.trained_seconds
    evaluation = QuickEval(config.monitor, config.out, counters.trained_seconds)
    for made in loader(batches, config.num_workers):
        started = clock()
        batch = moved(made, here.device)
        progress = counters.trained_seconds / max(1.0, config.minutes * 60)
        result, norm, loads = train_step(
            run.model, run.optimizers, batch, run.markers, progress, config.loss, here
        )
        (seconds,) = here.agreed(clock() - started)
        counters.step += 1
        counters.trained_seconds += seconds
        (heard,) = here.summed(torch.tensor(made.rows.audio_seconds, dtype=torch.float64))
        counters.heard_hours += float(heard) / 3600
        monitor.record(counters, result, norm, loads, seconds)
        monitor.sample(counters, run.model, batch, config.vocoder)
        if not meetings.is_due(counters.step):
            continue
        meetings.hold(run.model, run.optimizers, counters)
        stop.is_asked = here.any_of(stop.is_asked)
        if stop.is_asked or counters.trained_seconds >= config.minutes * 60:
            evaluation.stop()
            return
        if counters.trained_seconds - last_save > config.save_every_minutes * 60:
            run.save()
            last_save = counters.trained_seconds
        if here.is_main:
            monitor.add_scores(counters, evaluation.poll())
        if evaluation.is_due(counters.trained_seconds):
            run.save()
            if here.is_main:
                evaluation.start(counters)
