"""What went out to a session's sockets, by number: a client that comes back asks for the rest."""

from __future__ import annotations

from collections import deque

from microturn.server.protocol import OutputAudio, Resumed, ServerEvent


class Journal:
    """Numbers all events and keeps the last `size` that are not audio: control is durable. What
    tells that a session was resumed is not kept either: its token is used up."""

    def __init__(self, size: int = 256) -> None:
        self.num_entered = 0
        self._size = size
        self._kept: deque[tuple[int, ServerEvent]] = deque()
        self._last_lost = 0

    def enter(self, event: ServerEvent) -> int:
        """The event's number, from 1."""
        self.num_entered += 1
        if not isinstance(event, OutputAudio | Resumed):
            self._kept.append((self.num_entered, event))
        if len(self._kept) > self._size:
            self._last_lost = self._kept.popleft()[0]
        return self.num_entered

    def after(self, number: int | None) -> list[tuple[int, ServerEvent]] | None:
        """The events that followed; None when some of them are not kept or nothing is known."""
        if number is None or not self._last_lost <= number <= self.num_entered:
            return None
        return [entry for entry in self._kept if entry[0] > number]
