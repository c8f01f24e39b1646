"""Writes conversations to a folder, to listen to and to look at.

One folder an episode: user.wav (16 kHz), own.wav (24 kHz), timeline.json (everything that happens
and is expected, sound, both lanes of text), images.png (one image of each pair, in rows of
SHEET_COLUMNS; only where something is shown), episode.npz (what a model is trained on):

    heard [T, A, M] uint8, said [T, A, M] uint8, is_said [T] bool, text_ids [T, K] int32 (-1:
    nothing), speaks [T] bool, mel [T, F, M] float16

T micro-turns, A audio frames, M mel bins, K text tokens, F mel frames.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from microturn.data.bank import Bank
from microturn.data.loader import EPISODE_MS, plan, weights
from microturn.data.mix import Sound
from microturn.data.render import Episode, own_track, render, user_track
from microturn.data.timeline import (
    IMAGE_HEIGHT,
    IMAGE_PERIOD_MS,
    IMAGE_WIDTH,
    Event,
    Timeline,
    utterance_of,
)
from microturn.sequence import MAX_TEXT_TOKENS, split_lanes
from microturn.signal.text import Text
from microturn.signal.wav import write_wav
from microturn.turns import INPUT_RATE_HZ, MICRO_TURN_MS, OUTPUT_RATE_HZ

SHIPPED_TOKENIZER = Path(__file__).parent.parent / "weights" / "nano" / "tokenizer.json"
SHEET, SHEET_COLUMNS = "images.png", 10


def arrays(episode: Episode) -> dict[str, Any]:
    """The arrays of episode.npz."""
    features = [turn for turn, _ in episode.turns]
    decisions = [decision for _, decision in episode.turns]
    text_ids = np.full((len(decisions), MAX_TEXT_TOKENS), -1, dtype=np.int32)
    for row, decision in zip(text_ids, decisions, strict=True):
        row[: len(decision.text_ids)] = decision.text_ids
    said = [torch.zeros_like(f.heard_AM) if f.said_AM is None else f.said_AM for f in features]
    return {
        "heard": torch.stack([f.heard_AM for f in features]).numpy(),
        "fine": torch.stack([f.fine_AFM for f in features if f.fine_AFM is not None]).numpy(),
        "said": torch.stack(said).numpy(),
        "is_said": np.array([f.said_AM is not None for f in features]),
        "text_ids": text_ids,
        "speaks": np.array([decision.speaks for decision in decisions]),
        "mel": episode.mel,
    }


def event_facts(event: Event, bank: Bank) -> dict[str, Any]:
    """One utterance, with its words in the time of the session; words that were cut are left
    out."""
    words = [
        [word.text, event.onset_ms + word.start_ms, event.onset_ms + word.end_ms]
        for word in utterance_of(event, bank).words
        if event.onset_ms + word.start_ms < event.audible_end_ms
    ]
    plain = {name: value for name, value in vars(event).items() if name != "clip"}
    return {**plain, "voice": event.clip.voice, "words": words}


def image_times_ms(timeline: Timeline) -> list[int]:
    """When the images are taken that images.png holds: the first of each pair that is shown."""
    times_ms = range(0, timeline.duration_ms, 2 * IMAGE_PERIOD_MS)
    first_ms, last_ms = timeline.scene_ms
    return [ms for ms in times_ms if timeline.scene is not None and first_ms <= ms < last_ms]


def contact_sheet(timeline: Timeline) -> Image.Image | None:
    """The images of `image_times_ms` in rows; None where nothing is shown."""
    times_ms = image_times_ms(timeline)
    if timeline.scene is None or not times_ms:
        return None
    num_rows = -(-len(times_ms) // SHEET_COLUMNS)
    sheet = Image.new("RGB", (SHEET_COLUMNS * IMAGE_WIDTH, num_rows * IMAGE_HEIGHT))
    for number, time_ms in enumerate(times_ms):
        row, column = divmod(number, SHEET_COLUMNS)
        picture = Image.fromarray(timeline.scene.image(time_ms))
        sheet.paste(picture, (column * IMAGE_WIDTH, row * IMAGE_HEIGHT))
    return sheet


def facts(episode: Episode, sound: Sound, text: Text, bank: Bank) -> dict[str, Any]:
    """The content of timeline.json; lanes are [index of the micro-turn, text]."""
    lanes: dict[str, list[list[Any]]] = {"heard": [], "said": []}
    for index, (_, decision) in enumerate(episode.turns):
        heard, said, _ = split_lanes(decision.text_ids, text.markers)
        for name, ids in (("heard", heard), ("said", said)):
            if ids:
                lanes[name].append([index, text.decode(ids)])
    timeline = episode.timeline
    return {
        "duration_ms": timeline.duration_ms,
        "micro_turn_ms": MICRO_TURN_MS,
        "families": list(timeline.families),
        "instructions": timeline.instructions,
        "sound": asdict(sound),
        "events": [event_facts(event, bank) for event in timeline.events],
        "typed": [asdict(typed) for typed in timeline.typed],
        "delegated": [asdict(delegated) for delegated in timeline.delegated],
        "written": [asdict(written) for written in timeline.written],
        "marks": [asdict(mark) for mark in timeline.marks],
        "expects": [{**vars(expect), "detail": dict(expect.detail)} for expect in timeline.expects],
        "image_times_ms": image_times_ms(timeline),
        "lanes": lanes,
    }


def write_episode(folder: Path, timeline: Timeline, sound: Sound, bank: Bank, text: Text) -> None:
    """Write one conversation into its folder."""
    episode = render(timeline, bank, text, sound)
    folder.mkdir(exist_ok=True)
    write_wav(folder / "user.wav", user_track(timeline, bank, sound), INPUT_RATE_HZ)
    own = own_track(timeline, bank)[: timeline.duration_ms * OUTPUT_RATE_HZ // 1000]
    write_wav(folder / "own.wav", own, OUTPUT_RATE_HZ)
    stated = json.dumps(facts(episode, sound, text, bank), indent=1)
    (folder / "timeline.json").write_text(stated + "\n", encoding="utf-8")
    sheet = contact_sheet(timeline)
    if sheet is not None:
        sheet.save(folder / SHEET)
    np.savez_compressed(folder / "episode.npz", **arrays(episode))


def synthesize(
    out: Path,
    bank: Sequence[Path | str],
    families: Sequence[str] = (),
    count: int = 10,
    seed: int = 0,
    duration_ms: int = EPISODE_MS,
    tokenizer: Path | None = None,
    roughness: float = 0.0,
) -> dict[str, Any]:
    """Write `count` conversations into `out`, overwriting earlier ones of the same number.

    Raises ValueError for an unknown family or an unusable bank, KeyError for a text that the bank
    lacks.
    """
    mixture = weights(dict.fromkeys(families, 1.0) or None)
    clips, text = Bank.load(bank, for_training=False), Text.load(tokenizer or SHIPPED_TOKENIZER)
    if not clips.user:
        raise ValueError("the bank has no user clips; build it with `microturn bank build`")
    out.mkdir(parents=True, exist_ok=True)
    with (out / "manifest.jsonl").open("w", encoding="utf-8") as lines:
        for number in tqdm(range(count), desc="conversations", disable=None):
            timeline, sound = plan(seed, number, clips, mixture, duration_ms, roughness)
            folder = out / f"{number:05d}"
            write_episode(folder, timeline, sound, clips, text)
            entry = {
                "folder": folder.name,
                "seed": seed,
                "number": number,
                "families": timeline.families,
            }
            lines.write(json.dumps(entry) + "\n")
    return {
        "out": str(out),
        "count": count,
        "seed": seed,
        "minutes": round(count * duration_ms / 60_000, 2),
    }
