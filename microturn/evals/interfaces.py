"""The five interfaces of the evaluation: who is measured, on what, by what, judged by whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from microturn.evals.episode import Episode, Word
from microturn.evals.record import Score, Trace
from microturn.turns import ByteArray, FloatArray

Need = Literal["words", "vad", "judge"]


@dataclass(frozen=True)
class InputTick:
    """What comes in during one tick.

    audio: [16 * tick_ms] float32 at 16 kHz. frames: [height, width, 3] uint8, the images whose
    time falls into the tick. text: typed text. tool_results: what earlier calls gave. updates: what
    a background model streams in.
    """

    index: int
    start_ms: int
    audio: FloatArray
    frames: tuple[ByteArray, ...] = ()
    text: tuple[str, ...] = ()
    tool_results: tuple[dict[str, Any], ...] = ()
    updates: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutputTick:
    """What a system gives for one tick; it plays in the next one.

    audio: [24 * tick_ms] float32 at 24 kHz. words: absolute times, where the system knows them.
    heard: what was written down of the user; None where the system writes no transcript.
    """

    audio: FloatArray
    text: str = ""
    words: tuple[Word, ...] = ()
    tool_calls: tuple[dict[str, Any], ...] = field(default=())
    delegate: str | None = None
    compute_ms: float = 0.0
    heard: str | None = None


class Session(Protocol):
    """One episode being played to a system."""

    def step(self, inp: InputTick) -> OutputTick: ...

    def close(self) -> Trace: ...


class System(Protocol):
    """Anything that can be measured: a model, a server, a scripted agent, files made elsewhere."""

    @property
    def name(self) -> str: ...

    def open(self, episode: Episode) -> Session: ...


class Dataset(Protocol):
    """Episodes of one benchmark under a root folder; what lacks its media has `missing` set."""

    @property
    def name(self) -> str: ...

    def episodes(
        self, limit: int | None = None, split: str | None = None, ids: Sequence[str] | None = None
    ) -> Iterator[Episode]: ...


class Metric(Protocol):
    """A pure function of episode and trace, and how its scores become one row."""

    @property
    def name(self) -> str: ...

    @property
    def needs(self) -> frozenset[Need]: ...

    def score(self, episode: Episode, trace: Trace) -> list[Score]: ...

    def aggregate(self, scores: Sequence[Score]) -> Any: ...


class Judge(Protocol):
    """An optional model that grades; `grader` is `judge:<model>`. None means: rules only."""

    @property
    def grader(self) -> str: ...

    def ask(self, prompt: str, **values: str) -> dict[str, Any]: ...
