"""Parquet files with sound in them, as JSON lines and sound files beside them.

Reading Parquet needs pyarrow (`pip install pyarrow`), once: what was unpacked is used from then on,
and what was exported elsewhere in that form needs no pyarrow at all.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microturn.evals.data_files import read_jsonl
from microturn.evals.dataset import Benchmark

ROWS, SOUNDS = "exported.jsonl", "exported"  # beside each other, under the root
MAGIC = {b"RIFF": ".wav", b"ID3": ".mp3", b"\xff\xfb": ".mp3", b"fLaC": ".flac", b"OggS": ".ogg"}


def exported_rows(root: Path, benchmark: Benchmark, under: str = "") -> Iterator[tuple[int, Any]]:
    """Line number and row, from JSON lines; Parquet is unpacked first where there are none.

    under: folder of the Parquet files, where the root holds more than one set. Raises ValueError
    where there is neither, or no pyarrow.
    """
    if not (root / ROWS).is_file():
        others = [path for path in sorted(root.glob("*.jsonl")) if path.is_file()]
        if len(others) == 1:
            yield from read_jsonl(others[0])
            return
        found = sorted((root / under).rglob("*.parquet")) or sorted(root.rglob("*.parquet"))
        if not found:
            raise benchmark.wrong(root, f"there is neither {ROWS} nor a Parquet file")
        unpack(found, root)
    yield from read_jsonl(root / ROWS)


def unpack(files: list[Path], root: Path) -> int:
    """Write every row of Parquet files as a line of `exported.jsonl`, its sounds as files.

    Gives the number of rows. Raises ValueError without pyarrow, or where the root cannot be
    written; a run that was broken off leaves no `exported.jsonl`.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise ValueError(
            f"{files[0]}: Parquet needs pyarrow: pip install pyarrow (once), "
            f"or put {ROWS} and its sound files there"
        )
    parquet: Any = importlib.import_module("pyarrow.parquet")
    num, part = 0, root / f"{ROWS}.part"
    try:
        (root / SOUNDS).mkdir(exist_ok=True)
        with part.open("w", encoding="utf-8") as out:
            for file in files:
                for batch in parquet.ParquetFile(file).iter_batches(batch_size=8):
                    for row in batch.to_pylist():
                        plain = plain_row(row, root, num)
                        out.write(json.dumps(plain, ensure_ascii=False) + "\n")
                        num += 1
        part.replace(root / ROWS)
    except PermissionError as error:
        raise ValueError(f"{root} cannot be written: copy it, or unpack it elsewhere") from error
    return num


def plain_row(row: dict[str, Any], root: Path, number: int) -> dict[str, Any]:
    """A row with each sound written to a file and named by its path under the root."""
    plain: dict[str, Any] = {}
    name = str(next((row[key] for key in ("id", "key") if row.get(key) is not None), number))
    for column, value in row.items():
        data = value.get("bytes") if isinstance(value, dict) else value
        if isinstance(data, (bytes, bytearray)):
            stem = re.sub(r"[^\w.-]+", "_", f"{number:05d}_{name}_{column}")
            path = root / SOUNDS / f"{stem}{suffix(bytes(data[:4]))}"
            path.write_bytes(data)
            value = path.relative_to(root).as_posix()
        elif isinstance(value, dict) and "bytes" in value:
            value = value.get("path")
        plain[column] = value if is_plain(value) else str(value)
    return plain


def suffix(head: bytes) -> str:
    """The file suffix that fits the first bytes of a sound."""
    return next((end for magic, end in MAGIC.items() if head.startswith(magic)), ".wav")


def is_plain(value: Any) -> bool:
    """Whether JSON can hold it."""
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def sound_path(root: Path, value: Any) -> Path:
    """The sound file that a row names: a path, or {"path": ...}. Raises ValueError."""
    name = value.get("path") if isinstance(value, dict) else value
    if not isinstance(name, str) or not name:
        raise ValueError("the row names no sound file")
    path = root / name
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise ValueError(f"the sound file {name!r} lies outside the folder")
    return path
