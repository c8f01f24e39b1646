"""The speech bank: utterances with word times, found by text.

A bank is a folder with `manifest*.jsonl` beside its clips, or a `.jsonl` with a `.tar` of the same
name. A line is one clip: key, voice, text, seconds, words_ms [[word, start, end], ...], and `file`
(in a folder), `member` of `tar`, or key + ".opus" (in the tar). `side` is "own" or "user"; without
it, the model's own voice is known by name. A clip may be a part of its file (`start_ms`, `end_ms`;
its word times count from `start_ms`). What a corpus keeps for validation (`split`) never trains.
Clips are decoded when first used and kept as int16.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import soundfile  # pyright: ignore[reportMissingTypeStubs]
import soxr  # pyright: ignore[reportMissingTypeStubs]

from microturn.data.voices import OWN_VOICE, TRAINING, may_train
from microturn.signal.text import normalise
from microturn.turns import INPUT_RATE_HZ, OUTPUT_RATE_HZ, FloatArray

SILENCE = 0.01  # of the clip's peak: what is quieter before and after is cut off
LEAD_MS, TRAIL_MS = 20, 60
HUMAN = "human"  # the engine of recordings
MOST_BYTES = 2 * 1024**3  # of decoded samples that a process keeps: 18 hours of a user's speech
MISSING_MS = 200  # sound that may be missing at a clip's end
T = TypeVar("T")


class DamagedClip(ValueError):
    """A clip whose sound is gone or cannot be used; `key` names it."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.key, str(self))  # it comes whole out of a worker process


@dataclass(frozen=True)
class Word:
    """One spoken word and its time in the clip."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Spoken:
    """What an engine gives for a text. `words` is None where their times are not known."""

    audio: FloatArray
    rate_hz: int
    words: tuple[Word, ...] | None
    phonemes: str = ""


@dataclass(frozen=True)
class Clip:
    """One utterance; `place` is where its samples are: a file, or a member of a tar.

    `is_own`: the model's voice. start_ms, end_ms: the part of the file (None: to its end); word
    times count from start_ms. split: "train", or what is kept for evaluation.
    """

    key: str
    voice: str
    text: str
    words: tuple[Word, ...]
    place: tuple[Path, str]
    is_own: bool = False
    start_ms: int = 0
    end_ms: int | None = None
    split: str = "train"
    engine: str = ""

    @property
    def rate_hz(self) -> int:
        return OUTPUT_RATE_HZ if self.is_own else INPUT_RATE_HZ


def span_of(samples: npt.NDArray[np.int16], per_ms: int) -> tuple[int, int]:
    """First and last sample of what is audible, with a margin around it; all of a silent clip."""
    level = np.abs(samples.astype(np.float32) / 32768.0)
    loud = np.flatnonzero(level > SILENCE * max(1e-4, float(level.max(initial=0.0))))
    if len(loud) == 0:
        return 0, len(samples)
    first, last = int(loud[0]) - LEAD_MS * per_ms, int(loud[-1]) + TRAIL_MS * per_ms
    return max(0, first), min(len(samples), last)


def check_sound(clip: Clip, audio: FloatArray, rate_hz: int) -> None:
    """Raises DamagedClip for sound that is empty, no numbers, or shorter than its words."""
    length_ms = len(audio) * 1000 // rate_hz
    words_ms = max((word.end_ms for word in clip.words), default=0)
    wrong = ""
    if length_ms == 0:
        wrong = "it is empty"
    elif not np.isfinite(audio).all():
        wrong = "some of its samples are no numbers"
    elif length_ms + MISSING_MS < words_ms:
        wrong = f"it ends after {length_ms} ms, and its words after {words_ms} ms"
    if wrong:
        container, name = clip.place
        raise DamagedClip(clip.key, f"cannot use clip {name} of {container}: {wrong}")


@dataclass(frozen=True)
class Utterance:
    """A decoded clip without the silence around it; word times follow."""

    clip: Clip
    audio: FloatArray
    words: tuple[Word, ...]

    @property
    def duration_ms(self) -> int:
        return len(self.audio) * 1000 // self.clip.rate_hz


def place_of(path: Path, entry: dict[str, Any]) -> tuple[Path, str]:
    """Where the sound of a manifest's line is."""
    if "file" in entry:
        return path.parent, str(entry["file"])
    if "tar" in entry:
        return path.parent / entry["tar"], str(entry["member"])
    return path.with_suffix(".tar"), entry["key"] + ".opus"


