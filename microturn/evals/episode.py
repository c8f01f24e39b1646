"""One test item: what comes in, when, and what is expected. Facts only; no model, no score.

All times (`t0`, `t1`, `window`, `spans`, `*_ms`) are integer milliseconds from the episode's start.
Only the input is annotated: what a system did is in a `Trace`, what that is worth in a `Score`.
Media are named relative to a root that the reader of the episode brings along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from microturn.evals.schema import parse, read_lines, write_lines

SCHEMA = 1
Word = tuple[str, int, int]  # text, onset, end
Span = tuple[int, int]

SegmentKind = Literal[
    "speech",
    "backchannel",
    "aside",
    "background",
    "noise",
    "pause",
    "instruction",
    "cue",
    "visual_event",
]
Do = Literal[
    "respond",
    "yield_then_respond",
    "continue",
    "ignore",
    "wait",
    "say",
    "silent",
    "count",
    "interval",
    "answer",
    "label",
    "tools",
    "rubric",
    "ifeval",
    "refuse",
    "comply",
    "delegate",
    "write",
]

NEEDS: dict[str, tuple[str, ...]] = {  # what an expectation must bring along
    "respond": ("on",),
    "yield_then_respond": ("on",),
    "continue": ("on",),
    "ignore": ("on",),
    "wait": ("on",),
    "say": ("window", "accept"),
    "silent": ("window",),
    "count": ("value",),
    "interval": ("ref", "open", "close"),
    "answer": ("accept",),
    "label": ("value", "choices"),
    "tools": ("calls",),
    "rubric": ("criteria",),
    "ifeval": ("instructions",),
    "refuse": (),
    "comply": (),
    "delegate": ("window",),
    "write": ("window", "accept"),
}


@dataclass(frozen=True)
class Track:
    """One stream of input: a file (`uri`, relative to the media root) or text, from `at_ms` on.

    role: who the text is of; `tool` is a background model that streams its results.
    """

    kind: Literal["audio", "video", "text"]
    uri: str | None = None
    at_ms: int = 0
    gain_db: float = 0.0
    fps: float | None = None
    text: str | None = None
    role: Literal["user", "tool"] = "user"

    def __post_init__(self) -> None:
        wanted, other = ("text", "uri") if self.kind == "text" else ("uri", "text")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"a {self.kind} track needs {wanted!r} and no {other!r}")
        if self.uri is not None:
            path = PurePosixPath(self.uri)
            if path.is_absolute() or ".." in path.parts or "\\" in self.uri:
                raise ValueError(f"uri {self.uri!r} must be relative to the media root, with /")


@dataclass(frozen=True)
class SeedTurn:
    """A turn that lies before the episode; an agent's is given to the model as its own."""

    role: Literal["user", "agent"]
    text: str


@dataclass(frozen=True)
class Setup:
    """What the system is given before the episode starts."""

    instructions: str = ""
    tools: tuple[dict[str, Any], ...] = ()
    seed_turns: tuple[SeedTurn, ...] = ()


@dataclass(frozen=True)
class Segment:
    """An annotated piece of the input. `kind` is what its producer says it is.

    overlap: it was made to fall into the agent's speech. index: number of a repetition, from 1.
    """

    id: str
    role: Literal["user", "world"]
    t0: int
    t1: int
    kind: SegmentKind
    text: str | None = None
    words: tuple[Word, ...] = ()
    overlap: bool = False
    label: str | None = None
    index: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.t0 <= self.t1:
            raise ValueError(f"segment {self.id!r} must have 0 <= t0 <= t1, got {self.t0, self.t1}")


@dataclass(frozen=True)
class Call:
    """A tool call that is expected. An argument `$...` stands for any value."""

    function: str
    args: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Instruction:
    """A verifiable instruction, as in IFEval."""

    id: str
    kwargs: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Expect:
    """What is wanted of the system. `do` says which fields count (docs/evals.md).

    accept: for `say` the accepted forms; for `answer` one list of key phrases a span, or plain
    forms where there is no span. value: the count, or the label. tol: how far a count may be off.
    at_ms: when a `say` is due; only the size of the error rests on it.
    """

    id: str
    do: Do
    on: str | None = None
    window: Span | None = None
    accept: tuple[str | tuple[str, ...], ...] = ()
    overlap_user: bool = False
    at_ms: int | None = None
    value: int | str | None = None
    choices: tuple[str, ...] = ()
    after_ms: int = 0
    tol: int = 0
    ref: Span | None = None
    open: tuple[str, ...] = ()
    close: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    max_score: int = 2
    calls: tuple[Call, ...] = ()
    criteria: tuple[str, ...] = ()
    instructions: tuple[Instruction, ...] = ()

    def __post_init__(self) -> None:
        for name in NEEDS[self.do]:
            if getattr(self, name) in (None, ()):
                raise ValueError(f"expectation {self.id!r} ({self.do}) lacks {name!r}")
        for span in (self.window, self.ref, *self.spans):
            if span is not None and not 0 <= span[0] <= span[1]:
                raise ValueError(f"expectation {self.id!r} has the span {span}: 0 <= start <= end")


