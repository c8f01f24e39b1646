"""HumDial-FDBench: people who interrupt, and people who do not mean to (arXiv 2604.21406)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from microturn.evals.data_files import first_there, read_json
from microturn.evals.dataset import Benchmark, Item, natural
from microturn.evals.draft import Draft, ms, words_of
from microturn.evals.episode import Word

LANGUAGES = {"en": "en_test_nondev", "zh": "cn_test_nondev"}
INTERRUPTIONS = ("ask", "deny", "repeat", "shift")
CATEGORIES = (
    *INTERRUPTIONS,
    "wait",
    "backchannel",
    "pause",
    "talk_to_others",
    "others_talk_to_user_before",
    "others_talk_to_user_after",
)
BREAK = "[break]"
ANSWER_MS = 5000
HUSH_MS = 2000  # after being told to wait, so long to fall silent


def items(root: Path) -> Iterator[Item]:
    """Every sample; the subset is its category. The root is `test`, or what holds it."""
    base = root / "test" if (root / "test").is_dir() else root
    found = [(lang, base / name) for lang, name in LANGUAGES.items() if (base / name).is_dir()]
    if not found:
        raise BENCHMARK.wrong(root, "neither en_test_nondev nor cn_test_nondev is there")
    for lang, folder in found:
        for category in CATEGORIES:
            for path in samples(folder / category):
                id = f"humdial/{lang}/{category}/{path.stem}"
                yield Item(id, (path, category), subset=category, lang=lang)


def samples(folder: Path) -> list[Path]:
    """The annotations of a category, or sounds that have none; clean versions are left out."""
    names = {path.with_suffix(".json") for path in folder.glob("*.wav")}
    names |= {path for path in folder.glob("*.json") if not path.stem.endswith("_timestamp")}
    chosen = [path for path in names if not path.stem.startswith("clean_")]
    return sorted(chosen, key=lambda path: natural(path.stem))


def fill(draft: Draft, data: tuple[Path, str]) -> None:
    """One sample: a request, 5 s later the event; the sound lasts as long as is waited."""
    path, category = data
    draft.audio(path.with_suffix(".wav"))
    draft.annotation = facts = read_json(path)
    parts = sorted(facts["speech_segments"], key=lambda part: ms(part["xmin"]))
    if not parts:
        raise ValueError("no speech is annotated")
    words = timed_words(draft, path)
    for number, part in enumerate(parts):
        span = (ms(part["xmin"]), max(ms(part["xmin"]), ms(part["xmax"])))
        text = str(part.get("text", ""))
        inside = tuple(word for word in words if span[0] <= word[1] < span[1])
        add_part(draft, category, number, span, text, inside)
    least = {"talk_to_others": 3, "pause": 1}.get(category, 2)
    if len(parts) < least:
        draft.problem(f"{len(parts)} stretches of speech are annotated, want {least}: no event")


def timed_words(draft: Draft, path: Path) -> tuple[Word, ...]:
    """Words (in Chinese: characters) with their times; () without the file."""
    times = first_there(path.parent, f"{path.stem}_timestamp.json")
    if times is None:
        draft.problem(f"{path.stem}_timestamp.json is not there: words are not known")
        return ()
    try:
        return words_of(read_json(times)["chunks"])
    except (KeyError, TypeError, ValueError) as error:
        draft.problem(f"{times.name} is not as described ({error}): words are not known")
        return ()


def add_part(
    draft: Draft,
    category: str,
    number: int,
    span: tuple[int, int],
    text: str,
    words: Sequence[Word],
) -> None:
    """A stretch of speech with what it is in this category, and what is expected on it."""
    id = f"u{number}"
    clean = " ".join(text.replace(BREAK, " ").split())
    role, kind, do = meaning(category, number)
    more: dict[str, Any] = {"text": clean, "words": tuple(words)}
    draft.segment(id, role, span, kind, overlap=number > 0 and do != "respond", **more)
    if category == "pause" and BREAK in text:
        add_pause(draft, id, words)
    if do == "silent":
        draft.expect(
            "silent", window=(span[1] + HUSH_MS, max(span[1] + HUSH_MS, draft.duration_ms))
        )
    elif do == "respond":
        draft.expect("respond", on=id, window=(span[1], span[1] + ANSWER_MS))
    else:
        draft.expect(do, on=id, window=(span[0], span[1] + ANSWER_MS))


def meaning(category: str, number: int) -> tuple[str, str, str]:
    """Role, kind and expectation of a stretch of speech by its place in a category."""
    if category in INTERRUPTIONS and number == 1:
        return "user", "speech", "yield_then_respond"
    if category == "wait" and number == 1:
        return "user", "speech", "silent"
    if category == "backchannel" and number == 1:
        return "user", "backchannel", "continue"
    if category == "talk_to_others" and number == 2:
        return "user", "aside", "ignore"
    is_third = (category.endswith("_after") and number > 0) or (
        category.endswith("_before") and number == 0
    )
    return ("world", "background", "ignore") if is_third else ("user", "speech", "respond")


def add_pause(draft: Draft, id: str, words: Sequence[Word]) -> None:
    """The pause in a turn is the longest gap between its words."""
    gaps = [
        (after[1] - before[2], before[2], after[1])
        for before, after in pairwise(words)
        if after[1] > before[2]
    ]
    if not gaps:
        draft.problem("where the pause lies is not known: no gap between words")
        return
    _, start, end = max(gaps)
    draft.segment(f"p{id}", "user", (start, end), "pause")
    draft.expect("wait", on=f"p{id}")


BENCHMARK = Benchmark(
    name="humdial",
    title="HumDial-FDBench",
    license="Apache-2.0",
    place="the dataset page ASLP-lab/HumDial-FDBench (Hugging Face), Humdial-Track2-Test.zip",
    layout="test/{en,cn}_test_nondev/<category>/<id>.wav, <id>.json, <id>_timestamp.json",
    items=items,
    fill=fill,
    rates_hz=(16_000,),
    grading="rule; official tags need a judge",
)
