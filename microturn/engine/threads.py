"""How many threads the engine should use, by measurement: two are often slower than one, since the
products are small and threads wait for each other."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch

from microturn.engine.bench import percentile, play
from microturn.engine.engine import Engine

NUM_TURNS = 6
PATTERN = (False, True)  # silent and speaking alike
GAIN = 0.9  # more threads must take less than this share of the time to be worth it


def candidates() -> tuple[int, ...]:
    """1, 2, 4, ... up to the processors this process may use."""
    mine = getattr(os, "sched_getaffinity", None)
    num_cores = len(mine(0)) if mine else os.cpu_count() or 1
    return tuple(1 << power for power in range(num_cores.bit_length()))


def choose_threads(engine: Engine, counts: Sequence[int] | None = None) -> int:
    """Measure micro-turns with each number of threads and set torch to the best; returns it.

    Rounds alternate, so that a busy moment does not fall on one of them. Raises ValueError for
    numbers that are not positive.
    """
    counts = sorted(set(candidates() if counts is None else counts))
    if not counts or min(counts) < 1:
        raise ValueError("numbers of threads must be at least 1")
    times: dict[int, list[float]] = {count: [] for count in counts}
    if len(counts) > 1:
        for seed in range(3):
            for count in counts:
                torch.set_num_threads(count)
                measured = play(engine, NUM_TURNS, seed, PATTERN)
                if seed:  # the first round warms up
                    times[count] += [one.wall_ms for one in measured]
    best = fewest(times) if len(counts) > 1 else counts[0]
    torch.set_num_threads(best)
    return best


def fewest(times: dict[int, list[float]]) -> int:
    """The number of threads to use: more only where they clearly pay."""
    medians = {count: percentile(ms, 50) for count, ms in sorted(times.items())}
    best = next(iter(medians))
    for count, median in medians.items():
        if median < GAIN * medians[best]:
            best = count
    return best
