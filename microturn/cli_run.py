"""`microturn run`: a WAV file in, what the model says and a trace out, in lockstep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from microturn.engine.engine import Engine
from microturn.engine.load import load
from microturn.engine.sampler import SamplingConfig, eagerness_of
from microturn.signal.wav import read_wav, to_rate, write_wav
from microturn.trace import TraceLine, trace_line, write_line
from microturn.turns import (
    INPUT_RATE_HZ,
    INPUT_SAMPLES,
    MICRO_TURN_MS,
    OUTPUT_RATE_HZ,
    OUTPUT_SAMPLES,
    FloatArray,
    MicroTurnInput,
    MicroTurnOutput,
)


@dataclass(frozen=True)
class OfflineRun:
    """One file played to one session."""

    input: Path
    out: Path
    trace: Path | None = None
    model: str = "nano"
    seed: int = 0
    instructions: str | None = None
    eagerness: float | str = 0.0
    threads: int = 1


def num_micro_turns(num_samples: int, rate_hz: int) -> int:
    """Micro-turns that an input of this length needs; the last one may be part silence."""
    return -(-num_samples * 1000 // (rate_hz * MICRO_TURN_MS))


def num_output_samples(num_samples: int, rate_hz: int) -> int:
    """Samples at 24 kHz that last as long as the input, to the nearest sample."""
    return (2 * num_samples * OUTPUT_RATE_HZ + rate_hz) // (2 * rate_hz)


def lockstep(
    engine: Engine, audio: FloatArray, num_turns: int, seed: int, instructions: str | None = None
) -> Iterator[MicroTurnOutput]:
    """Play 16 kHz audio to a fresh session; what is missing at its end is silence."""
    padded = np.zeros(num_turns * INPUT_SAMPLES, dtype=np.float32)
    padded[: len(audio)] = audio[: len(padded)]
    session_id = engine.open(seed=seed, instructions=instructions)
    try:
        for index in range(num_turns):
            part = padded[index * INPUT_SAMPLES : (index + 1) * INPUT_SAMPLES]
            yield engine.step(session_id, MicroTurnInput(index, part))
    finally:
        engine.close(session_id)


def place_output(track: FloatArray, output: MicroTurnOutput) -> None:
    """Micro-turn i plays in the interval after it; what would play after the end is left out."""
    start = (output.index + 1) * OUTPUT_SAMPLES
    room = track[start : start + OUTPUT_SAMPLES]
    room[:] = output.audio[: len(room)]


def run_offline(options: OfflineRun) -> dict[str, Any]:
    """Read, converse, write; returns a summary. Raises ValueError or OSError for bad input."""
    check_folders(options.out, options.trace)
    audio, rate_hz = read_wav(options.input)
    num_turns = num_micro_turns(len(audio), rate_hz)
    torch.set_num_threads(options.threads)
    engine = load(options.model, SamplingConfig(eagerness=eagerness_of(options.eagerness)))
    heard = to_rate(audio, rate_hz, INPUT_RATE_HZ)
    track = np.zeros(num_output_samples(len(audio), rate_hz), dtype=np.float32)
    outputs = lockstep(engine, heard, num_turns, options.seed, options.instructions)
    lines: list[TraceLine] = []
    trace = None if options.trace is None else options.trace.open("w", encoding="utf-8")
    try:
        for output in tqdm(outputs, total=num_turns, unit="micro-turn", disable=None):
            place_output(track, output)
            lines.append(trace_line(output))
            if trace is not None:
                write_line(trace, lines[-1])
    finally:
        if trace is not None:
            trace.close()
    write_wav(options.out, track, OUTPUT_RATE_HZ)
    return summary(options, lines, len(track) / OUTPUT_RATE_HZ)


def check_folders(*paths: Path | None) -> None:
    """Raises ValueError before anything is computed when a result could not be written."""
    for path in paths:
        if path is not None and not path.parent.is_dir():
            raise ValueError(f"cannot write {path}: there is no folder {path.parent}")
        if path is not None and path.is_dir():
            raise ValueError(f"cannot write {path}: it is a folder; name a file")


def summary(options: OfflineRun, lines: list[TraceLine], seconds: float) -> dict[str, Any]:
    """What `--json` prints."""
    compute_ms = sorted(line.compute_ms for line in lines)
    return {
        "out": str(options.out),
        "trace": None if options.trace is None else str(options.trace),
        "seconds": round(seconds, 6),
        "micro_turns": len(lines),
        "voiced_ms": sum(line.voiced_ms for line in lines[:-1]),  # the last one plays after the end
        "heard": "".join(line.heard for line in lines).strip(),
        "said": "".join(line.said for line in lines).strip(),
        "delegate": [line.delegate.strip() for line in lines if line.delegate],
        "compute_ms": {
            "median": round(median(compute_ms), 3),
            "p95": compute_ms[min(len(compute_ms) - 1, int(0.95 * len(compute_ms)))],
        },
        "real_time_factor": round(sum(compute_ms) / (MICRO_TURN_MS * len(lines)), 4),
    }
