"""Speaking at the right moment with the right words: the rule of TimeSpeak and CueSpeak.

An example is right where every slot is filled and nothing is said where silence is wanted. Times
in ms. The default windows are ours: the post publishes none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from microturn.evals.episode import Span, Word
from microturn.evals.record import Utterance
from microturn.evals.text_rules import answer_words

BEFORE_MS, AFTER_MS = 500, 1000
PERIOD_SHARE, PERIOD_LIMIT_MS = 0.25, 1000
REGEX = re.compile(r"^/(.+)/$")


def once_window(time_ms: int) -> Span:
    """Where an utterance asked for at one time may begin."""
    return max(0, time_ms - BEFORE_MS), time_ms + AFTER_MS


def periodic_window(time_ms: int, period_ms: int) -> Span:
    """The same of one beat of a period: a quarter of it to each side, at most a second."""
    side_ms = min(PERIOD_LIMIT_MS, round(PERIOD_SHARE * period_ms))
    return max(0, time_ms - side_ms), time_ms + side_ms


@dataclass(frozen=True)
class Slot:
    """One expected utterance: onset in `window`, one of the `accept`ed forms.

    A form between slashes is a regular expression. overlap_user: it must sound while the user
    speaks. time_ms: when it was due, for the size of the error.
    """

    window: Span
    accept: tuple[str, ...]
    overlap_user: bool = False
    time_ms: int | None = None


def matched_onset(utterance: Utterance, accept: Sequence[str]) -> int | None:
    """Onset of the accepted form: of its first word where words have times, else the utterance's.

    None where the text holds no accepted form.
    """
    timed: list[Word] = list(utterance.words) or [(utterance.text, utterance.t0, utterance.t1)]
    tokens = [(token, a) for text, a, _ in timed for token in answer_words(text)]
    for form in accept:
        pattern = REGEX.match(form)
        if pattern is not None:
            if re.search(pattern[1], utterance.text, re.IGNORECASE):
                return utterance.t0
            continue
        wanted = answer_words(form)
        for position in range(len(tokens) - len(wanted) + 1):
            part = tokens[position : position + len(wanted)]
            if wanted and [token for token, _ in part] == wanted:
                return part[0][1]
    return None


def onsets(utterance: Utterance, accept: Sequence[str]) -> list[int]:
    """Onsets of all accepted forms in an utterance."""
    found: list[int] = []
    rest: Utterance | None = utterance
    while rest is not None:
        onset = matched_onset(rest, accept)
        if onset is None:
            break
        found.append(onset)
        later = tuple(word for word in rest.words if word[1] > onset)
        text = " ".join(word[0] for word in later)
        rest = Utterance(rest.id, later[0][1], rest.t1, text, later) if later else None
    return found


def filled_at(slot: Slot, said: Sequence[Utterance], user: Sequence[Span]) -> int | None:
    """When the slot was filled, or None."""
    for utterance in said:
        for onset in onsets(utterance, slot.accept):
            is_timely = slot.window[0] <= onset <= slot.window[1]
            sounds = (onset, utterance.t1)
            is_over = any(min(b, sounds[1]) > max(a, sounds[0]) for a, b in user)
            if is_timely and (is_over or not slot.overlap_user):
                return onset
    return None


@dataclass(frozen=True)
class SlotResult:
    """correct: the example as a whole. errors_ms: onset minus due time of the filled slots."""

    correct: bool
    onsets_ms: tuple[int | None, ...]
    num_forbidden: int
    errors_ms: tuple[int, ...]

    @property
    def drift_ms(self) -> float | None:
        """How much later each filled slot comes than the one before it should make it, on
        average; None with fewer than two."""
        errors = self.errors_ms
        return (errors[-1] - errors[0]) / (len(errors) - 1) if len(errors) > 1 else None


def grade(
    slots: Sequence[Slot],
    said: Sequence[Utterance],
    user: Sequence[Span] = (),
    silent: Sequence[Span] = (),
) -> SlotResult:
    """One example. An utterance that begins inside a `silent` window and fills no slot is
    forbidden; so is one that was begun before it and goes on."""
    found = tuple(filled_at(slot, said, user) for slot in slots)
    filled = {onset for onset in found if onset is not None}
    forbidden = [
        u
        for u in said
        if any(u.t0 < end and u.t1 > start for start, end in silent)
        and not any(u.t0 <= onset < max(u.t1, u.t0 + 1) for onset in filled)
    ]
    errors = tuple(
        onset - slot.time_ms
        for slot, onset in zip(slots, found, strict=True)
        if onset is not None and slot.time_ms is not None
    )
    correct = all(onset is not None for onset in found) and not forbidden
    return SlotResult(correct, found, len(forbidden), errors)


def false_alarms_per_minute(num_forbidden: int, duration_ms: int) -> float:
    """Forbidden utterances in a minute of episode."""
    return num_forbidden / (duration_ms / 60_000)
