"""QIVD: someone acts before a camera and asks about it aloud (arXiv 2503.19356).

The sound is in the video files. It is taken from `audio/<name>.wav`, which is made once for each:
`ffmpeg -i videos/NAME.mp4 -vn -ac 1 audio/NAME.wav`, or by `microturn.evals.video.extract_sound`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microturn.evals.data_files import read_json
from microturn.evals.dataset import Benchmark, Item, row_items
from microturn.evals.draft import Draft, clock_ms

TAIL_MS = 10_000  # clips end when the question can be answered: time to answer it


def items(root: Path) -> Iterator[Item]:
    """Every entry of labels.json; the subset is its category."""
    if not (root / "labels.json").is_file():
        raise BENCHMARK.wrong(root, "labels.json is not there")
    rows = read_json(root / "labels.json")
    if not isinstance(rows, list):
        raise BENCHMARK.wrong(root / "labels.json", "is no list")
    yield from row_items("qivd", enumerate(rows, 1), "id", subset="category")


def fill(draft: Draft, row: dict[str, Any]) -> None:
    """One clip. The answer may come from `timestamp` on."""
    draft.annotation = row
    name = Path(str(row["video"])).name
    draft.video(draft.root / "videos" / name)
    sound = draft.root / "audio" / f"{Path(name).stem}.wav"
    draft.audio(sound)
    if not sound.is_file():
        draft.problem("the sound lies in the video: ffmpeg -i VIDEO -vn -ac 1 audio/NAME.wav")
    spoken = draft.speech(sound)
    if spoken:
        span = (spoken[0][0], spoken[-1][1])
        more = {"text": row.get("question"), "label": "energy"}
        draft.segment("u0", "user", span, "speech", **more)
    draft.tail_ms = TAIL_MS
    accept = (str(row["short_answer"]),)
    try:
        at_ms = clock_ms(str(row["timestamp"]))
    except (KeyError, ValueError) as error:
        draft.problem(f"when it can be answered is not known: {error}")
        draft.expect("answer", accept=accept)
        return
    draft.segment("v0", "world", (at_ms, at_ms), "visual_event", label="answerable")
    draft.expect("answer", accept=accept, window=(at_ms, at_ms + TAIL_MS))


BENCHMARK = Benchmark(
    name="qivd",
    title="QIVD (Qualcomm Interactive Video Dataset)",
    license="see the terms on its page; no licence text was found",
    place="Qualcomm's dataset page for QIVD",
    layout="labels.json, videos/*.mp4, and audio/*.wav made from them",
    items=items,
    fill=fill,
    grading="rule; the official grade needs a judge",
)
