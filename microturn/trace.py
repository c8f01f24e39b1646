"""The one trace format: JSON lines, one a micro-turn. Described in docs/trace.md.

Time is not stored: micro-turn `i` heard [200 i, 200 (i + 1)) ms and plays in the interval after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TextIO, cast

import numpy as np

from microturn.turns import MICRO_TURN_MS, OUTPUT_RATE_HZ, FloatArray, MicroTurnOutput

TRACE_VERSION = 1
FRAME_MS = 10
FRAME_SAMPLES = OUTPUT_RATE_HZ * FRAME_MS // 1000
VOICED_RMS = 1e-3  # -60 dB of full scale


@dataclass(frozen=True)
class TraceLine:
    """One micro-turn. Text is what appeared in it, with its spaces, so that lines join exactly.

    voiced_ms: how much of the output audio is sound; compute_ms: what the micro-turn cost.
    """

    index: int
    heard: str
    said: str
    delegate: str
    speaks: bool
    p_speak: float
    voiced_ms: int
    compute_ms: float
    version: int = TRACE_VERSION


FIELDS = {field.name: field.type for field in fields(TraceLine)}
TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "str": (str,),
    "bool": (bool,),
    "float": (int, float),
}


def voiced_ms(audio: FloatArray) -> int:
    """How much of an output is sound: its 10 ms frames whose RMS is above -60 dB, in ms."""
    frames = audio[: len(audio) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    rms = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
    return min(MICRO_TURN_MS, FRAME_MS * int(np.count_nonzero(rms > VOICED_RMS)))


def trace_line(output: MicroTurnOutput) -> TraceLine:
    """What is kept of one micro-turn."""
    return TraceLine(
        index=output.index,
        heard=output.heard_text,
        said=output.said_text,
        delegate="" if output.delegation is None else output.delegation.text,
        speaks=output.speaks,
        p_speak=round(output.p_speak, 6),
        voiced_ms=voiced_ms(output.audio),
        compute_ms=round(output.timings.total_ms, 3),
    )


def write_line(file: TextIO, line: TraceLine) -> None:
    """Append one line and flush it: a trace of a run that was cut off is a shorter trace."""
    file.write(json.dumps(asdict(line), ensure_ascii=False) + "\n")
    file.flush()


def write_trace(path: Path | str, lines: Iterable[TraceLine]) -> None:
    """Write a whole trace."""
    with Path(path).open("w", encoding="utf-8") as file:
        for line in lines:
            write_line(file, line)


def read_trace(path: Path | str) -> list[TraceLine]:
    """Read a trace. Raises ValueError naming file, line and field where it is not one."""
    with Path(path).open(encoding="utf-8") as file:
        return list(parse(file, str(path)))


def parse(lines: Iterable[str], name: str) -> Iterator[TraceLine]:
    """Lines of text -> trace lines; indices must count up. Unknown fields are left out."""
    expected: int | None = None
    for number, text in enumerate(lines, 1):
        where = f"{name} line {number}"
        try:
            entry: Any = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{where} is not JSON: {error}") from error
        if not isinstance(entry, dict):
            raise ValueError(f"{where} is not a JSON object")
        found = cast("dict[str, Any]", entry)
        version = found.get("version", TRACE_VERSION)
        if version != TRACE_VERSION:
            raise ValueError(f"{where} has trace version {version}; this reads {TRACE_VERSION}")
        values = {key: checked(found, key, where) for key in FIELDS if key != "version"}
        line = TraceLine(**values)
        if expected is not None and line.index != expected:
            raise ValueError(f"{where} has index {line.index}, expected {expected}")
        expected = line.index + 1
        yield line


def checked(entry: dict[str, Any], key: str, where: str) -> Any:
    """A field's value, of the right type. Raises ValueError."""
    if key not in entry:
        raise ValueError(f"{where} lacks {key!r}")
    value, wanted = entry[key], TYPES[str(FIELDS[key])]
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise ValueError(f"{where}: {key!r} must be {FIELDS[key]}, got {value!r}")
    return value
