"""What a tick of many sessions costs, one by one and side by side, and how many are held.

Both ways are measured in one run, tick by tick in turn, on the same input and seeds, so that a busy
machine weighs on both alike; and their outputs are compared to the bit.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from microturn.engine.bench import (
    NOISE_LEVEL,
    ROUND,
    WARM_MICRO_TURNS,
    describe_machine,
    percentile,
    ratio,
)
from microturn.engine.crew import Crew
from microturn.engine.session_engine import SessionEngine
from microturn.turns import INPUT_SAMPLES, MICRO_TURN_MS, MicroTurnInput, MicroTurnOutput

COUNTS = (1, 2, 4, 8, 16)


@dataclass
class Way:
    """One way to step N sessions, and what its ticks took."""

    session_ids: list[str]
    wall_ms: list[float] = field(default_factory=list[float])
    cpu_ms: list[float] = field(default_factory=list[float])

    def figures(self) -> dict[str, float]:
        return {
            "median_ms": round(percentile(self.wall_ms, 50), 3),
            "p95_ms": round(percentile(self.wall_ms, 95), 3),
            "p99_ms": round(percentile(self.wall_ms, 99), 3),
            "cpu_median_ms": round(percentile(self.cpu_ms, 50), 3),
            "cpu_p99_ms": round(percentile(self.cpu_ms, 99), 3),
        }


def bench_sessions(
    engine: SessionEngine,
    counts: Sequence[int] = COUNTS,
    num_ticks: int = 100,
    seed: int = 0,
    num_threads: int = 1,
) -> dict[str, Any]:
    """Measure each number of sessions; they listen and speak out of step with each other.

    `sessions_held`: the largest number measured whose 99th percentile of a packed tick is under 200
    ms; `sessions_held_cpu` the same by processor time of this thread, for a busy machine: of an
    engine, not of a crew, whose processes count their own.
    Raises ValueError for numbers that are not positive or too few slots.
    """
    if num_ticks < 1 or not counts or min(counts) < 1 or num_threads < 1:
        raise ValueError("measure at least one tick of at least one session on one thread")
    if 2 * max(counts) > engine.limits.max_sessions:
        raise ValueError(
            f"{max(counts)} sessions, each measured both ways, need {2 * max(counts)} slots; this "
            f"engine has {engine.limits.max_sessions}: raise max_sessions"
        )
    threads_before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        rows = [measure(engine, count, num_ticks, seed) for count in sorted(set(counts))]
    finally:
        torch.set_num_threads(threads_before)
    return {
        "machine": describe_machine(),
        "threads": num_threads,
        "processes": num_processes(engine),
        "micro_turn_ms": MICRO_TURN_MS,
        "ticks": num_ticks,
        "by_sessions": rows,
        "sessions_held": held(rows, "p99_ms"),
        "sessions_held_cpu": held(rows, "cpu_p99_ms"),
    }


def num_processes(engine: SessionEngine) -> int:
    """Processes that compute; the processor time of others than this one is not measured."""
    return engine.num_processes if isinstance(engine, Crew) else 1


def held(rows: list[dict[str, Any]], name: str) -> int:
    """The most sessions whose packed tick is in time, of those measured; 0 for none."""
    return max((row["sessions"] for row in rows if row["packed"][name] < MICRO_TURN_MS), default=0)


def measure(engine: SessionEngine, count: int, num_ticks: int, seed: int) -> dict[str, Any]:
    """N sessions both ways."""
    rng = np.random.default_rng(seed)
    ways = {name: Way([]) for name in ("serial", "packed")}
    is_equal = True
    try:
        for way in ways.values():
            way.session_ids += [engine.open(seed=seed + place) for place in range(count)]
        for tick in range(WARM_MICRO_TURNS + num_ticks):
            sound = rng.standard_normal((count, INPUT_SAMPLES), dtype=np.float32) * NOISE_LEVEL
            outputs = [
                take(engine, way, name == "packed", tick, sound)
                for name, way in sorted(ways.items(), reverse=tick % 2 == 0)
            ]
            is_equal = is_equal and all(map(same, *outputs))
    finally:
        for way in ways.values():
            for session_id in way.session_ids:
                engine.close(session_id)
    figures = {name: way.figures() for name, way in ways.items()}
    kind = "median_ms" if num_processes(engine) > 1 else "cpu_median_ms"
    gain = ratio(figures["serial"][kind], figures["packed"][kind])
    return {"sessions": count, **figures, "serial_over_packed": gain, "is_equal": is_equal}


def take(
    engine: SessionEngine, way: Way, is_packed: bool, tick: int, sound: np.ndarray
) -> list[MicroTurnOutput]:
    """One tick of all sessions; those that warm up are not written down."""
    forced = {
        session_id: ROUND[(tick + place * len(ROUND) // len(way.session_ids)) % len(ROUND)]
        for place, session_id in enumerate(way.session_ids)
    }
    turns = [
        (session_id, MicroTurnInput(tick, audio))
        for session_id, audio in zip(way.session_ids, sound, strict=True)
    ]
    wall, processor = time.perf_counter(), time.thread_time()
    if is_packed:
        results = engine.step_many(turns, forced)
    else:
        results = [result for turn in turns for result in engine.step_many([turn], forced)]
    wall, processor = time.perf_counter() - wall, time.thread_time() - processor
    if tick >= WARM_MICRO_TURNS:
        way.wall_ms.append(1000 * wall)
        way.cpu_ms.append(1000 * processor)
    outputs: list[MicroTurnOutput] = []
    for result in results:
        if isinstance(result, Exception):
            raise result
        outputs.append(result)
    return outputs


def same(one: MicroTurnOutput, other: MicroTurnOutput) -> bool:
    """Equal to the bit."""
    return (
        one.text_ids == other.text_ids
        and one.speaks == other.speaks
        and one.p_speak == other.p_speak
        and np.array_equal(one.audio, other.audio)
    )
