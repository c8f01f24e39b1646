"""Recordings become clips of a speech bank: word times are found, long ones are cut at a pause.

`write_corpus` does a whole corpus into a bank folder and goes on where it was stopped.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import soundfile  # pyright: ignore[reportMissingTypeStubs]
from tqdm import tqdm

from microturn.data.align import Aligner, TimesKept, entries, find_aligner
from microturn.data.bank import HUMAN, Clip, Word
from microturn.data.corpora import Recording, recordings
from microturn.data.spoken_forms import to_spoken
from microturn.turns import FloatArray

LONGEST_MS = 12_000
LEAST_PAUSE_MS = 100  # between two words, to cut there; 45 ms of it come from `on_our_clock`
EDGE_MS = 250  # kept of the recording before the first word and after the last


def written_words(text: str) -> list[str]:
    """The words of a transcript as they are spoken; a lone dash or quote is no word."""
    return [word for word in to_spoken(text).split() if entries(word)]


class Sounds:
    """Reads recordings; the members of a tar are listed once."""

    def __init__(self) -> None:
        self.members: dict[Path, dict[str, tuple[int, int]]] = {}

    def content(self, place: tuple[Path, str]) -> bytes:
        """Bytes of a recording. Raises OSError, KeyError, tarfile.TarError."""
        container, name = place
        if container.is_dir():
            return (container / name).read_bytes()
        if container not in self.members:
            with tarfile.open(container) as opened:
                self.members[container] = {m.name: (m.offset_data, m.size) for m in opened}
        start, size = self.members[container][name]
        with container.open("rb") as file:
            file.seek(start)
            return file.read(size)

    def read(self, place: tuple[Path, str]) -> tuple[FloatArray, int]:
        """Samples and rate. Raises ValueError naming a damaged or missing recording."""
        try:
            audio, rate_hz = soundfile.read(
                io.BytesIO(self.content(place)), dtype="float32", always_2d=True
            )
        except (soundfile.LibsndfileError, tarfile.TarError, OSError, KeyError) as error:
            raise ValueError(f"cannot read {place[1]} of {place[0]}: {error}") from error
        if len(audio) == 0:
            raise ValueError(f"{place[1]} of {place[0]} holds no sound")
        return audio.mean(axis=1), rate_hz


def phrases(words: Sequence[Word], longest_ms: int = LONGEST_MS) -> list[tuple[Word, ...]]:
    """Words in parts no longer than this, cut at the longest pauses that are not near an end.

    Parts that stay too long, because nobody paused, are left out.
    """
    if not words:
        return []
    first_ms, last_ms = words[0].start_ms, words[-1].end_ms
    if last_ms - first_ms + 2 * EDGE_MS <= longest_ms:
        return [tuple(words)]
    pauses = [
        (after.start_ms - before.end_ms, (before.end_ms + after.start_ms) / 2, place)
        for place, (before, after) in enumerate(pairwise(words), 1)
        if after.start_ms - before.end_ms >= LEAST_PAUSE_MS
    ]
    margin_ms = (last_ms - first_ms) / 5
    inner = [p for p in pauses if first_ms + margin_ms < p[1] < last_ms - margin_ms]
    if not pauses:
        return []
    middle_ms = (first_ms + last_ms) / 2
    place = max(inner or pauses, key=lambda pause: (pause[0], -abs(pause[1] - middle_ms)))[2]
    return phrases(words[:place], longest_ms) + phrases(words[place:], longest_ms)


def cut(recording: Recording, words: Sequence[Word], length_ms: int) -> list[Clip]:
    """Clips of a recording: its phrases with a little of what is around them."""
    parts = phrases(words)
    clips: list[Clip] = []
    for number, part in enumerate(parts):
        before = [word.end_ms for word in words if word.end_ms <= part[0].start_ms]
        after = [word.start_ms for word in words if word.start_ms >= part[-1].end_ms]
        start_ms = max(0, part[0].start_ms - EDGE_MS)
        end_ms = min(length_ms, part[-1].end_ms + EDGE_MS)
        if before:
            start_ms = max(start_ms, (before[-1] + part[0].start_ms) // 2)
        if after:
            end_ms = min(end_ms, (part[-1].end_ms + after[0]) // 2)
        clips.append(
            Clip(
                recording.key if len(parts) == 1 else f"{recording.key}.{number}",
                recording.voice,
                " ".join(word.text for word in part),
                tuple(Word(w.text, w.start_ms - start_ms, w.end_ms - start_ms) for w in part),
                recording.place,
                False,
                start_ms,
                end_ms,
                recording.split,
                HUMAN,
            )
        )
    return clips


def recognised(times: Sequence[Word], written: Sequence[str]) -> tuple[Word, ...] | None:
    """A recogniser's word times for the spoken words: "12-ounce" shares its time out evenly.

    None where they are not the same words.
    """
    found: list[Word] = []
    for word in times:
        parts = written_words(word.text)
        for place, part in enumerate(parts):
            edges = [
                word.start_ms + (word.end_ms - word.start_ms) * at // len(parts)
                for at in (place, place + 1)
            ]
            found.append(Word(part, *edges))
    return tuple(found) if found and [word.text for word in found] == list(written) else None


def clips_of(recording: Recording, sounds: Sounds, aligner: Aligner, kept: TimesKept) -> list[Clip]:
    """Clips with word times; none where text and sound do not fit.

    Raises ValueError for a damaged recording.
    """
    audio, rate_hz = sounds.read(recording.place)
    length_ms = len(audio) * 1000 // rate_hz
    written = written_words(recording.text)
    words = kept.align(aligner, recording.key, written, audio, rate_hz)
    if words is None:
        words = recognised(recording.times, written)
    if words is None or words[-1].end_ms > length_ms + 100:
        return []
    return cut(recording, words, length_ms)


@dataclass
class Tally:
    """What became of a corpus's recordings."""

    made: int = 0
    recordings: int = 0
    seconds: float = 0.0
    unaligned: list[str] = field(default_factory=list[str])
    damaged: list[str] = field(default_factory=list[str])


