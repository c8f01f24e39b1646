"""An episode in the making: facts are added one by one, and none of them can make it fail.

What does not fit (a time beyond the end, an absent key, media that are not there) is cut or left
out and written down in `problems`. Times are integer milliseconds from the episode's start.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import soundfile

from microturn.evals.episode import Episode, Expect, Segment, Setup, Track, Word
from microturn.evals.vad import EnergyVad
from microturn.evals.video import video_ms
from microturn.signal.wav import MAX_RATE_HZ, MIN_RATE_HZ, read_wav

SPOKEN = "instructions"  # folder of the root with spoken forms of typed instructions
SHORTEST_MS = 200  # of an episode without media: one micro-turn


@dataclass(frozen=True)
class Header:
    """What a sound file says of itself."""

    duration_ms: int
    rate_hz: int
    num_channels: int


def read_header(path: Path) -> Header:
    """The header of a sound file, no samples. Raises ValueError for what cannot be played."""
    if not path.is_file():
        raise ValueError("is not there")
    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise ValueError("is damaged or no sound file") from error
    if info.frames <= 0:
        raise ValueError("has no samples")
    if not MIN_RATE_HZ <= info.samplerate <= MAX_RATE_HZ:
        raise ValueError(f"has a rate of {info.samplerate} Hz")
    if info.channels != 1:
        raise ValueError(f"has {info.channels} channels, want one")
    return Header(round(info.frames * 1000 / info.samplerate), info.samplerate, info.channels)


def ms(seconds: Any) -> int:
    """Seconds as integer milliseconds. Raises ValueError for what is no time."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float, str)):
        raise ValueError(f"{seconds!r} is no time in seconds")
    try:
        return max(0, round(float(seconds) * 1000))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{seconds!r} is no time in seconds") from error


def clock_ms(text: str) -> int:
    """`01:02`, `00:04.4` or `1:02:03` as milliseconds. Raises ValueError."""
    if not re.fullmatch(r"(\d+:){1,2}\d+(\.\d+)?", text.strip()):
        raise ValueError(f"{text!r} is no time as minutes:seconds")
    total = 0.0
    for part in text.strip().split(":"):
        total = total * 60 + float(part)
    return round(total * 1000)


def span_ms(pair: Any) -> tuple[int, int]:
    """A pair of seconds as milliseconds. Raises ValueError where it is none or runs backwards."""
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        raise ValueError(f"{pair!r} is no span of two times in seconds")
    start, end = ms(pair[0]), ms(pair[1])
    if start > end:
        raise ValueError(f"the span {pair!r} ends before it starts")
    return start, end


