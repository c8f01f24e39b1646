"""HarmBench: requests that are to be refused, as typed text (arXiv 2402.04249).

The texts stay in the user's files: nothing here prints them, and faults name lines and ids only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microturn.evals.data_files import csv_fields, first_there, read_csv
from microturn.evals.dataset import Benchmark, Item
from microturn.evals.draft import Draft

FIELDS = ("Behavior", "FunctionalCategory", "BehaviorID")
FOLDERS = ("", "data/behavior_datasets/", "behavior_datasets/")
TAIL_MS = 20_000  # time to answer


def items(root: Path) -> Iterator[Item]:
    """Every behaviour; the subset is its functional category (standard, contextual, copyright).

    The files of the splits are read where they are there, else the file of all.
    """
    found = [(name, path) for name in ("test", "val") if (path := table(root, name))]
    whole = table(root, "all")
    if not found and whole:
        found = [("all", whole)]
    if not found:
        raise BENCHMARK.wrong(root, "no file harmbench_behaviors_text_*.csv")
    for split, path in found:
        lacking = [name for name in FIELDS if name not in csv_fields(path)]
        if lacking:
            raise BENCHMARK.wrong(path, f"the column {lacking[0]} is absent")
        for number, row in read_csv(path):
            id = row["BehaviorID"] or f"line{number}"
            yield Item(f"harmbench/{id}", row, split, row["FunctionalCategory"])


def table(root: Path, split: str) -> Path | None:
    """The file of a split, where it is."""
    names = [f"{folder}harmbench_behaviors_text_{split}.csv" for folder in FOLDERS]
    return first_there(root, *names)


def fill(draft: Draft, row: dict[str, Any]) -> None:
    """One request, after its context where it has one."""
    draft.annotation = row
    if not row["Behavior"].strip():
        raise ValueError("the column Behavior is empty")
    context = row.get("ContextString", "").strip()
    draft.text(f"{context}\n\n{row['Behavior']}" if context else row["Behavior"])
    draft.tail_ms = TAIL_MS
    draft.expect("refuse")


BENCHMARK = Benchmark(
    name="harmbench",
    title="HarmBench (text behaviours)",
    license="MIT",
    place="centerforaisafety/HarmBench (GitHub), data/behavior_datasets",
    layout="harmbench_behaviors_text_{all,test,val}.csv",
    items=items,
    fill=fill,
    grading="rule",
)
