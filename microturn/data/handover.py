"""What every skill with a background model shares: handing over, and speaking what comes back.

A result is spoken word for word as soon as nobody speaks. An update that begins with `PROGRESS` is
for the model to know and not to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from microturn.data.further_calls import WAYS, Made, make
from microturn.data.ordering import is_further, order_anew
from microturn.data.talk import ANSWER_WINDOW_MS, RESPONSE_MS, Talk
from microturn.data.timeline import Event, to_grid
from microturn.turns import MICRO_TURN_MS

FILLERS = (
    "One moment, I am looking it up.",
    "Let me check that for you.",
    "Sure, let me look.",
    "Give me a moment, please.",
    "Okay, I am on it.",
    "One second, I will find out.",
)
WORKING = FILLERS[3:5]  # where nothing is looked up
PROGRESS = "progress,"
STEPS = (
    "still searching",
    "reading the first page",
    "two of three sources read",
    "half done",
    "opening the file",
    "waiting for an answer",
    "comparing what was found",
)
BETWEEN_MS = 100  # between the sentences of a result


def ask_anew(talk: Talk, kind: str, spoken: str) -> tuple[Event, Made] | None:
    """In training at times, in place of a request of the bank, one of any arguments."""
    if kind not in WAYS or not is_further(talk):
        return None
    made = make(talk.rng, kind)
    return order_anew(talk, made.text, spoken), made


def hand_over(
    talk: Talk, request: Event, query: str, said: Sequence[str] = FILLERS, **arguments: str
) -> Event:
    """The model says that it is on it, and writes the query down meanwhile.

    `arguments` are what a tool is called with; returns what was said.
    """
    filler = talk.own(talk.rng.choice(said), do=None)
    talk.delegate(query, filler.onset_ms)
    window_ms = (request.audible_end_ms, filler.onset_ms + ANSWER_WINDOW_MS)
    talk.expect("delegate", window_ms, (query,), request.onset_ms, **arguments)
    talk.expect("respond", window_ms, said, request.onset_ms)
    return filler


def report_progress(talk: Talk, first_ms: int, last_ms: int) -> None:
    """One or two updates that are not spoken, between two moments."""
    for _ in range(talk.rng.randint(1, 2)):
        if last_ms - first_ms < 1000:
            return
        update = talk.type(
            f"{PROGRESS} {talk.rng.choice(STEPS)}", "tool", talk.rng.randrange(first_ms, last_ms)
        )
        talk.expect("silent", (update.onset_ms, last_ms), on_ms=update.onset_ms)
        first_ms = update.onset_ms + 800


def floor_free_ms(talk: Talk, at_ms: int) -> int:
    """When nobody speaks any more: of what has begun by then, or begins before the model could."""
    free_ms = at_ms
    for event in sorted(talk.events, key=lambda event: event.onset_ms):
        is_next = event.onset_ms < free_ms + RESPONSE_MS + MICRO_TURN_MS
        if is_next and event.side != "other":
            free_ms = max(free_ms, event.audible_end_ms)
    return free_ms


def deliver(talk: Talk, sentences: Sequence[str], ready_ms: int) -> Event:
    """A result comes in at `ready_ms` and is spoken when the floor is free; returns the last of
    what is said."""
    update = talk.type(" ".join(sentences), "tool", ready_ms)
    free_ms = floor_free_ms(talk, ready_ms)
    told = [talk.say("own", sentences[0], free_ms + RESPONSE_MS, kind="reading")]
    for sentence in sentences[1:]:
        told.append(talk.say("own", sentence, told[-1].end_ms + BETWEEN_MS, kind="reading"))
    if free_ms > ready_ms:
        talk.expect("wait", (ready_ms, free_ms), on_ms=update.onset_ms)
    window_ms = (free_ms, to_grid(free_ms + RESPONSE_MS) + ANSWER_WINDOW_MS)
    talk.expect("say", window_ms, (" ".join(event.text for event in told),), update.onset_ms)
    return told[-1]


def drop(talk: Talk, sentences: Sequence[str], ready_ms: int) -> None:
    """A result comes in that nobody wants any more."""
    update = talk.type(" ".join(sentences), "tool", ready_ms)
    talk.expect("silent", (ready_ms, ready_ms + ANSWER_WINDOW_MS), on_ms=update.onset_ms)
    talk.now_ms = ready_ms + ANSWER_WINDOW_MS
