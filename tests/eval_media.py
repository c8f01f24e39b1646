"""Tiny made-up media for the tests of loaders: tones, MP4 headers, JSON."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from microturn.evals.catalog import open_set
from microturn.evals.dataset import problems
from microturn.evals.episode import Episode


def sound(path: Path, seconds: float, rate_hz: int = 16_000, subtype: str = "PCM_16") -> None:
    """A tone from 0.3 s to 1.3 s, silence around it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = 0.3 * np.sin(2 * np.pi * 220 * time) * ((time >= 0.3) & (time < 1.3))
    soundfile.write(path, tone.astype(np.float32), rate_hz, subtype=subtype)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def mp4(path: Path, seconds: float) -> None:
    """The boxes of an MP4 that say how long it is; there are no pictures in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">IIIII", 0, 0, 0, 1000, round(seconds * 1000)) + bytes(80)
    data = box(b"ftyp", b"isom") + box(b"free", bytes(40)) + box(b"moov", box(b"mvhd", header))
    path.write_bytes(data)


def note(path: Path, value: Any) -> None:
    """JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def lines(path: Path, *rows: Any) -> None:
    """JSON lines; a string is written as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")


def chunks(*words: tuple[str, float, float]) -> list[dict[str, Any]]:
    """Words as a recogniser writes them."""
    return [{"text": word, "timestamp": [start, end]} for word, start, end in words]


def load(name: str, root: Path, **options: Any) -> dict[str, Episode]:
    """Episodes by id."""
    return {episode.id: episode for episode in open_set(name, root).episodes(**options)}


def said(episode: Episode) -> str:
    """Its problems in one line."""
    return "; ".join(problems(episode))
