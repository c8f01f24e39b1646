"""The events of OpenAI's Live API as they stand on the wire. Client events are strict: unknown
fields are refused.

Field meanings: docs/protocol.md. Names and types follow the `openai` Python client,
`openai.types.live`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from microturn.server.settings import Settings, Strict

MAX_HISTORY_MESSAGES = 128
MAX_TEXT_CHARS = 4_000  # about 500 tokens
MAX_INSTRUCTIONS_CHARS = 65_536  # about 16,384 tokens

Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT_CHARS)]


class ClientEventBase(Strict):
    event_id: str | None = None


# session.start


class PcmFormat(Strict):
    type: Literal["audio/pcm"]
    rate: Literal[16_000, 24_000] = 24_000


class G711Format(Strict):
    type: Literal["audio/pcmu", "audio/pcma"]
    rate: Literal[8_000] = 8_000


class CustomVoice(Strict):
    id: str


class AudioOutput(Strict):
    voice: str | CustomVoice | None = None


class Audio(Strict):
    format: Annotated[PcmFormat | G711Format, Field(discriminator="type")] | None = None
    output: AudioOutput | None = None


class ClientDelegation(Strict):
    type: Literal["client"]
    acknowledgement_delay_ms: int | None = Field(default=None, ge=0)


class Content(Strict):
    type: Literal["input_text", "text", "output_text"] | None = None
    text: str


class Message(Strict):
    type: Literal["message"] | None = None
    id: str | None = None
    status: Literal["incomplete", "completed"] | None = None
    role: Literal["developer", "user", "assistant"]
    content: list[Content] = Field(min_length=1, max_length=1)


class SessionConfig(Strict):
    model: str
    instructions: str | None = Field(default=None, max_length=MAX_INSTRUCTIONS_CHARS)
    audio: Audio | None = None
    delegation: ClientDelegation | None = None
    input: list[Message] | None = Field(default=None, max_length=MAX_HISTORY_MESSAGES)
    store: Literal[False] | None = None
    microturn: Settings | None = None


class SessionStart(ClientEventBase):
    type: Literal["session.start"]
    session: SessionConfig


class SessionChange(Strict):
    delegation: ClientDelegation | None = None
    microturn: Settings | None = None


class SessionUpdate(ClientEventBase):
    type: Literal["session.update"]
    session: SessionChange


class SessionClose(ClientEventBase):
    type: Literal["session.close"]


class InputAudioAppend(ClientEventBase):
    type: Literal["session.input_audio.append"]
    audio: str


class InputAudioMute(ClientEventBase):
    type: Literal["session.input_audio.mute"]


class InputAudioUnmute(ClientEventBase):
    type: Literal["session.input_audio.unmute"]


class InstructionsAppend(ClientEventBase):
    type: Literal["session.instructions.append"]
    content: Text
    delegation_id: str | None = None


class ThinkingAppend(ClientEventBase):
    type: Literal["session.thinking.append"]
    content: Text
    delegation_id: str | None = None


class CommentaryAppend(ClientEventBase):
    type: Literal["session.commentary.append"]
    content: Text
    delegation_id: str | None = None


class InputImageAppend(ClientEventBase):
    """Our extension, under its own name and under the one that others use."""

    type: Literal["session.input_image.append", "input_image_buffer.append"]
    image: str


class PlaybackAck(ClientEventBase):
    """Our extension: positions of the client's loudspeaker since its socket joined."""

    type: Literal["session.playback.ack"]
    played_ms: float = Field(ge=0, allow_inf_nan=False)
    dropped_ms: float = Field(default=0.0, ge=0, allow_inf_nan=False)


class SessionResume(ClientEventBase):
    """Our extension: first message of a socket that goes on with a session."""

    type: Literal["session.resume"]
    resume_token: str = Field(max_length=100)
    last_event_id: str | None = Field(default=None, pattern=r"^event_[0-9]{1,12}$")


