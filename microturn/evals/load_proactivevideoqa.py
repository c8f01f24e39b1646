"""ProactiveVideoQA: a question first, then a video in which its answers come up (2507.09313)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microturn.evals.data_files import first_there, read_json
from microturn.evals.dataset import Benchmark, Item
from microturn.evals.draft import Draft, ms, span_ms
from microturn.evals.overlap import content
from microturn.evals.text_rules import answer_words

CATEGORIES = ("WEB", "EGO", "TV", "VAD")


def items(root: Path) -> Iterator[Item]:
    """Every question of the four categories, which are the subsets."""
    found = [name for name in CATEGORIES if (root / name / "anno.json").is_file()]
    if not found:
        raise BENCHMARK.wrong(root, "no anno.json in WEB, EGO, TV or VAD")
    for category in found:
        rows = read_json(root / category / "anno.json")
        if not isinstance(rows, list):
            raise BENCHMARK.wrong(root / category / "anno.json", "is no list")
        for number, row in enumerate(rows):
            named = row.get("question_id") if isinstance(row, dict) else None
            id = f"proactivevideoqa/{category}/{number if named is None else named}"
            yield Item(id, (category, row), subset=category)


def fill(draft: Draft, data: tuple[str, dict[str, Any]]) -> None:
    """One question: a typed or spoken instruction, the video, later messages (subtitles) as text.

    Key phrases of a turn are its content words; the sentence itself is in `raw`.
    """
    category, row = data
    draft.annotation = row
    said = [turn for turn in row["conversation"] if turn["role"] == "user"]
    if not said:
        raise ValueError("the conversation has no question")
    start_ms = draft.instruct(str(said[0]["content"]))
    name = str(row["video"])
    folder = draft.root / category
    path = first_there(folder, f"videos/{name}", name, f"videos/{name}.mp4")
    known_ms = ms(row["duration"]) if row.get("duration") is not None else None
    draft.video(path or folder / "videos" / name, start_ms, known_ms)
    sound = first_there(folder, f"audio/{Path(name).stem}.mp3", f"audio/{Path(name).stem}.wav")
    if sound is not None:
        draft.audio(sound, start_ms)
    for turn in said[1:]:
        draft.text(str(turn["content"]), start_ms + ms(turn["time"]))
    spans: list[tuple[int, int]] = []
    phrases: list[tuple[str, ...]] = []
    for number, turn in enumerate(row["answer"]):
        first, last = span_ms(turn["reply_timespan"])
        spans.append((start_ms + first, start_ms + last))
        phrases.append(key_words(str(turn["content"])))
        about = turn.get("related_timespan") or turn["reply_timespan"]
        first, last = span_ms(about)
        event = (start_ms + first, start_ms + last)
        draft.segment(f"v{number}", "world", event, "visual_event", text=str(turn["content"]))
    if not spans:
        raise ValueError("no answer is expected")
    draft.tail_ms = max(0, max(end for _, end in spans) - draft.duration_ms)
    draft.expect("answer", spans=tuple(spans), accept=tuple(phrases), max_score=2)


def key_words(text: str) -> tuple[str, ...]:
    """The content words of a sentence in its order, each once; the sentence where it has none."""
    chosen = content(text)
    words = dict.fromkeys(word for word in answer_words(text) if word in chosen)
    return tuple(words) or (text,)


BENCHMARK = Benchmark(
    name="proactivevideoqa",
    title="ProactiveVideoQA",
    license="see its page; the videos may not be passed on",
    place="yellow-binary-tree/ProactiveVideoQA (GitHub) and its dataset page",
    layout="{WEB,EGO,TV,VAD}/anno.json and {WEB,EGO,TV,VAD}/videos/",
    items=items,
    fill=fill,
    grading="rule; the official scores need a judge",
)
