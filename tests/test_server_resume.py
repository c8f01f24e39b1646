"""A session outlives its socket for a while, where its client asked for that."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from fixtures.server import Client, Running, client, running, tone_bytes
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

ASKING = "?extensions=resume"


def resuming(server: Running) -> Any:
    return connect(server.ws + ASKING, compression=None, max_size=None)


def started(socket: Any) -> tuple[Client, str]:
    """A session and the token to come back with."""
    talk = Client(socket)
    return talk, talk.start()["session"]["resume_token"]


def resumed(socket: Any, token: str, last: str | None = None) -> tuple[Client, dict[str, Any]]:
    talk = Client(socket)
    last_event = {} if last is None else {"last_event_id": last}
    talk.send("session.resume", resume_token=token, **last_event)
    while True:
        event = json.loads(socket.recv(timeout=5))
        talk.got.append(event)
        if event["type"] in ("session.resumed", "session.resync_required", "error"):
            return talk, event


def cut(talk: Client) -> None:
    """The network is gone: no closing handshake."""
    talk.socket.socket.close()


def last_id(talk: Client) -> str:
    return [event["event_id"] for event in talk.got if "event_id" in event][-1]


def ids(talk: Client) -> list[int]:
    names = [event["event_id"] for event in talk.got if "event_id" in event]
    return [int(name.removeprefix("event_")) for name in names]


def wait_until(is_so: Any, timeout_s: float = 5.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def test_the_session_goes_on_where_it_was() -> None:
    with running(max_sessions=1) as server:
        with resuming(server) as socket:
            first, token = started(socket)
            first.wait_for("session.usage.updated")
            first.send("session.thinking.append", content="remember", event_id="r")
            first.wait_for("session.thinking.appended")
            cut(first)
        steps = server.engine.inputs["s0"]
        num_steps = len(steps)
        wait_until(lambda: len(steps) > num_steps + 10)  # it goes on with nobody there
        with resuming(server) as socket:
            second, event = resumed(socket, token, last_id(first))
            assert event["type"] == "session.resumed"
            assert event["session"]["id"] == "s0"
            assert event["session"]["resume_token"] != token
            second.send(
                "session.input_audio.append", audio=base64.b64encode(tone_bytes(400)).decode()
            )
            second.wait_for("session.output_audio.delta")
            second.send("session.close")
            assert second.wait_for("session.closed")["reason"] == "close_requested"
        numbers = ids(first) + ids(second)
        assert len(set(numbers)) == len(numbers), "no control event came twice"
        kinds = [event["type"] for event in second.got]
        assert kinds.count("session.thinking.appended") == 0, "it had arrived before"
        sounds = sum(kind == "session.output_audio.delta" for kind in kinds)
        missing = set(range(1, max(numbers) + 1)) - set(numbers)
        # Audio is numbered but carries no id: what was said to nobody is two events of it.
        assert sounds <= len(missing) <= sounds + 2, "all else arrived"
    assert [turn.index for turn in steps] == list(range(len(steps)))
    assert list(server.engine.inputs) == ["s0"]
    assert server.engine.closed == ["s0"]


def test_what_was_missed_comes_again_with_its_number() -> None:
    with running() as server:
        with resuming(server) as socket:
            first, token = started(socket)
            for word in ("one", "two", "three"):
                first.send("session.thinking.append", content=word, event_id=word)
            for _ in range(3):
                first.wait_for("session.thinking.appended")
            cut(first)
        acks = [e for e in first.got if e["type"] == "session.thinking.appended"]
        with resuming(server) as socket:
            second, event = resumed(socket, token, acks[0]["event_id"])
            assert event["num_replayed"] >= 2
            again = [second.wait_for("session.thinking.appended") for _ in range(2)]
        assert again == acks[1:]


def test_a_half_dead_socket_is_replaced() -> None:
    with running(max_sessions=1) as server, resuming(server) as old, resuming(server) as new:
        first, token = started(old)
        second, event = resumed(new, token)
        assert event["type"] == "session.resync_required", "it did not say what it has"
        first.wait_for("session.replaced")
        with pytest.raises(ConnectionClosed) as caught:
            first.wait_for("never")
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 1000
        second.wait_for("session.usage.updated")
    assert server.engine.closed == ["s0"]


def test_a_token_is_good_once() -> None:
    with running() as server:
        with resuming(server) as socket:
            first, token = started(socket)
            cut(first)
        with resuming(server) as socket:
            second, event = resumed(socket, token)
            with resuming(server) as other:
                _, refusal = resumed(other, token)
                assert refusal["error"]["code"] == "session_not_found"
                with pytest.raises(ConnectionClosed) as caught:
                    other.recv(timeout=5)
                assert caught.value.rcvd is not None and caught.value.rcvd.code == 1008
            second.wait_for("session.usage.updated")
            cut(second)
        with resuming(server) as socket:
            _, event = resumed(socket, event["session"]["resume_token"])
            assert event["session"]["id"] == "s0"


def test_nobody_comes_back() -> None:
    with running(max_sessions=1, limits={"resume_s": 2.0}) as server:
        with resuming(server) as socket:
            first, token = started(socket)
            cut(first)
        thread = server.server.app.state.engine_thread
        wait_until(lambda: server.engine.closed == ["s0"])
        assert thread.num_sessions == 0
        with resuming(server) as socket:
            assert resumed(socket, token)[1]["error"]["code"] == "session_not_found"
    assert 10 <= len(server.engine.inputs["s0"]) <= 30


def test_what_is_said_to_nobody_is_not_heard() -> None:
    with running() as server:
        with resuming(server) as socket:
            first, _ = started(socket)
            for _ in range(20):
                first.send("session.thinking.append", content="word")
            first.wait_for("session.output_audio.delta")
            cut(first)
        turns = server.engine.inputs["s0"]
        wait_until(lambda: len(turns) > 20)
        heard = [turn.played_ms for turn in turns]
        assert heard[0] == 200 and 0 in heard
        assert heard[heard.index(0) : 15] == [0] * (15 - heard.index(0))


def test_who_did_not_ask_has_no_token_and_loses_the_session() -> None:
    with running() as server:
        with client(server) as talk:
            assert "resume_token" not in talk.start()["session"]
            cut(talk)
        wait_until(lambda: server.engine.closed == ["s0"])


def test_an_unknown_extension_is_refused() -> None:
    with running() as server:
        with pytest.raises(InvalidStatus) as caught, connect(server.ws + "?extensions=fly"):
            pass
        body = json.loads(caught.value.response.body)
        assert body["error"]["code"] == "unknown_extension"
        assert "resume" in body["error"]["message"]


def test_a_shutdown_does_not_wait_for_those_who_are_away() -> None:
    with running() as server:
        with resuming(server) as socket:
            first, _ = started(socket)
            cut(first)
        wait_until(lambda: len(server.engine.inputs["s0"]) > 5)
    assert server.engine.closed == ["s0"]
