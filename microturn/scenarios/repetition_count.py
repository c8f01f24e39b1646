"""The model counts what repeats in the picture: a number at the end of each repetition, or the
total when it is asked."""

from __future__ import annotations

from microturn.data.phrasing import asked, sentences
from microturn.data.talk import Talk
from microturn.scenarios.questions import NUMBERS

EXERCISES = ("push ups", "jumping jacks", "squats", "arm raises")
READY = (
    "Count my push ups.",
    "Please count out reps for jumping jacks.",
    "Please count out reps for squats.",
    "Count my squats.",
    "Count my jumping jacks.",
)
ALOUD = (
    "Count my {what} out loud.",
    "I'm doing {what}, please count.",
    "Can you count {what} for me?",
    "Count along while I do {what}.",
    "Watch me do {what} and count each one.",
    "Let's do some {what}, you count.",
    "Say the number after each of my {what}.",
    "Keep count of my {what}, out loud.",
    "I want to hear a number for each of my {what}.",
    "Tell me the number every time, I'm doing {what}.",
)
SILENT = (
    "Watch me do {what}, I will ask you how many it was.",
    "Quietly count my {what}, please.",
    "Count my {what}, but only tell me when I ask.",
    "Keep track of my {what} and stay quiet.",
    "How many {what} can I do? Tell me at the end.",
)
BALL_ALOUD = (
    "Count how often the ball bounces.",
    "Count the bounces out loud.",
    "Say a number each time the ball hits the floor.",
    "Watch the ball and count every bounce.",
    "Can you count the bounces of this ball?",
)
SWING_ALOUD = (
    "Count the swings out loud.",
    "Count how often it swings over and back.",
    "Say a number each time the pendulum is back.",
    "Watch the pendulum and count its swings.",
    "Can you count how often the pendulum swings?",
)
ENDS = (
    "How many was that?",
    "So, how many did you count?",
    "What's the total?",
    "Okay, how many were there?",
    "How many did you see?",
)
STOPS = ("Okay, stop now.", "You can stop counting.", "That's enough, thanks.")
CONTENTS = tuple({"what": what} for what in EXERCISES)
ALOUD_CASES = (
    tuple((text, {"what": what}) for text in READY for what in EXERCISES if what in text),
    *asked(ALOUD, CONTENTS, 3),
)
SILENT_CASES = asked(SILENT, CONTENTS, 3)
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Got it.")
STOPPED = "Okay, I have stopped."
MOST = 15
NONE = "None."
SPOKEN = {n: f"{word.capitalize()}." for n, word in enumerate(NUMBERS[: MOST + 1]) if n}
TOTALS = {0: NONE} | SPOKEN
WHOLE_EPISODE = True
USER_TEXTS = (
    *sentences(ALOUD_CASES, SILENT_CASES), *BALL_ALOUD, *SWING_ALOUD, *ENDS, *STOPS,
)  # fmt: skip
OWN_TEXTS = (*SPOKEN.values(), NONE, *ACKNOWLEDGED, STOPPED)


def play(talk: Talk) -> None:
    """Raises KeyError: nothing is shown yet."""
    raise KeyError("no pictures yet")
