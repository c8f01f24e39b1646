"""The Live codec: what is taken, what is refused and how clearly; our events are theirs."""

from __future__ import annotations

import base64
import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microturn.server import live
from microturn.server import live_events as wire
from microturn.server.protocol import (
    AudioFormat,
    Close,
    Closed,
    Delegated,
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
    Span,
    Start,
    TextTaken,
    Update,
    Updated,
    Usage,
)

INFO = SessionInfo("s1", 1_800_000_000, {"model": "m", "audio": {"output": {"voice": "marin"}}})
SPAN = Span(200, 400)
SERVER_EVENTS: list[ServerEvent] = [
    Opened(INFO, "c1"),
    Updated(INFO),
    Closed("close_requested", INFO, 1.4, "c2"),
    OutputAudio(b"\x01\x02\x03\x04", SPAN),
    OutputText("heard", "hello ", SPAN),
    OutputText("said", "hi ", SPAN),
    TextTaken("instructions", SPAN, "c3"),
    TextTaken("thinking", SPAN),
    TextTaken("commentary", SPAN),
    Muted(True, "c4"),
    Muted(False),
    Delegated("d1", 600),
    Usage(12.4, 3, 1, 200, 31.5),
    Notice("session_idle", "quiet"),
    Failed("unknown_event", "no", "type", "c5"),
    Failed("server_error", "our fault", is_ours=True),
]
OWN_EVENTS: list[ServerEvent] = [  # sent only to those who asked for them
    Resumed(SessionInfo("s1", 1_800_000_000, {}, "key"), 3, is_complete=True),
    Resumed(INFO, 0, is_complete=False),
    Replaced(),
]


def text_of(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})


def start_with(**session: Any) -> str:
    return text_of("session.start", session={"model": "m", **session})


def refused(message: str) -> Failed:
    with pytest.raises(ProtocolError) as caught:
        live.read(message)
    return caught.value.failed


def test_every_client_event_is_read() -> None:
    audio = base64.b64encode(b"\x00\x01").decode()
    cases = {
        text_of("session.input_audio.append", audio=audio): InputAudio(b"\x00\x01"),
        text_of("session.input_audio.mute", event_id="e"): Mute(True, "e"),
        text_of("session.input_audio.unmute"): Mute(False),
        text_of("session.close", event_id="e"): Close("e"),
        text_of("session.update", session={}, event_id="e"): Update("e"),
        text_of("session.input_image.append", image=audio): InputImage(b"\x00\x01"),
        text_of(
            "input_image_buffer.append", image=f"data:image/png;base64,{audio}", event_id="e"
        ): (InputImage(b"\x00\x01", "e")),
        text_of("session.playback.ack", played_ms=120, dropped_ms=5.5): PlaybackAck(120.0, 5.5),
        text_of("session.resume", resume_token="t", last_event_id="event_7"): Resume("t", 7),
        start_with(): Start(AudioFormat("pcm", 24_000), None, {"model": "m"}),
    }
    for kind in ("instructions", "thinking", "commentary"):
        message = text_of(f"session.{kind}.append", content="hey", delegation_id="d", event_id="e")
        cases[message] = InputText(kind, "hey", "d", "e")
    for message, event in cases.items():
        assert live.read(message) == event
    assert {json.loads(message)["type"] for message in cases} == set(wire.CLIENT_EVENTS)


@pytest.mark.parametrize(
    ("wire_format", "expected"),
    [
        ({"type": "audio/pcm", "rate": 16_000}, AudioFormat("pcm", 16_000)),
        ({"type": "audio/pcm", "rate": 24_000}, AudioFormat("pcm", 24_000)),
        ({"type": "audio/pcmu", "rate": 8_000}, AudioFormat("pcmu", 8_000)),
        ({"type": "audio/pcma", "rate": 8_000}, AudioFormat("pcma", 8_000)),
    ],
)
def test_every_audio_format(wire_format: dict[str, Any], expected: AudioFormat) -> None:
    event = live.read(start_with(audio={"format": wire_format}))
    assert isinstance(event, Start)
    assert event.format == expected


def test_history_stands_after_the_instructions() -> None:
    history = [
        {"role": "developer", "content": [{"type": "input_text", "text": "Be kind."}]},
        {"role": "user", "content": [{"text": "Hi."}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]},
    ]
    event = live.read(start_with(instructions="Be brief.", input=history))
    assert isinstance(event, Start)
    assert event.instructions == "Be brief.\nBe kind.\nuser: Hi.\nassistant: Hello."


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"temperature": 1}, "unknown_parameter", "session.temperature"),
        ({"audio": {"speed": 2}}, "unknown_parameter", "session.audio.speed"),
        ({"audio": {"format": {"type": "audio/pcm", "rate": 8_000}}}, "invalid_value", "rate"),
        ({"audio": {"format": {"type": "audio/opus"}}}, "invalid_value", "session.audio.format"),
        ({"store": True}, "invalid_value", "session.store"),
        ({"delegation": {"type": "responses"}}, "invalid_value", "session.delegation.type"),
        ({"input": [{"role": "user", "content": []}]}, "invalid_value", "content"),
        ({"instructions": "a" * 70_000}, "invalid_value", "session.instructions"),
        ({"microturn": {"speed": 1}}, "unknown_parameter", "session.microturn.speed"),
    ],
)
def test_a_strict_start(session: dict[str, Any], code: str, param: str) -> None:
    failed = refused(start_with(**session))
    assert failed.code == code
    assert failed.param is not None and param in failed.param
    assert failed.param in failed.message


