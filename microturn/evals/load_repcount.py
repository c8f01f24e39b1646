"""RepCount-A: repetitions to be counted aloud while they happen (arXiv 2204.01018)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microturn.evals.data_files import csv_fields, first_there, read_csv
from microturn.evals.dataset import Benchmark, Item
from microturn.evals.draft import Draft

SPLITS = ("train", "valid", "test")
ACTIONS = {  # upstream's spellings -> as it is said
    "benchpressing": "bench presses",
    "frontraise": "front raises",
    "jumpjack": "jumping jacks",
    "jumpjacks": "jumping jacks",
    "pommelhorse": "pommel horse circles",
    "pullup": "pull-ups",
    "pullups": "pull-ups",
    "pushup": "push-ups",
    "pushups": "push-ups",
    "situp": "sit-ups",
    "squant": "squats",
    "squat": "squats",
}
TAIL_MS = 4000  # the last repetition may end with the video: time to say its number


def items(root: Path) -> Iterator[Item]:
    """Every row of the three tables; the subset is the action."""
    found = [(split, path) for split in SPLITS if (path := table(root, split))]
    if not found:
        raise BENCHMARK.wrong(root, "none of the annotation tables is there")
    for split, path in found:
        lacking = [name for name in ("type", "name", "count", "L1") if name not in csv_fields(path)]
        if lacking:
            raise BENCHMARK.wrong(path, f"the column {lacking[0]} is absent")
        for number, row in read_csv(path):
            stem = Path(row["name"]).stem or f"line{number}"
            yield Item(f"repcount/{split}/{stem}", (split, row), split, spoken_action(row["type"]))


def table(root: Path, split: str) -> Path | None:
    """The annotation table of a split: with frame rates, else without."""
    names = (f"{split}_with_fps.csv", f"{split}.csv")
    folders = ("", "annotation/", "datasets/repcount/")
    return first_there(root, *(folder + name for name in names for folder in folders))


def spoken_action(name: str) -> str:
    """An action as one says it."""
    key = re.sub(r"[^a-z]", "", name.lower())
    return ACTIONS.get(key, name.replace("_", " ").strip())


def fill(draft: Draft, data: tuple[str, dict[str, str]]) -> None:
    """One video after its instruction; repetitions are events, numbered from 1."""
    split, row = data
    draft.annotation = {key: value for key, value in row.items() if value}
    start_ms = draft.instruct(f"Please count out reps for {spoken_action(row['type'])}.")
    name = row["name"]
    places = [f"{base}/{part}{name}" for base in ("video", "videos") for part in (f"{split}/", "")]
    path = first_there(draft.root, *places) or draft.root / places[0]
    known = number(row.get("duration"))
    known_ms = round(known * 1000) if known else None
    draft.video(path, start_ms, known_ms)
    draft.tail_ms = TAIL_MS
    count = number(row["count"])
    if count is None:
        raise ValueError("the count is absent")
    marks = frames(row)
    fps = number(row.get("fps"))
    if len(marks) != round(count):
        draft.problem(f"the count is {count:g}, and {len(marks)} repetitions are marked")
    if not fps:
        draft.problem("no frame rate: when the repetitions end is not known")
        draft.expect("count", value=round(count), tol=1)
        return
    for index, (first, last) in enumerate(marks, 1):
        span = (start_ms + round(first / fps * 1000), start_ms + round(last / fps * 1000))
        draft.segment(f"v{index}", "world", span, "visual_event", label="repetition", index=index)
    ends = [segment.t1 for segment in draft.segments if segment.index is not None]
    after_ms = ends[-2] if len(ends) > 1 else start_ms
    draft.expect("count", value=round(count), after_ms=after_ms, tol=1)


def frames(row: dict[str, str]) -> list[tuple[float, float]]:
    """First and last frame of each repetition, up to the first that lacks one."""
    found: list[tuple[float, float]] = []
    while True:
        k = len(found)
        first, last = number(row.get(f"L{2 * k + 1}")), number(row.get(f"L{2 * k + 2}"))
        if first is None or last is None or last < first:
            return found
        found.append((first, last))


def number(text: Any) -> float | None:
    """A cell as a number, or None where it is empty or none."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if 0 <= value < float("inf") else None


BENCHMARK = Benchmark(
    name="repcount",
    title="RepCount-A",
    license="annotations MIT (EveryShotCounts); the videos may not be passed on",
    place="videos: SvipRepetitionCounting/TransRAC (GitHub) and its dataset page; "
    "tables: sinhasaptarshi/EveryShotCounts (GitHub), datasets/repcount",
    layout="{train,valid,test}_with_fps.csv (type, name, count, L1, ...) and video/<split>/*.mp4",
    items=items,
    fill=fill,
    default_split="test",
    grading="exact",
)
