"""A WebSocket to a system under test, on the clock of an episode. Here, and only here in the
evaluation, time is that of the wall."""

from __future__ import annotations

import time
from typing import Protocol

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.sync.client import ClientConnection, connect

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
MAX_WAITING = 1024  # messages; then the server has to wait
OPEN_S, CLOSE_S = 20.0, 2.0


class LinkClosed(Exception):
    """The other side is gone; the message says why."""


class Link(Protocol):
    """Messages, and the clock that they are stamped with."""

    def begin(self) -> None:
        """Now is 0 ms of the episode."""
        ...

    def now_ms(self) -> float: ...

    def send(self, message: str) -> None:
        """Raises LinkClosed."""
        ...

    def receive(self, until_ms: float) -> tuple[float, str | bytes] | None:
        """The next message with the time of its arrival, or None once it is `until_ms`.

        Raises LinkClosed.
        """
        ...

    def close(self) -> None: ...


class SocketLink:
    """speed: how many times faster than life an episode is played; for servers of tests."""

    def __init__(self, url: str, headers: dict[str, str], speed: float = 1.0) -> None:
        """Raises ConnectionError in one line where the server cannot be reached."""
        try:
            self.socket: ClientConnection = connect(
                url,
                additional_headers=headers,
                compression=None,
                max_size=MAX_MESSAGE_BYTES,
                max_queue=MAX_WAITING,
                open_timeout=OPEN_S,
                close_timeout=CLOSE_S,
            )
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
            place = url.partition("?")[0]  # keys may stand behind it
            raise ConnectionError(f"cannot connect to {place}: {error}") from error
        self.speed = speed
        self.begin()

    def begin(self) -> None:
        self.zero_s = time.monotonic()

    def now_ms(self) -> float:
        return 1000 * self.speed * (time.monotonic() - self.zero_s)

    def send(self, message: str) -> None:
        try:
            self.socket.send(message)
        except ConnectionClosed as error:
            raise LinkClosed(str(error)) from error

    def receive(self, until_ms: float) -> tuple[float, str | bytes] | None:
        left_s = (until_ms - self.now_ms()) / (1000 * self.speed)
        try:
            message = self.socket.recv(timeout=max(0.0, left_s))
        except TimeoutError:
            return None
        except ConnectionClosed as error:
            raise LinkClosed(str(error)) from error
        return self.now_ms(), message

    def close(self) -> None:
        self.socket.close()
