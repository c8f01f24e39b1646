"""A spoken reminder at an interval until told to stop; several at once; another interval.

A reminder begins a whole number of intervals after its acknowledgement. Intervals of minutes are
only acknowledged: no talk is that long.
"""

from __future__ import annotations

from microturn.data.phrasing import asked, sentences
from microturn.data.talk import Talk
from microturn.scenarios.interruption import STOPS
from microturn.scenarios.questions import NUMBERS

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


def play(talk: Talk) -> None:
    """A request, an acknowledgement, one to four reminders, and "stop"."""
    action, interval_s = talk.rng.choice(tuple(ACTIONS)), talk.rng.choice(INTERVALS_S)
    talk.user(f"Remind me to {action} every {NUMBERS[interval_s]} seconds.")
    last = talk.own(f"Okay, every {NUMBERS[interval_s]} seconds.")
    for _ in range(talk.rng.randint(1, 4)):
        last = talk.say("own", ACTIONS[action], last.onset_ms + interval_s * 1000)
    free_ms = interval_s * 1000 - (last.end_ms - last.onset_ms)
    talk.user(talk.rng.choice(STOPS), wait_ms=talk.rng.randrange(300, max(400, free_ms - 1500)))
    talk.own(STOPPED)
