"""One socket: who reads it, who writes it, and the one way its conversation ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from starlette.websockets import WebSocket, WebSocketDisconnect

from microturn.server import live
from microturn.server.protocol import (
    ClientEvent,
    Close,
    EndReason,
    Failed,
    ProtocolError,
    ServerEvent,
    Start,
)

NORMAL, GOING_AWAY, POLICY, INTERNAL_ERROR, RESTART, TRY_LATER = 1000, 1001, 1008, 1011, 1012, 1013
FAREWELL_TIMEOUT_S = 5.0


class Ended(Exception):
    """The one way a conversation ends. `reason` None: without a session.closed; `last` goes out
    before it."""

    def __init__(
        self,
        code: int,
        reason: EndReason | None,
        last: Sequence[ServerEvent] = (),
        client_event_id: str | None = None,
    ) -> None:
        super().__init__(f"close {code}: {reason}")
        self.code = code
        self.reason: EndReason | None = reason
        self.last = last
        self.client_event_id = client_event_id


def first_ended(group: BaseExceptionGroup[Ended]) -> Ended:
    """Any of the group, preferring one that still has something to say."""
    leaves = [e for e in group.exceptions if isinstance(e, Ended)]
    leaves += [first_ended(g) for g in group.exceptions if isinstance(g, BaseExceptionGroup)]
    return next((e for e in leaves if e.reason), leaves[0])


class Writer:
    """The only one that writes to the socket; it numbers the events."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.num_written = 0

    async def write(self, event: ServerEvent) -> None:
        """Raises Ended when the client is gone."""
        self.num_written += 1
        try:
            await self.socket.send_text(live.write(event, f"event_{self.num_written}"))
        except (WebSocketDisconnect, RuntimeError, OSError):
            raise Ended(NORMAL, None) from None

    async def close(self, code: int, last: Sequence[ServerEvent] = ()) -> None:
        """The last words and the close code. A client that is gone or does not read cannot hold
        us."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(FAREWELL_TIMEOUT_S):
                for event in last:
                    await self.write(event)
                await self.socket.close(code)


async def read_event(socket: WebSocket) -> ClientEvent:
    """The next event. Raises ProtocolError for garbage and Ended when the client is gone."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise Ended(NORMAL, None)
    text = message.get("text")
    if text is None:
        raise ProtocolError("invalid_message", "Binary messages are not taken; send JSON text.")
    return live.read(text)


async def first_start(socket: WebSocket, writer: Writer, timeout_s: float) -> Start:
    """Wait for session.start; whatever comes before it gets an error."""
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    event = await read_event(socket)
                except ProtocolError as error:
                    await writer.write(error.failed)
                    continue
                if isinstance(event, Start):
                    return event
                client_event_id = getattr(event, "client_event_id", None)
                if isinstance(event, Close):
                    raise Ended(NORMAL, None)
                text = "Send session.start first."
                await writer.write(Failed("session_not_started", text, None, client_event_id))
    except TimeoutError:
        text = f"No session.start within {timeout_s:g} s."
        raise Ended(POLICY, None, [Failed("session_not_started", text)]) from None
