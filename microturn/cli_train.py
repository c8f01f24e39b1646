"""`microturn train` and `microturn bench`: options -> the training loop, or the stopwatch."""

from __future__ import annotations

import contextlib
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from microturn.engine.bench import bench_tick
from microturn.engine.bench_sessions import bench_sessions
from microturn.engine.engine import Engine
from microturn.engine.limits import SessionLimits
from microturn.engine.load import SHIPPED, load
from microturn.engine.sampler import SamplingConfig
from microturn.model.model import InteractionModel, count_parameters
from microturn.presets import preset as preset_config
from microturn.signal.text import Text
from microturn.signal.vocoder import CONFIG_FILE as VOCODER_CONFIG
from microturn.signal.vocoder import WEIGHTS_FILE as VOCODER_WEIGHTS
from microturn.signal.vocoder import Vocoder, VocoderConfig

if TYPE_CHECKING:
    from microturn.cli import Bench, Train
    from microturn.train.loop import TrainConfig  # needs the extra [train]

NUM_MICRO_TURNS, NUM_TICKS = 1500, 100  # of one session; of each number of sessions
SHIPPED_TOKENIZER = SHIPPED / "nano" / "tokenizer.json"


def train_preset(options: Train) -> dict[str, Any]:
    """Train and say where the weights are. Raises ValueError for what the user can mend."""
    preset_config(options.preset)
    for name in ("minutes", "rows", "lr", "row_length", "save_every_minutes", "threads"):
        value = getattr(options, name)
        if value is not None and value <= 0:
            raise ValueError(f"{name} must be positive, got {value}")
    if not 0 <= options.roughness <= 1:
        raise ValueError(f"roughness must be 0 to 1, got {options.roughness}")
    if options.has_rooms and not rooms_are_installed():
        raise ValueError("has_rooms needs pyroomacoustics: pip install 'microturn[data]'")
    from microturn.data.bank import Bank
    from microturn.data.loader import weights
    from microturn.train.loop import train

    weights(options.mixture or None)
    Bank.load(options.bank)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    config = train_config(options)
    with contextlib.redirect_stdout(sys.stderr):  # stdout is for the result
        counters = train(config)
    complete(options.out / "model", config.tokenizer)
    return {"out": str(options.out), "model": str(options.out / "model"), **vars(counters)}


def rooms_are_installed() -> bool:
    """Whether rooms by the image method are there."""
    from microturn.data.rooms import is_available

    return is_available()


def complete(folder: Path, tokenizer: Path) -> None:
    """Put beside trained weights what a model folder needs: text, and a vocoder if it has none."""
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    for name in (VOCODER_CONFIG, VOCODER_WEIGHTS):
        shipped = SHIPPED / "nano" / name
        if shipped.is_file() and not (folder / name).is_file():
            shutil.copyfile(shipped, folder / name)


def train_config(options: Train) -> TrainConfig:
    """What a person sets, as the loop's config; what is left out keeps its default there."""
    from microturn.data.pack import PackConfig
    from microturn.train.loop import TrainConfig
    from microturn.train.optim import OptimConfig

    optim, pack = OptimConfig(), PackConfig()
    if options.lr is not None:
        optim = replace(optim, muon_lr=options.lr, adamw_lr=options.lr)
    if options.row_length is not None:
        pack = replace(pack, row_length=options.row_length)
    return TrainConfig(
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
        pack=pack,
        optim=optim,
    )


def bench(options: Bench) -> dict[str, Any]:
    """Time a model, or a preset with random weights (without text: a lower bound)."""
    counts = options.sessions
    limits = SessionLimits(max_sessions=max(1, 2 * max(counts, default=1)))
    build = random_engine if options.random_weights else load
    engine = build(options.model, limits=limits)
    result = {"model": options.model, "num_parameters": count_parameters(engine.model)}
    if options.what == "sessions":
        num_ticks = NUM_TICKS if options.micro_turns is None else options.micro_turns
        return result | bench_sessions(engine, counts, num_ticks, options.seed)
    num_turns = NUM_MICRO_TURNS if options.micro_turns is None else options.micro_turns
    return result | bench_tick(engine, num_turns, options.seed)


def describe_bench(result: dict[str, Any]) -> str:
    """The figures for a person; what matters most comes last."""
    machine = result["machine"]
    lines = [
        f"machine  {machine['cpu']}, {machine['cores']} cores, load {machine['load_1min']}, "
        f"torch {machine['torch']}, one thread",
        f"model    {result['model']}, {result['num_parameters'] / 1e6:.2f} M parameters",
    ]
    if "by_sessions" in result:
        return "\n".join([*lines, *describe_sessions(result)])
    lines += [
        f"{kind:8} median {result[kind]['median_ms']:.1f} ms, "
        f"p95 {result[kind]['p95_ms']:.1f}, p99 {result[kind]['p99_ms']:.1f} "
        f"(processor: {result[kind]['cpu_median_ms']:.1f})"
        for kind in ("silent", "speaking")
    ]
    lines.append(f"tail over head: {result['flatness']['tail_over_head']:.3f}")
    return "\n".join(lines)


def describe_sessions(result: dict[str, Any]) -> list[str]:
    """One line for each number of sessions, then how many are held."""
    lines = []
    for row in result["by_sessions"]:
        serial, packed = row["serial"], row["packed"]
        lines.append(
            f"{row['sessions']:3} sessions: one by one median {serial['median_ms']:.1f} ms, "
            f"together {packed['median_ms']:.1f}, p99 {packed['p99_ms']:.1f} (processor: "
            f"{serial['cpu_median_ms']:.1f} and {packed['cpu_median_ms']:.1f}, "
            f"{row['serial_over_packed']:.2f} times), "
            + ("the same bits" if row["is_equal"] else "OTHER BITS")
        )
    held = f"sessions held in {result['micro_turn_ms']} ms: {result['sessions_held']}"
    return [*lines, f"{held}; by processor time {result['sessions_held_cpu']}"]


def random_engine(name: str, limits: SessionLimits | None = None) -> Engine:
    """A preset before training; it writes no text, since it would write without end.

    Raises ValueError where no shipped text fits its vocabulary.
    """
    config = preset_config(name)
    text = Text.load(SHIPPED_TOKENIZER)
    if text.vocab_size != config.backbone.vocab_size:
        raise ValueError(
            f"{name} has a vocabulary of {config.backbone.vocab_size} tokens, the shipped text "
            f"{text.vocab_size}; only presets of the same size can be measured without weights"
        )
    torch.manual_seed(0)
    sampling = SamplingConfig(max_text_tokens=0)
    return Engine(InteractionModel(config), Vocoder(VocoderConfig()), text, sampling, limits)
