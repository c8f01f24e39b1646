"""One connection, from the first message to the last: three tasks, one writer, one way to end.

receive takes events in, tick runs the model every 200 ms, send writes. Whichever ends first ends
the others by raising Ended; then, with nobody else writing, the farewell goes out. An error here
ends this session only.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from starlette.websockets import WebSocket

from microturn.server.connection import (
    GOING_AWAY,
    INTERNAL_ERROR,
    NORMAL,
    RESTART,
    TRY_LATER,
    Ended,
    Writer,
    first_ended,
    first_start,
    read_event,
)
from microturn.server.engine_thread import EngineThread, TooManySessions
from microturn.server.outbox import Outbox, OutboxFull
from microturn.server.pacer import Pacer, PacerConfig, Schedule
from microturn.server.protocol import (
    ClientEvent,
    Close,
    Closed,
    Delegated,
    Failed,
    InputAudio,
    InputText,
    Mute,
    Muted,
    Notice,
    Opened,
    OutputAudio,
    OutputText,
    ProtocolError,
    ServerEvent,
    SessionInfo,
    Span,
    Start,
    TextTaken,
    Update,
    Updated,
    Usage,
)
from microturn.server.wire_audio import Encoder
from microturn.turns import MICRO_TURN_MS, BackgroundUpdate, MicroTurnOutput

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConversationConfig:
    """Limits of one session. `tick_ms` other than 200 is for tests: session time stays 200 a
    micro-turn."""

    tick_ms: float = float(MICRO_TURN_MS)
    max_append_ms: int = 10_000
    max_waiting_texts: int = 32
    max_waiting_audio: int = 10
    max_waiting_control: int = 512
    start_timeout_s: float = 30.0
    idle_timeout_s: float = 300.0
    max_session_s: float = 7_200.0
    turns_per_usage: int = 5
    pacer: PacerConfig = field(default_factory=PacerConfig)


async def converse(
    socket: WebSocket,
    engine: EngineThread,
    config: ConversationConfig,
    draining: asyncio.Event,
) -> None:
    """Speak the Live API on an accepted socket until it ends. Never raises for what a client or the
    engine does."""
    writer = Writer(socket)
    try:
        start = await first_start(socket, writer, config.start_timeout_s)
        await hold(socket, writer, engine, config, draining, start)
    except* Ended as group:
        ended = first_ended(group)
        await writer.close(ended.code, ended.last)
    except* Exception:
        # Closing is the last resort: the server and the other sessions go on.
        logger.exception("a conversation failed")
        text = "The server made a mistake; this session ends. Others are not affected."
        failed = Failed("server_error", text, is_ours=True)
        await writer.close(INTERNAL_ERROR, [failed])


async def hold(
    socket: WebSocket,
    writer: Writer,
    engine: EngineThread,
    config: ConversationConfig,
    draining: asyncio.Event,
    start: Start,
) -> None:
    """Open an engine session, run the three tasks, say goodbye; the engine session is closed on
    every path."""
    try:
        session_id = await engine.open(instructions=start.instructions)
    except TooManySessions as error:
        failed = Failed("too_many_sessions", str(error), None, start.client_event_id, True)
        raise Ended(TRY_LATER, None, [failed]) from None
    try:
        conversation = Conversation(session_id, engine, config, draining, start)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(conversation.receive(socket), name=f"receive {session_id}")
                tasks.create_task(conversation.tick(), name=f"tick {session_id}")
                tasks.create_task(conversation.send(writer), name=f"send {session_id}")
        except* Ended as group:
            ended = first_ended(group)
            raise Ended(ended.code, None, conversation.farewell(ended)) from None
    finally:
        engine.close(session_id)


class Conversation:
    """The state of one session between its tasks, all on the event loop."""

    def __init__(
        self,
        session_id: str,
        engine: EngineThread,
        config: ConversationConfig,
        draining: asyncio.Event,
        start: Start,
    ) -> None:
        self.engine, self.config, self.draining = engine, config, draining
        self.format = start.format
        self.info = SessionInfo(session_id, int(time.time() + config.max_session_s), start.echo)
        self.pacer = Pacer(start.format, config.pacer)
        self.encoder = Encoder(start.format)
        self.outbox = Outbox(config.max_waiting_audio, config.max_waiting_control)
        self.texts: deque[InputText] = deque()
        self.num_slipped = 0
        self.was_audible = False
        self.started_s = self.last_event_s = time.monotonic()
        self.outbox.put(Opened(self.info, start.client_event_id))

    # receive

    async def receive(self, socket: WebSocket) -> None:
        """Take events in until the client closes. A bad one gets an error; the session goes on."""
        while True:
            try:
                event = await read_event(socket)
                self.last_event_s = time.monotonic()
                self.take_event(event)
            except ProtocolError as error:
                self.put(error.failed)

    def take_event(self, event: ClientEvent) -> None:
        """Raises ProtocolError for what does not fit now and Ended for a close."""
        match event:
            case InputAudio():
                self.take_audio(event)
            case InputText():
                if len(self.texts) >= self.config.max_waiting_texts:
                    text = f"{len(self.texts)} texts wait already; one is read each micro-turn."
                    raise ProtocolError("rate_limit_exceeded", text, None, event.client_event_id)
                self.texts.append(event)
            case Mute():
                self.pacer.mute(event.is_muted)
                self.put(Muted(event.is_muted, event.client_event_id))
            case Update():
                self.put(Updated(self.info, event.client_event_id))
            case Close():
                raise Ended(NORMAL, "close_requested", (), event.client_event_id)
            case Start():
                text = (
                    "The session is started already; open another connection for another session."
                )
                raise ProtocolError("session_already_started", text, None, event.client_event_id)

    def take_audio(self, event: InputAudio) -> None:
        duration_ms = self.format.duration_ms(len(event.data))
        if duration_ms > self.config.max_append_ms:
            text = (
                f"One append may hold {self.config.max_append_ms / 1000:g} s of audio, this one "
                f"holds {duration_ms / 1000:.1f} s; send smaller pieces."
            )
            raise ProtocolError("audio_too_long", text, "audio")
        try:
            self.pacer.push(event.data)
        except ValueError as error:
            raise ProtocolError("invalid_audio", str(error), "audio") from None

    # tick

    async def tick(self) -> None:
        """One micro-turn each 200 ms, whatever came in; the engine's thread does the work."""
        schedule = Schedule(time.monotonic(), self.config.tick_ms / 1000)
        while True:
            await asyncio.sleep(max(0.0, schedule.due_s - time.monotonic()))
            now_s = time.monotonic()
            self.num_slipped += schedule.advance(now_s)
            self.check_limits(now_s)
            taken = self.texts.popleft() if self.texts else None
            text, updates = typed(taken, self.pacer.index)
            turn = self.pacer.take(text, updates)
            if taken is not None:
                span = Span.of_input(turn.index)
                self.put(TextTaken(taken.kind, span, taken.client_event_id))
            output = await self.engine.step(self.info.session_id, turn)
            self.deliver(output)
            if (turn.index + 1) % self.config.turns_per_usage == 0:
                self.put(self.usage(1000 * (time.monotonic() - now_s)))

    def check_limits(self, now_s: float) -> None:
        """Raises Ended when the server, the session or the client's silence has run its time."""
        if self.draining.is_set():
            raise Ended(RESTART, "expired", [Notice("server_draining", "The server shuts down.")])
        if now_s - self.started_s > self.config.max_session_s:
            text = f"The session reached its limit of {self.config.max_session_s:g} s."
            raise Ended(GOING_AWAY, "expired", [Notice("session_expired", text)])
        if now_s - self.last_event_s > self.config.idle_timeout_s:
            text = f"Nothing came from the client for {self.config.idle_timeout_s:g} s."
            raise Ended(GOING_AWAY, "expired", [Notice("session_idle", text)])

    def deliver(self, output: MicroTurnOutput) -> None:
        """One micro-turn's output as events. Silence is not sent; the clock is in `start_ms`."""
        if output.heard_text:
            self.put(OutputText("heard", output.heard_text, Span.of_input(output.index)))
        if output.said_text:
            self.put(OutputText("said", output.said_text, Span.of_output(output.index)))
        data = self.encoder.feed(output.audio)
        is_audible = output.speaks or bool(np.any(output.audio))
        # One more after the last sound: the resampler still holds its end.
        if is_audible or self.was_audible:
            self.put(OutputAudio(data, Span.of_output(output.index)))
        self.was_audible = is_audible
        if output.delegation is not None:
            offset_ms = Span.of_output(output.index).start_ms
            self.put(Delegated(output.delegation.id, offset_ms))

    # send

    async def send(self, writer: Writer) -> None:
        while True:
            await writer.write(await self.outbox.get())

    def put(self, event: ServerEvent) -> None:
        """Raises Ended when the client does not read: control events must not be lost silently."""
        try:
            self.outbox.put(event)
        except OutboxFull:
            raise Ended(TRY_LATER, None) from None

    def usage(self, step_ms: float) -> Usage:
        return Usage(
            seconds=self.pacer.index * MICRO_TURN_MS / 1000,
            late=self.pacer.num_late,
            slipped=self.num_slipped,
            dropped_ms=self.pacer.dropped_ms,
            step_ms=round(step_ms, 1),
        )

    def farewell(self, ended: Ended) -> list[ServerEvent]:
        """What is still to be said: all that waits, then session.closed."""
        if ended.reason is None:
            return []
        seconds = self.pacer.index * MICRO_TURN_MS / 1000
        closed = Closed(ended.reason, self.info, seconds, ended.client_event_id)
        return [*self.outbox.drain(), *ended.last, closed]


def typed(taken: InputText | None, index: int) -> tuple[str | None, tuple[BackgroundUpdate, ...]]:
    """Typed text goes in as text; with a delegation id it is a background result, silent if only
    thought."""
    if taken is None:
        return None, ()
    if taken.delegation_id is None:
        return taken.text, ()
    mode = "when_idle" if taken.kind == "commentary" else "silent"
    return None, (BackgroundUpdate(f"u{index}", taken.text, mode, taken.delegation_id),)
