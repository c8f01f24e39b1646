"""Two runs or more that differ in one setting, side by side: a table from their logs.

    python -m microturn.train.paired out/paired/*

A figure is the mean over the last tenth of the steps that all runs have reached, with the
difference to the first run and the standard error of that difference: steps are paired, since runs
with one seed see the same rows. With `--judge-bank DIR`, a second table: the weights of all runs on
the same conversations (`judge.py`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import tyro
from tyro.conf import Positional

from microturn.train.judge import JudgeConfig, judge

SHOWN = ("text", "words", "heard_right", "said_right", "flow", "floor", "floor_right", "seconds")
SHARE = 0.1


@dataclass(frozen=True)
class Compare:
    """Folders of runs; the first is what the others are compared with."""

    runs: Positional[tuple[Path, ...]]
    share: float = SHARE  # of the steps, at the end
    judge_bank: tuple[Path, ...] = ()  # also measure the weights, on this speech
    judge_episodes: int = 24
    judge_families: tuple[str, ...] = ()  # none means all that the bank can say


def read_log(folder: Path) -> dict[int, dict[str, float]]:
    """Figures by step. Raises ValueError for a folder without a log."""
    path = folder / "log.jsonl"
    if not path.is_file():
        raise ValueError(f"{folder} has no log.jsonl: give folders of runs")
    found: dict[int, dict[str, float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        entry: dict[str, Any] = json.loads(line)
        if "eval" not in entry:
            found[entry["step"]] = entry
    return found


def compare(folders: Sequence[Path], share: float = SHARE) -> list[list[str]]:
    """The table, with a head: a row for each run.

    Raises ValueError where there are not two runs with steps in common.
    """
    if len(folders) < 2:
        raise ValueError("give two runs or more to compare")
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share}")
    logs = [read_log(folder) for folder in folders]
    common = sorted(set.intersection(*(set(log) for log in logs)))
    if not common:
        raise ValueError("these runs have no step in common")
    last = common[-max(1, round(share * len(common))) :]
    rows = [["run", *SHOWN]]
    for folder, log in zip(folders, logs, strict=True):
        cells = [_cell(logs[0], log, last, name) for name in SHOWN]
        rows.append([folder.name, *cells])
    return rows


def _cell(
    first: dict[int, dict[str, float]],
    log: dict[int, dict[str, float]],
    steps: Sequence[int],
    name: str,
) -> str:
    """A mean, and where the run is not the first, its difference with a standard error."""
    pairs = [(first[step].get(name), log[step].get(name)) for step in steps]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    if not known:
        return "-"
    mean = f"{fmean(b for _, b in known):.4f}"
    if first is log:
        return mean
    gaps = [b - a for a, b in known]
    error = stdev(gaps) / math.sqrt(len(gaps)) if len(gaps) > 1 else math.nan
    return f"{mean} ({fmean(gaps):+.4f} ± {error:.4f})"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a table of Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


if __name__ == "__main__":
    options = tyro.cli(Compare)
    print(table(compare(options.runs, options.share)))
    if options.judge_bank:
        how = JudgeConfig(options.judge_bank, options.judge_episodes, options.judge_families)
        print(f"\n{table(judge([run / 'model' for run in options.runs], how))}")
