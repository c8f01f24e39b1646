"""Writes conversations to a folder, to listen to and to look at.

One folder an episode: user.wav (16 kHz), own.wav (24 kHz), timeline.json (events, sound, both lanes
of text), episode.npz (what a model is trained on):

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
from tqdm import tqdm

from microturn.data.bank import Bank
from microturn.data.loader import EPISODE_MS, plan, weights
from microturn.data.mix import Sound
from microturn.data.render import Episode, own_track, render, user_track
from microturn.sequence import MAX_TEXT_TOKENS, split_lanes
from microturn.signal.text import Text
from microturn.signal.wav import write_wav
from microturn.turns import INPUT_RATE_HZ, MICRO_TURN_MS, OUTPUT_RATE_HZ

SHIPPED_TOKENIZER = Path(__file__).parent.parent / "weights" / "nano" / "tokenizer.json"


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
        "said": torch.stack(said).numpy(),
        "is_said": np.array([f.said_AM is not None for f in features]),
        "text_ids": text_ids,
        "speaks": np.array([decision.speaks for decision in decisions]),
        "mel": episode.mel,
    }


def facts(episode: Episode, sound: Sound, text: Text) -> dict[str, Any]:
    """The content of timeline.json; lanes are [index of the micro-turn, text]."""
    lanes: dict[str, list[list[Any]]] = {"heard": [], "said": []}
    for index, (_, decision) in enumerate(episode.turns):
        heard, said, _ = split_lanes(decision.text_ids, text.markers)
        for name, ids in (("heard", heard), ("said", said)):
            if ids:
                lanes[name].append([index, text.decode(ids)])
    events = [
        {
            "side": event.side,
            "text": event.text,
            "voice": event.clip.voice,
            "onset_ms": event.onset_ms,
            "end_ms": event.end_ms,
            "cut_ms": event.cut_ms,
        }
        for event in episode.timeline.events
    ]
    return {
        "duration_ms": episode.timeline.duration_ms,
        "micro_turn_ms": MICRO_TURN_MS,
        "families": list(episode.timeline.families),
        "sound": asdict(sound),
        "events": events,
        "lanes": lanes,
    }


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
            episode = render(timeline, clips, text, sound)
            folder = out / f"{number:05d}"
            folder.mkdir(exist_ok=True)
            write_wav(folder / "user.wav", user_track(timeline, clips, sound), INPUT_RATE_HZ)
            own = own_track(timeline, clips)[: timeline.duration_ms * OUTPUT_RATE_HZ // 1000]
            write_wav(folder / "own.wav", own, OUTPUT_RATE_HZ)
            (folder / "timeline.json").write_text(
                json.dumps(facts(episode, sound, text), indent=1) + "\n"
            )
            np.savez_compressed(folder / "episode.npz", **arrays(episode))
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
