"""What a system did (`Trace`) and what that is worth (`Score`). A score can always be computed
again from the episode and the trace.

All times are integer milliseconds from the episode's start, as in `episode.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from microturn.evals.episode import SCHEMA, Episode, Span, Word
from microturn.evals.schema import parse, read_lines, write_lines
from microturn.turns import MICRO_TURN_MS

Clock = Literal["lockstep", "wallclock"]
WordSource = Literal["model_text", "asr", "vad"]
GRADER = re.compile(r"(exact|rule:v\d+|judge:[^;\s]+)(;vad=[^;\s]+)?")


@dataclass(frozen=True)
class SystemFacts:
    """Who was measured, and on which clock.

    lockstep: audio time, compute left out. wallclock: compute and playback added (timeline.py).
    """

    name: str
    ckpt: str = ""
    tick_ms: int = MICRO_TURN_MS
    clock: Clock = "lockstep"
    playback_ms: int = 0

    def __post_init__(self) -> None:
        if self.tick_ms <= 0 or self.playback_ms < 0:
            raise ValueError("a system needs tick_ms > 0 and playback_ms >= 0")


@dataclass(frozen=True)
class AudioFile:
    """The output sound; `uri` is relative to the folder of the traces, `sr` in Hz."""

    uri: str
    sr: int


@dataclass(frozen=True)
class Tick:
    """One micro-turn: what came in during `in_ms`, and what was given for it.

    voiced_ms: first and last sound within this tick's own output, or None. words: onset and end
    of words in session time, where the system knows them better than `text` tells. heard: what it
    wrote down of the user; None where it writes no transcript.
    """

    i: int
    in_ms: Span
    text: str = ""
    voiced_ms: Span | None = None
    words: tuple[Word, ...] = ()
    tool_calls: tuple[dict[str, Any], ...] = ()
    delegate: str | None = None
    compute_ms: float = 0.0
    heard: str | None = None

    def __post_init__(self) -> None:
        if self.i < 0 or not 0 <= self.in_ms[0] < self.in_ms[1]:
            raise ValueError(f"tick {self.i} has in_ms {self.in_ms}: want 0 <= start < end")


@dataclass(frozen=True)
class Utterance:
    """A stretch of output speech with its text; `t0` is its first voiced sample."""

    id: str
    t0: int
    t1: int
    text: str = ""
    words: tuple[Word, ...] = ()
    word_source: WordSource = "model_text"

    def __post_init__(self) -> None:
        if not 0 <= self.t0 <= self.t1:
            raise ValueError(
                f"utterance {self.id!r} must have 0 <= t0 <= t1, got {self.t0, self.t1}"
            )


@dataclass(frozen=True)
class ToolUse:
    """A tool call that was made; `t_result` is None where no result came."""

    t_call: int
    function: str
    args: dict[str, Any] = field(default_factory=dict[str, Any])
    t_result: int | None = None
    result: Any = None


@dataclass(frozen=True)
class BackgroundUse:
    """Something handed to a background model, and when it came back."""

    t_delegate: int
    t_first_result: int | None = None
    t_done: int | None = None


@dataclass(frozen=True)
class Trace:
    """What a system did in one episode. `vad` names what cut the utterances, with its version."""

    episode: str
    system: SystemFacts
    audio: AudioFile | None = None
    vad: str = ""
    ticks: tuple[Tick, ...] = ()
    utterances: tuple[Utterance, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    background: tuple[BackgroundUse, ...] = ()
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema {self.schema} of a trace is not known, only {SCHEMA}")
        numbers = [tick.i for tick in self.ticks]
        if numbers != list(range(len(numbers))):
            raise ValueError(f"ticks of {self.episode!r} must count up from 0, got {numbers[:5]}")
        ends = 0
        for utterance in self.utterances:
            if utterance.t0 < ends:
                raise ValueError(
                    f"utterance {utterance.id!r} of {self.episode!r} begins at {utterance.t0} ms, "
                    f"before the one ahead of it ends ({ends} ms)"
                )
            ends = utterance.t1

    @property
    def text(self) -> str:
        """All text that was given out, said aloud or not; the utterances' where ticks have none."""
        written = "".join(tick.text for tick in self.ticks).strip()
        return written or " ".join(u.text for u in self.utterances if u.text).strip()

    @property
    def words(self) -> tuple[Word, ...]:
        """All timed words in order; an utterance without words counts as one word without text."""
        found: list[Word] = []
        for utterance in self.utterances:
            found += utterance.words or [("", utterance.t0, utterance.t1)]
        return tuple(found)

    @property
    def spans(self) -> tuple[Span, ...]:
        """When it spoke."""
        return tuple((utterance.t0, utterance.t1) for utterance in self.utterances)


@dataclass(frozen=True)
class Score:
    """A judgement on one episode. `value` is None where the metric does not apply, or is censored.

    censored: the episode ended before it could be known. grader: `exact`, `rule:v1` or
    `judge:<model>`, and the VAD that the times rest on: `exact;vad=energy`.
    """

    episode: str
    metric: str
    value: float | None
    outcome: str
    grader: str
    latency_ms: int | None = None
    censored: bool = False
    detail: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        if GRADER.fullmatch(self.grader) is None:
            raise ValueError(
                f"grader {self.grader!r} must be exact, rule:v<number> or judge:<model>, "
                "and may end in ;vad=<name>"
            )
        if self.censored and self.value is not None:
            raise ValueError(f"{self.metric} of {self.episode!r} is censored and has a value")


def check_pair(episode: Episode, trace: Trace) -> None:
    """Raise ValueError unless the trace is of this episode and lies inside it."""
    if trace.episode != episode.id:
        raise ValueError(f"the trace is of {trace.episode!r}, the episode is {episode.id!r}")
    for utterance in trace.utterances:
        if utterance.t1 > episode.end_ms:
            raise ValueError(
                f"utterance {utterance.id!r} ends at {utterance.t1} ms, outside the episode "
                f"{episode.id!r} ({episode.end_ms} ms)"
            )


def read_traces(path: Path | str) -> Iterator[Trace]:
    """Traces of a JSON-lines file. Raises ValueError naming line and field."""
    return read_lines(Trace, path)


def write_traces(path: Path | str, traces: Iterable[Trace]) -> None:
    """Write traces, one a line."""
    write_lines(path, traces)


def parse_trace(text: str, where: str = "trace") -> Trace:
    """One line of JSON. Raises ValueError that starts with `where`."""
    return parse(Trace, text, where)


def read_scores(path: Path | str) -> Iterator[Score]:
    """Scores of a JSON-lines file."""
    return read_lines(Score, path)


def write_scores(path: Path | str, scores: Iterable[Score]) -> None:
    """Write scores, one a line."""
    write_lines(path, scores)
