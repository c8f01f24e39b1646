"""A spoken reminder at an interval until told to stop; several at once; another interval.

A reminder begins a whole number of intervals after its acknowledgement. Intervals of minutes are
only acknowledged: no talk is that long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from microturn.data import further_ways
from microturn.data.moments import SEARCH_MS, free_ms, length_ms
from microturn.data.ordering import order
from microturn.data.phrasing import asked, sentences
from microturn.data.talk import RESPONSE_MS, Talk
from microturn.data.timeline import Event
from microturn.scenarios.interruption import STOPS
from microturn.scenarios.questions import NUMBERS
from microturn.scenarios.timer_once import EARLY_MS, LATE_MS

ACTIONS = {
    "drink some water": "Drink some water.",
    "stretch my legs": "Stretch your legs.",
    "take a break": "Take a break.",
    "check the oven": "Check the oven.",
    "breathe out": "Breathe out.",
}
MORE_ACTIONS = {
    "change the filter": "Change the filter.",
    "look out of the window": "Look out of the window.",
    "stir the soup": "Stir the soup.",
    "water the plants": "Water the plants.",
    "rest your eyes": "Rest your eyes.",
    "call your mother": "Call your mother.",
    "feed the cat": "Time to feed the cat.",
    "turn the page": "Time to turn the page.",
    "breathe in": "Time to breathe in.",
    "take your medicine": "Take your medicine.",
    "stretch your back": "Stretch your back.",
}
SAID = ACTIONS | MORE_ACTIONS
INTERVALS_S = (4, 5, 6, 8, 10)
# fmt: off
READY = (  # "until I ask you to stop"
    ("change the filter", "five"), ("change the filter", "nine"), ("stir the soup", "nine"),
    ("water the plants", "seven"), ("look out of the window", "five"),
    ("call your mother", "ten"), ("rest your eyes", "three"),
)
READY_MINUTES = (
    ("look out of the window", "eight"), ("turn the page", "eleven"), ("breathe out", "fifteen"),
    ("change the filter", "fifteen"), ("feed the cat", "five"), ("rest your eyes", "five"),
    ("stir the soup", "five"), ("feed the cat", "four"), ("rest your eyes", "seven"),
    ("change the filter", "six"), ("feed the cat", "six"), ("stretch your back", "six"),
    ("check the oven", "three"), ("take your medicine", "three"), ("breathe out", "twelve"),
    ("look out of the window", "twelve"), ("check the oven", "twenty"), ("stir the soup", "two"),
    ("check the oven", "thirteen"), ("breathe in", "fourteen"), ("call your mother", "nine"),
    ("look out of the window", "nine"),
)
# fmt: on
TEMPLATES = (
    "Every {n} seconds, tell me to {action}.",
    "Can you tell me to {action} every {n} seconds?",
    "Tell me to {action} every {n} seconds, please.",
    "Please remind me every {n} seconds to {action}.",
    "Could you remind me to {action} every {n} seconds until I say stop?",
    "I need a reminder every {n} seconds to {action}.",
    "Let me know every {n} seconds that I should {action}.",
    "Set a reminder every {n} seconds to {action}.",
)
OTHERS = (
    "And every {n} seconds, tell me to {action}.",
    "Also remind me to {action} every {n} seconds.",
    "And one more, tell me to {action} every {n} seconds.",
    "On top of that, remind me every {n} seconds to {action}.",
    "And I should {action} every {n} seconds.",
)
CHANGES = (
    "Make it every {n} seconds instead.",
    "Actually, every {n} seconds is better.",
    "Change that to every {n} seconds.",
    "Can we do every {n} seconds?",
    "Do it every {n} seconds from now on.",
)
ENDS = (
    *STOPS,
    "You can stop now, thank you.",
    "No more reminders, please.",
    "That is enough reminders.",
    "Okay, you can stop reminding me.",
    "Enough, stop reminding me.",
)
COUNTS = ("five", "seven", "four", "nine", "six", "eight", "ten", "three")
CONTENTS = tuple(
    {"n": COUNTS[(3 * place) % len(COUNTS)], "action": action}
    for place, action in enumerate(a for a in SAID if " your " not in a)
)
FIRST = tuple(
    (f"Remind me to {action} every {NUMBERS[i]} seconds.", {"n": NUMBERS[i], "action": action})
    for action in ACTIONS
    for i in INTERVALS_S
)
READY_CASES = tuple(
    (
        f"Remind me to {action} every {n} seconds until I ask you to stop.",
        {"n": n, "action": action},
    )
    for action, n in READY
)
CASES = (FIRST, READY_CASES, *asked(TEMPLATES, CONTENTS, 4))
OTHER_CASES = asked(OTHERS, CONTENTS[::-1], 4)
CHANGE_CASES = asked(CHANGES, tuple({"n": n} for n in COUNTS), 3)
MINUTE_CASES = tuple(
    (f"Every {n} minutes, tell me to {action}.", {"n": n, "action": action})
    for action, n in READY_MINUTES
)
ACKNOWLEDGED = {n: f"Okay, every {n} seconds." for n in (*COUNTS, "fifteen")}
MINUTES_ACKNOWLEDGED = {
    n: f"Okay, every {n} minutes." for n in dict.fromkeys(n for _, n in READY_MINUTES)
}
STOPPED = "Okay, I have stopped."
MINUTES_SHARE = 0.12
SECOND_SHARE = 0.4
REMINDER_MS = 1500  # how long a reminder takes at most
ACK_MS = 1800  # the acknowledgement and the moment before it
SHORTEST_MS = 900
USER_TEXTS = (
    *sentences(CASES, OTHER_CASES, CHANGE_CASES),
    *(text for text, _ in MINUTE_CASES),
    *ENDS,
)
OWN_TEXTS = (
    *SAID.values(),
    *ACKNOWLEDGED.values(),
    *MINUTES_ACKNOWLEDGED.values(),
    STOPPED,
)


@dataclass(frozen=True)
class Timer:
    """A running reminder: what is said, how often, counted from when, asked for by whom."""

    said: str
    seconds: int
    begins_ms: int
    on_ms: int

    def dues_ms(self, first_ms: int, last_ms: int) -> list[int]:
        """When it is due, from `first_ms` to before `last_ms`."""
        step_ms = 1000 * self.seconds
        first = max(1, -(-(first_ms - self.begins_ms) // step_ms))
        return list(range(self.begins_ms + first * step_ms, last_ms, step_ms))


def start(talk: Talk, request: Event, content: Mapping[str, Any]) -> Timer:
    """The request and its acknowledgement, from which the reminder counts."""
    ack = talk.own(ACKNOWLEDGED[content["n"]])
    seconds = NUMBERS.index(content["n"])
    return Timer(SAID[content["action"]], seconds, ack.onset_ms, request.onset_ms)


def remind(talk: Talk, timers: Sequence[Timer], first_ms: int, last_ms: int) -> None:
    """Everything that is due from `first_ms` to before `last_ms`; one after the other."""
    dues = [(due_ms, timer) for timer in timers for due_ms in timer.dues_ms(first_ms, last_ms)]
    for due_ms, timer in sorted(dues, key=lambda due: due[0]):
        told = talk.say("own", timer.said, due_ms)
        window_ms = (due_ms - EARLY_MS, max(due_ms, told.onset_ms) + LATE_MS)
        talk.expect("interval", window_ms, (timer.said,), timer.on_ms, seconds=timer.seconds)


def break_in(talk: Talk, timers: Sequence[Timer], after_ms: int, need_ms: int) -> int:
    """A moment from `after_ms` on for the user to speak, between reminders where that is possible;
    what is due until then is said. Returns the moment."""
    busy = [
        (due_ms, due_ms + REMINDER_MS)
        for timer in timers
        for due_ms in timer.dues_ms(timer.begins_ms, after_ms + 2 * SEARCH_MS)
    ]
    moment_ms = free_ms(busy, after_ms, need_ms)
    moment_ms = free_ms(busy, after_ms, SHORTEST_MS) if moment_ms is None else moment_ms
    return after_ms if moment_ms is None else moment_ms


def minutes(talk: Talk) -> None:
    """An interval of minutes is acknowledged, and nothing follows within the talk."""
    text, content = talk.choose(MINUTE_CASES)
    order(talk, text, further_ways.REMIND_MINUTES, **content)
    talk.own(MINUTES_ACKNOWLEDGED[content["n"]])


def second(talk: Talk, timer: Timer, at_ms: int) -> tuple[list[Timer], int]:
    """Another reminder, another interval, or a question, while the first runs. Returns the timers
    and until when everything due is said."""
    cases = talk.rng.choice((OTHER_CASES, CHANGE_CASES))
    text, content = talk.rng.choice(talk.choose(cases))
    clip = talk.clip("user", text)
    onset_ms = break_in(talk, [timer], at_ms, length_ms(talk, clip) + ACK_MS)
    remind(talk, [timer], timer.begins_ms, onset_ms)
    if cases is OTHER_CASES and SAID[content["action"]] != timer.said:
        other = start(talk, talk.say_clip("user", clip, onset_ms), content)
        remind(talk, [timer], onset_ms, other.begins_ms)
        return [timer, other], other.begins_ms
    request = talk.say_clip("user", clip, onset_ms)
    changed = start(talk, request, {"action": "breathe in", **content})
    said = timer.said if cases is CHANGE_CASES else changed.said
    return [replace(changed, said=said)], changed.begins_ms


def play(talk: Talk) -> None:
    """A request, reminders, perhaps a second one or another interval, and "stop"."""
    if talk.rng.random() < MINUTES_SHARE:
        return minutes(talk)
    text, content = talk.rng.choice(talk.choose(CASES))
    timer = start(talk, order(talk, text, further_ways.REMIND, **content), content)
    timers, done_ms = [timer], timer.begins_ms
    at_ms = timer.begins_ms + 1000 * timer.seconds * talk.rng.randint(1, 2) + REMINDER_MS
    if talk.rng.random() < SECOND_SHARE:
        timers, done_ms = second(talk, timer, at_ms)
        at_ms = max(t.begins_ms + 1000 * t.seconds for t in timers) + REMINDER_MS
    at_ms += 1000 * talk.rng.choice(timers).seconds * talk.rng.randint(0, 2)
    clip = talk.clip("user", talk.choose(ENDS))
    stop_ms = break_in(talk, timers, at_ms, length_ms(talk, clip) + RESPONSE_MS)
    remind(talk, timers, done_ms + 1, stop_ms)
    stop = talk.say_clip("user", clip, stop_ms)
    talk.own(STOPPED)
    last_ms = talk.now_ms + 1000 * max(timer.seconds for timer in timers)
    talk.mark("stopped", stop.text, stop.onset_ms, last_ms)
