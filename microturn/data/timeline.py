"""A conversation as facts: who says what, when, what is typed and shown, and what is expected.

All times are integer milliseconds from the start. The model's own events start on the 200 ms grid,
since what it says begins with a micro-turn. `Talk` (talk.py) lays conversations out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from microturn.data.bank import Bank, Clip, Utterance, Word
from microturn.data.splice import Splice, spoken
from microturn.turns import MICRO_TURN_MS, ByteArray

IMAGE_HEIGHT, IMAGE_WIDTH = 120, 160
IMAGE_PERIOD_MS = 200  # 5 images a second; a pair closes every second micro-turn

Side = Literal["own", "user", "other"]
Role = Literal["system", "user", "tool"]
SpeechKind = Literal["speech", "backchannel", "aside", "background", "filler", "reading"]
SIDES = ("own", "user", "other")
SPEECH_KINDS = ("speech", "backchannel", "aside", "background", "filler", "reading")
DOINGS = (
    "respond", "yield_then_respond", "continue", "ignore", "wait", "say", "silent", "count",
    "interval", "answer", "delegate", "refuse", "transcribe",
)  # fmt: skip


def to_grid(time_ms: float) -> int:
    """Round up to the micro-turn grid."""
    return -(-int(time_ms) // MICRO_TURN_MS) * MICRO_TURN_MS


@dataclass(frozen=True)
class Event:
    """One utterance.

    side: "own" the model, "user" whom it talks with, "other" anybody else near the microphone.
    kind: what the speech is for. cut_ms ends it early, in session time. gain_db: beside the level
    of the session's voices. pauses: (number of words before it, ms), silence put into the clip.
    is_written: the transcript lane writes it (what others say in the background is not written).
    """

    side: str
    text: str
    clip: Clip
    onset_ms: int
    end_ms: int
    cut_ms: int | None = None
    kind: str = "speech"
    gain_db: float = 0.0
    pauses: tuple[tuple[int, int], ...] = ()
    is_written: bool = True

    @property
    def audible_end_ms(self) -> int:
        return self.end_ms if self.cut_ms is None else min(self.end_ms, self.cut_ms)


@dataclass(frozen=True)
class Typed:
    """Text that comes in without sound: instructions ("system"), what the user types ("user"), an
    update of the background model ("tool"). Its end token falls into the micro-turn of
    `onset_ms`."""

    role: str
    text: str
    onset_ms: int


@dataclass(frozen=True)
class Delegated:
    """The model hands something over, beginning in the micro-turn of `onset_ms`."""

    text: str
    onset_ms: int


@dataclass(frozen=True)
class Written:
    """The model writes without speaking, beginning in the micro-turn of `onset_ms`."""

    text: str
    onset_ms: int


@dataclass(frozen=True)
class Mark:
    """Something that happened and is neither speech nor text: a pause, a repetition, a change in
    the picture."""

    kind: str
    label: str
    onset_ms: int
    end_ms: int


@dataclass(frozen=True)
class Expect:
    """What a good listener does: `do` (see DOINGS) within a window; one of `accept` is said.

    `on_ms` is the onset of what it answers to; `detail` is for counts, intervals and arguments.
    """

    do: str
    window_ms: tuple[int, int]
    accept: tuple[str, ...] = ()
    on_ms: int | None = None
    detail: Mapping[str, int | float | str | bool] = field(
        default_factory=dict[str, "int | float | str | bool"]
    )

    def __post_init__(self) -> None:
        if self.do not in DOINGS:
            raise ValueError(f"no expectation {self.do!r}; there are {', '.join(DOINGS)}")
        if self.window_ms[1] < self.window_ms[0]:
            raise ValueError(f"the window of {self.do!r} ends before it begins: {self.window_ms}")


@runtime_checkable
class Scene(Protocol):
    """What the camera or the screen shows."""

    def image(self, time_ms: int) -> ByteArray:
        """[120, 160, 3] uint8 at a time; the same time gives the same picture."""
        ...


@dataclass(frozen=True)
class Timeline:
    """A conversation as facts; rendering adds nothing but sound.

    `instructions` come before the first micro-turn. `scene_ms`: from when to when it is shown.
    """

    duration_ms: int
    events: tuple[Event, ...]
    families: tuple[str, ...] = ()
    typed: tuple[Typed, ...] = ()
    delegated: tuple[Delegated, ...] = ()
    written: tuple[Written, ...] = ()
    marks: tuple[Mark, ...] = ()
    expects: tuple[Expect, ...] = ()
    instructions: str | None = None
    scene: Scene | None = None
    scene_ms: tuple[int, int] = (0, 0)


def with_pauses(utterance: Utterance, pauses: tuple[tuple[int, int], ...]) -> Utterance:
    """Silence inside a clip, each between two words; later words move.

    Raises ValueError for a pause that is not between two words.
    """
    words, audio = list(utterance.words), utterance.audio
    per_ms = utterance.clip.rate_hz // 1000
    for num_before, pause_ms in sorted(pauses, reverse=True):
        if not 0 < num_before < len(words) or pause_ms < 0:
            raise ValueError(
                f"no place for a pause of {pause_ms} ms after word {num_before} of "
                f"{len(words)} in {utterance.clip.text!r}"
            )
        at_ms = (words[num_before - 1].end_ms + words[num_before].start_ms) // 2
        gap = np.zeros(pause_ms * per_ms, dtype=np.float32)
        audio = np.concatenate([audio[: at_ms * per_ms], gap, audio[at_ms * per_ms :]])
        words[num_before - 1] = replace(
            words[num_before - 1], end_ms=min(words[num_before - 1].end_ms, at_ms)
        )
        for later in range(num_before, len(words)):
            start_ms = max(at_ms, words[later].start_ms)
            words[later] = Word(
                words[later].text, start_ms + pause_ms, words[later].end_ms + pause_ms
            )
    return Utterance(utterance.clip, audio, tuple(words))


def utterance_of(event: Event, bank: Bank) -> Utterance:
    """The sound of an event before it is cut."""
    clip = event.clip
    utterance = spoken(clip, bank) if isinstance(clip, Splice) else bank.utterance(clip)
    return with_pauses(utterance, event.pauses) if event.pauses else utterance
