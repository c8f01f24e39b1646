"""What waits to be written to one socket. Audio is lossy, control is durable."""

from __future__ import annotations

import asyncio
from collections import deque

from microturn.server.protocol import OutputAudio, ServerEvent


class OutboxFull(RuntimeError):
    """The client reads so slowly that control events pile up."""


class Outbox:
    """In order. More than `max_audio` waiting micro-turns of audio drop the oldest (counted in
    `num_dropped`); more than `max_control` waiting other events raise OutboxFull."""

    def __init__(self, max_audio: int = 10, max_control: int = 512) -> None:
        self.max_audio, self.max_control = max_audio, max_control
        self.num_dropped = 0
        self._events: deque[ServerEvent] = deque()
        self._num_audio = 0
        self._has_events = asyncio.Event()

    def put(self, event: ServerEvent) -> None:
        """Never waits."""
        is_audio = isinstance(event, OutputAudio)
        if is_audio and self._num_audio >= self.max_audio:
            oldest = next(e for e in self._events if isinstance(e, OutputAudio))
            self._events.remove(oldest)
            self._num_audio -= 1
            self.num_dropped += 1
        if not is_audio and len(self._events) - self._num_audio >= self.max_control:
            raise OutboxFull(f"{self.max_control} events wait to be read by the client")
        self._events.append(event)
        self._num_audio += is_audio
        self._has_events.set()

    async def get(self) -> ServerEvent:
        """The oldest event, as soon as there is one."""
        await self._has_events.wait()
        return self._pop()

    def drop_audio(self) -> int:
        """Voice that nobody can hear any more goes. Returns how many micro-turns of it."""
        num_dropped = self._num_audio
        self._events = deque[ServerEvent](e for e in self._events if not isinstance(e, OutputAudio))
        self._num_audio = 0
        if not self._events:
            self._has_events.clear()
        self.num_dropped += num_dropped
        return num_dropped

    def drain(self) -> list[ServerEvent]:
        """All that waits, oldest first."""
        return [self._pop() for _ in range(len(self._events))]

    def _pop(self) -> ServerEvent:
        event = self._events.popleft()
        self._num_audio -= isinstance(event, OutputAudio)
        if not self._events:
            self._has_events.clear()
        return event
