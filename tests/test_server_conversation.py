"""Whole conversations over a real socket: what works, and no client can hurt another."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import time
from typing import Any

import pytest
from fixtures.server import EchoEngine, client, energy, running, tone_bytes
from websockets.exceptions import ConnectionClosed

from microturn.server import live_events as wire
from microturn.server.conversation import Hall, converse
from microturn.server.engine_thread import EngineThread
from microturn.server.live_session import ConversationConfig
from microturn.server.ticker import Ticker


def append(audio: bytes) -> dict[str, str]:
    return {"audio": base64.b64encode(audio).decode()}


def close_code(talk: Any) -> int:
    """Read to the end; the close code."""
    with pytest.raises(ConnectionClosed) as caught:
        while True:
            talk.got.append(json.loads(talk.socket.recv(timeout=8)))
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code


@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
def test_sound_in_sound_and_words_out(rate_hz: int) -> None:
    with running() as server, client(server) as talk:
        started = talk.start(audio={"format": {"type": "audio/pcm", "rate": rate_hz}})
        assert started["session"]["audio"]["format"]["rate"] == rate_hz
        assert started["session"]["expires_at"] > time.time()
        talk.send("session.input_audio.append", **append(tone_bytes(600, rate_hz)))
        heard = talk.wait_for("session.input_transcript.delta")
        said = talk.wait_for("session.output_transcript.delta")
        sound = talk.wait_for("session.output_audio.delta")
        assert heard["end_ms"] == said["start_ms"] == sound["start_ms"]
        assert len(base64.b64decode(sound["delta"])) == 2 * rate_hz // 5
        talk.send("session.close", event_id="bye")
        closed = talk.wait_for("session.closed")
        assert closed["reason"] == "close_requested"
        assert closed["client_event_id"] == "bye"
        assert closed["usage"]["seconds"] > 0
        assert close_code(talk) == 1000
    heard_energy = max(energy(turn.audio) for turn in server.engine.inputs["s0"])
    assert heard_energy == pytest.approx(0.3 / 2**0.5, rel=0.05)


def test_silence_is_not_sent_and_time_goes_on() -> None:
    with running() as server, client(server) as talk:
        talk.start()
        usage = [talk.wait_for("session.usage.updated") for _ in range(3)]
        assert [event["usage"]["seconds"] for event in usage] == [1.0, 2.0, 3.0]
        assert usage[-1]["microturn"]["late"] == 0
        kinds = {event["type"] for event in talk.got}
        assert kinds == {"session.started", "session.usage.updated"}


def test_a_gap_in_the_audio_is_counted_as_late() -> None:
    with running() as server, client(server) as talk:
        talk.start()
        talk.send("session.input_audio.append", **append(tone_bytes(100)))
        usage = [talk.wait_for("session.usage.updated") for _ in range(2)][-1]
        assert usage["microturn"]["late"] >= 3
    assert any(turn.is_late for turn in server.engine.inputs["s0"])


def test_mute_hides_the_sound() -> None:
    with running() as server, client(server) as talk:
        talk.start()
        talk.send("session.input_audio.mute")
        talk.wait_for("session.input_audio.muted")
        talk.send("session.input_audio.append", **append(tone_bytes(1_000)))
        talk.wait_for("session.usage.updated")
        talk.send("session.input_audio.unmute")
        talk.wait_for("session.input_audio.unmuted")
        assert max(energy(turn.audio) for turn in server.engine.inputs["s0"]) == 0
        talk.send("session.input_audio.append", **append(tone_bytes(400)))
        talk.wait_for("session.input_transcript.delta")


@pytest.mark.parametrize("kind", ["instructions", "thinking", "commentary"])
def test_typed_text_is_taken_in_order(kind: str) -> None:
    with running() as server, client(server) as talk:
        talk.start()
        for word in ("one", "two"):
            talk.send(f"session.{kind}.append", content=word, event_id=word)
        acks = [talk.wait_for(f"session.{kind}.appended") for _ in range(2)]
        assert [ack["client_event_id"] for ack in acks] == ["one", "two"]
        assert acks[1]["start_ms"] == acks[0]["start_ms"] + 200
    assert [turn.text for turn in server.engine.inputs["s0"] if turn.text] == ["one", "two"]


def test_delegated_work_comes_back_as_an_update() -> None:
    with running() as server, client(server) as talk:
        talk.start()
        talk.send("session.thinking.append", content="delegate")
        created = talk.wait_for("session.delegation.created")
        delegation_id = created["delegation"]["id"]
        for kind in ("thinking", "commentary"):
            talk.send(f"session.{kind}.append", content="done", delegation_id=delegation_id)
            talk.wait_for(f"session.{kind}.appended")
        for _ in range(500):  # acknowledged when taken in; the step may still be running
            updates = [update for turn in server.engine.inputs["s0"] for update in turn.updates]
            if len(updates) == 2:
                break
            time.sleep(0.01)
    assert [update.mode for update in updates] == ["silent", "when_idle"]
    assert {update.delegation_id for update in updates} == {"d1"}
    assert len({update.id for update in updates}) == 2


def test_nothing_goes_before_the_start_and_no_second_start() -> None:
    with running() as server, client(server) as talk:
        talk.send("session.input_audio.append", event_id="early", **append(b""))
        talk.wait_error("session_not_started")
        talk.send("session.start", session={"model": "m", "colour": "red"}, event_id="s")
        assert talk.wait_error("unknown_parameter")["client_event_id"] == "s"
        talk.start()
        talk.send("session.start", session={"model": "m"})
        talk.wait_error("session_already_started")
        talk.send("session.update", session={}, event_id="u")
        assert talk.wait_for("session.updated")["session"]["id"] == "s0"
        talk.wait_for("session.usage.updated")


def test_garbage_gets_an_error_and_the_session_goes_on() -> None:
    with running() as server, client(server) as talk:
        talk.start()
        talk.socket.send("not json")
        talk.wait_error("invalid_json")
        talk.socket.send(b"\x00\x01")
        talk.wait_error("invalid_message")
        talk.send("session.dance")
        message = talk.wait_error("unknown_event")["message"]
        assert all(kind in message for kind in wire.CLIENT_EVENTS)
        talk.send("session.input_audio.append", audio="%%%")
        talk.wait_error("invalid_audio")
        talk.send("session.input_audio.append", **append(b"\x00\x01\x02"))
        talk.wait_error("invalid_audio")
        talk.send("session.input_audio.append", **append(bytes(2 * 24_000 * 10 + 2)))
        talk.wait_error("audio_too_long")
        talk.send("session.input_audio.append", **append(tone_bytes(400)))
        talk.wait_for("session.input_transcript.delta")


def test_too_many_texts_are_refused() -> None:
    with running(limits={"max_waiting_texts": 2}) as server, client(server) as talk:
        talk.start()
        for _ in range(8):
            talk.send("session.thinking.append", content="word")
        talk.wait_error("rate_limit_exceeded")


def test_a_second_session_goes_on_while_the_first_misbehaves() -> None:
    with running() as server, client(server) as bad, client(server) as good:
        bad.start()
        good.start()
        for _ in range(50):
            bad.socket.send("{" * 1_000)
        # The header of a frame of 17 MiB is enough: the server does not wait for the rest.
        header = struct.pack("!BBQ", 0x81, 0xFF, 17 * 1024 * 1024)
        bad.socket.socket.sendall(header + bytes(4))
        assert close_code(bad) == 1009
        good.send("session.input_audio.append", **append(tone_bytes(400)))
        good.wait_for("session.output_audio.delta")
        good.send("session.close")
        good.wait_for("session.closed")
    assert sorted(server.engine.closed) == ["s0", "s1"]


def test_a_failing_engine_ends_one_session_only(caplog: pytest.LogCaptureFixture) -> None:
    with running() as server, client(server) as bad, client(server) as good:
        bad.start()
        good.start()
        bad.send("session.thinking.append", content="fail")
        assert close_code(bad) == 1011
        assert bad.got[-1]["error"]["type"] == "server_error"
        assert "told to fail" not in json.dumps(bad.got), "our insides are not for clients"
        good.send("session.thinking.append", content="hello")
        good.wait_for("session.output_transcript.delta")
    assert "told to fail" in caplog.text


def test_an_engine_that_cannot_open_ends_one_session_only(caplog: pytest.LogCaptureFixture) -> None:
    class Picky(EchoEngine):
        def open(self, *arguments: Any) -> str:
            if arguments[1]:
                raise RuntimeError("no instructions, please")
            return super().open(*arguments)

    with running(Picky(), max_sessions=1) as server:
        with client(server) as bad:
            bad.send("session.start", session={"model": "m", "instructions": "obey"})
            assert bad.wait_error("server_error")
            assert close_code(bad) == 1011
        with client(server) as good:
            good.start()
            good.wait_for("session.usage.updated")
    assert "no instructions, please" in caplog.text


def test_no_free_session_is_said_clearly_and_slots_come_back() -> None:
    with running(max_sessions=1) as server:
        with client(server) as first:
            first.start()
            with client(server) as second:
                second.send("session.start", session={"model": "m"})
                assert "in use" in second.wait_error("too_many_sessions")["message"]
                assert close_code(second) == 1013
            first.send("session.close")
            first.wait_for("session.closed")
            assert close_code(first) == 1000
        with client(server) as third:
            third.start()


def test_a_client_that_vanishes_frees_its_slot() -> None:
    with running(max_sessions=1) as server:
        for _ in range(3):
            with client(server) as talk:
                talk.start()
                talk.socket.socket.close()
            deadline_s = time.monotonic() + 5
            while server.server.app.state.engine_thread.num_sessions:
                assert time.monotonic() < deadline_s
                time.sleep(0.01)


class DeafSocket:
    """A client that starts a session and types, but stops reading after a while."""

    def __init__(self, num_reads: int) -> None:
        self.num_reads = num_reads
        self.sent: list[dict[str, Any]] = []
        self.code: int | None = None
        texts = [{"type": "session.thinking.append", "content": "word"}] * 30
        start = {"type": "session.start", "session": {"model": "m"}}
        self.messages = [
            {"type": "websocket.receive", "text": json.dumps(e)} for e in (start, *texts)
        ]

    async def receive(self) -> dict[str, Any]:
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send_text(self, text: str) -> None:
        if len(self.sent) >= self.num_reads:
            await asyncio.Event().wait()
        self.sent.append(json.loads(text))

    async def close(self, code: int) -> None:
        self.code = code


def test_a_client_that_does_not_read_is_let_go() -> None:
    async def scene() -> None:
        engine = EchoEngine()
        thread = EngineThread(engine)
        socket = DeafSocket(num_reads=5)
        config = ConversationConfig(tick_ms=1.0, max_waiting_audio=2, max_waiting_control=20)
        hall = Hall(thread, Ticker(thread, config.tick_ms), config)
        await asyncio.wait_for(converse(socket, hall), 10)  # type: ignore[arg-type]
        assert socket.code == 1013
        assert len(socket.sent) == 5
        assert thread.num_sessions == 0
        thread.shutdown()
        assert engine.closed == ["s0"]

    asyncio.run(scene())


def test_many_sessions_leave_nothing_behind() -> None:
    with running(max_sessions=2) as server:
        for _ in range(40):
            with client(server) as talk:
                talk.start()
                talk.send("session.close")
                talk.wait_for("session.closed")
                assert close_code(talk) == 1000
        assert server.server.app.state.engine_thread.num_sessions == 0
    assert len(server.engine.closed) == 40


def test_limits_of_time_end_a_session() -> None:
    for limits, code in (
        ({"idle_timeout_s": 1.0, "notice_s": 0.4}, "session_idle"),
        ({"max_session_s": 1.0, "notice_s": 0.4}, "session_expired"),
    ):
        with running(limits=limits) as server, client(server) as talk:
            talk.start()
            soon = "session_idle_soon" if code == "session_idle" else "session_expires_soon"
            assert [talk.wait_for("info")["code"] for _ in range(2)] == [soon, code]
            assert talk.wait_for("session.closed")["reason"] == "expired"
            assert close_code(talk) == 1001


def test_a_socket_that_never_starts_is_closed() -> None:
    with running(limits={"start_timeout_s": 0.1}) as server, client(server) as talk:
        talk.wait_error("session_not_started")
        assert close_code(talk) == 1008


def test_a_slow_engine_skips_micro_turns_and_says_so() -> None:
    with running(EchoEngine(step_s=0.05)) as server, client(server) as talk:
        talk.start()
        usage = talk.wait_for("session.usage.updated")["microturn"]
        assert usage["slipped"] >= 3
        assert usage["step_ms"] >= 50
    indices = [turn.index for turn in server.engine.inputs["s0"]]
    assert indices == list(range(len(indices))), "session time has no holes"


def test_a_shutdown_says_goodbye() -> None:
    with running() as server, client(server) as talk:
        talk.start()
        server.server.should_exit = True
        assert talk.wait_for("info")["code"] == "server_draining"
        assert talk.wait_for("session.closed")["reason"] == "expired"
        assert close_code(talk) == 1012
    assert server.engine.closed == ["s0"]