@dataclass(frozen=True)
class Episode:
    """One item of a benchmark. `tail_ms` of silence follows its `duration_ms` of input.

    missing: media were not found at the root; the episode is listed and not run. raw: upstream's
    annotation, untouched. A window may reach beyond the end: what it cuts off is censored.
    """

    id: str
    bench: str
    duration_ms: int
    split: str = "test"
    license: str = ""
    lang: str = "en"
    tail_ms: int = 0
    tracks: tuple[Track, ...] = ()
    system: Setup = field(default_factory=Setup)
    segments: tuple[Segment, ...] = ()
    expect: tuple[Expect, ...] = ()
    missing: bool = False
    raw: Any = None
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema {self.schema} of {self.id!r} is not known, only {SCHEMA}")
        if self.duration_ms <= 0 or self.tail_ms < 0:
            raise ValueError(f"episode {self.id!r} needs duration_ms > 0 and tail_ms >= 0")
        self._check_times()
        for what, ids in (
            ("segment", [segment.id for segment in self.segments]),
            ("expectation", [expect.id for expect in self.expect]),
        ):
            twice = {id for id in ids if ids.count(id) > 1}
            if twice:
                raise ValueError(f"episode {self.id!r} has two of {what} {sorted(twice)[0]!r}")
        known = {segment.id for segment in self.segments}
        for expect in self.expect:
            if expect.on is not None and expect.on not in known:
                raise ValueError(f"expectation {expect.id!r} is on {expect.on!r}: no such segment")

    def _check_times(self) -> None:
        times = [(f"track {number}", track.at_ms) for number, track in enumerate(self.tracks)]
        for segment in self.segments:
            times.append((f"segment {segment.id!r}", segment.t1))
            times += [(f"a word of segment {segment.id!r}", word[2]) for word in segment.words]
        for expect in self.expect:
            starts = [span[0] for span in (expect.window, expect.ref, *expect.spans) if span]
            due = [expect.at_ms] if expect.at_ms is not None else []
            times += [(f"expectation {expect.id!r}", start) for start in starts + due]
        for what, time in times:
            if not 0 <= time <= self.end_ms:
                raise ValueError(
                    f"{what} lies outside the episode {self.id!r}: "
                    f"{time} ms is not in 0 to {self.end_ms} ms"
                )

    @property
    def end_ms(self) -> int:
        """Where the timeline ends, with the tail."""
        return self.duration_ms + self.tail_ms

    def segment(self, id: str) -> Segment:
        """The segment of that id. Raises ValueError."""
        for segment in self.segments:
            if segment.id == id:
                return segment
        raise ValueError(f"episode {self.id!r} has no segment {id!r}")

    def wanted(self, *do: str) -> list[Expect]:
        """The expectations of these kinds, in order."""
        return [expect for expect in self.expect if expect.do in do]


def default_do(segment: Segment, *, agent_speaks: bool = False) -> Do | None:
    """What is expected on a segment where nothing else is said; None: nothing."""
    match segment.kind:
        case "speech" | "instruction":
            return "yield_then_respond" if agent_speaks else "respond"
        case "backchannel":
            return "continue"
        case "aside" | "background" | "noise":
            return "ignore"
        case "pause":
            return "wait"
        case _:
            return None


def read_episodes(path: Path | str) -> Iterator[Episode]:
    """Episodes of a JSON-lines file. Raises ValueError naming line and field."""
    return read_lines(Episode, path)


def write_episodes(path: Path | str, episodes: Iterable[Episode]) -> None:
    """Write episodes, one a line."""
    write_lines(path, episodes)


def parse_episode(text: str, where: str = "episode") -> Episode:
    """One line of JSON. Raises ValueError that starts with `where`."""
    return parse(Episode, text, where)