def line_of(clip: Clip, recording: Recording, out: Path, copied: str | None) -> dict[str, Any]:
    """The manifest's line of a clip; its sound is where it was, or a copy in the folder."""
    container, name = clip.place
    place: dict[str, Any] = {"tar": str(container.resolve()), "member": name}
    if copied is not None:
        place = {"file": copied}
    elif container.is_dir():
        place = {"file": str((container / name).resolve())}
    return {
        "key": clip.key,
        **place,
        "side": "user",
        "engine": HUMAN,
        "corpus": recording.corpus,
        "voice": clip.voice,
        "licence": recording.licence,
        "split": clip.split,
        "text": clip.text,
        "seconds": round(((clip.end_ms or 0) - clip.start_ms) / 1000, 3),
        "start_ms": clip.start_ms,
        "end_ms": clip.end_ms,
        "words_ms": [[word.text, word.start_ms, word.end_ms] for word in clip.words],
    }


def write_part(
    folder: Path, out: Path, split: str, part: tuple[int, int], is_copied: bool, aligner: Aligner
) -> tuple[list[dict[str, Any]], dict[str, Tally]]:
    """Manifest lines of every n-th recording from a place on; part: (place, n).

    Word times are kept in `times/`, so that a second call is quick. Damaged recordings are left out
    and listed.
    """
    worker, num_workers = part
    name = folder.resolve().name
    kept = TimesKept(sorted(out.glob(f"times/{name}*.jsonl")), out / f"times/{name}_{worker}.jsonl")
    sounds, tallies = Sounds(), dict[str, Tally]()
    lines: list[dict[str, Any]] = []
    found = recordings(folder, for_training=split == "train")
    todo = [recording for recording in found if recording.split == split][worker::num_workers]
    is_shown = None if worker == 0 else True
    for recording in tqdm(todo, desc=f"aligning {name}", unit="clip", disable=is_shown):
        tally = tallies.setdefault(recording.corpus, Tally())
        tally.recordings += 1
        try:
            clips = clips_of(recording, sounds, aligner, kept)
            copied = copy(recording, sounds, out) if clips and is_copied else None
        except ValueError as error:
            tally.damaged.append(f"{recording.key}: {error}")
            continue
        if not clips:
            tally.unaligned.append(recording.key)
        for clip in clips:
            lines.append(line_of(clip, recording, out, copied))
            tally.made += 1
            tally.seconds += lines[-1]["seconds"]
    return lines, tallies


def start_part(
    folder: Path, out: Path, split: str, part: tuple[int, int], is_copied: bool
) -> tuple[list[dict[str, Any]], dict[str, Tally]]:
    """`write_part` in a process of its own."""
    return write_part(folder, out, split, part, is_copied, find_aligner())


def write_corpus(
    folder: Path,
    out: Path,
    split: str = "train",
    workers: int | None = 1,
    is_copied: bool = False,
    aligner: Aligner | None = None,
) -> dict[str, Tally]:
    """Write `manifest_human_<name>.jsonl` into a bank folder; what became of each corpus.

    split: which recordings, "train" or "validation". workers None: one a core. is_copied: the
    recordings are copied, so that the folder can be moved. Raises ValueError for a folder of no
    known shape.
    """
    out.mkdir(parents=True, exist_ok=True)
    recordings(folder)
    count = workers or os.cpu_count() or 1
    if count == 1 or aligner is not None:
        parts = [write_part(folder, out, split, (0, 1), is_copied, aligner or find_aligner())]
    else:
        jobs = [(folder, out, split, (worker, count), is_copied) for worker in range(count)]
        with multiprocessing.get_context("spawn").Pool(count) as pool:
            parts = pool.starmap(start_part, jobs)
    tallies: dict[str, Tally] = {}
    for _, part in parts:
        for name, tally in part.items():
            total = tallies.setdefault(name, Tally())
            total.made += tally.made
            total.recordings += tally.recordings
            total.seconds += tally.seconds
            total.unaligned += tally.unaligned
            total.damaged += tally.damaged
    lines = sorted((line for part, _ in parts for line in part), key=lambda line: line["key"])
    name = f"manifest_human_{folder.resolve().name}"
    partial = out / f"{name}.part"
    partial.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    partial.replace(out / f"{name}.jsonl")
    return tallies


def copy(recording: Recording, sounds: Sounds, out: Path) -> str:
    """Copy a recording's file into the bank; its name there."""
    name = f"clips/{recording.corpus}/{Path(recording.place[1]).name}"
    target = out / name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".part")
        partial.write_bytes(sounds.content(recording.place))
        partial.replace(target)
    return name
