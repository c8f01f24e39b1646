"""What a system does after an overlap: responds, resumes, is uncertain, or falls silent.

The four tags of Full-Duplex-Bench V1.5, by rule instead of by judge; times in ms. RESUME: spoke
on, or took up again what it had been saying within 2 s, and took no new turn. RESPOND: stopped or
was done, and took a new turn in the window. UNKNOWN: nothing after the overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from microturn.evals.episode import Span
from microturn.evals.record import Utterance
from microturn.evals.text_rules import answer_words, contains

NEW_TURN_MS = 2000
Tag = Literal["respond", "resume", "uncertain", "unknown"]
TAGS: tuple[Tag, ...] = ("respond", "resume", "uncertain", "unknown")
APPROPRIATE: dict[str, Tag] = {
    "user_interruption": "respond",
    "user_backchannel": "resume",
    "talking_to_other": "resume",
    "background_speech": "resume",
}
UNCERTAIN = (
    "pardon",
    "sorry what",
    "say that again",
    "repeat that",
    "did not catch",
    "didnt catch",
    "are you talking to me",
    "were you talking to me",
    "was that for me",
)
EMPTY_WORDS = """
    i you he she it we they is are was were be do does did to of in on at and or but so for with
    that this there what how me my your can could would will just not no yes please have has
"""
EMPTY = set(EMPTY_WORDS.split())


@dataclass(frozen=True)
class Overlap:
    """The tag of one event. was_quiet: the agent did not speak when it began; such events are
    scored all the same, and their share is reported."""

    tag: Tag
    was_quiet: bool


def content(text: str) -> set[str]:
    """Words that say what a text is about."""
    return {word for word in answer_words(text) if word not in EMPTY}


def classify(
    event: Span, event_text: str, said: Sequence[Utterance], window_end_ms: int
) -> Overlap:
    """The tag of one overlap event."""
    before = " ".join(u.text for u in said if u.t0 < event[0])
    current = next((u for u in said if u.t0 <= event[0] < u.t1), None)
    later = next((u for u in said if event[0] < u.t0 <= window_end_ms), None)
    if later is not None and any(contains(later.text, phrase) for phrase in UNCERTAIN):
        return Overlap("uncertain", current is None)
    if current is None:
        return Overlap("unknown" if later is None else "respond", True)
    if current.t1 >= event[1]:
        is_new = (
            later is not None
            and later.t0 - max(current.t1, event[1]) <= NEW_TURN_MS
            and bool(content(later.text) & content(event_text))
        )
        return Overlap("respond" if is_new else "resume", False)
    if later is None:
        return Overlap("unknown", False)
    about_event = len(content(later.text) & content(event_text))
    about_before = len(content(later.text) & content(before))
    is_restart = later.t0 - current.t1 <= NEW_TURN_MS and about_before > about_event
    return Overlap("resume" if is_restart else "respond", False)


def rates(tags: Sequence[Tag]) -> dict[Tag, float]:
    """Share of each tag. Raises ValueError on an empty list."""
    if not tags:
        raise ValueError("the rates of a scenario need at least one event")
    return {tag: list(tags).count(tag) / len(tags) for tag in TAGS}


def v1_5_score(scenarios: Mapping[str, Sequence[Tag]]) -> float:
    """Mean over the four scenarios of the rate of the appropriate tag, 0 to 1.

    Raises ValueError where a scenario lacks: a mean over fewer is another number.
    """
    missing = set(APPROPRIATE) - set(scenarios)
    if missing:
        raise ValueError(f"the V1.5 score needs all four scenarios; missing: {sorted(missing)}")
    parts = [rates(scenarios[name])[tag] for name, tag in APPROPRIATE.items()]
    return sum(parts) / len(parts)
