"""Charades: say when something starts and stops; sentence intervals (Charades-STA, 1705.02101) and
intervals of action classes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microturn.evals.data_files import first_there, read_json
from microturn.evals.dataset import Benchmark, Item
from microturn.evals.draft import Draft, ms

FOLDERS = ("", "charades/", "annotations/")
LINE = re.compile(r"(?P<video>\w+) (?P<start>[\d.]+) (?P<end>[\d.]+)\s*##\s*(?P<text>.+)")
VIDEOS = ("videos", "Charades_v1_480", "Charades_v1")
TAIL_MS = 2000


def items(root: Path) -> Iterator[Item]:
    """Subset `sta`: every line of the two files. Subset `classes`: every action of charades.json,
    named by Charades_v1_classes.txt where that is there."""
    texts = {split: place(root, f"charades_sta_{split}.txt") for split in ("train", "test")}
    whole = place(root, "charades.json")
    if whole is None and not any(texts.values()):
        raise BENCHMARK.wrong(root, "neither charades_sta_{train,test}.txt nor charades.json")
    videos = read_json(whole) if whole else {}
    if not isinstance(videos, dict):
        raise BENCHMARK.wrong(root, "charades.json is no object of videos")
    for split, path in texts.items():
        if path is not None:
            yield from sentence_items(path, split, videos)
    names = class_names(root)
    for video, facts in videos.items():
        yield from class_items(video, facts, names)


def place(root: Path, name: str) -> Path | None:
    """An annotation file, where it is."""
    return first_there(root, *(folder + name for folder in FOLDERS))


def sentence_items(path: Path, split: str, videos: dict[str, Any]) -> Iterator[Item]:
    """Lines such as `3MSZA 24.3 30.4##person turn a light on.`"""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        match = LINE.fullmatch(line.strip())
        id = f"charades/sta/{split}/{number}"
        if match is None:
            fault = ValueError(f"{path.name} line {number} is no `VIDEO START END##sentence`")
            yield Item(id, fault, split, "sta")
            continue
        facts = videos.get(match["video"])
        length = facts.get("duration") if isinstance(facts, dict) else None
        action = match["text"].strip().rstrip(".").removeprefix("person ").strip()
        asked = (match["video"], action, (match["start"], match["end"]), length, line.strip())
        yield Item(id, asked, split, "sta")


def class_items(video: str, facts: Any, names: dict[str, str]) -> Iterator[Item]:
    """The actions of one video."""
    if not isinstance(facts, dict):
        yield Item(f"charades/classes/{video}", ValueError("is no object"), "test", "classes")
        return
    split = "train" if str(facts.get("subset", "")).startswith("train") else "test"
    actions = facts.get("actions") or []
    if not isinstance(actions, list):
        fault = ValueError("the actions are no list")
        yield Item(f"charades/classes/{video}", fault, split, "classes")
        return
    for number, action in enumerate(list[Any](actions)):
        id = f"charades/classes/{video}/{number}"
        try:
            label, start, end = action
        except (TypeError, ValueError):
            yield Item(
                id, ValueError(f"action {number} is no [class, start, end]"), split, "classes"
            )
            continue
        text = names.get(str(label), str(label))
        asked = (video, text, (start, end), facts.get("duration"), action)
        yield Item(id, asked, split, "classes")


def class_names(root: Path) -> dict[str, str]:
    """Texts of the action classes, `c092 Turning off a light`; numbers without the letter too."""
    path = place(root, "Charades_v1_classes.txt")
    names: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8-sig").splitlines() if path else ():
        label, _, text = line.strip().partition(" ")
        names[label] = text
        names[str(int(label[1:]))] = text
    return names


def fill(draft: Draft, data: tuple[str, str, tuple[Any, Any], Any, Any]) -> None:
    """One video after its instruction, and the interval in it."""
    video, action, times, length, upstream = data
    draft.annotation = upstream
    if re.fullmatch(r"c?\d+", action):
        draft.problem(f"the class {action} has no name: Charades_v1_classes.txt is not there")
    start_ms = draft.instruct(
        f"Say 'start' when the person starts doing {action} then say 'stop' when they stop."
    )
    name = f"{video}.mp4"
    path = first_there(draft.root, *(f"{folder}/{name}" for folder in VIDEOS))
    known_ms = ms(length) if length is not None else None
    draft.video(path or draft.root / VIDEOS[0] / name, start_ms, known_ms)
    draft.tail_ms = TAIL_MS
    first, last = (start_ms + ms(time) for time in times)
    if last < first:
        draft.problem("the interval runs backwards: its ends are exchanged")
        first, last = last, first
    draft.segment("v0", "world", (first, last), "visual_event", label=action)
    draft.expect("interval", ref=(first, last), open=("start",), close=("stop",))


BENCHMARK = Benchmark(
    name="charades",
    title="Charades and Charades-STA",
    license="Charades terms: non-commercial, the videos may not be passed on",
    place="videos: the Charades dataset page of the Allen Institute for AI; "
    "intervals: jiyanggao/TALL and 26hzhang/VSLNet (GitHub)",
    layout="charades_sta_{train,test}.txt and/or charades.json, and videos/*.mp4",
    items=items,
    fill=fill,
    default_split="test",
    grading="exact",
)
