"""Full-Duplex-Bench V1.0: pauses, turn-taking, backchannels, interruptions (arXiv 2503.04721).

Written from the published description of the layout; nothing of its code or prompts is here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microturn.evals.data_files import read_json
from microturn.evals.dataset import Benchmark, Item, folders
from microturn.evals.draft import Draft, span_ms, words_of
from microturn.evals.episode import Word

SUBSETS = {  # folder -> its annotation
    "candor_pause_handling": "pause.json",
    "candor_turn_taking": "turn_taking.json",
    "icc_backchannel": None,
    "synthetic_pause_handling": "pause.json",
    "synthetic_user_interruption": "interrupt.json",
}
ANSWER_MS = 5000  # how long after a turn its answer is waited for


def items(root: Path) -> Iterator[Item]:
    """Every item folder of the five subsets; the root is `v1_0` or what holds it."""
    base = root / "v1_0" if (root / "v1_0").is_dir() else root
    found = [name for name in SUBSETS if (base / name).is_dir()]
    if not found:
        raise BENCHMARK.wrong(root, "none of the five subset folders is there")
    for subset in found:
        for folder in folders(base / subset):
            yield Item(f"fdb_v1/{subset}/{folder.name}", (folder, subset), subset=subset)


def fill(draft: Draft, data: tuple[Path, str]) -> None:
    """One item folder: the user's sound, and what its annotation marks in it."""
    folder, subset = data
    draft.audio(folder / "input.wav")
    name = SUBSETS[subset]
    draft.annotation = {}
    if (folder / "transcription.json").is_file():
        draft.annotation["transcription"] = read_json(folder / "transcription.json")
    marks: list[Any] = []
    if name is not None:
        draft.annotation[name.removesuffix(".json")] = marks = read_json(folder / name)
    words = transcript(draft)
    if name == "pause.json":
        fill_pauses(draft, words, marks)
    elif name == "turn_taking.json":
        fill_turn(draft, words, marks)
    elif name == "interrupt.json":
        fill_interruption(draft, folder, words, marks)
    else:
        add_speech(draft, "u0", words, (0, draft.duration_ms))


def transcript(draft: Draft) -> tuple[Word, ...]:
    """The user's words; () with a problem where there is no transcription that can be read."""
    if "transcription" not in draft.annotation:
        draft.problem("no transcription.json: the user's words are not known")
        return ()
    try:
        chunks = [chunk for part in draft.annotation["transcription"] for chunk in part["item"]]
        return words_of(chunks)
    except (KeyError, TypeError, ValueError) as error:
        draft.problem(f"transcription.json is not as described ({error}): words are not known")
        return ()


def add_speech(
    draft: Draft, id: str, words: tuple[Word, ...], otherwise: tuple[int, int], **more: Any
) -> None:
    """A stretch of user speech from the first word to the last."""
    span = (words[0][1], max(word[2] for word in words)) if words else otherwise
    text = " ".join(word[0] for word in words) or None
    draft.segment(id, "user", span, "speech", text=text, words=words, **more)


def fill_pauses(draft: Draft, words: tuple[Word, ...], marks: list[Any]) -> None:
    """One turn of the user with pauses in it, at none of which the turn is to be taken."""
    add_speech(draft, "u0", words, (0, draft.duration_ms))
    for number, mark in enumerate(marks):
        draft.segment(f"p{number}", "user", span_ms(mark["timestamp"]), "pause")
        draft.expect("wait", on=f"p{number}")


def fill_turn(draft: Draft, words: tuple[Word, ...], marks: list[Any]) -> None:
    """The answer is timed from the start of the marker; what the user says later is another turn.

    Words that begin inside the marker still count as the turn's.
    """
    for number, mark in enumerate(marks):
        start, end = span_ms(mark["timestamp"])
        turn = tuple(word for word in words if word[1] < end)
        words = tuple(word for word in words if word[1] >= end)
        text = " ".join(word[0] for word in turn) or None
        first = min(turn[0][1], start) if turn else 0
        draft.segment(f"u{number}", "user", (first, start), "speech", text=text, words=turn)
        draft.expect("respond", on=f"u{number}", window=(start, start + ANSWER_MS))
    if words:
        add_speech(draft, f"u{len(marks)}", words, (0, 0))


def fill_interruption(
    draft: Draft, folder: Path, words: tuple[Word, ...], marks: list[Any]
) -> None:
    """A request, then the user again while it is being answered.

    The request ends with its last word; without words, with its speech in `context.wav`. Nothing is
    expected on it: upstream times answers in the subset of turn-taking only.
    """
    for number, mark in enumerate(marks):
        start, end = span_ms(mark["timestamp"])
        before = tuple(word for word in words if word[1] < start)
        during = tuple(word for word in words if start <= word[1] < end)
        spoken = [] if before else draft.speech(folder / "context.wav")
        if before:
            span = (before[0][1], min(start, max(word[2] for word in before)))
        else:
            span = (spoken[0][0], min(start, spoken[-1][1])) if spoken else None
        if number == 0 and span is not None and span[0] <= span[1]:
            text = mark.get("context")
            draft.segment("u0", "user", span, "speech", text=text, words=before)
        elif number == 0:
            draft.problem("neither words nor context.wav: the end of the request is not known")
        id, text = f"u{number + 1}", mark.get("interrupt")
        more: dict[str, Any] = {"text": text, "words": during, "overlap": True}
        draft.segment(id, "user", (start, end), "speech", **more)
        draft.expect("yield_then_respond", on=id, window=(start, end + ANSWER_MS))


BENCHMARK = Benchmark(
    name="fdb_v1",
    title="Full-Duplex-Bench V1.0",
    license="CC BY-NC 4.0 (synthetic subsets MIT); Candor and ICC under their own terms",
    place="the download named in the README of DanielLin94144/Full-Duplex-Bench (GitHub)",
    layout="v1_0/<subset>/<ID>/input.wav with pause.json, turn_taking.json or interrupt.json",
    items=items,
    fill=fill,
    rates_hz=(16_000, 48_000),
    grading="exact",
)
