"""Who says what, when: events in integer milliseconds, and a conversation being laid out.

The model's own events start on the 200 ms grid, since what it says begins with a micro-turn.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from microturn.data.bank import Bank, Clip, Utterance
from microturn.turns import MICRO_TURN_MS

RESPONSE_MS = 250  # from the user's last sound to the model's first, before rounding up to the grid
NOTICE_MS = 300  # from the onset of an interruption to the model's silence, before rounding up


def to_grid(time_ms: float) -> int:
    """Round up to the micro-turn grid."""
    return -(-int(time_ms) // MICRO_TURN_MS) * MICRO_TURN_MS


@dataclass(frozen=True)
class Event:
    """One utterance. `cut_ms` ends it early, in session time."""

    side: str
    text: str
    clip: Clip
    onset_ms: int
    end_ms: int
    cut_ms: int | None = None

    @property
    def audible_end_ms(self) -> int:
        return self.end_ms if self.cut_ms is None else min(self.end_ms, self.cut_ms)


@dataclass(frozen=True)
class Timeline:
    """A conversation as facts; rendering adds nothing but sound."""

    duration_ms: int
    events: tuple[Event, ...]
    families: tuple[str, ...] = ()


@dataclass
class Talk:
    """A conversation being laid out.

    `now_ms` is when both sides are done with what was said so far.
    """

    bank: Bank
    rng: random.Random
    user_voice: str | None = None
    now_ms: int = 0
    events: list[Event] = field(default_factory=list[Event])

    def pick(self, side: str, text: str) -> Utterance:
        """A clip of this text, in the conversation's voice where the bank has it."""
        clips = self.bank.choices(side, text)
        preferred = [clip for clip in clips if side == "own" or clip.voice == self.user_voice]
        return self.bank.utterance(self.rng.choice(preferred or clips))

    def say(self, side: str, text: str, onset_ms: int) -> Event:
        """Lay one utterance down at a time."""
        utterance = self.pick(side, text)
        if side == "own":
            onset_ms = to_grid(onset_ms)
        event = Event(side, text, utterance.clip, onset_ms, onset_ms + utterance.duration_ms)
        self.events.append(event)
        self.now_ms = max(self.now_ms, event.end_ms)
        return event

    def user(self, text: str, wait_ms: int = 0) -> Event:
        """The user speaks, `wait_ms` after everything so far."""
        return self.say("user", text, self.now_ms + wait_ms)

    def own(self, text: str) -> Event:
        """The model answers as soon as it may."""
        return self.say("own", text, self.now_ms + RESPONSE_MS)

    def interrupt(self, event: Event, text: str, onset_ms: int) -> Event:
        """The user speaks into an own event, which falls silent as soon as that is noticed."""
        spoken = self.say("user", text, onset_ms)
        cut_ms = to_grid(onset_ms + NOTICE_MS)
        self.events[self.events.index(event)] = replace(event, cut_ms=cut_ms)
        self.now_ms = max(spoken.end_ms, min(cut_ms, event.end_ms))
        return spoken

    def timeline(self, duration_ms: int, families: tuple[str, ...]) -> Timeline:
        events = [event for event in self.events if event.onset_ms < duration_ms]
        return Timeline(
            duration_ms, tuple(sorted(events, key=lambda event: event.onset_ms)), families
        )
