"""Audio MultiChallenge: the last reply of a spoken conversation, graded by rubric (2512.14865).

The context is fixed: earlier turns are given as text, the agent's as its own; the last user turn is
played. Sounds of earlier user turns are named in `raw["annotation"]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microturn.evals.dataset import Benchmark, Item, row_items
from microturn.evals.draft import Draft
from microturn.evals.episode import SeedTurn, Setup
from microturn.evals.parquet_files import exported_rows, sound_path

MAX_TURNS = 8
ANSWER_MS = 5000
TAIL_MS = 30_000  # the sound ends with the question: time to answer it
TEXTS = ("criterion", "criteria", "rubric_item", "rubric", "description", "text", "title")


def items(root: Path) -> Iterator[Item]:
    """Every conversation."""
    rows = exported_rows(root, BENCHMARK)
    yield from row_items("audiomc", rows, "id", subset="axis")


def fill(draft: Draft, row: dict[str, Any]) -> None:
    """One conversation: everything before the last user turn as text, that turn as sound."""
    draft.annotation = row
    turns = [k for k in range(1, MAX_TURNS + 1) if row.get(f"user_turn_{k}_audio")]
    if not turns:
        raise KeyError("user_turn_1_audio")
    last = turns[-1]
    seeds: list[SeedTurn] = []
    for k in range(1, last):
        for role, key in (("user", f"user_turn_{k}"), ("agent", f"assistant_turn_{k}")):
            text = row.get(f"{key}_transcript")
            if not text:
                draft.problem(f"{key}_transcript is absent: the context lacks that turn")
            elif role == "user":
                seeds.append(SeedTurn("user", str(text)))
            else:
                seeds.append(SeedTurn("agent", str(text)))
    draft.system = Setup(seed_turns=tuple(seeds))
    length_ms = draft.audio(sound_path(draft.root, row[f"user_turn_{last}_audio"])) or 0
    draft.tail_ms = TAIL_MS
    text = row.get(f"user_turn_{last}_transcript")
    draft.segment("u0", "user", (0, length_ms), "speech", text=text)
    draft.expect("respond", on="u0", window=(length_ms, length_ms + ANSWER_MS))
    draft.expect("rubric", criteria=criteria(row["rubric"]))


def criteria(rubric: Any) -> tuple[str, ...]:
    """The items of a rubric: a list of texts or objects, or JSON of one. Raises ValueError."""
    if isinstance(rubric, str):
        try:
            rubric = json.loads(rubric)
        except json.JSONDecodeError:
            rubric = [rubric]
    if isinstance(rubric, dict):
        rubric = next((value for value in rubric.values() if isinstance(value, list)), [rubric])
    found: list[str] = []
    for part in rubric if isinstance(rubric, list) else [rubric]:
        if isinstance(part, dict):
            part = next((part[key] for key in TEXTS if isinstance(part.get(key), str)), None)
        if not isinstance(part, str) or not part.strip():
            raise ValueError("the rubric has an item without text")
        found.append(part.strip())
    if not found:
        raise ValueError("the rubric is empty")
    return tuple(found)


BENCHMARK = Benchmark(
    name="audiomc",
    title="Audio MultiChallenge",
    license="MIT",
    place="the dataset page ScaleAI/audiomc (Hugging Face)",
    layout="data/*.parquet, or exported.jsonl with the same columns and sound files by path",
    items=items,
    fill=fill,
    rates_hz=(48_000,),
    grading="judge only",
)
