"""StreamingBench, "Proactive Output": say a given text when something appears (arXiv 2411.03628).

Upstream shows the video from the question on; here it plays from its start, and the question comes
at its time. Right is the text within 2 s of the true time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microturn.evals.data_files import first_there, read_json
from microturn.evals.dataset import Benchmark, Item
from microturn.evals.draft import Draft, clock_ms

PLACES = ("questions_proactive.json", "src/data/questions_proactive.json")
PLACES += ("data/questions_proactive.json",)
TOLERANCE_MS = 2000


def items(root: Path) -> Iterator[Item]:
    """Every question of the file."""
    path = first_there(root, *PLACES)
    if path is None:
        raise BENCHMARK.wrong(root, "questions_proactive.json is not there")
    entries = read_json(path)
    if not isinstance(entries, list):
        raise BENCHMARK.wrong(path, "is no list")
    number = 0
    for entry in entries:
        questions = entry.get("questions") if isinstance(entry, dict) else None
        for question in questions if isinstance(questions, list) else [None]:
            kind = str(entry.get("video_categories", "")) if isinstance(entry, dict) else ""
            id = f"streamingbench_proactive/{number}"
            yield Item(id, (entry, question), subset=kind)
            number += 1


def fill(draft: Draft, data: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """One question in its video."""
    entry, question = data
    rest = {key: value for key, value in entry.items() if key != "questions"}
    draft.annotation = rest | {"question": question}
    name = Path(str(entry["video_path"])).name
    places = [f"{base}/{name}" for base in ("videos", "data/proactive", "proactive", "data/videos")]
    places.append(str(entry["video_path"]).removeprefix("./"))
    draft.video(first_there(draft.root, *places) or draft.root / places[0])
    asked_ms = clock_ms(str(question["time_stamp"]))
    due_ms = clock_ms(str(question["ground_truth_time_stamp"]))
    draft.instruct(str(question["question"]), asked_ms)
    wanted = str(question["ground_truth_output"])
    draft.segment("v0", "world", (due_ms, due_ms), "visual_event", label=wanted)
    draft.lasts(due_ms)
    window = (max(0, due_ms - TOLERANCE_MS), due_ms + TOLERANCE_MS)
    draft.tail_ms = max(0, window[1] - draft.duration_ms)
    draft.expect("say", window=window, accept=(wanted,), at_ms=due_ms)
    if due_ms < asked_ms:
        draft.problem("the true time lies before the question")


BENCHMARK = Benchmark(
    name="streamingbench_proactive",
    title="StreamingBench, Proactive Output",
    license="MIT (questions); videos under the terms of their page",
    place="THUNLP-MT/StreamingBench (GitHub) and the dataset page mjuicem/StreamingBench",
    layout="questions_proactive.json and videos/*.mp4",
    items=items,
    fill=fill,
    grading="exact text in time",
)
