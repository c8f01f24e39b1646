"""Core events: what a conversation is made of, whatever wire it comes over. There are no turns
here.

Times are milliseconds of session time: micro-turn i covers [200 i, 200 (i + 1)). Audio bytes are in
the session's wire format; the pacer and the encoder know what that means.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from microturn.turns import MICRO_TURN_MS

Encoding = Literal["pcm", "pcmu", "pcma"]
TextKind = Literal["instructions", "thinking", "commentary"]
Lane = Literal["heard", "said"]
EndReason = Literal["close_requested", "expired", "connection_lost"]


@dataclass(frozen=True)
class AudioFormat:
    """How audio is written on the wire, both ways: `pcm` is 16-bit little-endian mono, the others
    G.711."""

    encoding: Encoding = "pcm"
    rate_hz: int = 24_000

    def __post_init__(self) -> None:
        rates_hz = (16_000, 24_000) if self.encoding == "pcm" else (8_000,)
        if self.rate_hz not in rates_hz:
            allowed = " or ".join(str(rate) for rate in rates_hz)
            raise ValueError(
                f"{self.encoding} audio needs a rate of {allowed} Hz, got {self.rate_hz}"
            )

    @property
    def bytes_per_sample(self) -> int:
        return 2 if self.encoding == "pcm" else 1

    def duration_ms(self, num_bytes: int) -> float:
        """How long `num_bytes` of this format last."""
        return 1000 * num_bytes / (self.bytes_per_sample * self.rate_hz)


# What a client does.


@dataclass(frozen=True)
class Start:
    """Open the session. `instructions` stand before the first micro-turn; `echo` is what the client
    sent; `eagerness` is added to the log odds of speaking (None: as the server has it)."""

    format: AudioFormat
    instructions: str | None = None
    echo: dict[str, object] = field(default_factory=dict[str, object])
    client_event_id: str | None = None
    eagerness: float | None = None


@dataclass(frozen=True)
class Update:
    """Ask for the session's configuration, and change its eagerness where one is given; nothing
    else of it can change after the start."""

    client_event_id: str | None = None
    eagerness: float | None = None


@dataclass(frozen=True)
class InputAudio:
    data: bytes


@dataclass(frozen=True)
class InputImage:
    """One image as a file, as it came."""

    data: bytes
    client_event_id: str | None = None


@dataclass(frozen=True)
class InputText:
    """Typed text. With a `delegation_id` it is a result of delegated work."""

    kind: TextKind
    text: str
    delegation_id: str | None = None
    client_event_id: str | None = None


@dataclass(frozen=True)
class Mute:
    is_muted: bool
    client_event_id: str | None = None


@dataclass(frozen=True)
class PlaybackAck:
    """How much of the model's voice this client has played, and dropped unplayed, in ms since its
    socket joined the session."""

    played_ms: float
    dropped_ms: float = 0.0
    client_event_id: str | None = None


@dataclass(frozen=True)
class Resume:
    """Go on with a session that lost its socket. `last_number`: of the last event that arrived."""

    token: str
    last_number: int | None = None
    client_event_id: str | None = None


@dataclass(frozen=True)
class Close:
    client_event_id: str | None = None


ClientEvent = (
    Start | Update | InputAudio | InputImage | InputText | Mute | PlaybackAck | Resume | Close
)


# What the server says.


@dataclass(frozen=True)
class Span:
    """An interval of session time."""

    start_ms: int
    end_ms: int

    @classmethod
    def of_input(cls, index: int) -> Span:
        """When the input of micro-turn `index` was taken."""
        return cls(index * MICRO_TURN_MS, (index + 1) * MICRO_TURN_MS)

    @classmethod
    def of_output(cls, index: int) -> Span:
        """When the output of micro-turn `index` plays: one micro-turn later."""
        return cls.of_input(index + 1)


@dataclass(frozen=True)
class SessionInfo:
    """What the server tells about a session; `echo` is the configuration the client sent.
    `resume_token`: the key to go on over another socket, once; None where that was not asked for.
    """

    session_id: str
    expires_at_s: int
    echo: dict[str, object] = field(default_factory=dict[str, object])
    resume_token: str | None = None


@dataclass(frozen=True)
class Opened:
    session: SessionInfo
    client_event_id: str | None = None


@dataclass(frozen=True)
class Resumed:
    """The session goes on over this socket; `num_replayed` events follow that were missed.
    `is_complete` is False when some are lost: what the client knows may be out of date."""

    session: SessionInfo
    num_replayed: int
    is_complete: bool
    client_event_id: str | None = None


@dataclass(frozen=True)
class Replaced:
    """Another socket has taken this session over."""


@dataclass(frozen=True)
class Updated:
    session: SessionInfo
    client_event_id: str | None = None


@dataclass(frozen=True)
class OutputAudio:
    """One micro-turn of speech. The only lossy event: a slow reader loses the oldest."""

    data: bytes
    span: Span


@dataclass(frozen=True)
class OutputText:
    """Words of one lane that appeared in one micro-turn."""

    lane: Lane
    text: str
    span: Span


@dataclass(frozen=True)
class TextTaken:
    """Typed text went into the model's sequence; it does not say that the user heard anything of
    it."""

    kind: TextKind
    span: Span
    client_event_id: str | None = None


@dataclass(frozen=True)
class Muted:
    is_muted: bool
    client_event_id: str | None = None


@dataclass(frozen=True)
class Delegated:
    delegation_id: str
    offset_ms: int


@dataclass(frozen=True)
class Usage:
    """Counters of one session, sent about once a second.

    late: micro-turns with missing input; slipped: micro-turns the engine was too slow for;
    dropped_ms: input dropped because more came than fits; step_ms: time the last micro-turn took.
    """

    seconds: float
    late: int = 0
    slipped: int = 0
    dropped_ms: int = 0
    step_ms: float = 0.0


@dataclass(frozen=True)
class Notice:
    code: str
    message: str


@dataclass(frozen=True)
class Failed:
    """Something was refused. The session goes on unless `Closed` follows."""

    code: str
    message: str
    param: str | None = None
    client_event_id: str | None = None
    is_ours: bool = False


@dataclass(frozen=True)
class Closed:
    reason: EndReason
    session: SessionInfo
    seconds: float
    client_event_id: str | None = None


ServerEvent = (
    Opened
    | Resumed
    | Replaced
    | Updated
    | OutputAudio
    | OutputText
    | TextTaken
    | Muted
    | Delegated
    | Usage
    | Notice
    | Failed
    | Closed
)


class ProtocolError(Exception):
    """A client's event cannot be taken. Carries the event that tells the client so."""

    def __init__(
        self, code: str, message: str, param: str | None = None, client_event_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.failed = Failed(code, message, param, client_event_id)
