"""A server without a socket, on a clock of its own: nothing waits, and times are exact."""

from __future__ import annotations

import base64
import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from microturn.evals.dialect import Dialect
from microturn.evals.endpoint import Endpoint, EndpointConfig, EndpointSession
from microturn.evals.episode import Episode
from microturn.evals.interfaces import InputTick
from microturn.evals.link import LinkClosed
from microturn.evals.record import SystemFacts, Trace
from microturn.evals.scripted import sound
from microturn.evals.vad import EnergyVad
from microturn.signal import pcm

Server = Callable[["FakeLink", dict[str, Any]], None]


class FakeLink:
    """Calls `server(link, message)` for each message sent; `later` plans what the server says."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.clock_ms = 0.0
        self.planned: list[tuple[float, int, str | bytes | None]] = []
        self.numbers = itertools.count()
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self.is_closed = False

    def later(self, after_ms: float, message: Any) -> None:
        """Say something after so long; None closes the connection."""
        raw = (
            message if message is None or isinstance(message, str | bytes) else json.dumps(message)
        )
        heapq.heappush(self.planned, (self.clock_ms + after_ms, next(self.numbers), raw))

    def begin(self) -> None:
        self.planned = [(at - self.clock_ms, *rest) for at, *rest in self.planned]
        self.clock_ms = 0.0

    def now_ms(self) -> float:
        return self.clock_ms

    def send(self, message: str) -> None:
        if self.is_closed:
            raise LinkClosed("closed by the server")
        self.sent.append((self.clock_ms, json.loads(message)))
        self.server(self, self.sent[-1][1])

    def receive(self, until_ms: float) -> tuple[float, str | bytes] | None:
        if not self.planned or self.planned[0][0] > until_ms:
            self.clock_ms = max(self.clock_ms, until_ms)
            return None
        at_ms, _, message = heapq.heappop(self.planned)
        self.clock_ms = max(self.clock_ms, at_ms)
        if message is None:
            self.is_closed = True
            raise LinkClosed("closed by the server")
        return self.clock_ms, message

    def close(self) -> None:
        self.is_closed = True

    def of_kind(self, kind: str) -> list[tuple[float, dict[str, Any]]]:
        """What was sent of one type, with its time."""
        return [(at, message) for at, message in self.sent if message.get("type") == kind]


def speech(num_ms: int, start_ms: int = 0) -> str:
    """A buzz at 24 kHz, as base64."""
    return base64.b64encode(pcm.encode(sound(start_ms, num_ms))).decode()


def talk(
    dialect: Dialect, server: Server, episode: Episode | None = None, **more: Any
) -> tuple[Trace, EndpointSession, FakeLink]:
    """Play an episode of silence (4 s, unless one is given) to a server; 0.1 in the input's first
    sample of each tick. more: fields of the ticks by index."""
    link = FakeLink(server)
    episode = episode or Episode("e", "t", 4000)
    system = Endpoint(
        dialect,
        EndpointConfig("ws://fake"),
        SystemFacts("fake", clock="wallclock"),
        EnergyVad(),
        links=lambda config, dialect: link,
    )
    session = system.open(episode)
    for k in range(episode.end_ms // 200):
        audio = np.zeros(3200, np.float32)
        audio[0] = 0.1
        inp = InputTick(k, 200 * k, audio)
        session.step(replace(inp, **{name: value[k] for name, value in more.items() if k in value}))
    return session.close(), session, link
