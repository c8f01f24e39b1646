"""A conversation being laid out, utterance by utterance: what a skill in `scenarios/` writes on."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from microturn.data.bank import Bank, Clip
from microturn.data.corpus import sentences, words_of
from microturn.data.phrasing import options as options_of
from microturn.data.split import split_of
from microturn.data.timeline import (
    Delegated,
    Event,
    Expect,
    Mark,
    Scene,
    Timeline,
    Typed,
    Written,
    to_grid,
    utterance_of,
)
from microturn.scenarios import texts
from microturn.signal.text import normalise

RESPONSE_MS = 250  # from the user's last sound to the model's first, before rounding up to the grid
NOTICE_MS = 300  # from the onset of an interruption to the model's silence, before rounding up
ANSWER_WINDOW_MS = 3000  # an answer that comes later is none
T = TypeVar("T")


@dataclass
class Talk:
    """A conversation being laid out.

    `now_ms` is when both sides are done with what was said so far. `split` says whose phrasings and
    contents may be used: those that train, or those kept for evaluation.
    """

    bank: Bank
    rng: random.Random
    user_voice: str | None = None
    now_ms: int = 0
    duration_ms: int = 32_000
    split: str = "train"
    events: list[Event] = field(default_factory=list[Event])
    typed: list[Typed] = field(default_factory=list[Typed])
    delegated: list[Delegated] = field(default_factory=list[Delegated])
    written: list[Written] = field(default_factory=list[Written])
    marks: list[Mark] = field(default_factory=list[Mark])
    expects: list[Expect] = field(default_factory=list[Expect])
    instructions: str | None = None
    scene: Scene | None = None
    scene_ms: tuple[int, int] = (0, 0)
    last_order: Event | None = None  # the last typed one

    # ---- choosing

    def choose(self, options: Sequence[T]) -> T:
        """One of the options that belong to the talk's split: every fifth is kept for evaluation;
        of fewer than five, all serve both."""
        return self.rng.choice(options_of(self, options))

    def choose_way(self, options: Sequence[T], further: Sequence[T]) -> T:
        """As `choose`, in training from further ways too: those cost no recording, being typed."""
        if self.split == "eval":
            return self.choose(options)
        return self.rng.choice([*options_of(self, options), *further])

    def clip(self, side: str, text: str) -> Clip:
        """A clip of this text, in the conversation's voice where the bank has it.

        Raises KeyError where the bank lacks the text.
        """
        if side == "other":
            others = [c for c in self.bank.choices("user", text) if c.voice != self.user_voice]
            if not others:
                raise KeyError(f"the bank has no other voice for {text!r}")
            return self.rng.choice(others)
        clips = self.bank.choices(side, text)
        preferred = [clip for clip in clips if side == "own" or clip.voice == self.user_voice]
        return self.rng.choice(preferred or clips)

    def has(self, side: str, text: str) -> bool:
        """Whether the bank can say this."""
        try:
            return bool(self.bank.choices("own" if side == "own" else "user", text))
        except KeyError:
            return False

    def open_texts(self, side: str) -> tuple[str, ...]:
        """Sentences of the bank that no skill lists, of the talk's split, in the bank's order.

        What a skill lists is split by its place in the list: heard or read as if it were an open
        sentence, a phrasing that is kept for evaluation would come into training.
        """

        def find() -> tuple[str, ...]:
            listed = {normalise(text) for text in texts(side)}
            marked = {normalise(" ".join(words_of(s.text))) for s in sentences("eval")}
            known = self.bank.own if side == "own" else self.bank.user
            splits = {
                text: "eval" if " ".join(words_of(text)) in marked else split_of(text)
                for text in known
                if text not in listed
            }
            return tuple(text for text, split in splits.items() if split == self.split)

        return self.bank.once(("open texts", side, self.split), find)

    # ---- speech

    def say(self, side: str, text: str, onset_ms: int, **how: Any) -> Event:
        """Lay one utterance down at a time; `how` are further fields of `Event`.

        The model's own utterances begin on the grid and never overlap each other.
        """
        return self.say_clip(side, self.clip(side, text), onset_ms, **how)

    def say_clip(self, side: str, clip: Clip, onset_ms: int, **how: Any) -> Event:
        """Lay a chosen clip down."""
        if side == "own":
            busy_ms = max((e.audible_end_ms for e in self.events if e.side == "own"), default=0)
            onset_ms = to_grid(max(onset_ms, busy_ms))
        event = Event(side, clip.text, clip, onset_ms, onset_ms, **how)
        event = replace(event, end_ms=onset_ms + utterance_of(event, self.bank).duration_ms)
        self.events.append(event)
        if side != "other":
            self.now_ms = max(self.now_ms, event.audible_end_ms)
        return event

    def user(self, text: str, wait_ms: int = 0, **how: Any) -> Event:
        """The user speaks, `wait_ms` after everything so far."""
        return self.say("user", text, self.now_ms + wait_ms, **how)

    def type_order(self, text: str, spoken: str) -> Event:
        """An order in writing, in place of a spoken one; see `ordering.py`."""
        typed = self.type(text)
        clip = self.clip("user", spoken)
        self.last_order = Event("user", text, clip, typed.onset_ms, typed.onset_ms)
        return self.last_order

    def own(self, text: str, do: str | None = "respond", **how: Any) -> Event:
        """The model answers as soon as it may; the expectation `do` is noted (None: none)."""
        spoken = next((e for e in reversed(self.events) if e.side == "user"), None)
        asked = [event for event in (spoken, self.last_order) if event is not None]
        last = max(asked, key=lambda event: event.onset_ms, default=None)
        event = self.say("own", text, self.now_ms + RESPONSE_MS, **how)
        if do is not None:
            end_ms = event.onset_ms - RESPONSE_MS if last is None else last.audible_end_ms
            window_ms = (end_ms, max(end_ms, event.onset_ms) + ANSWER_WINDOW_MS)
            on_ms = None if last is None else last.onset_ms
            self.expects.append(Expect(do, window_ms, (event.text,), on_ms))
        return event

    def interrupt(
        self, event: Event, clip: Clip, onset_ms: int, num_words: int = 0, **how: Any
    ) -> Event:
        """The user speaks into an own event, which falls silent as soon as that is noticed, or as
        late as so many words have been heard; of fewer all."""
        spoken = self.say_clip("user", clip, onset_ms, **how)
        words = utterance_of(spoken, self.bank).words[:num_words]
        heard_ms = words[-1].end_ms if words else 0
        cut_ms = to_grid(onset_ms + heard_ms + NOTICE_MS)
        self.events[self.events.index(event)] = replace(event, cut_ms=cut_ms)
        self.now_ms = max(spoken.audible_end_ms, min(cut_ms, event.end_ms))
        return spoken

    def background(self, text: str, onset_ms: int, gain_db: float = -12.0) -> Event:
        """Somebody else, or a television, is heard; nobody writes it down or answers."""
        how = {"kind": "background", "gain_db": gain_db, "is_written": False}
        return self.say("other", text, onset_ms, **how)

    # ---- text without sound

    def type(self, text: str, role: str = "user", onset_ms: int | None = None) -> Typed:
        """Typed text or a background update, by default now."""
        typed = Typed(role, text, self.now_ms if onset_ms is None else onset_ms)
        self.typed.append(typed)
        self.now_ms = max(self.now_ms, typed.onset_ms)
        return typed

    def delegate(self, text: str, onset_ms: int | None = None) -> Delegated:
        """The model hands over; by default as soon as it may answer."""
        onset_ms = to_grid(self.now_ms + RESPONSE_MS) if onset_ms is None else onset_ms
        delegated = Delegated(text, onset_ms)
        self.delegated.append(delegated)
        return delegated

    def write(self, text: str, onset_ms: int | None = None) -> Written:
        """The model answers in writing; by default as soon as it may."""
        onset_ms = to_grid(self.now_ms + RESPONSE_MS) if onset_ms is None else onset_ms
        written = Written(text, onset_ms)
        self.written.append(written)
        return written

    # ---- facts

    def mark(self, kind: str, label: str, onset_ms: int, end_ms: int) -> None:
        self.marks.append(Mark(kind, label, onset_ms, end_ms))

    def expect(
        self,
        do: str,
        window_ms: tuple[int, int],
        accept: Sequence[str] = (),
        on_ms: int | None = None,
        **detail: int | float | str | bool,
    ) -> None:
        self.expects.append(Expect(do, window_ms, tuple(accept), on_ms, detail))

    def show(self, scene: Scene, onset_ms: int = 0, end_ms: int | None = None) -> None:
        """The camera or screen shows this, by default from the start to the end."""
        self.scene, self.scene_ms = scene, (onset_ms, end_ms or self.duration_ms)

    # ---- whole

    def attempt(self, play: Callable[[Talk], None]) -> bool:
        """Lay an exchange down; where the bank lacks one of its texts, leave everything as it
        was."""
        names = ("events", "typed", "delegated", "written", "marks", "expects")
        lists = {name: list(getattr(self, name)) for name in names}
        before = (self.now_ms, self.instructions, self.scene, self.scene_ms, self.last_order)
        try:
            play(self)
        except KeyError:
            for name, items in lists.items():
                setattr(self, name, items)
            self.now_ms, self.instructions, self.scene, self.scene_ms, self.last_order = before
            return False
        return True

    def timeline(self, duration_ms: int, families: tuple[str, ...]) -> Timeline:
        """What was laid down, up to `duration_ms`, in order of time."""

        def kept(items: Sequence[Any]) -> tuple[Any, ...]:
            inside = [item for item in items if item.onset_ms < duration_ms]
            return tuple(sorted(inside, key=lambda item: item.onset_ms))

        expects = [
            replace(e, window_ms=(e.window_ms[0], min(e.window_ms[1], duration_ms)))
            for e in self.expects
            if e.window_ms[0] < duration_ms
        ]
        return Timeline(
            duration_ms,
            kept(self.events),
            families,
            kept(self.typed),
            kept(self.delegated),
            kept(self.written),
            kept(self.marks),
            tuple(sorted(expects, key=lambda e: e.window_ms)),
            self.instructions,
            self.scene,
            self.scene_ms,
        )
