"""Text that will soon be out of a session's sight, for a summary that comes back as an update.

Full layers remember a fixed number of text positions (`model/retention.py`). Before older text
rolls out, its words are handed to whoever writes summaries (the background model, or nobody); what
comes back is given to the session as a silent `BackgroundUpdate`, so that it stands among the
latest text again. All state is this value: the caller keeps it beside the session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from microturn.signal.text import Text
from microturn.turns import BackgroundUpdate, MicroTurnInput, MicroTurnOutput

Summarise = Callable[[str], str | None]  # a transcript -> its summary; None where there is none
MARKERS_OF_A_MESSAGE = 3


@dataclass(frozen=True)
class Line:
    """Words of one side in one micro-turn, and the positions that they take."""

    index: int
    who: str
    words: str
    num_positions: int


@dataclass(frozen=True)
class RollingText:
    """Lines since the last summary, oldest first. num_text: positions that layers remember; a
    summary is due when `share` of them is taken, and covers the older half."""

    num_text: int
    lines: tuple[Line, ...] = ()
    share: float = 0.75

    def __post_init__(self) -> None:
        if self.num_text < 1 or not 0 < self.share <= 1:
            raise ValueError(
                f"num_text must be at least 1 and share in (0, 1], got {self.num_text} and "
                f"{self.share}"
            )

    def after(self, turn: MicroTurnInput, output: MicroTurnOutput, text: Text) -> RollingText:
        """With what one micro-turn added."""
        new: list[Line] = []
        given = [("user (typed)", turn.text)] if turn.text else []
        given += [("background", update.text) for update in turn.updates]
        for who, words in given:
            count = len(text.encode(words)) + MARKERS_OF_A_MESSAGE
            new.append(Line(output.index, who, words, count))
        num_out = len(output.text_ids)
        for who, words in (("user", output.heard_text), ("model", output.said_text)):
            if words:
                new.append(Line(output.index, who, words, num_out))
                num_out = 0  # both lanes share the micro-turn's output text
        return replace(self, lines=(*self.lines, *new)) if new else self

    def num_positions(self) -> int:
        """Positions that the lines take."""
        return sum(line.num_positions for line in self.lines)

    def due(self) -> tuple[RollingText, str | None]:
        """What remains, and the transcript to summarise; None while there is room."""
        total = self.num_positions()
        if total <= self.share * self.num_text:
            return self, None
        taken, count = 0, 0
        while count < len(self.lines) and taken < total / 2:
            taken += self.lines[count].num_positions
            count += 1
        return replace(self, lines=self.lines[count:]), transcript(self.lines[:count])


def transcript(lines: tuple[Line, ...]) -> str:
    """One line for each stretch of one side."""
    parts: list[tuple[str, str]] = []
    for line in lines:
        if parts and parts[-1][0] == line.who:
            parts[-1] = (line.who, f"{parts[-1][1]} {line.words}")
        else:
            parts.append((line.who, line.words))
    return "\n".join(f"{who}: {' '.join(words.split())}" for who, words in parts)


def roll(
    rolling: RollingText, summarise: Summarise, index: int
) -> tuple[RollingText, BackgroundUpdate | None]:
    """The hook of a session: where a summary is due, the update to give with a coming micro-turn.

    A summariser that has nothing to say leaves the text to roll out.
    """
    rolling, old = rolling.due()
    summary = None if old is None else summarise(old)
    if not summary:
        return rolling, None
    return rolling, BackgroundUpdate(f"summary-{index}", summary, mode="silent")
