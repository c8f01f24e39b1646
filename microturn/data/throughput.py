"""How fast conversations are made: `microturn data bench`.

The figures are taken without a profiler; which part takes how long comes from a profiled run over
the same conversations, so that rendering is not written twice. The first run also decodes clips,
which a training run does once for each clip.
"""

from __future__ import annotations

import cProfile
import multiprocessing
import os
import pstats
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from microturn.data.bank import Bank
from microturn.data.loader import EPISODE_MS, Skipped, episodes
from microturn.data.pack import PackConfig, pack
from microturn.signal.text import Text

# Function -> part. Time in one of these functions counts for its part, with all that it calls.
PARTS: Mapping[tuple[str, str], str] = {
    ("loader.py", "plan"): "compose",
    ("bank.py", "samples"): "decode clips",
    ("render.py", "user_track"): "mix waves",
    ("render.py", "own_track"): "mix waves",
    ("render.py", "lanes"): "text",
    ("render.py", "patches_at"): "pictures",
    ("mel.py", "heard_bins"): "features",
    ("mel.py", "said_bins"): "features",
    ("mel.py", "output_mel"): "mel targets",
    ("pack.py", "pack"): "pack",
}


@dataclass(frozen=True)
class ThroughputConfig:
    """count: conversations of each worker. workers: processes; 0 for one a core."""

    bank: tuple[Path, ...]
    tokenizer: Path
    count: int = 40
    seed: int = 0
    roughness: float = 0.0
    has_rooms: bool = False
    workers: int = 0
    mixture: Mapping[str, float] | None = None


def make(config: ThroughputConfig, bank: Bank, text: Text, start: int) -> int:
    """Make and pack `count` conversations from `start` on; how many a damaged clip cost."""
    skipped = Skipped()
    stream = episodes(
        config.seed,
        start,
        bank,
        text,
        config.mixture,
        roughness=config.roughness,
        has_rooms=config.has_rooms,
        skipped=skipped,
    )
    for number in range(config.count):
        pack([next(stream)], text.markers, PackConfig(), config.seed + number)
    return skipped.num_skipped


def clocked(work: Callable[[], int]) -> tuple[float, float]:
    """(processor seconds, seconds on the wall) of some work."""
    processor, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - processor, time.perf_counter() - wall


def in_worker(config: ThroughputConfig, worker: int) -> tuple[float, float]:
    """One worker's share: when it began and when it was done."""
    torch.set_num_threads(1)
    bank, text = Bank.load(config.bank), Text.load(config.tokenizer)
    began = time.time()
    make(config, bank, text, worker * config.count)
    return began, time.time()


def parts_of(profile: cProfile.Profile) -> dict[str, float]:
    """Seconds by part. What is decoded while composing counts as decoding."""
    found = dict.fromkeys(PARTS.values(), 0.0)
    decoded = 0.0
    stats: Any = pstats.Stats(profile)  # typeshed does not know its table
    for (file, _, name), (_, _, _, seconds, _callers) in stats.stats.items():
        part = PARTS.get((os.path.basename(file), name))
        if part is None:
            continue
        found[part] += seconds
        if part == "decode clips":
            decoded += seconds
    found["compose"] = max(0.0, found["compose"] - decoded)
    return found


def hours_an_hour(num_episodes: int, seconds: float) -> float:
    """Hours of conversation made in one hour."""
    return round(num_episodes * EPISODE_MS / 1000 / max(1e-9, seconds), 1)


def measure(config: ThroughputConfig) -> dict[str, Any]:
    """Hours of rendered micro-turns an hour: of one core, warm and with decoding, and of all.

    Raises ValueError for an unusable bank, an unknown skill, or counts below 1.
    """
    if config.count < 1 or config.workers < 0:
        raise ValueError(
            f"count must be at least 1 and workers at least 0, got {config.count} and "
            f"{config.workers}"
        )
    torch.set_num_threads(1)
    bank, text = Bank.load(config.bank), Text.load(config.tokenizer)
    if not bank.user:
        raise ValueError("the bank has no user clips; build it with `microturn bank build`")
    first, _ = clocked(lambda: make(config, bank, text, 0))
    again, _ = clocked(lambda: make(config, bank, text, 0))
    fresh = Bank.load(config.bank)
    profile = cProfile.Profile(time.process_time)
    profile.runcall(make, config, fresh, text, 0)
    parts = parts_of(profile)
    whole = max(1e-9, sum(parts.values()))
    workers = config.workers or os.cpu_count() or 1
    return {
        "episodes": config.count,
        "cores": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "seconds_per_episode": {
            "first": round(first / config.count, 4),
            "clips_decoded": round(again / config.count, 4),
        },
        "hours_an_hour_per_core": {
            "first": hours_an_hour(config.count, first),
            "clips_decoded": hours_an_hour(config.count, again),
        },
        "hours_an_hour": {"workers": workers, "on_the_wall": on_all(config, workers)},
        "share_by_part": {name: round(seconds / whole, 3) for name, seconds in parts.items()},
    }


def on_all(config: ThroughputConfig, workers: int) -> float:
    """Hours an hour of several processes at once, from the first one's start to the last one's
    end, clips decoded on the way."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers) as pool:
        spans: Sequence[tuple[float, float]] = pool.starmap(
            in_worker, [(config, worker) for worker in range(workers)], chunksize=1
        )
    wall = max(end for _, end in spans) - min(begin for begin, _ in spans)
    return hours_an_hour(config.count * workers, wall)
