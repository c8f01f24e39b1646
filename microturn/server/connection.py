"""One socket: who reads it, who writes it, and the one way its conversation ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from starlette.websockets import WebSocket, WebSocketDisconnect

from microturn.server import live
from microturn.server.journal import Journal
from microturn.server.protocol import (
    ClientEvent,
    Close,
    EndReason,
    Failed,
    ProtocolError,
    Resume,
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


class Vanished(Ended):
    """The socket is gone without a goodbye. Its session may go on over another one."""

    def __init__(self) -> None:
        super().__init__(NORMAL, None)


class Taken(Ended):
    """Another socket comes in the place of this one."""

    def __init__(self, by: Link, event: Resume) -> None:
        super().__init__(NORMAL, None)
        self.by, self.event = by, event


def first_ended(group: BaseExceptionGroup[Ended]) -> Ended:
    """Any of the group, preferring one that still has something to say, then one that is final."""
    leaves = [e for e in group.exceptions if isinstance(e, Ended)]
    leaves += [first_ended(g) for g in group.exceptions if isinstance(g, BaseExceptionGroup)]
    final = [e for e in leaves if not isinstance(e, Vanished)]
    return next((e for e in leaves if e.reason), (final or leaves)[0])


class Link:
    """A socket and the only one that writes to it. `released` says that nobody needs it any
    more."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.journal = Journal()
        self.released = asyncio.Event()

    async def write(self, event: ServerEvent) -> None:
        """Number and send. Raises Vanished when the client is gone."""
        await self.send(event, self.journal.enter(event))

    async def send(self, event: ServerEvent, number: int) -> None:
        try:
            await self.socket.send_text(live.write(event, number))
        except (WebSocketDisconnect, RuntimeError, OSError):
            raise Vanished() from None

    async def read(self) -> ClientEvent:
        """The next event. Raises ProtocolError for garbage and Vanished when the client is gone."""
        message = await self.socket.receive()
        if message["type"] == "websocket.disconnect":
            raise Vanished()
        text = message.get("text")
        if text is None:
            raise ProtocolError("invalid_message", "Binary messages are not taken; send JSON text.")
        return live.read(text)

    async def close(self, code: int, last: Sequence[ServerEvent] = ()) -> None:
        """The last words and the close code. A client that is gone or does not read cannot hold
        us."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(FAREWELL_TIMEOUT_S):
                for event in last:
                    await self.write(event)
                await self.socket.close(code)
        self.released.set()


async def first_event(link: Link, timeout_s: float) -> Start | Resume:
    """Wait for session.start or session.resume; whatever comes before it gets an error."""
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    event = await link.read()
                except ProtocolError as error:
                    await link.write(error.failed)
                    continue
                if isinstance(event, Start | Resume):
                    return event
                client_event_id = getattr(event, "client_event_id", None)
                if isinstance(event, Close):
                    raise Ended(NORMAL, None)
                text = "Send session.start first."
                await link.write(Failed("session_not_started", text, None, client_event_id))
    except TimeoutError:
        text = f"No session.start within {timeout_s:g} s."
        raise Ended(POLICY, None, [Failed("session_not_started", text)]) from None
