"""Game-Time: instructions about time, tempo and speaking at once (arXiv 2509.26388).

The official grades come from a judge that reads the aligned transcripts of both sides; so what is
expected here is that an answer comes, and the instruction is in the segment's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microturn.evals.data_files import read_json, read_jsonl
from microturn.evals.dataset import Benchmark, Item, natural, row_items
from microturn.evals.draft import Draft, ms
from microturn.evals.episode import Word
from microturn.evals.parquet_files import ROWS, exported_rows, sound_path

PARTS = ("basic", "advanced")
SILENCE = re.compile(r"""<sil\s*=\s*["'“”]?(\d+)\s*ms["'“”]?\s*/?>""")
ANSWER_MS = 5000
TAIL_MS = 30_000  # tasks last: time to do what was asked
TEXTS = ("text", "instruction", "prompt")


def items(root: Path) -> Iterator[Item]:
    """Every instruction; the subset is its task. Unpacked archives, else rows of Parquet."""
    folders = [part for part in PARTS if (root / f"{part}_instructions").is_dir()]
    for part in folders:
        yield from archive_items(root / f"{part}_instructions", part)
    if folders:
        return
    if not (root / ROWS).is_file() and not any(root.rglob("*.parquet")):
        raise BENCHMARK.wrong(root, "neither {basic,advanced}_instructions nor Parquet is there")
    rows = exported_rows(root, BENCHMARK)
    for item in row_items("game_time", rows, "id", subset="dataset"):
        row = item.data
        data = ("row", row, None) if isinstance(row, dict) else row
        yield Item(item.id, data, item.split, item.subset)


def archive_items(folder: Path, part: str) -> Iterator[Item]:
    """Items of `text/*-dataset.json`, with `audios/<task>/test/<id>.wav`."""
    tables = sorted((folder / "text").glob("*-dataset.json"), key=lambda path: natural(path.name))
    if not tables:
        raise BENCHMARK.wrong(folder, "no text/*-dataset.json")
    for table in tables:
        task = table.name.removesuffix("-dataset.json")
        for number, row in enumerate(rows_of(read_json(table))):
            named = row.get("id") if isinstance(row, dict) else None
            stem = str(number if named is None else named)
            place = (folder, task, stem)
            yield Item(f"game_time/{part}/{task}/{stem}", ("file", row, place), subset=task)


def rows_of(found: Any) -> list[Any]:
    """The records of a table: a list, a list under some name, or an object by id."""
    if isinstance(found, list):
        return found
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        if lists:
            return max(lists, key=len)
        return [
            {"id": key} | (value if isinstance(value, dict) else {"text": value})
            for key, value in found.items()
        ]
    return [found]


def fill(draft: Draft, data: tuple[str, dict[str, Any], tuple[Path, str, str] | None]) -> None:
    """One spoken instruction."""
    _, row, place = data
    draft.annotation = row
    words: tuple[Word, ...] = ()
    if place is None:
        path = sound_path(draft.root, row.get("audio_bytes") or row.get("audio"))
    else:
        folder, task, stem = place
        path = folder / "audios" / task / "test" / f"{stem}.wav"
        words = aligned(draft, folder / "alignments" / task / f"{stem}.jsonl")
    length_ms = draft.audio(path) or 0
    text = next((str(row[key]) for key in TEXTS if row.get(key)), None)
    if text is None:
        draft.problem("the instruction's text is absent")
    draft.tail_ms = TAIL_MS
    draft.segment("u0", "user", (0, length_ms), "instruction", text=spoken(text or ""), words=words)
    draft.expect("respond", on="u0", window=(length_ms, length_ms + ANSWER_MS))


def spoken(text: str) -> str:
    """The text without the marks of silences in it."""
    return " ".join(SILENCE.sub(" ", text).split())


def aligned(draft: Draft, path: Path) -> tuple[Word, ...]:
    """Words with times of an alignment file; () with a problem where there is none."""
    if not path.is_file():
        draft.problem(f"{path.name} is not there: words are not known")
        return ()
    found: list[Word] = []
    try:
        for _, row in read_jsonl(path):
            if isinstance(row, ValueError):
                raise row
            for word in row.get("words", [row]) if isinstance(row, dict) else row:
                text = str(word.get("word", word.get("text", ""))).strip()
                found.append((text, ms(word["start"]), max(ms(word["start"]), ms(word["end"]))))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        draft.problem(f"{path.name} is not as described ({error}): words are not known")
        return ()
    return tuple(sorted(found, key=lambda word: word[1]))


BENCHMARK = Benchmark(
    name="game_time",
    title="Game-Time",
    license="CC BY 4.0",
    place="the dataset page gametime-benchmark/gametime (Hugging Face), archives in download/",
    layout="{basic,advanced}_instructions/text/*-dataset.json and audios/<task>/test/*.wav",
    items=items,
    fill=fill,
    grading="judge; an answer in time by rule",
)
