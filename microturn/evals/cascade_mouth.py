"""What a cascade says, played step by step; it can be cut at any step and go on later."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from microturn.evals.synthesiser import SaidWords
from microturn.turns import OUTPUT_RATE_HZ, FloatArray

FADE_MS = 5  # at a cut, against the click; of the step in which it is cut


@dataclass(frozen=True)
class Line:
    """A reply from `ready_ms` on; `played` samples of it were played. is_planned: it answers no
    turn but was due."""

    said: SaidWords
    ready_ms: int
    is_planned: bool
    played: int = 0

    @property
    def played_ms(self) -> int:
        return self.played * 1000 // OUTPUT_RATE_HZ

    def words_between(self, first: int, last: int) -> list[str]:
        """Words that begin with these samples."""
        return [
            text
            for text, onset_ms in self.said.words
            if first <= onset_ms * OUTPUT_RATE_HZ // 1000 < last
        ]


class Mouth:
    """Plays lines one after the other."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque()
        self._cut: Line | None = None
        self._fading: FloatArray | None = None

    @property
    def is_busy(self) -> bool:
        return bool(self._lines)

    def say(self, said: SaidWords, ready_ms: int, is_planned: bool = False) -> None:
        """Play it from `ready_ms` on, after what is being said."""
        self._lines.append(Line(said, ready_ms, is_planned))

    def go_on(self, line: Line, ready_ms: int) -> None:
        """Play the rest of a line that was cut."""
        self._lines.append(replace(line, ready_ms=ready_ms))

    def cut(self, now_ms: int) -> str | None:
        """Be silent from now on, at most a fade later. What was heard of the line that was cut, or
        None where nothing was being said."""
        if not self._lines:
            return None
        line = self._lines[0]
        self._lines.clear()
        self._cut = line
        if line.played:
            rest = line.said.audio[line.played : line.played + FADE_MS * OUTPUT_RATE_HZ // 1000]
            self._fading = rest * np.linspace(1, 0, len(rest), dtype=np.float32)
        return " ".join(line.words_between(0, line.played))

    def take_cut(self) -> Line | None:
        """The line that was cut last, once."""
        line, self._cut = self._cut, None
        return line

    def play(self, now_ms: int, num_ms: int) -> tuple[FloatArray, str]:
        """The next `num_ms` of sound (from `now_ms` on), and the words that begin in them."""
        audio = np.zeros(num_ms * OUTPUT_RATE_HZ // 1000, dtype=np.float32)
        if self._fading is not None:
            audio[: len(self._fading)] = self._fading
            self._fading = None
        said: list[str] = []
        position = 0
        while self._lines and self._lines[0].ready_ms <= now_ms and position < len(audio):
            line = self._lines.popleft()
            part = line.said.audio[line.played : line.played + len(audio) - position]
            audio[position : position + len(part)] += part
            position += len(part)
            last = line.played + len(part)
            said += line.words_between(line.played, last)
            if last < len(line.said.audio):
                self._lines.appendleft(replace(line, played=last))
        return audio, "".join(f" {word}" for word in said)
