"""What banks hold: `microturn bank stats DIR...`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from microturn.data.bank import are_in_order
from microturn.data.voices import OWN_VOICE, engine_of
from microturn.signal.text import normalise


def manifests_of(path: Path) -> list[Path]:
    """A bank's manifests. Raises ValueError where there are none."""
    found = sorted(path.glob("manifest*.jsonl")) if path.is_dir() else [path]
    if not found or not all(manifest.is_file() for manifest in found):
        raise ValueError(
            f"no speech bank at {path}: want a folder with manifest*.jsonl, or a .jsonl"
        )
    return found


def hours(seconds: Mapping[str, float]) -> dict[str, float]:
    """Hours by name, the largest first."""
    order = sorted(seconds, key=lambda name: (-seconds[name], name))
    return {name: round(seconds[name] / 3600, 3) for name in order}


def size_of(path: Path) -> int:
    """Bytes of a bank: what is in its folder, or its manifest and the tar beside it."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    files = (path, path.with_suffix(".tar"))
    return sum(file.stat().st_size for file in files if file.is_file())


def bank_stats(paths: Sequence[Path]) -> dict[str, Any]:
    """Hours by side, engine and voice, clips, distinct texts and words, licences.

    Raises ValueError for a path without a bank and for a damaged line.
    """
    by: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    texts: set[str] = set()
    words: set[str] = set()
    clips = untimed = 0
    for manifest in [found for path in paths for found in manifests_of(path)]:
        for number, line in enumerate(manifest.read_text(encoding="utf-8").splitlines(), 1):
            try:
                entry: dict[str, Any] = json.loads(line)
                seconds, voice = float(entry["seconds"]), str(entry["voice"])
                text = normalise(str(entry["text"]))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{manifest} line {number} is not a clip: {error}") from error
            clips += 1
            times = entry.get("words_ms")
            untimed += times is None or not are_in_order(times)
            texts.add(text)
            words |= {word.strip(".,?!-'") for word in text.split()}
            side = str(entry.get("side", "own" if voice == OWN_VOICE else "user"))
            by["side"][side] += seconds
            by["engine"][engine_of(voice, entry.get("engine"))] += seconds
            by["voice"][voice] += seconds
            by["licence"][str(entry.get("licence", "not stated"))] += seconds
            by["split"][str(entry.get("split", "train"))] += seconds
    return {
        "clips": clips,
        "clips_without_word_times": untimed,
        "hours": round(sum(by["side"].values()) / 3600, 3),
        "texts": len(texts),
        "words": len(words - {""}),
        "voices": len(by["voice"]),
        "megabytes": round(sum(map(size_of, paths)) / 1e6, 1),
        **{f"hours_by_{name}": hours(counted) for name, counted in by.items()},
    }
