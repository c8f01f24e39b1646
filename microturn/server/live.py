"""OpenAI's Live API, `/v1/live/sessions` over WebSocket: wire text to core events and back. Pure;
no socket."""

from __future__ import annotations

import base64
import json
from typing import Any, cast

from pydantic import ValidationError

from microturn.server import live_events as wire
from microturn.server.protocol import (
    AudioFormat,
    ClientEvent,
    Close,
    Closed,
    Delegated,
    Encoding,
    Failed,
    InputAudio,
    InputImage,
    InputText,
    Mute,
    Muted,
    Notice,
    Opened,
    OutputAudio,
    OutputText,
    PlaybackAck,
    ProtocolError,
    Replaced,
    Resume,
    Resumed,
    ServerEvent,
    SessionInfo,
    Start,
    TextTaken,
    Update,
    Updated,
    Usage,
)

ENCODINGS: dict[str, Encoding] = {"audio/pcm": "pcm", "audio/pcmu": "pcmu", "audio/pcma": "pcma"}
EVENT_PREFIX = "event_"
MAX_SHOWN_CHARS = 80  # of a client's own words in our error messages


def read(message: str) -> ClientEvent:
    """One message of a client -> one core event. Raises ProtocolError for whatever cannot be
    taken."""
    value = parse_object(message)
    event_id = value.get("event_id")
    client_event_id = event_id if isinstance(event_id, str) else None
    kind = value.get("type")
    supported = ", ".join(wire.CLIENT_EVENTS)
    if not isinstance(kind, str):
        text = f"An event needs a string 'type'. Supported events: {supported}."
        raise ProtocolError("missing_event_type", text, "type", client_event_id)
    if kind not in wire.CLIENT_EVENTS:
        text = f"Unknown event '{kind[:MAX_SHOWN_CHARS]}'. Supported events: {supported}."
        raise ProtocolError("unknown_event", text, "type", client_event_id)
    try:
        event = wire.CLIENT_EVENTS[kind].model_validate(value)
    except ValidationError as error:
        raise refusal(error, client_event_id) from None
    return core(event)


def parse_object(message: str) -> dict[str, Any]:
    """JSON text -> object. Deep nesting and absurd numbers are refused like any other garbage."""
    try:
        value = json.loads(message)
    except (ValueError, RecursionError) as error:
        reason = (
            str(error).splitlines()[0] if isinstance(error, ValueError) else "nested too deeply"
        )
        raise ProtocolError("invalid_json", f"The message is not JSON: {reason}.") from None
    if not isinstance(value, dict):
        raise ProtocolError("invalid_json", "The message must be a JSON object with a 'type'.")
    return cast("dict[str, Any]", value)


def refusal(error: ValidationError, client_event_id: str | None) -> ProtocolError:
    """The first complaint of pydantic as one clear line."""
    first = error.errors(include_url=False, include_input=False)[0]
    # Discriminated unions put the tag into the location; clients know only their own field names.
    tags = {"audio/pcm", "audio/pcmu", "audio/pcma", "CustomVoice", "str"}
    param = ".".join(str(part) for part in first["loc"] if part not in tags)
    param = param[: 2 * MAX_SHOWN_CHARS]
    if first["type"] == "extra_forbidden":
        return ProtocolError(
            "unknown_parameter", f"Unknown field '{param}'.", param, client_event_id
        )
    reason = first["msg"].removeprefix("Value error, ")  # our own checks speak for themselves
    message = f"'{param}': {reason}."
    return ProtocolError("invalid_value", message, param, client_event_id)


def core(event: wire.ClientEventBase) -> ClientEvent:
    """A checked wire event -> its core event. Raises ProtocolError for what is not
    base64."""
    match event:
        case wire.SessionStart():
            return start(event)
        case wire.SessionUpdate():
            return Update(event.event_id, eagerness_in(event.session))
        case wire.SessionClose():
            return Close(event.event_id)
        case wire.InputAudioAppend():
            return InputAudio(decode(event.audio, "audio", event.event_id))
        case wire.InputImageAppend():
            _, _, file = event.image.rpartition("base64,")  # a data URL or its content
            return InputImage(decode(file, "image", event.event_id), event.event_id)
        case wire.InputAudioMute() | wire.InputAudioUnmute():
            return Mute(isinstance(event, wire.InputAudioMute), event.event_id)
        case wire.PlaybackAck():
            return PlaybackAck(event.played_ms, event.dropped_ms, event.event_id)
        case wire.SessionResume():
            number = None
            if event.last_event_id is not None:
                number = int(event.last_event_id.removeprefix(EVENT_PREFIX))
            return Resume(event.resume_token, number, event.event_id)
        case wire.InstructionsAppend():
            return InputText("instructions", event.content, event.delegation_id, event.event_id)
        case wire.ThinkingAppend():
            return InputText("thinking", event.content, event.delegation_id, event.event_id)
        case wire.CommentaryAppend():
            return InputText("commentary", event.content, event.delegation_id, event.event_id)
        case _:
            pass
    raise AssertionError(f"no core event for {event!r}")


