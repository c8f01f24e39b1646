"""Counting down aloud, a number a second; and how much is left, when asked or at intervals."""

from __future__ import annotations

from microturn.data import further_ways
from microturn.data.moments import length_ms, nearest_s, need_room
from microturn.data.ordering import order
from microturn.data.phrasing import asked, sentences
from microturn.data.talk import ANSWER_WINDOW_MS, NOTICE_MS, RESPONSE_MS, Talk
from microturn.data.timeline import to_grid
from microturn.scenarios.interruption import STOPS
from microturn.scenarios.questions import NUMBERS
from microturn.scenarios.timer_once import EARLY_MS, LATE_MS, MARGIN_MS, OVER

READY = ("eleven", "five", "four", "nine", "six", "ten", "thirteen", "twelve", "fifteen")
COUNT = (
    "Count backwards from {n}.",
    "Give me a countdown from {n}.",
    "Can you count down from {n} for me?",
    "Start a countdown at {n}, please.",
    "I need a countdown from {n}.",
    "Count down from {n}, then say start.",
    "Please count from {n} down to one.",
    "Do a countdown from {n}, and say start at the end.",
)
FROM = tuple({"n": n} for n in ("five", "eight", "seven", "three", "ten", "six", "four"))
START_WORD = "start"
COUNT_CASES = (
    tuple((f"Count down from {n}.", {"n": n}) for n in READY),
    *asked(COUNT, FROM, 4),
)
QUIET = (
    "Start a silent countdown of {n} seconds.",
    "Count down {n} seconds in your head.",
    "Start a timer for {n} seconds, and I will ask you how much is left.",
    "Give me {n} seconds, please, and keep the time.",
    "I have {n} seconds from now, watch the clock for me.",
)
ASK = (
    "How much time is left?",
    "How many seconds do I have left?",
    "What is left on the clock?",
    "How long do I still have?",
    "How much longer?",
)
EVERY = (
    "Set a timer for {n} seconds, and tell me every {step} seconds how much is left.",
    "I have {n} seconds, tell me the time left every {step} seconds.",
    "Start {n} seconds and say what is left every {step} seconds.",
    "Every {step} seconds, tell me how much of my {n} seconds is left.",
    "Count {n} seconds for me and speak up every {step} seconds.",
)
QUIET_CASES = asked(QUIET, tuple({"n": n} for n in ("fifteen", "twenty", "twelve", "ten")), 3)
STEPS = (("fifteen", "five"), ("twenty", "five"), ("twelve", "four"), ("twelve", "three"))
EVERY_CASES = asked(EVERY, tuple({"n": n, "step": step} for n, step in STEPS), 2)
SPOKEN = {number: f"{word.capitalize()}." for number, word in enumerate(NUMBERS)}
LEFT = {
    number: f"{word.capitalize()} second{'s' if number > 1 else ''} left."
    for number, word in enumerate(NUMBERS[:20])
    if number > 0
}
GOES, STARTED, STOPPED = "Start.", "Okay.", "Okay."
STOPPED_SHARE = 0.25
ASKED_BEFORE_MS = 3000  # a question how much is left comes no later than this before the end
USER_TEXTS = (*sentences(COUNT_CASES, QUIET_CASES, EVERY_CASES), *ASK, *STOPS)
OWN_TEXTS = (*list(SPOKEN.values())[1:16], *LEFT.values(), GOES, STARTED, *OVER)


def stop_early(talk: Talk, begins_ms: int, number: int) -> int:
    """Where the user breaks in: a moment within the count, early enough to matter."""
    return begins_ms + talk.rng.randrange(1200, 1000 * number - 1500)


