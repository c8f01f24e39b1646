"""Big Bench Audio: four reasoning tasks read aloud; each answer is one of a closed set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microturn.evals.data_files import read_jsonl
from microturn.evals.dataset import Benchmark, Item, row_items
from microturn.evals.draft import Draft
from microturn.evals.parquet_files import sound_path

CHOICES = {
    "formal_fallacies": ("valid", "invalid"),
    "navigate": ("Yes", "No"),
    "object_counting": ("<integer>",),
    "web_of_lies": ("Yes", "No"),
}
ANSWER_MS = 5000
TAIL_MS = 30_000  # the sound ends with the question: time to answer it


def items(root: Path) -> Iterator[Item]:
    """Every line of metadata.jsonl; the subset is its category."""
    path = root / "metadata.jsonl"
    if not path.is_file():
        raise BENCHMARK.wrong(root, "metadata.jsonl is not there")
    yield from row_items("bigbench_audio", read_jsonl(path), "id", subset="category")


def fill(draft: Draft, row: dict[str, Any]) -> None:
    """One question; there is no text of it upstream."""
    draft.annotation = row
    length_ms = draft.audio(sound_path(draft.root, row["file_name"])) or 0
    draft.tail_ms = TAIL_MS
    draft.segment("u0", "user", (0, length_ms), "speech")
    draft.expect("respond", on="u0", window=(length_ms, length_ms + ANSWER_MS))
    choices = CHOICES.get(row["category"])
    if choices is None:
        raise ValueError(f"the category {row['category']!r} is none of {', '.join(CHOICES)}")
    answer = str(row["official_answer"]).strip()
    if choices != ("<integer>",):
        known = {choice.lower(): choice for choice in choices}
        if answer.lower() not in known:
            raise ValueError(f"the official answer {answer!r} is none of {', '.join(choices)}")
        answer = known[answer.lower()]
    draft.expect("label", value=answer, choices=choices)


BENCHMARK = Benchmark(
    name="bigbench_audio",
    title="Big Bench Audio",
    license="MIT; carries a no-training canary: evaluate only",
    place="the dataset page ArtificialAnalysis/big_bench_audio (Hugging Face)",
    layout="metadata.jsonl (category, official_answer, file_name, id) and data/*.mp3",
    items=items,
    fill=fill,
    rates_hz=(22_050,),
    grading="exact (closed sets)",
)
