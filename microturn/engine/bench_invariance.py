"""What fixed tiles and a fixed order cost: whole micro-turns with them and with ordinary kernels.

All ways run in one process on one thread, micro-turn by micro-turn in turn, on the same input and
the same forced floor decisions; each micro-turn gives one pair of times, and the figure is the
median of their ratios. Where the last bits led to other words, the work is not the same and the
pair is left out.
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
)
from microturn.engine.bench_sessions import same
from microturn.engine.engine import Engine
from microturn.engine.ordinary import WAYS, Way, kernels, refuse_retention
from microturn.turns import INPUT_SAMPLES, MICRO_TURN_MS, MicroTurnInput, MicroTurnOutput

NUM_MICRO_TURNS = 300
KINDS = {"silent": False, "speaking": True}


@dataclass(frozen=True)
class Taken:
    """One micro-turn, one way."""

    wall_ms: float
    cpu_ms: float
    output: MicroTurnOutput


@dataclass
class Rows:
    """Micro-turns that were measured all ways."""

    taken: list[dict[Way, Taken]] = field(default_factory=list[dict[Way, Taken]])

    def of(self, kind: str | None) -> list[dict[Way, Taken]]:
        """Those of one kind (None: all) in which all ways did the same work."""
        return [
            ways
            for ways in self.taken
            if len({taken.output.text_ids for taken in ways.values()}) == 1
            and (kind is None or ways["fixed"].output.speaks is KINDS[kind])
        ]


def bench_invariance(
    engine: Engine,
    num_turns: int = NUM_MICRO_TURNS,
    seed: int = 0,
    pattern: Sequence[bool] = ROUND,
) -> dict[str, Any]:
    """Measure one session for each way. `cost` is how much longer a micro-turn takes with fixed
    tiles and order than with ordinary kernels: 0.05 is five percent. `pattern`: who speaks, over
    and over.

    Raises ValueError for less than a round of listening and speaking, or a model with retention.
    """
    if num_turns < len(pattern):
        raise ValueError(f"measure at least {len(pattern)} micro-turns, got {num_turns}")
    refuse_retention(engine.model.config.backbone.attention.retention is not None)
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    ids: dict[Way, str] = dict.fromkeys(WAYS, "")
    try:
        for way in WAYS:
            ids[way] = engine.open(seed=seed)
        rows = play(engine, ids, num_turns, seed, pattern)
    finally:
        torch.set_num_threads(num_threads)
        for session_id in ids.values():
            engine.close(session_id)
    return {
        "machine": describe_machine(),
        "threads": 1,
        "micro_turn_ms": MICRO_TURN_MS,
        "micro_turns": num_turns,
        "device": str(engine.model.transformer.norm.weight.device),
        "micro_turns_with_other_words": len(rows.taken) - len(rows.of(None)),
        "micro_turns_with_other_bits": {
            way: sum(not same(ways["fixed"].output, ways[way].output) for ways in rows.taken)
            for way in WAYS[1:]
        },
        **{kind: figures(rows.of(kind)) for kind in KINDS},
        **{"whole": figures(rows.of(None))},
        "cost": cost(rows.of(None)),
    }


def play(
    engine: Engine, ids: dict[Way, str], num_turns: int, seed: int, pattern: Sequence[bool]
) -> Rows:
    """All sessions through the same micro-turns; the first ones warm up and are not kept."""
    rng, rows = np.random.default_rng(seed), Rows()
    for index in range(WARM_MICRO_TURNS + num_turns):
        audio = rng.standard_normal(INPUT_SAMPLES, dtype=np.float32) * NOISE_LEVEL
        speaks = True if index < WARM_MICRO_TURNS else pattern[index % len(pattern)]
        turn = MicroTurnInput(index, audio)
        shift = index % len(WAYS)  # none is always first
        order = (*WAYS[shift:], *WAYS[:shift])
        ways: dict[Way, Taken] = {way: take(engine, way, ids[way], turn, speaks) for way in order}
        if index >= WARM_MICRO_TURNS:
            rows.taken.append(ways)
    return rows


def take(engine: Engine, way: Way, session_id: str, turn: MicroTurnInput, speaks: bool) -> Taken:
    """One micro-turn one way; changing the kernels is not timed, waiting for the device is."""
    with kernels(way):
        settle()
        wall, processor = time.perf_counter(), time.thread_time()
        output = engine.step(session_id, turn, force_speak=speaks)
        settle()
        wall, processor = time.perf_counter() - wall, time.thread_time() - processor
    return Taken(1000 * wall, 1000 * processor, output)


def settle() -> None:
    """Wait for a GPU, where there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def figures(rows: Sequence[dict[Way, Taken]]) -> dict[str, Any]:
    """Medians of each way, and of the ratios to ordinary kernels, by processor and by wall time."""
    if not rows:
        return {"count": 0}
    medians = {
        way: {
            "median_ms": round(percentile([ways[way].wall_ms for ways in rows], 50), 3),
            "cpu_median_ms": round(percentile([ways[way].cpu_ms for ways in rows], 50), 3),
        }
        for way in WAYS
    }
    return {
        "count": len(rows),
        **medians,
        "over_ordinary": {way: ratios(rows, way, "cpu_ms") for way in WAYS[:-1]},
        "over_ordinary_wall": ratios(rows, "fixed", "wall_ms"),
    }


def ratios(rows: Sequence[dict[Way, Taken]], way: Way, what: str) -> float:
    """Median over micro-turns of one way's time over that of ordinary kernels."""
    found = [getattr(ways[way], what) / getattr(ways["ordinary"], what) for ways in rows]
    return round(percentile(found, 50), 4)


def cost(rows: Sequence[dict[Way, Taken]]) -> float | None:
    """All processor time with fixed tiles over all with ordinary kernels, less one: listening and
    speaking as often as in a talk. None where nothing could be compared."""
    if not rows:
        return None
    total = {way: sum(ways[way].cpu_ms for ways in rows) for way in ("fixed", "ordinary")}
    return round(total["fixed"] / total["ordinary"] - 1, 4)


def describe(result: dict[str, Any]) -> list[str]:
    """Each kind of micro-turn all ways, then the cost of the whole."""
    lines: list[str] = []
    for kind in (*KINDS, "whole"):
        found = result[kind]
        if found["count"]:
            times = ", ".join(f"{way} {found[way]['cpu_median_ms']:.1f}" for way in WAYS)
            over = found["over_ordinary"]["fixed"]
            lines.append(f"{kind:8} processor ms: {times}; fixed over ordinary {over:.3f}")
    if result["cost"] is None:
        return [*lines, "NOTHING COULD BE COMPARED: other words each time"]
    others = result["micro_turns_with_other_bits"]["ordinary"]
    return [
        *lines,
        f"ordinary kernels give other bits in {others} of {result['micro_turns']} micro-turns",
        f"cost of fixed tiles and order: {100 * result['cost']:.1f} %",
    ]
