"""One session between its ticks: what waits to go in and out, and when it ends. No sockets, no
clock: time is counted in micro-turns."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from microturn.engine.limits import Notice as EngineNotice
from microturn.server.camera import Camera, decode_image
from microturn.server.connection import GOING_AWAY, NORMAL, RESTART, TRY_LATER, Ended
from microturn.server.journal import Journal
from microturn.server.outbox import Outbox, OutboxFull
from microturn.server.pacer import Pacer, PacerConfig
from microturn.server.playback import Playback
from microturn.server.protocol import (
    ClientEvent,
    Close,
    Closed,
    Delegated,
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
    Resume,
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
from microturn.turns import MICRO_TURN_MS, BackgroundUpdate, MicroTurnInput, MicroTurnOutput


@dataclass(frozen=True)
class ConversationConfig:
    """Limits of one session. `tick_ms` other than 200 is for tests: session time stays 200 a
    micro-turn, and all limits but `start_timeout_s` are in session time.

    notice_s: how long before an end the client is told. resume_s: how long a session that lost its
    socket waits for another one, where its client asked for that. takes_images: whether the model
    sees.
    """

    tick_ms: float = float(MICRO_TURN_MS)
    max_append_ms: int = 10_000
    max_waiting_texts: int = 32
    max_waiting_audio: int = 10
    max_waiting_control: int = 512
    start_timeout_s: float = 30.0
    idle_timeout_s: float = 300.0
    max_session_s: float = 7_200.0
    notice_s: float = 60.0
    resume_s: float = 30.0
    turns_per_usage: int = 5
    takes_images: bool = True
    pacer: PacerConfig = field(default_factory=PacerConfig)


class LiveSession:
    """The state of one session, all on the event loop. A member of the ticker."""

    def __init__(
        self,
        session_id: str,
        config: ConversationConfig,
        start: Start,
        journal: Journal,
        is_resumable: bool = False,
    ) -> None:
        self.config, self.format, self.journal = config, start.format, journal
        token = secrets.token_urlsafe(16) if is_resumable else None
        expires_at_s = int(time.time() + config.max_session_s)
        self.info = SessionInfo(session_id, expires_at_s, start.echo, token)
        self.pacer = Pacer(start.format, config.pacer)
        self.encoder = Encoder(start.format)
        self.outbox = Outbox(config.max_waiting_audio, config.max_waiting_control)
        self.playback, self.camera = Playback(), Camera()
        self.texts: deque[InputText] = deque()
        self.num_slipped = 0
        self.was_audible = False
        self.is_draining = False
        self.last_event_index = 0
        self.lost_socket_index: int | None = None
        self._told: set[str] = set()
        self.outbox.put(Opened(self.info, start.client_event_id))

    @property
    def session_id(self) -> str:
        return self.info.session_id

    # in

    def take_event(self, event: ClientEvent) -> None:
        """Raises ProtocolError for what does not fit now and Ended for a close."""
        self.last_event_index = self.pacer.index
        self._told.discard("idle")
        match event:
            case InputAudio():
                self.take_audio(event)
            case InputText():
                if len(self.texts) >= self.config.max_waiting_texts:
                    text = f"{len(self.texts)} texts wait already; one is read each micro-turn."
                    raise ProtocolError("rate_limit_exceeded", text, None, event.client_event_id)
                self.texts.append(event)
            case InputImage():
                raise AssertionError("images are decoded elsewhere: see take_image")
            case Mute():
                self.pacer.mute(event.is_muted)
                self.put(Muted(event.is_muted, event.client_event_id))
            case Update():
                if event.eagerness is not None:
                    echo = {**self.info.echo, "microturn": {"eagerness": event.eagerness}}
                    self.info = replace(self.info, echo=echo)
                self.put(Updated(self.info, event.client_event_id))
            case PlaybackAck():
                self.playback.acknowledge(event.played_ms, event.dropped_ms)
            case Close():
                raise Ended(NORMAL, "close_requested", (), event.client_event_id)
            case Start() | Resume():
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

    async def take_image(self, event: InputImage) -> None:
        """Decoding is too slow for the event loop. Raises ProtocolError."""
        if not self.config.takes_images:
            text = "This server's model does not see."
            raise ProtocolError("images_not_supported", text, None, event.client_event_id)
        self.last_event_index = self.pacer.index
        if not self.camera.has_room():
            return
        try:
            self.camera.push(await asyncio.to_thread(decode_image, event.data))
        except ValueError as error:
            text = f"{error}."
            raise ProtocolError("invalid_image", text, "image", event.client_event_id) from None

    # one micro-turn

    def next_turn(self, num_slipped: int) -> MicroTurnInput:
        """Whatever came in. Raises Ended when the session's time is over."""
        self.num_slipped += num_slipped
        self.check_ends()
        taken = self.texts.popleft() if self.texts else None
        text, updates = typed(taken, self.pacer.index)
        images = self.camera.take(self.pacer.index)
        turn = self.pacer.take(text, updates, self.heard_of_last(), images)
        if taken is not None:
            self.put(TextTaken(taken.kind, Span.of_input(turn.index), taken.client_event_id))
        return turn

    def heard_of_last(self) -> int:
        """Milliseconds of the last output that the listener heard."""
        if not self.was_audible:
            return MICRO_TURN_MS
        return self.playback.heard_of_last() if self.lost_socket_index is None else 0

    def check_ends(self) -> None:
        """Raises Ended when the server, the session, the client's silence or the wait for another
        socket has run its time; tells before."""
        index, config = self.pacer.index, self.config
        if self.is_draining:
            raise Ended(RESTART, "expired", [Notice("server_draining", "The server shuts down.")])
        if self.lost_socket_index is not None:
            if seconds(index - self.lost_socket_index) >= config.resume_s:
                raise Ended(GOING_AWAY, "connection_lost")
        else:
            self.check_end("idle", config.idle_timeout_s - seconds(index - self.last_event_index))
        self.check_end("length", config.max_session_s - seconds(index))

    def check_end(self, reason: str, left_s: float) -> None:
        """One of the two ends that come by themselves. Raises Ended."""
        is_idle = reason == "idle"
        if left_s <= 0:
            limit_s = self.config.idle_timeout_s if is_idle else self.config.max_session_s
            text = f"The session reached its limit of {limit_s:g} s."
            if is_idle:
                text = f"Nothing came from the client for {limit_s:g} s."
            notice = Notice("session_idle" if is_idle else "session_expired", text)
            raise Ended(GOING_AWAY, "expired", [notice])
        if left_s <= self.config.notice_s and reason not in self._told:
            self._told.add(reason)
            why = "nothing comes from the client" if is_idle else "it reaches its limit"
            code = "session_idle_soon" if is_idle else "session_expires_soon"
            self.put(Notice(code, f"The session ends in {left_s:.0f} s: {why}."))

    def take_notice(self, notice: EngineNotice) -> None:
        """The engine has limits of its own. Raises Ended when it closed the session."""
        if notice.num_left:
            if notice.reason not in self._told:
                self._told.add(notice.reason)
                text = f"The session ends in {seconds(notice.num_left):.0f} s."
                self.put(Notice("session_expires_soon", text))
            return
        text = "The session reached the limit of the engine."
        raise Ended(GOING_AWAY, "expired", [Notice("session_expired", text)])

    def deliver(self, output: MicroTurnOutput, tick_ms: float) -> None:
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
        if (output.index + 1) % self.config.turns_per_usage == 0:
            self.put(self.usage(tick_ms))

    # out

    def put(self, event: ServerEvent) -> None:
        """Raises Ended when the client does not read: control events must not be lost silently."""
        num_dropped = self.outbox.num_dropped
        try:
            self.outbox.put(event)
        except OutboxFull:
            raise Ended(TRY_LATER, None) from None
        self.playback.lost((self.outbox.num_dropped - num_dropped) * MICRO_TURN_MS)

    async def next_event(self) -> ServerEvent:
        """What goes to the client next."""
        event = await self.outbox.get()
        if isinstance(event, OutputAudio):
            self.playback.sent(MICRO_TURN_MS)
        return event

    def lose_socket(self) -> None:
        """From now on nobody hears what is said."""
        self.lost_socket_index = self.pacer.index

    def regain_socket(self) -> None:
        """A client is there again, with a loudspeaker that starts anew and another token."""
        self.outbox.drop_audio()
        self.playback = Playback()
        self.lost_socket_index, self.last_event_index = None, self.pacer.index
        self.info = replace(self.info, resume_token=secrets.token_urlsafe(16))

    def usage(self, tick_ms: float) -> Usage:
        return Usage(
            seconds=seconds(self.pacer.index),
            late=self.pacer.num_late,
            slipped=self.num_slipped,
            dropped_ms=self.pacer.dropped_ms,
            step_ms=round(tick_ms, 1),
        )

    def farewell(self, ended: Ended) -> list[ServerEvent]:
        """What is still to be said: all that waits, then session.closed."""
        if ended.reason is None:
            return list(ended.last)
        closed = Closed(ended.reason, self.info, seconds(self.pacer.index), ended.client_event_id)
        return [*self.outbox.drain(), *ended.last, closed]


def seconds(num_micro_turns: int) -> float:
    return num_micro_turns * MICRO_TURN_MS / 1000


def typed(taken: InputText | None, index: int) -> tuple[str | None, tuple[BackgroundUpdate, ...]]:
    """Typed text goes in as text; with a delegation id it is a background result, silent if only
    thought."""
    if taken is None:
        return None, ()
    if taken.delegation_id is None:
        return taken.text, ()
    mode = "when_idle" if taken.kind == "commentary" else "silent"
    return None, (BackgroundUpdate(f"u{index}", taken.text, mode, taken.delegation_id),)