def count(talk: Talk) -> None:
    """A number a second, down to one; now and then the user stops it."""
    text, content = talk.rng.choice(talk.choose(COUNT_CASES))
    number = NUMBERS.index(content["n"])
    need_room(talk, 1000 * number + MARGIN_MS)
    says_start = START_WORD in text.split(",")[-1]
    request = order(talk, text, () if says_start else further_ways.COUNT_DOWN, n=content["n"])
    first = talk.own(SPOKEN[number], do=None)
    window_ms = (request.end_ms, first.onset_ms + LATE_MS)
    talk.expect("count", window_ms, (first.text,), request.onset_ms, value=number)
    is_stopped = number > 4 and talk.rng.random() < STOPPED_SHARE
    stop_ms = stop_early(talk, first.onset_ms, number) if is_stopped else None
    cut_ms = None if stop_ms is None else to_grid(stop_ms + NOTICE_MS)
    for step in range(1, number):
        at_ms = first.onset_ms + 1000 * step
        if stop_ms is not None and at_ms >= stop_ms:
            break
        told = talk.say("own", SPOKEN[number - step], at_ms, cut_ms=cut_ms)
        window_ms = (at_ms - EARLY_MS, at_ms + EARLY_MS)
        talk.expect("count", window_ms, (told.text,), first.onset_ms, value=number - step)
    if stop_ms is not None:
        stop = talk.say("user", talk.choose(STOPS), stop_ms)
        talk.own(STOPPED, do=None)
        window_ms = (stop.end_ms, stop.end_ms + ANSWER_WINDOW_MS)
        talk.expect("yield_then_respond", window_ms, (STOPPED,), stop.onset_ms)
    elif says_start:
        at_ms = first.onset_ms + 1000 * number
        talk.say("own", GOES, at_ms)
        talk.expect("say", (at_ms - EARLY_MS, at_ms + EARLY_MS), (GOES,), first.onset_ms)


def over(talk: Talk, begins_ms: int, number: int, on_ms: int) -> None:
    """The end of a silent countdown."""
    due_ms = to_grid(begins_ms + 1000 * number)
    talk.say("own", talk.rng.choice(OVER), due_ms)
    talk.expect("say", (due_ms - EARLY_MS, due_ms + LATE_MS), OVER, on_ms, seconds=number)


def left_when_asked(talk: Talk) -> None:
    """A silent countdown, and one or two questions how much is left."""
    text, content = talk.rng.choice(talk.choose(QUIET_CASES))
    number = NUMBERS.index(content["n"])
    need_room(talk, 1000 * number + MARGIN_MS)
    begins = talk.user(text)
    talk.own(STARTED)
    end_ms = begins.end_ms + 1000 * number
    for _ in range(talk.rng.randint(1, 2)):
        clip = talk.clip("user", talk.choose(ASK))
        latest_ms = end_ms - length_ms(talk, clip) - ASKED_BEFORE_MS
        earliest_ms = talk.now_ms + 1000
        if earliest_ms >= latest_ms:
            break
        question = talk.say_clip("user", clip, talk.rng.randrange(earliest_ms, latest_ms))
        answer_ms = to_grid(question.end_ms + RESPONSE_MS)
        left = nearest_s(end_ms - answer_ms)
        talk.own(LEFT[left], do=None)
        window_ms = (question.end_ms, question.end_ms + ANSWER_WINDOW_MS)
        accept = tuple(LEFT[n] for n in (left - 1, left, left + 1) if n in LEFT)
        talk.expect("answer", window_ms, accept, question.onset_ms, value=left)
    over(talk, begins.end_ms, number, begins.onset_ms)


def left_at_intervals(talk: Talk) -> None:
    """A countdown that speaks up every few seconds."""
    text, content = talk.rng.choice(talk.choose(EVERY_CASES))
    number, step = NUMBERS.index(content["n"]), NUMBERS.index(content["step"])
    need_room(talk, 1000 * number + MARGIN_MS)
    begins = talk.user(text)
    talk.own(STARTED)
    for left in range(number - step, 0, -step):
        due_ms = to_grid(begins.end_ms + 1000 * (number - left))
        talk.say("own", LEFT[left], due_ms)
        window_ms = (due_ms - EARLY_MS, due_ms + LATE_MS)
        talk.expect("interval", window_ms, (LEFT[left],), begins.onset_ms, value=left, step=step)
    over(talk, begins.end_ms, number, begins.onset_ms)


def play(talk: Talk) -> None:
    """One countdown. Raises KeyError where the rest of the talk is too short."""
    kinds = (count, left_when_asked, left_at_intervals)
    talk.rng.choices(kinds, (2, 1, 1))[0](talk)
