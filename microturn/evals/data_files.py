"""JSON, JSON lines and CSV of official data, with faults that name file and line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_json(path: Path) -> Any:
    """The value in a JSON file. Raises ValueError naming the file, never its content."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ValueError(f"{path.name} is not there") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is damaged: {error}") from error


def read_jsonl(path: Path) -> Iterator[tuple[int, Any]]:
    """Line number and value of each line; a line that is no JSON gives its ValueError instead."""
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as error:
                yield number, ValueError(f"{path.name} line {number} is no JSON: {error}")


def read_csv(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and row of a CSV file with a header."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            cells = {str(key): value or "" for key, value in row.items() if key is not None}
            yield reader.line_num, cells


def csv_fields(path: Path) -> list[str]:
    """The header of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file), [])


def first_there(root: Path, *names: str) -> Path | None:
    """The first of these paths under the root that exists."""
    return next((root / name for name in names if (root / name).exists()), None)