def are_in_order(words_ms: Sequence[Sequence[Any]]) -> bool:
    """Whether [word, start, end] follow each other; else their times are wrong."""
    return all(int(a[1]) <= int(b[1]) for a, b in pairwise(words_ms))


def clip_of(path: Path, entry: dict[str, Any]) -> Clip | None:
    """The clip of a manifest's line; None without word times that can be used."""
    if entry["words_ms"] is None or not are_in_order(entry["words_ms"]):
        return None
    words = tuple(Word(str(word), int(start), int(end)) for word, start, end in entry["words_ms"])
    voice = str(entry["voice"])
    return Clip(
        str(entry["key"]),
        voice,
        str(entry["text"]),
        words,
        place_of(path, entry),
        entry.get("side", "own" if voice == OWN_VOICE else "user") == "own",
        int(entry.get("start_ms", 0)),
        None if entry.get("end_ms") is None else int(entry["end_ms"]),
        str(entry.get("split", "train")),
        str(entry.get("engine", "")),
    )


def read_manifest(path: Path) -> list[Clip]:
    """Clips of one manifest; those without word times, or with times out of order, are left out.

    Raises ValueError naming a bad line.
    """
    clips: list[Clip] = []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        if number == len(lines) and not line.rstrip().endswith("}"):
            continue  # torn: its writer was stopped, or is at it
        try:
            clip = clip_of(path, json.loads(line))
        except (KeyError, TypeError, ValueError) as error:
            hint = ""
            if "dataset" in line:
                hint = "; for a corpus of recordings use `microturn bank build --corpora`"
            raise ValueError(f"{path} line {number} is not a clip: {error}{hint}") from error
        if clip is not None:
            clips.append(clip)
    return clips


def two_voices(own_voices: Mapping[str, tuple[int, Path]]) -> str:
    """What to say where clips of the model's own side are not all of one voice: number of clips and
    the first manifest of each."""
    each = ", ".join(
        f"{voice} ({count} clips, {path})" for voice, (count, path) in own_voices.items()
    )
    return (
        f"the banks give the model {len(own_voices)} voices: {each}; it would learn a mixture of "
        "them that nobody understands. Take the lines of one out of its manifest, or build what is "
        "for the user's side with `microturn bank build --no-own`"
    )


