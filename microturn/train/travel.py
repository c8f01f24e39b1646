"""What a run on a borrowed machine needs to take along and to bring back, in small files.

    python -m microturn.train.travel bank --bank DIR --out DIR --max-mb 60
    python -m microturn.train.travel pack --model DIR --out DIR --part-mb 15
    python -m microturn.train.travel unpack --parts DIR --out DIR

`bank` writes clips again as Opus, evenly over the texts and both sides, until the size is reached.
`pack` cuts a model folder's files into parts; `unpack` puts them together and checks them.

Legend: N samples.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile
import tyro

from microturn.data.bank import Bank, Clip

MB = 1_000_000
INDEX = "parts.json"


@dataclass(frozen=True)
class PackBank:
    """Clips of a bank, as many as `max_mb` holds."""

    bank: tuple[Path, ...]
    out: Path
    max_mb: float = 60.0
    seed: int = 0

    def run(self) -> str:
        num, size = pack_bank(Bank.load(self.bank), self.out, int(self.max_mb * MB), self.seed)
        return f"{num} clips, {size / MB:.1f} MB, in {self.out}"


@dataclass(frozen=True)
class Pack:
    """A model folder into parts of at most `part_mb`."""

    model: Path
    out: Path
    part_mb: float = 15.0

    def run(self) -> str:
        return f"{len(cut(self.model, self.out, int(self.part_mb * MB)))} parts in {self.out}"


@dataclass(frozen=True)
class Unpack:
    """Parts into a model folder."""

    parts: Path
    out: Path

    def run(self) -> str:
        return f"{', '.join(join(self.parts, self.out))} in {self.out}"


def in_turn(clips: Sequence[Clip], rng: random.Random) -> list[Clip]:
    """Clips in an order in which every text comes once before any comes twice; voices by chance."""
    by_text: dict[str, list[Clip]] = {}
    for clip in clips:
        by_text.setdefault(clip.text, []).append(clip)
    for group in by_text.values():
        rng.shuffle(group)
    ranked = [
        (rank, rng.random(), clip) for group in by_text.values() for rank, clip in enumerate(group)
    ]
    return [clip for _, _, clip in sorted(ranked, key=lambda entry: entry[:2])]


def pack_bank(bank: Bank, out: Path, max_bytes: int, seed: int) -> tuple[int, int]:
    """Write clips as Opus with a manifest; returns their number and the bytes of it all.

    Raises ValueError where not even one clip fits.
    """
    rng = random.Random(seed)
    sides = [
        in_turn([clip for clips in side.values() for clip in clips], rng)
        for side in (bank.own, bank.user)
    ]
    # Both sides alike: the model's own voice, which is fewer clips, is whole before the other is.
    order = sorted(
        (
            (number / max(1, len(side)), clip.key, clip)
            for side in sides
            for number, clip in enumerate(side)
        ),
        key=lambda entry: entry[:2],
    )
    out.mkdir(parents=True, exist_ok=True)
    lines, size = [], 0
    for number, (_, _, clip) in enumerate(order):
        file = out / f"{number:06d}.opus"
        audio_N = bank.samples(clip).astype(np.float32) / 32768.0
        soundfile.write(file, audio_N, clip.rate_hz, format="OGG", subtype="OPUS")
        line = manifest_line(clip, file.name, len(audio_N) / clip.rate_hz)
        added = file.stat().st_size + len(line.encode()) + 1
        if size + added > max_bytes:
            file.unlink()
            break
        lines.append(line)
        size += added
    if not lines:
        raise ValueError(f"{max_bytes} bytes hold no clip of this bank; allow more")
    (out / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines), size


def manifest_line(clip: Clip, file: str, seconds: float) -> str:
    """One line of a bank's manifest."""
    words = [[word.text, word.start_ms, word.end_ms] for word in clip.words]
    return json.dumps(
        {
            "key": clip.key,
            "voice": clip.voice,
            "text": clip.text,
            "seconds": round(seconds, 3),
            "words_ms": words,
            "file": file,
            "side": "own" if clip.is_own else "user",
            "split": clip.split,
            "engine": clip.engine,
        },
        ensure_ascii=False,
    )


def cut(folder: Path, out: Path, part_bytes: int) -> list[str]:
    """Files of a folder -> parts and an index with their digests; names of the parts.

    Raises ValueError for a folder without files.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if not files:
        raise ValueError(f"{folder} holds no files to pack")
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.part*"):
        old.unlink()
    index, names = {}, []
    for path in files:
        content = path.read_bytes()
        parts = []
        for number, start in enumerate(range(0, max(1, len(content)), part_bytes)):
            name = f"{path.name}.part{number:03d}"
            (out / name).write_bytes(content[start : start + part_bytes])
            parts.append(name)
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        index[path.name] = {"parts": parts, "digest": digest}
        names += parts
    (out / INDEX).write_text(json.dumps(index, indent=1) + "\n")
    return names


def join(parts: Path, out: Path) -> list[str]:
    """Parts -> the files they were. Raises ValueError where one is missing or damaged; then
    nothing is written."""
    if not (parts / INDEX).is_file():
        raise ValueError(f"{parts} has no {INDEX}: it is not what `travel pack` wrote")
    whole = {}
    for name, entry in json.loads((parts / INDEX).read_text()).items():
        missing = [part for part in entry["parts"] if not (parts / part).is_file()]
        if missing:
            raise ValueError(f"{parts}: {missing[0]} of {name} is missing; fetch it again")
        content = b"".join((parts / part).read_bytes() for part in entry["parts"])
        if hashlib.blake2b(content, digest_size=16).hexdigest() != entry["digest"]:
            raise ValueError(f"{parts}: {name} is damaged on its way; fetch its parts again")
        whole[name] = content
    out.mkdir(parents=True, exist_ok=True)
    for name, content in whole.items():
        (out / Path(name).name).write_bytes(content)
    return list(whole)


Command = (
    Annotated[PackBank, tyro.conf.subcommand("bank")]
    | Annotated[Pack, tyro.conf.subcommand("pack")]
    | Annotated[Unpack, tyro.conf.subcommand("unpack")]
)


if __name__ == "__main__":
    command: PackBank | Pack | Unpack = tyro.cli(
        tyro.conf.OmitSubcommandPrefixes[Command]  # pyright: ignore[reportInvalidTypeArguments]
    )
    print(command.run())
