"""One thing, said once, when its time has come: "In eight seconds, say box."

The time counts from the end of the request. Minutes are only acknowledged: no talk is that long.
"""

from __future__ import annotations

from microturn.data.phrasing import asked, sentences
from microturn.data.talk import Talk
from microturn.scenarios import questions
from microturn.scenarios.questions import NUMBERS

# fmt: off
OBJECTS = (
    "bag", "ball", "book", "bottle", "box", "chair", "clock", "cup", "hat", "key", "lamp", "leaf",
    "mirror", "pen", "phone", "plate", "shoe", "spoon", "stone", "table",
)
READY = (
    ("eight", "box"), ("eleven", "book"), ("five", "bottle"), ("nineteen", "spoon"),
    ("seven", "lamp"), ("seventeen", "pen"), ("sixteen", "hat"), ("sixteen", "spoon"),
    ("ten", "bottle"), ("ten", "stone"), ("thirteen", "table"), ("three", "box"),
    ("twelve", "lamp"), ("twelve", "leaf"), ("twelve", "pen"), ("nineteen", "book"),
    ("seventeen", "lamp"),
)
MINUTES = (
    "eighteen", "fifteen", "four", "fourteen", "seventeen", "six", "sixteen", "ten", "three",
    "twenty five", "twenty", "twenty one", "twenty seven", "twenty six",
)
# fmt: on
SAY = (
    "Say {word} in {n} seconds.",
    "Wait {n} seconds and then say {word}.",
    "Can you say {word} after {n} seconds?",
    "Say {word}, but only after {n} seconds.",
    "When {n} seconds have passed, say {word}.",
    "Please say {word} in {n} seconds from now.",
)
TELL = (
    "Tell me when {n} seconds are over.",
    "Let me know after {n} seconds.",
    "Set a timer for {n} seconds.",
    "Give me a sign in {n} seconds.",
    "Wake me in {n} seconds.",
    "Say something when {n} seconds have passed.",
    "Ring in {n} seconds, please.",
)
SECONDS = ("six", "four", "nine", "seven", "fifteen", "five", "ten", "eight", "three", "twelve")
WORDS = tuple(
    {"n": SECONDS[place % len(SECONDS)], "word": word} for place, word in enumerate(OBJECTS)
)
READY_CASES = (
    tuple((f"In {n} seconds, say {word}.", {"n": n, "word": word}) for n, word in READY),
)
SAY_CASES = READY_CASES + asked(SAY, WORDS, 4)
TELL_CASES = asked(TELL, tuple({"n": n} for n in SECONDS), 3)
MINUTE_TEXTS = tuple(f"Set a timer for {n} minutes." for n in MINUTES)
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Got it.")
OVER = ("Time is up.", "Your time is over.", "That is it, time is up.")
SPOKEN = {word: f"{word.capitalize()}." for word in OBJECTS}
USER_TEXTS = (*sentences(SAY_CASES, TELL_CASES), *MINUTE_TEXTS)
OWN_TEXTS = (*SPOKEN.values(), *ACKNOWLEDGED, *OVER)


def play(talk: Talk) -> None:
    questions.play(talk)
