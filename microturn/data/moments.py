"""Moments in a talk: where a word ends, where there is room, what may be said in the meantime."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from microturn.data.bank import Clip
from microturn.data.sounding import while_it_sounds
from microturn.data.talk import RESPONSE_MS, Talk
from microturn.data.timeline import Event, utterance_of
from microturn.signal.text import normalise

WAIT_MS = (250, 1200)  # before the user speaks on
CUE_WINDOW_MS = 1000  # from the end of a cue to the onset of what it calls for
TYPED_RULES = 0.2
LAST_MS = 4500  # before the end of a talk nothing long is begun any more
ROOM_MS = 200  # silence on both sides of what is fitted in
SEARCH_MS = 15_000
SEARCH_STEP_MS = 100


def length_ms(talk: Talk, clip: Clip) -> int:
    """How long a clip sounds."""
    return talk.bank.utterance(clip).duration_ms


def word_ends_ms(talk: Talk, event: Event, word: str) -> list[int]:
    """When each utterance of a word in a speech ends, in the time of the talk; a pause after the
    word does not count."""
    utterance = utterance_of(event, talk.bank)
    return [
        event.onset_ms + while_it_sounds(spoken, utterance).end_ms
        for spoken in utterance.words
        if normalise(spoken.text).strip(".,?!-") == word
    ]


def call_out(
    talk: Talk, event: Event, word: str, end_ms: int, text: str, do: str = "say", **detail: int
) -> Event:
    """The model speaks at once because a word was just said, whether the user goes on or not."""
    talk.mark("cue", word, event.onset_ms, end_ms)
    own = talk.say("own", text, end_ms + RESPONSE_MS)
    window_ms = (end_ms, max(end_ms + CUE_WINDOW_MS, own.onset_ms))
    talk.expect(do, window_ms, (text,), event.onset_ms, **detail)
    return own


def set_rule(
    talk: Talk, text: str, acknowledged: str, further: Sequence[str] = (), **content: object
) -> None:
    """The user sets a rule for the whole talk: aloud, or in writing before it begins; in training
    in `further` ways too, filled with `content`."""
    if talk.rng.random() < TYPED_RULES:
        if further and talk.split != "eval":
            text = talk.rng.choice([text, *(way.format(**content) for way in further)])
        talk.instructions = normalise(text)
        return
    talk.user(text)
    talk.own(acknowledged)


def speak_on(talk: Talk, text: str, cues: Sequence[tuple[str, str]]) -> bool:
    """The user goes on speaking, and the model calls out what belongs to each word of `cues`
    (word, what is said); without a cue it stays silent. False, and nothing is said, where the bank
    lacks one of the texts."""

    wait_ms = talk.rng.randrange(*WAIT_MS)
    return talk.attempt(lambda talk: play_clip(talk, talk.clip("user", text), cues, wait_ms))


def play_clip(talk: Talk, clip: Clip, cues: Sequence[tuple[str, str]], wait_ms: int) -> None:
    """The same with a chosen clip of a text. Raises KeyError where the bank lacks what is said."""
    event = talk.say_clip("user", clip, talk.now_ms + wait_ms)
    called = [(end, word, said) for word, said in cues
              for end in word_ends_ms(talk, event, word)]  # fmt: skip
    for end_ms, word, said in sorted(called):
        call_out(talk, event, word, end_ms, said)
    if not called:
        silent_ms = (event.onset_ms, event.end_ms + ROOM_MS)
        talk.expect("silent", silent_ms, on_ms=event.onset_ms)


def meanwhile(talk: Talk, play: Callable[[Talk], None], until_ms: int) -> bool:
    """Lay an exchange down if it is over before `until_ms`; else leave the talk as it was."""

    def in_time(talk: Talk) -> None:
        play(talk)
        if talk.now_ms > until_ms - ROOM_MS:
            raise KeyError(f"no room before {until_ms} ms")

    return talk.attempt(in_time)


def free_ms(busy: Sequence[tuple[int, int]], after_ms: int, need_ms: int) -> int | None:
    """The first moment from `after_ms` on that leaves `need_ms` free of the `busy` spans."""
    for start_ms in range(after_ms, after_ms + SEARCH_MS, SEARCH_STEP_MS):
        end_ms = start_ms + need_ms
        if all(end_ms + ROOM_MS <= a or b + ROOM_MS <= start_ms for a, b in busy):
            return start_ms
    return None


def need_room(talk: Talk, length_ms: int) -> None:
    """Raises KeyError where the talk ends before this could be over."""
    if talk.now_ms + length_ms > talk.duration_ms:
        raise KeyError(f"no room for {length_ms} ms before the end of the talk")


def need_cue(talk: Talk) -> None:
    """Raises KeyError where not one sentence could be said after a rule was set."""
    if not any(mark.kind == "cue" for mark in talk.marks):
        raise KeyError("the bank has no sentence with a cue")


def nearest_s(span_ms: int) -> int:
    """Whole seconds nearest to a span."""
    return (span_ms + 500) // 1000
