"""IFEval: verifiable instructions, typed (arXiv 2311.07911) and spoken (VoiceBench, 2410.17196)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microturn.evals.data_files import first_there, read_jsonl
from microturn.evals.dataset import Benchmark, Item, row_items
from microturn.evals.draft import Draft
from microturn.evals.episode import Instruction
from microturn.evals.parquet_files import exported_rows, sound_path

PLACES = ("input_data.jsonl", "data/input_data.jsonl")
PLACES += ("instruction_following_eval/data/input_data.jsonl",)
ANSWER_MS = 5000
TEXT_TAIL_MS = 120_000  # replies are long, and a reply is spoken
VOICE_TAIL_MS = 120_000


def text_items(root: Path) -> Iterator[Item]:
    """Every prompt of input_data.jsonl."""
    path = first_there(root, *PLACES)
    if path is None:
        raise BENCHMARK.wrong(root, "input_data.jsonl is not there")
    yield from row_items("ifeval", read_jsonl(path), "key")


def text_fill(draft: Draft, row: dict[str, Any]) -> None:
    """One typed prompt."""
    draft.annotation = row
    draft.text(str(row["prompt"]))
    draft.tail_ms = TEXT_TAIL_MS
    draft.expect("ifeval", instructions=instructions(row))


def voice_items(root: Path) -> Iterator[Item]:
    """Every spoken prompt of VoiceBench's subset `ifeval`."""
    yield from row_items("voicebench_ifeval", exported_rows(root, VOICE, "ifeval"), "key")


def voice_fill(draft: Draft, row: dict[str, Any]) -> None:
    """One spoken prompt."""
    draft.annotation = row
    length_ms = draft.audio(sound_path(draft.root, row["audio"])) or 0
    draft.tail_ms = VOICE_TAIL_MS
    draft.segment("u0", "user", (0, length_ms), "speech", text=row.get("prompt"))
    draft.expect("respond", on="u0", window=(length_ms, length_ms + ANSWER_MS))
    draft.expect("ifeval", instructions=instructions(row))


def instructions(row: dict[str, Any]) -> tuple[Instruction, ...]:
    """Ids and arguments; arguments that are null are left out. Raises ValueError."""
    ids, given = row["instruction_id_list"], row["kwargs"]
    given = json.loads(given) if isinstance(given, str) else given
    ids = json.loads(ids) if isinstance(ids, str) else ids
    if not ids or len(ids) != len(given):
        raise ValueError(f"{len(ids)} instructions with {len(given)} sets of arguments")
    return tuple(
        Instruction(str(id), {k: v for k, v in (kwargs or {}).items() if v is not None})
        for id, kwargs in zip(ids, given, strict=True)
    )


BENCHMARK = Benchmark(
    name="ifeval",
    title="IFEval (text)",
    license="Apache-2.0",
    place="josejg/instruction_following_eval (GitHub), instruction_following_eval/data",
    layout="input_data.jsonl (key, prompt, instruction_id_list, kwargs)",
    items=text_items,
    fill=text_fill,
    grading="rule",
)
VOICE = Benchmark(
    name="voicebench_ifeval",
    title="IFEval, spoken (VoiceBench)",
    license="Apache-2.0",
    place="the dataset page hlt-lab/voicebench (Hugging Face), subset ifeval",
    layout="ifeval/*.parquet, or exported.jsonl (audio, key, prompt, instruction_id_list, kwargs)",
    items=voice_items,
    fill=voice_fill,
    rates_hz=(16_000,),
    grading="rule",
)
