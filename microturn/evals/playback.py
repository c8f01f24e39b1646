"""What a listener hears of a server that sends sound as it likes: a playback buffer on a timeline.

Sound plays from its arrival on, in order, each piece after the one before; an empty buffer is
silence. At an interruption what has not played is thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from microturn.turns import OUTPUT_RATE_HZ, FloatArray

PER_MS = OUTPUT_RATE_HZ // 1000


@dataclass
class Piece:
    """Samples [first, last) of the timeline, which belong to one item of the server."""

    item: str
    first: int
    last: int


@dataclass(frozen=True)
class Text:
    """Text, its item, where it would play if it were sound, and the server's time of it."""

    text: str
    item: str
    first: int
    server_ms: float | None


class Playback:
    """Sound at 24 kHz on a timeline of `end_ms`; what lies beyond its end is counted, not kept."""

    def __init__(self, end_ms: int) -> None:
        self.track: FloatArray = np.zeros(end_ms * PER_MS, dtype=np.float32)
        self.free = 0  # where the next sound can begin
        self.pieces: list[Piece] = []
        self.num_received: dict[str, int] = {}  # samples of each item, played or not
        self.texts: list[Text] = []
        self.marks: list[tuple[float, int, int]] = []  # server's time, first and last sample

    def push(
        self, at_ms: float, audio: FloatArray, item: str = "", server_ms: float | None = None
    ) -> None:
        """Sound arrived. server_ms: what the server's clock says it begins at."""
        first = max(self.free, round(at_ms * PER_MS), 0)
        self.free = first + len(audio)
        room = max(0, len(self.track) - first)
        self.track[first : first + len(audio)] = audio[:room]
        self.num_received[item] = self.num_received.get(item, 0) + len(audio)
        if server_ms is not None:
            self.marks.append((server_ms, first, self.free))
        last = self.pieces[-1] if self.pieces else None
        if last is not None and last.item == item and last.last == first:
            last.last = self.free
        else:
            self.pieces.append(Piece(item, first, self.free))

    def write(
        self, at_ms: float, text: str, item: str = "", server_ms: float | None = None
    ) -> None:
        """Text arrived: of an item, of a time of the server, or of what is to arrive next."""
        first = max(self.free, round(at_ms * PER_MS), 0)
        self.texts.append(Text(text, item, first, server_ms))

    def flush(self, at_ms: float) -> list[tuple[str, int]]:
        """Throw away what has not played. (item, ms of it that played) of each that was cut."""
        now = max(0, round(at_ms * PER_MS))
        if self.free <= now:
            return []
        cut = list(dict.fromkeys(piece.item for piece in self.pieces if piece.last > now))
        self.track[now:] = 0
        for piece in self.pieces:
            piece.first, piece.last = min(piece.first, now), min(piece.last, now)
        self.pieces = [piece for piece in self.pieces if piece.last > piece.first]
        self.free = now
        return [(item, self.num_played(item) // PER_MS) for item in cut]

    def num_played(self, item: str) -> int:
        """Samples of an item that were not thrown away."""
        return sum(piece.last - piece.first for piece in self.pieces if piece.item == item)

    def letters(self) -> list[tuple[str, int]]:
        """Each letter that was heard, with the ms it falls on.

        Text of an item is spread evenly over the sound that came of it: servers say when an item
        sounds, not when its words do. Text with a time stands where the sound of that time plays,
        other text where it came.
        """
        found: list[tuple[str, int]] = []
        whole: dict[str, str] = {}
        for given in self.texts:
            if given.item:
                whole[given.item] = whole.get(given.item, "") + given.text
            else:
                at = self._by_mark(given)
                found += [(letter, at // PER_MS) for letter in given.text]
        for item, text in whole.items():
            num = self.num_received.get(item, 0)
            for k, letter in enumerate(text):
                at = self._on_timeline(item, num * k // len(text))
                found += [(letter, at // PER_MS)] if at is not None else []
        return sorted(found, key=lambda letter: letter[1])

    def _by_mark(self, given: Text) -> int:
        """Where the sound of a text's time plays; where it came, if no sound has that time."""
        if given.server_ms is not None:
            for server_ms, first, last in reversed(self.marks):
                at = first + round((given.server_ms - server_ms) * PER_MS)
                if first <= at < last:
                    return at
        return given.first

    def _on_timeline(self, item: str, place: int) -> int | None:
        """Where a sample of an item plays, or None where it was thrown away."""
        for piece in self.pieces:
            if piece.item == item:
                if place < piece.last - piece.first:
                    return piece.first + place
                place -= piece.last - piece.first
        return None