class Bank:
    """Clips by text, for the user's side and for the model's own voice."""

    def __init__(self, clips: Iterable[Clip], for_training: bool = True) -> None:
        self.user: dict[str, list[Clip]] = defaultdict(list)
        self.own: dict[str, list[Clip]] = defaultdict(list)
        self._samples: OrderedDict[str, npt.NDArray[np.int16]] = OrderedDict()
        self._num_bytes = 0  # of the samples that are kept
        self._spans: dict[str, tuple[int, int]] = {}
        self._members: dict[Path, dict[str, tuple[int, int]]] = {}
        self._found: dict[Hashable, Any] = {}
        for clip in clips:
            if for_training and not may_train(clip.voice):
                raise ValueError(
                    f"clip {clip.key} is spoken by {clip.voice}, a voice kept for evaluation; "
                    "take it out of the training bank"
                )
            if for_training and clip.split != "train":
                raise ValueError(f"clip {clip.key} is kept for {clip.split}; it must not train")
            side = self.own if clip.is_own else self.user
            side[normalise(clip.text)].append(clip)

    @classmethod
    def load(cls, paths: Sequence[Path | str], for_training: bool = True) -> Bank:
        """Read folders and manifests; for training without the clips kept for validation.

        Raises ValueError when a path holds no clips, and where the model would have two voices.
        """
        clips: list[Clip] = []
        own_voices: dict[str, tuple[int, Path]] = {}
        for path in map(Path, paths):
            manifests = sorted(path.glob("manifest*.jsonl")) if path.is_dir() else [path]
            if not manifests or not all(manifest.is_file() for manifest in manifests):
                raise ValueError(
                    f"no speech bank at {path}: want a folder with manifest*.jsonl, or a .jsonl"
                )
            for manifest in manifests:
                found = read_manifest(manifest)
                clips += found
                for clip in found:
                    if clip.is_own:
                        count, first = own_voices.get(clip.voice, (0, manifest))
                        own_voices[clip.voice] = count + 1, first
        if len(own_voices) > 1:
            raise ValueError(two_voices(own_voices))
        if for_training:
            clips = [clip for clip in clips if clip.split == "train"]
        return cls(clips, for_training)

    def choices(self, side: str, text: str) -> list[Clip]:
        """Clips of a text. Raises KeyError naming it where there is none."""
        found = (self.own if side == "own" else self.user).get(normalise(text))
        if not found:
            raise KeyError(
                f"the bank has no {side} clip of {text!r}; build it with `microturn bank build`"
            )
        return found

    def __getstate__(self) -> dict[str, Any]:
        """A copy may get other clips: it finds for itself."""
        return self.__dict__ | {"_found": {}}

    def once(self, name: Hashable, find: Callable[[], T]) -> T:
        """What is found by looking through the whole bank, looked for once under each name."""
        if name not in self._found:
            self._found[name] = find()
        return self._found[name]

    @property
    def voices(self) -> list[str]:
        """User voices, training voices first and in their fixed order.

        People who were recorded say their own sentences only and cannot hold a conversation: they
        are listed where there is nobody else.
        """

        def find() -> list[str]:
            users = [clip for clips in self.user.values() for clip in clips]
            found = {clip.voice for clip in users if clip.engine != HUMAN}
            found = found or {clip.voice for clip in users}
            return [voice for voice in TRAINING if voice in found] + sorted(found - set(TRAINING))

        return self.once("voices", find)

    def utterance(self, clip: Clip) -> Utterance:
        """Decode a clip and cut the silence around it.

        Raises DamagedClip where its sound cannot be read.
        """
        samples = self.samples(clip)
        if clip.key not in self._spans:
            self._spans[clip.key] = span_of(samples, clip.rate_hz // 1000)
        first, last = self._spans[clip.key]
        per_ms = clip.rate_hz // 1000
        shift_ms, end_ms = first // per_ms, (last - first) // per_ms
        words = tuple(
            Word(
                word.text,
                min(max(0, word.start_ms - shift_ms), end_ms),
                min(max(0, word.end_ms - shift_ms), end_ms),
            )
            for word in clip.words
        )
        return Utterance(clip, samples[first:last].astype(np.float32) / 32768.0, words)

    def samples(self, clip: Clip) -> npt.NDArray[np.int16]:
        """Samples of a clip at its side's rate. Those last used are kept, up to `MOST_BYTES`.

        Raises DamagedClip where they cannot be read, are no numbers, or end before the words do.
        """
        if clip.key in self._samples:
            self._samples.move_to_end(clip.key)
            return self._samples[clip.key]
        samples = self._decoded(clip)
        self._samples[clip.key] = samples
        self._num_bytes += samples.nbytes
        while self._num_bytes > MOST_BYTES and len(self._samples) > 1:
            self._num_bytes -= self._samples.popitem(last=False)[1].nbytes
        return samples

    def _decoded(self, clip: Clip) -> npt.NDArray[np.int16]:
        container, name = clip.place
        try:
            is_folder = container.is_dir()
            source = container / name if is_folder else io.BytesIO(self._member(container, name))
            audio, rate_hz = soundfile.read(source, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, tarfile.TarError, OSError, KeyError) as error:
            message = f"cannot read clip {name} of {container}: {error}"
            raise DamagedClip(clip.key, message) from error
        audio = audio.mean(axis=1)
        last = None if clip.end_ms is None else clip.end_ms * rate_hz // 1000
        audio = audio[clip.start_ms * rate_hz // 1000 : last]
        check_sound(clip, audio, rate_hz)
        if rate_hz != clip.rate_hz:
            audio = soxr.resample(audio, rate_hz, clip.rate_hz)
        return (np.clip(audio, -1, 1) * 32767).astype(np.int16)

    def _member(self, archive: Path, name: str) -> bytes:
        """Bytes of a tar's member. None stays open: forked workers would share its position."""
        if archive not in self._members:
            with tarfile.open(archive) as opened:
                self._members[archive] = {
                    member.name: (member.offset_data, member.size) for member in opened
                }
        start, size = self._members[archive][name]
        with archive.open("rb") as file:
            file.seek(start)
            return file.read(size)
