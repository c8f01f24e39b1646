"""One connection, from the first message to the last. A session is held by the socket that started
it; another one may take it over.

While a socket is there, one task takes events in and one writes; the ticker runs the model every
200 ms whether a socket is there or not. Whichever ends first ends the others by raising Ended;
then, with nobody else writing, the farewell goes out. An error here ends this session only.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from starlette.websockets import WebSocket

from microturn.server.connection import (
    INTERNAL_ERROR,
    NORMAL,
    POLICY,
    TRY_LATER,
    Ended,
    Link,
    Taken,
    Vanished,
    first_ended,
    first_event,
)
from microturn.server.engine_thread import EngineThread, TooManySessions
from microturn.server.live_session import ConversationConfig, LiveSession
from microturn.server.protocol import (
    Failed,
    InputImage,
    ProtocolError,
    Replaced,
    Resume,
    Resumed,
    Start,
    Update,
)
from microturn.server.ticker import Ticker

logger = logging.getLogger(__name__)


@dataclass
class Hall:
    """What all sessions of a server share. `held`: those that may be resumed, by token."""

    engine: EngineThread
    ticker: Ticker
    config: ConversationConfig = field(default_factory=ConversationConfig)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    held: dict[str, Held] = field(default_factory=dict[str, "Held"])


async def converse(socket: WebSocket, hall: Hall, is_resumable: bool = False) -> None:
    """Speak the Live API on an accepted socket until it ends. Never raises for what a client or the
    engine does."""
    link = Link(socket)
    try:
        first = await first_event(link, hall.config.start_timeout_s)
        if isinstance(first, Resume):
            await resume(link, hall, first)
        else:
            await hold(link, hall, first, is_resumable)
    except* Ended as group:
        ended = first_ended(group)
        await link.close(ended.code, ended.last)
    except* Exception:
        ended = our_mistake(hall)
        await link.close(ended.code, ended.last)


def our_mistake(hall: Hall) -> Ended:
    """Closing is the last resort: the server and the other sessions go on. Call it where an
    exception is caught."""
    logger.exception("a conversation failed")
    hall.engine.metrics.num_failed += 1
    text = "The server made a mistake; this session ends. Others are not affected."
    return Ended(INTERNAL_ERROR, None, [Failed("server_error", text, is_ours=True)])


async def hold(link: Link, hall: Hall, start: Start, is_resumable: bool) -> None:
    """Open an engine session, run it over one socket or several, say goodbye; the engine session is
    closed on every path."""
    try:
        session_id = await hall.engine.open(None, start.instructions, start.eagerness)
    except TooManySessions as error:
        failed = Failed("too_many_sessions", str(error), None, start.client_event_id, True)
        raise Ended(TRY_LATER, None, [failed]) from None
    session = LiveSession(session_id, hall.config, start, link.journal, is_resumable)
    held = Held(session, hall, link)
    try:
        ended = await held.run()
    finally:
        hall.engine.close(session_id)
    await held.link.close(ended.code, session.farewell(ended))


async def resume(link: Link, hall: Hall, event: Resume) -> None:
    """Hand this socket to the session it asks for; return when it is not needed any more. Raises
    Ended where there is none."""
    held = hall.held.pop(event.token, None)
    if held is None:
        text = "No session waits for this token: it was used, or the session has ended. Start anew."
        failed = Failed("session_not_found", text, "resume_token", event.client_event_id)
        raise Ended(POLICY, None, [failed])
    held.comers.put_nowait((link, event))
    await link.released.wait()


class Held:
    """A session and the sockets it has had. `comers`: sockets that want to take it over."""

    def __init__(self, session: LiveSession, hall: Hall, link: Link) -> None:
        self.session, self.hall, self.link = session, hall, link
        self.comers: asyncio.Queue[tuple[Link, Resume]] = asyncio.Queue()

    async def run(self) -> Ended:
        """Until it ends, and how. Never raises for what a client or the engine does."""
        ended = Ended(INTERNAL_ERROR, None)
        self.offer()
        try:
            async with asyncio.TaskGroup() as tasks:
                name = self.session.session_id
                tasks.create_task(self.hall.ticker.attend(self.session), name=f"tick {name}")
                tasks.create_task(self.talk(), name=f"talk {name}")
                tasks.create_task(self.drain(), name=f"drain {name}")
        except* Ended as group:
            ended = first_ended(group)
        except* Exception:
            ended = our_mistake(self.hall)
        finally:
            self.hall.held.pop(self.session.info.resume_token or "", None)
            while not self.comers.empty():  # came too late: the end is all there is to tell
                await self.link.close(NORMAL)
                self.link = self.comers.get_nowait()[0]
        return ended

    def offer(self) -> None:
        """Let another socket find this session."""
        if self.session.info.resume_token is not None:
            self.hall.held[self.session.info.resume_token] = self

    async def drain(self) -> None:
        await self.hall.draining.wait()
        self.session.is_draining = True

    async def talk(self) -> None:
        """One socket after the other. Raises Ended."""
        while True:
            ended: Ended = Vanished()
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self.receive())
                    tasks.create_task(self.send())
                    tasks.create_task(self.give_way())
            except* Ended as group:
                ended = first_ended(group)
            if isinstance(ended, Taken):
                await self.link.close(NORMAL, [Replaced()])
                comer, event = ended.by, ended.event
            elif isinstance(ended, Vanished) and self.session.info.resume_token is not None:
                self.link.released.set()
                self.session.lose_socket()
                comer, event = await self.comers.get()
            else:
                raise ended
            await self.move_to(comer, event)

    async def receive(self) -> None:
        """Take events in. A bad one gets an error; the session goes on."""
        while True:
            try:
                event = await self.link.read()
                if isinstance(event, InputImage):
                    await self.session.take_image(event)
                    continue
                if isinstance(event, Update) and event.eagerness is not None:
                    # Done before it is told: what comes after session.updated goes by it.
                    await self.hall.engine.lean(self.session.session_id, event.eagerness)
                self.session.take_event(event)
            except ProtocolError as error:
                self.session.put(error.failed)

    async def send(self) -> None:
        while True:
            await self.link.write(await self.session.next_event())

    async def give_way(self) -> None:
        """A socket that comes takes the place of this one, which may be half dead."""
        raise Taken(*await self.comers.get())

    async def move_to(self, comer: Link, event: Resume) -> None:
        """Go on over another socket, beginning with what was missed."""
        self.link, comer.journal = comer, self.session.journal
        missed = self.session.journal.after(event.last_number)
        self.session.regain_socket()
        self.offer()
        self.hall.engine.metrics.num_resumed += 1
        is_complete, missed = missed is not None, missed or []
        resumed = Resumed(self.session.info, len(missed), is_complete, event.client_event_id)
        try:
            await comer.write(resumed)
            for number, old in missed:
                await comer.send(old, number)
        except Vanished:
            pass  # the next read finds out