CLIENT_EVENTS: dict[str, type[ClientEventBase]] = {
    "session.start": SessionStart,
    "session.update": SessionUpdate,
    "session.close": SessionClose,
    "session.input_audio.append": InputAudioAppend,
    "session.input_audio.mute": InputAudioMute,
    "session.input_audio.unmute": InputAudioUnmute,
    "session.instructions.append": InstructionsAppend,
    "session.thinking.append": ThinkingAppend,
    "session.commentary.append": CommentaryAppend,
    "session.input_image.append": InputImageAppend,
    "input_image_buffer.append": InputImageAppend,
    "session.playback.ack": PlaybackAck,
    "session.resume": SessionResume,
}


# Server events


class ServerEventBase(BaseModel):
    model_config = ConfigDict(frozen=True)

    event_id: str
    client_event_id: str | None = None


class Spanned(ServerEventBase):
    start_ms: int
    end_ms: int


class SessionResource(BaseModel):
    """The session as the server sees it: its id and limits, and what the client configured."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str
    expires_at: int
    model: str
    status: Literal["active"] = "active"
    resume_token: str | None = None


class SessionUsage(BaseModel):
    seconds: float


class SessionStarted(ServerEventBase):
    type: Literal["session.started"] = "session.started"
    session: SessionResource


class SessionResumed(ServerEventBase):
    """Our extension, as are the next two."""

    type: Literal["session.resumed"] = "session.resumed"
    session: SessionResource
    num_replayed: int


class ResyncRequired(ServerEventBase):
    type: Literal["session.resync_required"] = "session.resync_required"
    session: SessionResource


class SessionReplaced(ServerEventBase):
    type: Literal["session.replaced"] = "session.replaced"


class SessionUpdated(ServerEventBase):
    type: Literal["session.updated"] = "session.updated"
    session: SessionResource


class SessionClosed(ServerEventBase):
    type: Literal["session.closed"] = "session.closed"
    reason: Literal["close_requested", "expired", "content", "remote_hangup", "connection_lost"]
    session: SessionResource
    usage: SessionUsage


class InputAudioMuted(ServerEventBase):
    type: Literal["session.input_audio.muted", "session.input_audio.unmuted"]


class Appended(Spanned):
    type: Literal[
        "session.instructions.appended",
        "session.thinking.appended",
        "session.commentary.appended",
    ]


class OutputAudioDelta(BaseModel):
    """The one event without an id, as in the original: there are five a second."""

    model_config = ConfigDict(frozen=True)

    type: Literal["session.output_audio.delta"] = "session.output_audio.delta"
    delta: str
    start_ms: int
    end_ms: int


class TranscriptDelta(Spanned):
    type: Literal["session.input_transcript.delta", "session.output_transcript.delta"]
    delta: str


class DelegationResource(BaseModel):
    id: str
    type: Literal["delegation"] = "delegation"
    target: Literal["client"] = "client"


class DelegationCreated(ServerEventBase):
    type: Literal["session.delegation.created"] = "session.delegation.created"
    delegation: DelegationResource
    offset_ms: int


class MicroTurnCounters(BaseModel):
    """Our extension of session.usage.updated; see protocol.Usage."""

    late: int
    slipped: int
    dropped_ms: int
    step_ms: float


class UsageUpdated(ServerEventBase):
    type: Literal["session.usage.updated"] = "session.usage.updated"
    usage: SessionUsage
    microturn: MicroTurnCounters


class ErrorBody(BaseModel):
    type: Literal["invalid_request_error", "server_error"]
    code: str
    message: str
    param: str | None = None
    client_event_id: str | None = None


class Error(ServerEventBase):
    type: Literal["error"] = "error"
    error: ErrorBody


class Info(ServerEventBase):
    type: Literal["info"] = "info"
    code: str
    message: str


WireServerEvent = (
    SessionStarted
    | SessionResumed
    | ResyncRequired
    | SessionReplaced
    | SessionUpdated
    | SessionClosed
    | InputAudioMuted
    | Appended
    | OutputAudioDelta
    | TranscriptDelta
    | DelegationCreated
    | UsageUpdated
    | Error
    | Info
)
