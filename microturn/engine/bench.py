"""What one micro-turn costs, silent and speaking ones apart; whether a long session stays as fast.

Times are of the whole `Engine.step`, on one thread. `cpu_*` is processor time of that thread: it
says nearly the same on a busy machine, where wall time does not.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from microturn.engine.engine import Engine
from microturn.turns import INPUT_SAMPLES, MICRO_TURN_MS, MicroTurnInput

WARM_MICRO_TURNS = 5
NOISE_LEVEL = 0.01
# Who speaks in a talk: 6 s of listening, 4 s of answering, and again. The compared parts of a long
# session hold whole rounds, so that they differ in age only.
ROUND = (False,) * 30 + (True,) * 20
NUM_PARTS = 10  # of a session: its second tenth is compared with its last


@dataclass(frozen=True)
class Measured:
    """One micro-turn: what it was, and wall and processor milliseconds of it."""

    speaks: bool
    wall_ms: float
    cpu_ms: float
    num_text_tokens: int = 0


def bench_tick(engine: Engine, num_turns: int = 1500, seed: int = 0) -> dict[str, Any]:
    """Measure one session of quiet noise in which listening and speaking alternate (`ROUND`).

    The floor decision is forced, the rest is the model's. Raises ValueError for less than a round.
    """
    if num_turns < len(ROUND):
        raise ValueError(f"measure at least {len(ROUND)} micro-turns, got {num_turns}")
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        play(engine, WARM_MICRO_TURNS, seed, (True,))
        measured = play(engine, num_turns, seed)
    finally:
        torch.set_num_threads(num_threads)
    speaking = [one for one in measured if one.speaks]
    silent = [one for one in measured if not one.speaks]
    return {
        "machine": describe_machine(),
        "threads": 1,
        "micro_turn_ms": MICRO_TURN_MS,
        "silent": summary(silent),
        "speaking": summary(speaking),
        "holds_200_ms": percentile([one.wall_ms for one in speaking], 95) < MICRO_TURN_MS,
        "flatness": flatness(measured),
    }


def play(
    engine: Engine, num_turns: int, seed: int, pattern: Sequence[bool] = ROUND
) -> list[Measured]:
    """One session of noise; micro-turn i speaks where `pattern` says so, over and over."""
    rng = np.random.default_rng(seed)
    session_id = engine.open(seed=seed)
    measured: list[Measured] = []
    try:
        for index in range(num_turns):
            speaks = pattern[index % len(pattern)]
            audio = rng.standard_normal(INPUT_SAMPLES, dtype=np.float32) * NOISE_LEVEL
            turn = MicroTurnInput(index, audio)
            wall, processor = time.perf_counter(), time.thread_time()
            output = engine.step(session_id, turn, force_speak=speaks)
            wall, processor = time.perf_counter() - wall, time.thread_time() - processor
            measured.append(Measured(speaks, 1000 * wall, 1000 * processor, len(output.text_ids)))
    finally:
        engine.close(session_id)
    return measured


def summary(measured: Sequence[Measured]) -> dict[str, float]:
    """Figures of one kind of micro-turn, in milliseconds."""
    wall_ms = [one.wall_ms for one in measured]
    cpu_ms = [one.cpu_ms for one in measured]
    num_text_tokens = sum(one.num_text_tokens for one in measured)
    return {
        "count": len(measured),
        "median_ms": round(percentile(wall_ms, 50), 3),
        "p95_ms": round(percentile(wall_ms, 95), 3),
        "p99_ms": round(percentile(wall_ms, 99), 3),
        "max_ms": round(max(wall_ms), 3),
        "cpu_median_ms": round(percentile(cpu_ms, 50), 3),
        "cpu_p95_ms": round(percentile(cpu_ms, 95), 3),
        "text_tokens_mean": round(num_text_tokens / len(measured), 2),
    }


def flatness(measured: Sequence[Measured]) -> dict[str, float]:
    """Whether micro-turns late in a session cost what early ones do.

    Median processor time of the last tenth over that of the second tenth: the first one warms up.
    Of 1,500 micro-turns these are the last 150 and those from 150 to 300. 1.0 is flat.
    """
    edge = len(measured) // NUM_PARTS
    head, tail = measured[edge : 2 * edge], measured[-edge:]
    head_ms = percentile([one.cpu_ms for one in head], 50)
    tail_ms = percentile([one.cpu_ms for one in tail], 50)
    result: dict[str, float] = {
        "micro_turns": len(measured),
        "head_median_ms": round(head_ms, 3),
        "tail_median_ms": round(tail_ms, 3),
    }
    for kind, speaks in (("silent", False), ("speaking", True)):
        early = [one.cpu_ms for one in head if one.speaks is speaks]
        late = [one.cpu_ms for one in tail if one.speaks is speaks]
        if early and late:  # short runs may hold only one kind
            result[f"{kind}_tail_over_head"] = ratio(percentile(late, 50), percentile(early, 50))
    return result | {"tail_over_head": ratio(tail_ms, head_ms)}


def ratio(late_ms: float, early_ms: float) -> float:
    return round(late_ms / early_ms, 3) if early_ms else 0.0


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
