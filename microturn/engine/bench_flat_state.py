"""Where a long run stands, on disk: it can be interrupted, and goes on with the same bits."""

from __future__ import annotations

import json
import os
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microturn.engine.engine import Engine

KEEP_EVERY = 20_000  # micro-turns
NUM_SAMPLES = 200  # of memory, over the whole session


@dataclass
class Series:
    """What was measured on the way, in arrays of full length from the start: the stopwatch itself
    must not grow. cpu_ms: processor time of each micro-turn; rss_bytes, state_bytes: at `at`, all
    before the last micro-turns are recorded; first_of_process: the first of these samples that this
    process took."""

    cpu_ms: npt.NDArray[np.float32]
    at: npt.NDArray[np.int64]
    rss_bytes: npt.NDArray[np.int64]
    state_bytes: npt.NDArray[np.int64]
    first_of_process: int = 0

    @classmethod
    def of(cls, num_turns: int, num_recorded: int) -> Series:
        num_watched = max(num_turns - num_recorded, num_turns // 2)
        count = min(num_watched, NUM_SAMPLES)
        at = np.linspace(num_watched / count, num_watched, count).astype(np.int64) - 1
        ones = (np.ones(count, np.int64), np.ones(count, np.int64))
        return cls(np.ones(num_turns, np.float32), at, *ones)


@dataclass
class Stand:
    """A session of `series`, so far up to micro-turn `index`. wall_before_s: of other processes."""

    session_id: str
    series: Series
    rng: np.random.Generator
    seed: int
    kept_at: Path | None = None
    index: int = 0
    num_interruptions: int = 0
    wall_before_s: float = 0.0
    began_s: float = field(default_factory=time.perf_counter)

    @classmethod
    def found(
        cls, engine: Engine, num_turns: int, num_recorded: int, seed: int, kept_at: Path | None
    ) -> Stand:
        """A fresh session, or the one of the file. Raises ValueError for a file of another run."""
        series = Series.of(num_turns, num_recorded)
        rng = np.random.default_rng(seed)
        if kept_at is None or not kept_at.exists():
            return cls(engine.open(seed=seed), series, rng, seed, kept_at)
        stand, arrays = read(kept_at)
        if (stand["seed"], stand["num_turns"]) != (seed, num_turns):
            raise ValueError(
                f"{kept_at} keeps a run of {stand['num_turns']} micro-turns with seed "
                f"{stand['seed']}, not of {num_turns} with seed {seed}: delete it or ask for that"
            )
        for name in ("cpu_ms", "at", "rss_bytes", "state_bytes"):
            setattr(series, name, arrays[name])
        series.first_of_process = int((series.at < stand["index"]).sum())
        rng.bit_generator.state = stand["rng"]
        return cls(
            engine.restore(arrays["session"].tobytes()),
            series,
            rng,
            seed,
            kept_at,
            stand["index"],
            stand["num_interruptions"] + 1,
            stand["wall_s"],
        )

    def wall_s(self) -> float:
        """Seconds that the run has taken, in all processes."""
        return self.wall_before_s + time.perf_counter() - self.began_s

    def is_due(self) -> bool:
        return self.kept_at is not None and self.index % KEEP_EVERY == 0

    def keep(self, engine: Engine) -> None:
        """Write the file anew; it is whole at any moment."""
        assert self.kept_at is not None
        series = self.series
        facts = {
            "seed": self.seed,
            "num_turns": len(series.cpu_ms),
            "index": self.index,
            "num_interruptions": self.num_interruptions,
            "wall_s": self.wall_s(),
            "rng": self.rng.bit_generator.state,
        }
        part = self.kept_at.with_name(self.kept_at.name + ".part")
        with part.open("wb") as file:
            np.savez(
                file,
                facts=np.array(json.dumps(facts)),
                session=np.frombuffer(engine.snapshot(self.session_id), np.uint8),
                cpu_ms=series.cpu_ms,
                at=series.at,
                rss_bytes=series.rss_bytes,
                state_bytes=series.state_bytes,
            )
        os.replace(part, self.kept_at)


def read(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Facts and arrays of a file. Raises ValueError for what is none."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        return json.loads(str(found.pop("facts"))), found
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} keeps no run of `bench flat` ({error}): delete it") from None
