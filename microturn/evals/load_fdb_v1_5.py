"""Full-Duplex-Bench V1.5: four kinds of overlap (arXiv 2507.23159).

Written from the published description of the layout; nothing of its code or prompts is here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microturn.evals.data_files import first_there, read_json
from microturn.evals.dataset import Benchmark, Item, folders
from microturn.evals.draft import Draft, span_ms, words_of
from microturn.evals.episode import Word

SCENARIOS = {  # folder -> who speaks, what it is, what is wanted
    "user_interruption": ("user", "speech", "yield_then_respond"),
    "user_backchannel": ("user", "backchannel", "continue"),
    "talking_to_other": ("user", "aside", "ignore"),
    "background_speech": ("world", "background", "ignore"),
}
ANSWER_MS = 5000  # how long after an event what follows is looked at


def items(root: Path) -> Iterator[Item]:
    """Every item folder of the four scenarios; the root is `v1_5` or what holds it."""
    base = root / "v1_5" if (root / "v1_5").is_dir() else root
    found = [name for name in SCENARIOS if (base / name).is_dir()]
    if not found:
        raise BENCHMARK.wrong(root, "none of the four scenario folders is there")
    for scenario in found:
        for folder in folders(base / scenario):
            yield Item(f"fdb_v1_5/{scenario}/{folder.name}", (folder, scenario), subset=scenario)


def fill(draft: Draft, data: tuple[Path, str]) -> None:
    """One item folder: a request, and the event that falls into its answer."""
    folder, scenario = data
    draft.audio(folder / "input.wav")
    draft.annotation = facts = read_json(folder / "metadata.json")
    start, end = span_ms(facts["timestamps"])
    words = heard_words(draft, folder)
    request = tuple(word for word in words if word[1] < start)
    add_request(draft, folder, request, start, facts.get("context_text"))
    role, kind, do = SCENARIOS[scenario]
    during = tuple(word for word in words if start <= word[1] < end)
    more: dict[str, Any] = {"text": facts.get("current_turn_text"), "words": during}
    draft.segment("u1", role, (start, end), kind, overlap=True, **more)
    draft.expect(do, on="u1", window=(start, end + ANSWER_MS))


def heard_words(draft: Draft, folder: Path) -> tuple[Word, ...]:
    """Words of `input.json`, which the official recogniser step writes; () without it."""
    path = first_there(folder, "input.json")
    if path is None:
        return ()
    try:
        return words_of(read_json(path)["chunks"])
    except (KeyError, TypeError, ValueError) as error:
        draft.problem(f"input.json is not as described ({error}): words are not known")
        return ()


def add_request(
    draft: Draft, folder: Path, words: tuple[Word, ...], event_ms: int, text: str | None
) -> None:
    """The request ends with its last word; without words, where its sound ends (label energy).

    `clean_input.wav` is the same input without the event.
    """
    if words:
        span, label = (words[0][1], min(event_ms, max(word[2] for word in words))), None
    else:
        path = first_there(folder, "clean_input.wav", "input.wav") or folder
        spoken = [span for span in draft.speech(path) if span[0] < event_ms]
        if not spoken:
            draft.problem(
                "the end of the request is not known: no words, no sound before the event"
            )
            return
        span, label = (spoken[0][0], min(event_ms, spoken[-1][1])), "energy"
    draft.segment("u0", "user", span, "speech", text=text, words=words, label=label)
    draft.expect("respond", on="u0", window=(span[1], event_ms))


BENCHMARK = Benchmark(
    name="fdb_v1_5",
    title="Full-Duplex-Bench V1.5",
    license="MIT (data); the official code is CC BY-NC 4.0",
    place="the download named in the README of DanielLin94144/Full-Duplex-Bench (GitHub)",
    layout="v1_5/<scenario>/<ID>/input.wav and metadata.json",
    items=items,
    fill=fill,
    rates_hz=(16_000,),
    grading="rule; official tags need a judge",
)
