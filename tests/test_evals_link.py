"""Endpoints over real sockets: a server of the test, and our own with a small model."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from fixtures.server import EchoEngine, running
from websockets.sync.server import ServerConnection, serve

from microturn.evals.endpoint import EndpointSession
from microturn.evals.endpoints import endpoint_of
from microturn.evals.episode import Episode
from microturn.evals.interfaces import InputTick
from microturn.evals.link import SocketLink
from microturn.evals.record import Trace, check_pair
from microturn.evals.vad import EnergyVad
from tests.fake_link import speech
from tests.tiny import tiny_engine

SPEED = 10  # where it does not matter how much of the server is in time
SLOW = 2  # where it does: a busy machine has a second to spare
LOUD = 1e-3


@contextmanager
def served(handler: Callable[[ServerConnection], None]) -> Iterator[str]:
    """A server of one handler; its URL."""
    with serve(handler, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join(5)


def played(
    kind: str, url: str, length_ms: int = 2000, speed: int = SPEED
) -> tuple[Trace, EndpointSession]:
    """Play loud input to an endpoint, faster than life."""
    episode = Episode("e", "t", length_ms)
    session = endpoint_of(kind, f"{url}#speed={speed}", None, EnergyVad()).open(episode)
    for k in range(length_ms // 200):
        session.step(InputTick(k, 200 * k, np.full(3200, 0.1, np.float32)))
    trace = session.close()
    check_pair(episode, trace)
    assert len(session.playback.track) == length_ms * 24
    return trace, session


def test_a_conversation_over_a_socket() -> None:
    got: list[dict[str, Any]] = []

    def handler(connection: ServerConnection) -> None:
        for raw in connection:
            got.append(json.loads(raw))
            if got[-1]["type"] == "session.start":
                connection.send(json.dumps({"type": "session.started"}))
            if len(got) == 11:  # after 200 ms of input
                event = {"type": "session.output_audio.delta", "delta": speech(600)}
                connection.send(json.dumps(event))

    with served(handler) as url:
        trace, session = played("live", url, 3000, SLOW)
    assert len(base64.b64decode(got[1]["audio"])) == 20 * 48
    assert sum(message["type"] == "session.input_audio.append" for message in got) == 150
    loud = np.flatnonzero(np.abs(session.playback.track) > LOUD) / 24
    assert loud[0] >= 200, "not before it was sent"
    assert len(trace.ticks) == 15


def test_a_server_that_hangs_up() -> None:
    def handler(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(json.dumps({"type": "session.started"}))
        connection.recv()
        connection.close(1011, "out of memory")

    with served(handler) as url:
        trace, session = played("live", url)
    assert trace.utterances == ()
    assert any("out of memory" in fault for fault in session.faults)


def test_a_server_that_floods_does_not_stop_the_input() -> None:
    num_heard = []

    def handler(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(json.dumps({"type": "session.started"}))
        event = json.dumps({"type": "session.output_audio.delta", "delta": speech(200)})
        reader = threading.Thread(target=lambda: num_heard.extend(connection))
        reader.start()
        for _ in range(300):
            connection.send(event)
        reader.join(10)

    with served(handler) as url:
        _, session = played("live", url)
    assert len(num_heard) == 101, "all packets, and the goodbye"
    assert session.playback.free > 24 * 2000


def test_nobody_is_there() -> None:
    with served(lambda connection: None) as url:
        gone = url
    with pytest.raises(ConnectionError, match=r"cannot connect to ws://127.0.0.1:\d+/x: ") as error:
        SocketLink(f"{gone}/x?token=secret", {})
    assert "secret" not in str(error.value)


def test_our_own_server_with_a_small_model() -> None:
    with running(tiny_engine(), tick_ms=200 / SPEED) as server:
        trace, session = played("live", server.ws)
    others = [fault for fault in session.faults if "this machine is busy" not in fault]
    assert others == []
    assert len(trace.ticks) == 10
    assert server.engine.sessions == {}, "the goodbye freed the session"


def test_our_own_server_is_heard_and_understood() -> None:
    with running(EchoEngine(), tick_ms=200 / SLOW) as server:
        trace, session = played("live", server.ws, 3000, SLOW)
    assert "I hear you" in trace.text
    assert any("sound" in (tick.heard or "") for tick in trace.ticks)
    assert np.abs(session.playback.track).max() > 0.2