def decode(text: str, param: str, client_event_id: str | None) -> bytes:
    """Strict base64: a lenient decoder would skip bad characters and turn garbage into noise."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        message = f"'{param}' is not base64: {error}."
        raise ProtocolError(f"invalid_{param}", message, param, client_event_id) from None


def start(event: wire.SessionStart) -> Start:
    """History messages have no place of their own in the sequence; they stand after the
    instructions."""
    config = event.session
    audio_format = AudioFormat()
    if config.audio is not None and config.audio.format is not None:
        wire_format = config.audio.format
        audio_format = AudioFormat(ENCODINGS[wire_format.type], wire_format.rate)
    lines = [config.instructions] if config.instructions and config.instructions.strip() else []
    for message in config.input or []:
        text = message.content[0].text
        lines.append(text if message.role == "developer" else f"{message.role}: {text}")
    echo = config.model_dump(exclude_unset=True, mode="json")
    instructions = "\n".join(lines) or None
    return Start(audio_format, instructions, echo, event.event_id, eagerness_in(config))


def eagerness_in(session: wire.SessionConfig | wire.SessionChange) -> float | None:
    return None if session.microturn is None else session.microturn.eagerness


def write(event: ServerEvent, number: int) -> str:
    """A core event and its number in the session -> the text of one wire message."""
    return encode(event, f"{EVENT_PREFIX}{number}").model_dump_json(exclude_none=True)


def encode(event: ServerEvent, event_id: str) -> wire.WireServerEvent:
    """A core event -> its wire event."""
    ids: dict[str, Any] = {
        "event_id": event_id,
        "client_event_id": getattr(event, "client_event_id", None),
    }
    match event:
        case Opened():
            return wire.SessionStarted(session=resource(event.session), **ids)
        case Resumed():
            session = resource(event.session)
            if not event.is_complete:
                return wire.ResyncRequired(session=session, **ids)
            return wire.SessionResumed(session=session, num_replayed=event.num_replayed, **ids)
        case Replaced():
            return wire.SessionReplaced(**ids)
        case Updated():
            return wire.SessionUpdated(session=resource(event.session), **ids)
        case Closed():
            return wire.SessionClosed(
                reason=event.reason,
                session=resource(event.session),
                usage=wire.SessionUsage(seconds=event.seconds),
                **ids,
            )
        case OutputAudio():
            delta = base64.b64encode(event.data).decode("ascii")
            return wire.OutputAudioDelta(
                delta=delta, start_ms=event.span.start_ms, end_ms=event.span.end_ms
            )
        case OutputText() | TextTaken():
            return encode_text(event, ids)
        case Muted():
            prefix = "session.input_audio"
            kind = f"{prefix}.muted" if event.is_muted else f"{prefix}.unmuted"
            return wire.InputAudioMuted.model_validate({"type": kind, **ids})
        case Delegated():
            delegation = wire.DelegationResource(id=event.delegation_id)
            return wire.DelegationCreated(delegation=delegation, offset_ms=event.offset_ms, **ids)
        case Usage():
            counters = wire.MicroTurnCounters(
                late=event.late,
                slipped=event.slipped,
                dropped_ms=event.dropped_ms,
                step_ms=event.step_ms,
            )
            usage = wire.SessionUsage(seconds=event.seconds)
            return wire.UsageUpdated(usage=usage, microturn=counters, **ids)
        case Notice():
            return wire.Info(code=event.code, message=event.message, **ids)
        case Failed():
            return wire.Error(error=error_body(event), **ids)
    raise AssertionError(f"no wire event for {event!r}")


def encode_text(event: OutputText | TextTaken, ids: dict[str, Any]) -> wire.WireServerEvent:
    span = {"start_ms": event.span.start_ms, "end_ms": event.span.end_ms}
    if isinstance(event, TextTaken):
        kind = f"session.{event.kind}.appended"
        return wire.Appended.model_validate({"type": kind, **span, **ids})
    lane = "input" if event.lane == "heard" else "output"
    kind = f"session.{lane}_transcript.delta"
    value = {"type": kind, "delta": event.text, **span, **ids}
    return wire.TranscriptDelta.model_validate(value)


def error_body(event: Failed) -> wire.ErrorBody:
    return wire.ErrorBody(
        type="server_error" if event.is_ours else "invalid_request_error",
        code=event.code,
        message=event.message,
        param=event.param,
        client_event_id=event.client_event_id,
    )


def resource(info: SessionInfo) -> wire.SessionResource:
    """Id, expiry and the echoed configuration."""
    echo: dict[str, Any] = {"model": "microturn", **info.echo}
    return wire.SessionResource(
        id=info.session_id,
        expires_at=info.expires_at_s,
        resume_token=info.resume_token,
        **echo,
    )
