"""One example of each skill as a picture, and a page that shows them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from microturn.data.bank import Bank
from microturn.data.loader import plan
from microturn.data.look import picture, read_facts, read_tracks
from microturn.data.synth import SHIPPED_TOKENIZER, write_episode
from microturn.scenarios import families
from microturn.signal.text import Text

GALLERY_MS = 20_000  # of conversation in a picture
TRIES = 40  # conversations looked at for one in which enough is said
NUM_COLORS = 96  # of a picture: small files
SAID_AT_LEAST = 3  # utterances, where a skill has so many


def example(
    name: str, bank: Bank, text: Text, seed: int, duration_ms: int = GALLERY_MS
) -> Image.Image | None:
    """A picture of a conversation of one skill; None where the bank has no clips for it."""
    found = None
    for number in range(TRIES):
        timeline, sound = plan(seed, number, bank, {name: 1.0}, duration_ms)
        if name not in timeline.families:
            continue
        if found is None or len(timeline.events) > len(found[0].events):
            found = timeline, sound
        if len(timeline.events) >= SAID_AT_LEAST:
            break
    if found is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        write_episode(Path(folder), *found, bank, text)
        drawn = picture(read_facts(Path(folder)), Path(folder), read_tracks(Path(folder)))
    return drawn.quantize(NUM_COLORS, dither=Image.Dither.NONE)


def page(names: Sequence[str], folder: str) -> str:
    """The page of the gallery, in Markdown."""
    known = families()
    lines = [
        "# Gallery",
        "",
        "One generated conversation of each skill, as `microturn look` draws it: images, sound and",
        "words of both sides, who has the floor, typed text and updates, what is handed over,",
        "timers, what happens, and what is expected of a good listener. Each skill is a file in",
        "`microturn/scenarios`. Made with `microturn synth --gallery`.",
    ]
    for name in names:
        about = " ".join((known[name].__doc__ or "").split("\n\n")[0].split())
        lines += ["", f"## {name}", "", about, "", f"![{name}]({folder}/{name}.png)"]
    return "\n".join(lines) + "\n"


def write_gallery(
    out: Path, bank: Sequence[Path | str], chosen: Sequence[str] = (), seed: int = 0
) -> dict[str, Any]:
    """Write OUT/<skill>.png for each skill that the bank has clips for, and beside the folder
    OUT.md, which shows every picture in it. Raises ValueError for an unusable bank."""
    clips, text = Bank.load(bank, for_training=False), Text.load(SHIPPED_TOKENIZER)
    if not clips.user:
        raise ValueError("the bank has no user clips; build it with `microturn bank build`")
    out.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    left_out: list[str] = []
    for name in tqdm(chosen or tuple(families()), desc="skills", disable=None):
        drawn = example(name, clips, text, seed)
        (names if drawn is not None else left_out).append(name)
        if drawn is not None:
            drawn.save(out / f"{name}.png", optimize=True)
    about = out.with_name(f"{out.name}.md")
    drawn_ever = [name for name in families() if (out / f"{name}.png").is_file()]
    about.write_text(page(drawn_ever, out.name), encoding="utf-8")
    num_bytes = sum((out / f"{name}.png").stat().st_size for name in drawn_ever)
    return {
        "out": str(out),
        "page": str(about),
        "count": len(names),
        "left_out": left_out,
        "bytes": num_bytes,
    }
