"""What every wire of a streaming server comes down to: what it tells, and what is told to it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from microturn.evals.episode import Setup
from microturn.signal import pcm
from microturn.signal.wav import to_rate
from microturn.turns import OUTPUT_RATE_HZ, FloatArray


@dataclass(frozen=True)
class Ready:
    """The session has begun; sound may be sent."""


@dataclass(frozen=True)
class Sound:
    """Speech at 24 kHz. item: what it is part of, "" where the server has no items. server_ms: when
    it begins, where the server's clock says so."""

    audio: FloatArray
    item: str = ""
    server_ms: float | None = None


@dataclass(frozen=True)
class Said:
    """Text of its speech."""

    text: str
    item: str = ""
    server_ms: float | None = None


@dataclass(frozen=True)
class Wrote:
    """Text of the user's speech."""

    text: str


@dataclass(frozen=True)
class Interrupted:
    """The user speaks: a client throws away what it has not played."""


@dataclass(frozen=True)
class TurnOver:
    """What comes now is another item, where items have no names."""


@dataclass(frozen=True)
class Called:
    """A tool is called."""

    id: str
    function: str
    args: dict[str, Any]


@dataclass(frozen=True)
class HandedOver:
    """Work is handed to a background model of the client's."""

    id: str


@dataclass(frozen=True)
class Fault:
    """Something the server complained about, or that cannot be read; in one line."""

    text: str


@dataclass(frozen=True)
class Over:
    """The server has ended the session."""

    reason: str


Event = Ready | Sound | Said | Wrote | Interrupted | TurnOver | Called | HandedOver | Fault | Over


class Dialect(Protocol):
    """One wire. Pure: messages to events and back, no state."""

    @property
    def kind(self) -> str: ...

    @property
    def input_rate_hz(self) -> int: ...

    def address(self, url: str) -> str:
        """The URL to connect to."""
        ...

    def headers(self, key: str | None) -> dict[str, str]: ...

    def open(self, setup: Setup) -> list[str]:
        """What is said first."""
        ...

    def history(self, setup: Setup) -> list[str]:
        """What is said once the session is ready: turns that lie before it."""
        ...

    def read(self, message: dict[str, Any]) -> list[Event]:
        """Raises KeyError, TypeError, ValueError or AttributeError for what has not the form."""
        ...

    def sound(self, data: bytes) -> list[str]:
        """16-bit samples at `input_rate_hz`."""
        ...

    def text(self, text: str) -> list[str]:
        """Typed by the user. Empty lists here and below: this wire has no place for it."""
        ...

    def update(self, text: str, delegation: str | None) -> list[str]:
        """Of a background model; `delegation` is the work that was handed to it last."""
        ...

    def image(self, jpeg: bytes) -> list[str]: ...

    def cut(self, played: Sequence[tuple[str, int]]) -> list[str]:
        """What was thrown away: (item, ms of it that were played)."""
        ...

    def answer(self, call: Called) -> list[str]:
        """A tool was called; nothing is behind it here, which is what the server is told."""
        ...

    def close(self) -> list[str]: ...


def read_message(dialect: Dialect, message: str | bytes) -> list[Event]:
    """Events of one message; whatever cannot be read is a `Fault`."""
    try:
        value = json.loads(message)
        if not isinstance(value, dict):
            raise ValueError("want a JSON object")
        return dialect.read(value)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = f"{type(error).__name__}: {error}"
        return [Fault(f"cannot read a message of {len(message)} ({what})"[:200])]


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def decoded(text: str, rate_hz: int = OUTPUT_RATE_HZ) -> FloatArray:
    """Base64 of 16-bit samples -> samples at 24 kHz. Raises ValueError for what is none."""
    return to_rate(pcm.decode(base64.b64decode(text, validate=True)), rate_hz, OUTPUT_RATE_HZ)