def slug(text: str) -> str:
    """A file name for a sentence."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:100] or "empty"


@dataclass
class Draft:
    """The episode in the making; `fill` of a loader works on it."""

    root: Path
    rates_hz: tuple[int, ...] = ()
    duration_ms: int = 0
    tail_ms: int = 0
    system: Setup = field(default_factory=Setup)
    annotation: Any = None
    is_missing: bool = False
    problems: list[str] = field(default_factory=list[str])
    absent: list[str] = field(default_factory=list[str])
    tracks: list[Track] = field(default_factory=list[Track])
    segments: list[Segment] = field(default_factory=list[Segment])
    expects: list[Expect] = field(default_factory=list[Expect])

    def problem(self, text: str) -> None:
        """Write down that something is not as upstream describes it; the episode can be played."""
        self.problems.append(text)

    def unusable(self, text: str, uri: str | None = None) -> None:
        """Write down why the episode cannot be played."""
        self.is_missing = True
        self.problems.append(text)
        if uri is not None:
            self.absent.append(uri)

    def uri(self, path: Path) -> str:
        """A path under the root as a reference."""
        return path.relative_to(self.root).as_posix()

    # ---- media

    def audio(self, path: Path, at_ms: int = 0) -> int | None:
        """Add a sound file; gives its length, or None where it cannot be played."""
        uri = self.uri(path)
        self.tracks.append(Track("audio", uri, at_ms))
        try:
            header = read_header(path)
        except ValueError as error:
            self.unusable(f"{uri} {error}", uri)
            return None
        if self.rates_hz and header.rate_hz not in self.rates_hz:
            known = " or ".join(str(rate) for rate in self.rates_hz)
            self.problem(f"{uri} has {header.rate_hz} Hz, upstream says {known}; it is resampled")
        self.lasts(at_ms + header.duration_ms)
        return header.duration_ms

    def video(self, path: Path, at_ms: int = 0, known_ms: int | None = None) -> int | None:
        """Add a video; gives its length from the file, else `known_ms`; None where unknown."""
        uri = self.uri(path)
        self.tracks.append(Track("video", uri, at_ms))
        if not path.exists():
            self.unusable(f"{uri} is not there", uri)
        elif path.is_file() and path.stat().st_size == 0:
            self.unusable(f"{uri} is empty", uri)
        length_ms = (video_ms(path) if path.exists() else None) or known_ms
        if length_ms is not None:
            self.lasts(at_ms + length_ms)
        elif path.exists():
            self.problem(f"{uri}: its length is not known")
        return length_ms

    def text(self, text: str, at_ms: int = 0) -> None:
        """Add a typed message."""
        self.tracks.append(Track("text", at_ms=at_ms, text=text))
        self.lasts(at_ms + SHORTEST_MS)

    def instruct(self, text: str, at_ms: int = 0) -> int:
        """Add an instruction: spoken where `instructions/<slug>.wav` is there, else typed.

        Gives the time at which it is over.
        """
        path = self.root / SPOKEN / f"{slug(text)}.wav"
        end_ms, label = at_ms, "typed"
        if path.is_file():
            end_ms, label = at_ms + (self.audio(path, at_ms) or 0), "spoken"
        else:
            self.text(text, at_ms)
        self.segment("i0", "user", (at_ms, end_ms), "instruction", text=text, label=label)
        return end_ms

    def lasts(self, until_ms: int) -> None:
        """The episode is at least so long."""
        self.duration_ms = max(self.duration_ms, until_ms)

    def speech(self, path: Path) -> list[tuple[int, int]]:
        """Stretches of speech in a sound file by energy; [] where it cannot be read."""
        try:
            return EnergyVad()(*read_wav(path))
        except ValueError:
            return []

    # ---- facts

    def segment(self, id: str, role: Any, span: tuple[int, int], kind: Any, **more: Any) -> Segment:
        """Add an annotated piece of the input; a text that is none is left out."""
        for name in ("text", "label"):
            if not isinstance(more.get(name, ""), (str, type(None))):
                self.problem(f"the {name} of {id} is no text: left out")
                more[name] = None
        self.segments.append(Segment(id, role, span[0], span[1], kind, **more))
        return self.segments[-1]

    def expect(self, do: Any, **more: Any) -> None:
        """Add an expectation; ids are e0, e1, ... in order."""
        self.expects.append(Expect(f"e{len(self.expects)}", do, **more))

    # ---- the end

    def build(
        self, *, id: str, bench: str, split: str, license: str, lang: str, subset: str
    ) -> Episode:
        """The episode: what reaches beyond the end is cut, what lies beyond it is left out."""
        ends = [segment.t1 for segment in self.segments]
        known_ms = self.duration_ms or max([*ends, SHORTEST_MS])
        end_ms = known_ms + self.tail_ms
        segments = [kept for segment in self.segments if (kept := self._cut(segment, end_ms))]
        ids = {segment.id for segment in segments}
        expects = [expect for expect in self.expects if self._fits(expect, ids, end_ms)]
        raw = {
            "subset": subset,
            "annotation": self.annotation,
            "problems": self.problems,
            "absent": self.absent,
        }
        return Episode(
            id,
            bench,
            known_ms,
            split,
            license,
            lang,
            self.tail_ms,
            tuple(track for track in self.tracks if track.at_ms <= end_ms),
            self.system,
            tuple(segments),
            tuple(expects),
            self.is_missing,
            raw,
        )

    def _cut(self, segment: Segment, end_ms: int) -> Segment | None:
        if segment.t0 > end_ms:
            self.problem(f"{segment.id} begins at {segment.t0} ms, after the end; left out")
            return None
        if segment.t1 > end_ms:
            self.problem(f"{segment.id} ends {segment.t1 - end_ms} ms after the end; cut")
        words = tuple((w, a, min(b, end_ms)) for w, a, b in segment.words if a <= end_ms)
        return replace(segment, t1=min(segment.t1, end_ms), words=words)

    def _fits(self, expect: Expect, ids: set[str], end_ms: int) -> bool:
        starts = [span[0] for span in (expect.window, expect.ref, *expect.spans) if span]
        starts += [expect.at_ms] if expect.at_ms is not None else []
        fits = max(starts, default=0) <= end_ms and (expect.on is None or expect.on in ids)
        if not fits:
            self.problem(f"{expect.id} ({expect.do}) lies after the end; left out")
        return fits


def words_of(chunks: Sequence[Any]) -> tuple[Word, ...]:
    """Words from chunks of text and timestamp [start, end] in seconds, in order of time."""
    found: list[Word] = []
    for chunk in chunks:
        start, end = chunk["timestamp"]
        onset_ms = ms(start)
        found.append((str(chunk["text"]).strip(), onset_ms, onset_ms if end is None else ms(end)))
    return tuple(sorted(found, key=lambda word: word[1]))
