"""How fast a training step is here, and what share of the machine's measured peak it reaches.

Rows are random, shaped like those of a conversation; nothing is read from disk. FLOPs are those
that the model needs (a multiply and an add are two; backward counts twice forward), not those that
happen to be executed: padding, masks beyond a window's edge and table look-ups written as products
count nothing. The peak is the best rate of one large square product in the step's type, in the same
run,
by the wall and, since others may use the machine, by processor time.

Legend: B rows, S positions of all rows, N targets, U speaking micro-turns, R side of a product.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch

from microturn.data.pack import PackConfig
from microturn.data.render import Episode
from microturn.data.timeline import Timeline
from microturn.model.config import ModelConfig
from microturn.model.model import InteractionModel, count_parameters
from microturn.presets import preset
from microturn.sequence import NUM_MEL_BINS, Markers, TurnDecision, TurnFeatures
from microturn.signal.mel import SILENT_MEL
from microturn.train.batches import TrainBatch, moved, prepare
from microturn.train.distributed import Place, device_of
from microturn.train.loop import PAD_TO, compile_blocks, train_step
from microturn.train.loss import LossConfig
from microturn.train.optim import OptimConfig, Optimizers
from microturn.train.precision import bf16_is_fast
from microturn.turns import AUDIO_FRAMES, NUM_SLOTS

SPEAKING = 0.35  # share of micro-turns, as in rendered conversations
WRITING = 0.5  # share that write a word
NUM_TOP = 8  # operations in the profile


@dataclass(frozen=True)
class ThroughputRun:
    """What to measure: a preset, rows of one step, and how many steps after the warm-up."""

    preset: str = "nano"
    num_rows: int = 2
    row_length: int = 1024
    num_steps: int = 5
    num_warm: int = 2
    device: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("num_rows", "row_length", "num_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


def random_episode(length: int, vocab_size: int, rng: np.random.Generator) -> Episode:
    """Micro-turns that fill a row of `length` positions."""
    turns, markers = [], Markers(*range(len(Markers.names())))
    num_turns = length // (AUDIO_FRAMES + 1) + 1
    said_AM = None
    for index in range(num_turns):
        bins_AM = torch.from_numpy(
            rng.integers(0, 16, (AUDIO_FRAMES, NUM_MEL_BINS)).astype(np.uint8)
        )
        speaks = bool(rng.random() < SPEAKING)
        words = rng.integers(len(Markers.names()), vocab_size, int(rng.random() < WRITING) * 2)
        ids = tuple(int(word) for word in words)
        ids = ids if speaks or not ids else (markers.heard, *ids)
        turns.append((TurnFeatures(index, bins_AM, said_AM), TurnDecision(ids, speaks)))
        said_AM = bins_AM if speaks else None
    mel = rng.standard_normal((num_turns, 20, NUM_MEL_BINS)).astype(np.float16) + SILENT_MEL
    return Episode(turns, mel.astype(np.float16), Timeline(num_turns * 200, ()))


def random_batch(run: ThroughputRun, config: ModelConfig, pad_to: int) -> TrainBatch:
    """The rows of one step."""
    rng = np.random.default_rng(run.seed)
    markers = Markers(*range(len(Markers.names())))
    vocab_size = config.backbone.vocab_size
    rows = [random_episode(run.row_length, vocab_size, rng) for _ in range(run.num_rows)]
    pack = PackConfig(row_length=run.row_length)
    return prepare(rows, markers, pack, range(run.num_rows), pad_to)


def backbone_flops(config: ModelConfig, num_rows: int, length: int) -> float:
    """Of the layers over whole rows, forward."""
    backbone, attention = config.backbone, config.backbone.attention
    width, positions, total = backbone.width, num_rows * length, 0.0
    for layer in range(backbone.num_layers):
        slides = backbone.is_sliding(layer)
        heads, kv_heads, head_width, window = (
            (
                attention.sliding_num_heads,
                attention.sliding_num_kv_heads,
                attention.sliding_head_width,
                attention.window,
            )
            if slides
            else (
                attention.num_heads,
                attention.num_kv_heads,
                attention.head_width,
                attention.full_window,
            )
        )
        queries, keys = heads * head_width, kv_heads * head_width
        matrices = width * (2 * queries + 2 * keys + heads * attention.rel_width)
        convolutions = backbone.conv_kernel * (2 * keys + 2 * width)
        near = length if window is None else min(window, length)
        pairs = near * (near + 1) / 2 + (length - near) * near  # of query and key, in one row
        reach = attention.rel_extent if window is None else window
        biased = min(near, reach)
        biased_pairs = biased * (biased + 1) / 2 + (length - biased) * biased
        scores = num_rows * (pairs * 2 * queries + biased_pairs * heads * attention.rel_width)
        if backbone.is_dense(layer):
            matrices += 3 * width * backbone.dense_width
        elif (experts := backbone.experts) is not None:
            matrices += 3 * width * experts.width * (experts.num_chosen + experts.num_shared)
            matrices += width * (experts.num_routed + experts.num_shared)
        total += 2 * (positions * (matrices + convolutions) + scores)
    return total


def flow_flops(config: ModelConfig, num_speaking: int) -> float:
    """Of the flow head, forward, one time for each speaking micro-turn."""
    flow = config.flow
    width, bins = flow.width, flow.num_mel_bins
    frames = flow.num_context_frames + flow.num_frames
    block = frames * 12 * width * width + 2 * frames * frames * width
    edges = bins * width * (flow.num_context_frames + 2 * flow.num_frames)
    modulation = 6 * width * width * (NUM_SLOTS + 1) + 2 * width * width * NUM_SLOTS
    slots = NUM_SLOTS * config.backbone.width * width
    return 2.0 * num_speaking * (flow.num_layers * block + edges + modulation + slots)


def step_flops(config: ModelConfig, batch: TrainBatch) -> float:
    """What one training step needs: forward, and twice that for backward."""
    rows = batch.rows
    num_targets = float((batch.weight_N > 0).sum())
    backbone = config.backbone
    unembedding = 2.0 * num_targets * backbone.width * (backbone.num_logits or backbone.vocab_size)
    length = len(rows.target_S) // rows.num_rows
    forward = backbone_flops(config, rows.num_rows, length) + unembedding
    return 3.0 * (forward + flow_flops(config, int(batch.is_real_U.sum())))


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matrix_peak(device: torch.device, dtype: torch.dtype) -> tuple[float, float]:
    """Best FLOP/s of a square product over a few sizes, by the wall and by processor time."""
    best = best_cpu = 0.0
    for side in (4096, 8192) if device.type == "cuda" else (512, 1024):
        x_RR = torch.randn(side, side, device=device).to(dtype)
        for _ in range(6):
            wait_for(device)
            started, cpu = perf_counter(), process_time()
            torch.mm(x_RR, x_RR)
            wait_for(device)
            best = max(best, 2 * side**3 / (perf_counter() - started))
            best_cpu = max(best_cpu, 2 * side**3 / max(1e-6, process_time() - cpu))
    return best, best_cpu


def profile_of(step: Any, device: torch.device) -> list[dict[str, Any]]:
    """The operations that one step spends most time in, by their own time."""
    from torch.profiler import ProfilerActivity, profile

    activities = [ProfilerActivity.CPU]
    activities += [ProfilerActivity.CUDA] if device.type == "cuda" else []
    with profile(activities=activities) as found:
        step()
        wait_for(device)
    times = {}
    for event in found.key_averages():
        is_gpu = device.type == "cuda"
        times[event.key] = event.self_device_time_total if is_gpu else event.self_cpu_time_total
    total = max(1.0, sum(times.values()))
    top = sorted(times.items(), key=lambda pair: -pair[1])[:NUM_TOP]
    return [{"operation": name, "share": round(time / total, 3)} for name, time in top]


def bench_train(run: ThroughputRun) -> dict[str, Any]:
    """Positions a second, FLOP/s, their share of the peak, and where the time goes.

    Raises ValueError for an unknown preset or a GPU that is not there.
    """
    device = device_of(run.device)
    is_gpu = device.type == "cuda"
    torch.manual_seed(run.seed)
    model = InteractionModel(preset(run.preset)).to(device)
    if is_gpu:
        compile_blocks(model)
    optimizers = Optimizers(model, OptimConfig())
    batch = moved(random_batch(run, model.config, PAD_TO if is_gpu else 1), device)
    markers, here = Markers(*range(len(Markers.names()))), Place(device=device)

    def step() -> None:
        train_step(model, optimizers, batch, markers, 0.5, LossConfig(), here)

    seconds, cpu_seconds = [], []
    for _ in range(run.num_warm + run.num_steps):
        started, cpu = perf_counter(), process_time()
        step()
        wait_for(device)
        seconds.append(perf_counter() - started)
        cpu_seconds.append(process_time() - cpu)
    dtype = torch.bfloat16 if is_gpu or bf16_is_fast() else torch.float32
    flops, (peak, peak_cpu) = step_flops(model.config, batch), matrix_peak(device, dtype)
    taken, taken_cpu = (median(found[run.num_warm :]) for found in (seconds, cpu_seconds))
    return {
        "preset": run.preset,
        "num_parameters": count_parameters(model),
        "rows": run.num_rows,
        "row_length": run.row_length,
        "device": torch.cuda.get_device_name(device) if is_gpu else platform.processor(),
        "type": str(dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "load_1min": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "step_seconds": {"median": round(taken, 4), "best": round(min(seconds[1:]), 4)},
        "positions_per_second": round(run.num_rows * run.row_length / taken, 1),
        "model_gflop_per_step": round(flops / 1e9, 2),
        "model_gflops": round(flops / taken / 1e9, 2),
        "peak_gflops": round(peak / 1e9, 2),
        "share_of_peak": round(flops / taken / peak, 4),
        "cpu_seconds": None if is_gpu else round(taken_cpu, 4),
        "share_of_peak_cpu": None if is_gpu else round(flops / taken_cpu / peak_cpu, 4),
        "profile": profile_of(step, device),
    }


def describe(result: dict[str, Any]) -> list[str]:
    """The figures for a person; what matters most comes last."""
    lines = [
        f"{result['preset']}, {result['num_parameters'] / 1e6:.2f} M parameters, "
        f"{result['rows']} rows of {result['row_length']}, {result['type']}, "
        f"threads: {result['threads']}, load {result['load_1min']}"
    ]
    lines += [f"{part['share']:6.1%}  {part['operation']}" for part in result["profile"]]
    by_cpu = result["share_of_peak_cpu"]
    cpu = "" if by_cpu is None else f" ({by_cpu:.1%} by processor time)"
    return [
        *lines,
        f"a step: {result['step_seconds']['median']:.3f} s, "
        f"{result['positions_per_second']:,.0f} positions a second",
        f"the model's {result['model_gflops']:,.1f} GFLOP/s are {result['share_of_peak']:.1%} of "
        f"the {result['peak_gflops']:,.1f} that a matrix product reaches here{cpu}",
    ]
