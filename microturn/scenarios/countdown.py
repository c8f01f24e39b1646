"""Counting down aloud, a number a second; and how much is left, when asked or at intervals."""

from __future__ import annotations

from microturn.data.phrasing import asked, sentences
from microturn.data.talk import Talk
from microturn.scenarios import questions
from microturn.scenarios.interruption import STOPS
from microturn.scenarios.questions import NUMBERS
from microturn.scenarios.timer_once import OVER

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
USER_TEXTS = (*sentences(COUNT_CASES, QUIET_CASES, EVERY_CASES), *ASK, *STOPS)
OWN_TEXTS = (*list(SPOKEN.values())[1:16], *LEFT.values(), GOES, STARTED, *OVER)


def play(talk: Talk) -> None:
    questions.play(talk)