@pytest.mark.parametrize(("given", "found"), [("eager", 1.5), ("reserved", -1.5), (0.25, 0.25)])
def test_eagerness_by_name_or_number(given: str | float, found: float) -> None:
    started = live.read(start_with(microturn={"eagerness": given}))
    assert isinstance(started, Start) and started.eagerness == found
    assert started.echo["microturn"] == {"eagerness": found}
    update = text_of("session.update", session={"microturn": {"eagerness": given}})
    assert live.read(update) == Update(eagerness=found)
    assert live.read(text_of("session.update", session={"microturn": {}})) == Update()


@pytest.mark.parametrize(
    "value", ["pushy", "", 10.5, -1e9, 10**400, float("nan"), float("inf"), True, [1], {"a": 1}]
)
def test_no_eagerness_is_refused_with_what_there_is(value: object) -> None:
    for message in (
        start_with(microturn={"eagerness": value}),
        text_of("session.update", session={"microturn": {"eagerness": value}}),
    ):
        failed = refused(message)
        assert (failed.code, failed.param) == ("invalid_value", "session.microturn.eagerness")
        assert failed.message == (
            "'session.microturn.eagerness': give a number from -10 to 10, or one of reserved, "
            "calm, balanced, keen, eager."
        )


def test_a_missing_model_is_named() -> None:
    assert refused(text_of("session.start", session={})).param == "session.model"


@pytest.mark.parametrize(
    "message",
    ["", "hello", "[1]", "null", '"x"', "{", "\x00", "[" * 100_000, '{"type": ' + "9" * 10_000],
)
def test_garbage_is_refused(message: str) -> None:
    assert refused(message).code == "invalid_json"


def test_an_unknown_event_lists_the_known_ones() -> None:
    failed = refused(text_of("session.dance", event_id="e9"))
    assert failed.code == "unknown_event"
    assert failed.client_event_id == "e9"
    assert all(kind in failed.message for kind in wire.CLIENT_EVENTS)
    assert refused(json.dumps({"event_id": 3})).code == "missing_event_type"
    assert len(refused(text_of("x" * 10_000)).message) < 700


def test_bad_fields_are_refused() -> None:
    assert refused(text_of("session.input_audio.append", audio="###")).code == "invalid_audio"
    assert refused(text_of("session.input_audio.append", audio="ü")).code == "invalid_audio"
    assert refused(text_of("session.input_image.append", image="###")).code == "invalid_image"
    assert refused(text_of("session.input_audio.append")).param == "audio"
    assert refused(text_of("session.input_audio.append", audio="", x=1)).code == "unknown_parameter"
    assert refused(text_of("session.thinking.append", content="")).param == "content"
    assert refused(text_of("session.thinking.append", content="a" * 5_000)).param == "content"
    assert refused(text_of("session.close", event_id=5)).param == "event_id"
    assert refused(text_of("session.playback.ack", played_ms=-1)).param == "played_ms"
    late = text_of("session.resume", resume_token="t", last_event_id="7")
    assert refused(late).param == "last_event_id"


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(message: str) -> None:
    with pytest.raises(ProtocolError):
        live.read(message)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(wire.CLIENT_EVENTS)), st.dictionaries(st.text(max_size=8), JSON))
def test_no_fields_break_the_reader(kind: str, fields: dict[str, Any]) -> None:
    try:
        live.read(json.dumps({"session": fields, **fields, "type": kind}))
    except ProtocolError as error:
        assert len(error.failed.message) < 700


@pytest.mark.parametrize("event", SERVER_EVENTS, ids=lambda event: type(event).__name__)
def test_server_events_are_what_the_client_library_types(event: ServerEvent) -> None:
    pydantic = pytest.importorskip("pydantic")
    types = pytest.importorskip("openai.types.live.server_event")
    value = json.loads(live.write(event, 1))
    by_kind = {
        get_args(model.model_fields["type"].annotation)[0]: model
        for model in get_args(get_args(types.ServerEvent)[0])
    }
    model = by_kind[value["type"]]
    parsed = pydantic.TypeAdapter(model).validate_python(value, strict=True)
    assert parsed.model_dump(exclude_unset=True, mode="json") == value


@pytest.mark.parametrize(
    "event", [*SERVER_EVENTS, *OWN_EVENTS], ids=lambda event: type(event).__name__
)
def test_server_events_come_back_the_same(event: ServerEvent) -> None:
    message = live.encode(event, "event_1")
    again = type(message).model_validate_json(live.write(event, 1))
    assert again == message


def test_server_events_carry_what_they_should() -> None:
    audio = json.loads(live.write(OutputAudio(b"\x01\x02", SPAN), 1))
    assert audio == {
        "type": "session.output_audio.delta",
        "delta": "AQI=",
        "start_ms": 200,
        "end_ms": 400,
    }
    closed = json.loads(live.write(Closed("expired", INFO, 2.0), 2))
    assert closed["session"]["id"] == "s1"
    assert closed["session"]["status"] == "active"
    assert closed["session"]["audio"] == {"output": {"voice": "marin"}}
    assert closed["usage"] == {"seconds": 2.0}
    error = json.loads(live.write(Failed("c", "m", None, "e7"), 3))["error"]
    assert error == {
        "type": "invalid_request_error",
        "code": "c",
        "message": "m",
        "client_event_id": "e7",
    }


def test_formats_check_their_rate() -> None:
    with pytest.raises(ValueError, match="pcm audio needs a rate of 16000 or 24000 Hz, got 8000"):
        AudioFormat("pcm", 8_000)
    assert AudioFormat("pcm", 16_000).duration_ms(6_400) == 200
    assert AudioFormat("pcmu", 8_000).duration_ms(1_600) == 200
