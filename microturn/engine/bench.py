"""What one micro-turn costs, silent and speaking ones apart; whether a long session stays as fast.

Times are of the whole `Engine.step`, on one thread. `cpu_*` is processor time of that thread: it
says nearly the same on a busy machine, where wall time does not.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from microturn.engine.engine import Engine
from microturn.turns import INPUT_SAMPLES, MICRO_TURN_MS, MicroTurnInput

WARM_MICRO_TURNS = 5
NOISE_LEVEL = 0.01
EDGE_SHARE = 0.1  # of a session: its head and its tail are compared


def bench_tick(
    engine: Engine, num_silent: int = 1500, num_speaking: int = 200, seed: int = 0
) -> dict[str, Any]:
    """Measure silent micro-turns of one session and speaking ones of another.

    Both hear quiet noise; the floor decision is forced. Raises ValueError for fewer than 10.
    """
    if min(num_silent, num_speaking) < 10:
        raise ValueError(
            f"measure at least 10 micro-turns of each kind, got {num_silent} and {num_speaking}"
        )
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        play(engine, WARM_MICRO_TURNS, True, seed)
        silent = play(engine, num_silent, False, seed)
        speaking = play(engine, num_speaking, True, seed)
    finally:
        torch.set_num_threads(num_threads)
    speaking_ms = [wall_ms for wall_ms, _, _ in speaking]
    return {
        "machine": describe_machine(),
        "threads": 1,
        "micro_turn_ms": MICRO_TURN_MS,
        "silent": summary(silent),
        "speaking": summary(speaking),
        "flatness": flatness(silent),
        "holds_200_ms": percentile(speaking_ms, 95) < MICRO_TURN_MS,
    }


def play(engine: Engine, num_turns: int, speaks: bool, seed: int) -> list[tuple[float, float, int]]:
    """One session of noise: wall ms, processor ms and number of text tokens of each micro-turn."""
    rng = np.random.default_rng(seed)
    session_id = engine.open(seed=seed)
    measured: list[tuple[float, float, int]] = []
    for index in range(num_turns):
        audio = rng.standard_normal(INPUT_SAMPLES, dtype=np.float32) * NOISE_LEVEL
        wall, processor = time.perf_counter(), time.thread_time()
        output = engine.step(session_id, MicroTurnInput(index, audio), force_speak=speaks)
        wall, processor = time.perf_counter() - wall, time.thread_time() - processor
        measured.append((1000 * wall, 1000 * processor, len(output.text_ids)))
    engine.close(session_id)
    return measured


def summary(measured: Sequence[tuple[float, float, int]]) -> dict[str, float]:
    """Figures of one kind of micro-turn, in milliseconds."""
    wall_ms = [wall for wall, _, _ in measured]
    cpu_ms = [processor for _, processor, _ in measured]
    return {
        "count": len(measured),
        "median_ms": round(percentile(wall_ms, 50), 3),
        "p95_ms": round(percentile(wall_ms, 95), 3),
        "p99_ms": round(percentile(wall_ms, 99), 3),
        "max_ms": round(max(wall_ms), 3),
        "cpu_median_ms": round(percentile(cpu_ms, 50), 3),
        "cpu_p95_ms": round(percentile(cpu_ms, 95), 3),
        "text_tokens_mean": round(sum(tokens for _, _, tokens in measured) / len(measured), 2),
    }


def flatness(measured: Sequence[tuple[float, float, int]]) -> dict[str, float]:
    """Median processor time of the last tenth of a session over that of its first tenth.

    The first micro-turns of all are left out: they warm up.
    """
    cpu_ms = [processor for _, processor, _ in measured]
    edge = max(1, int(len(cpu_ms) * EDGE_SHARE))
    first = min(WARM_MICRO_TURNS, len(cpu_ms) - edge)
    head_ms = percentile(cpu_ms[first : first + edge], 50)
    tail_ms = percentile(cpu_ms[-edge:], 50)
    return {
        "micro_turns": len(cpu_ms),
        "head_median_ms": round(head_ms, 3),
        "tail_median_ms": round(tail_ms, 3),
        "tail_over_head": round(tail_ms / head_ms, 3) if head_ms else 0.0,
    }


def percentile(values: Sequence[float], percent: float) -> float:
    return float(np.percentile(values, percent))


def describe_machine() -> dict[str, Any]:
    """What a figure needs beside it."""
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count() or 1,
        "load_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def cpu_name() -> str:
    """The processor's own name where the system tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
