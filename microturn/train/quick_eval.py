"""`microturn eval quick` on the saved weights at intervals, in a process of its own beside the run.

It takes one core's time from the run while it lasts. A new one waits until the last is done.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from microturn.train.monitor import MonitorConfig
from microturn.train.state import MODEL_FOLDER, Counters

REPORT = "report.json"


class QuickEval:
    """At most one evaluation at a time, of the weights that were saved when it began."""

    def __init__(self, config: MonitorConfig, out: Path, now_seconds: float) -> None:
        self.config, self.out = config, out
        self.last_seconds = now_seconds
        self.process: subprocess.Popen[bytes] | None = None
        self.folder = out

    def is_due(self, now_seconds: float) -> bool:
        """Whether the interval is over; the next one begins with the answer. False where
        evaluations are not wanted."""
        every = self.config.eval_every_minutes
        if every is None or now_seconds - self.last_seconds < every * 60:
            return False
        self.last_seconds = now_seconds
        return True

    def start(self, counters: Counters) -> None:
        """Begin with what is in `model/`, unless one is still going on."""
        if self.process is not None:
            return
        self.folder = self.out / "eval" / f"step-{counters.step:07d}"
        self.folder.mkdir(parents=True, exist_ok=True)
        model = self.folder / MODEL_FOLDER
        model.mkdir(exist_ok=True)
        for file in (self.out / MODEL_FOLDER).iterdir():
            (model / file.name).write_bytes(file.read_bytes())  # the run goes on and saves again
        command = [sys.executable, "-m", "microturn", "eval", "quick", "--json"]
        command += ["--system", f"model:{model}", "--out", str(self.folder), "--workers", "1"]
        command += ["--minutes", f"{self.config.eval_minutes:g}"]
        with (self.folder / "eval.log").open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=one_thread(), close_fds=True
            )

    def poll(self) -> dict[str, float]:
        """Scores by name once an evaluation is done, and nothing otherwise."""
        if self.process is None or self.process.poll() is None:
            return {}
        self.process = None
        return read_scores(self.folder / REPORT)

    def stop(self) -> None:
        """End an evaluation that the run does not outlast."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        self.process = None


def one_thread() -> dict[str, str]:
    """The environment, for a process that leaves the run its cores and its GPU."""
    leave_out = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
    kept = {name: value for name, value in os.environ.items() if name not in leave_out}
    return kept | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def read_scores(report: Path) -> dict[str, float]:
    """Values of a report by group and metric; empty where the evaluation came to nothing."""
    if not report.is_file():
        return {}
    found = json.loads(report.read_text(encoding="utf-8"))
    return {
        f"{group['name']}/{cell['metric']}": float(cell["value"])
        for group in found["groups"]
        for cell in group["cells"]
        if cell["value"] is not None
    }
