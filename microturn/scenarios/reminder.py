"""A spoken reminder at an interval until told to stop.

Each reminder begins `interval` seconds after the model's last own onset; the first counts from the
acknowledgement.
"""

from __future__ import annotations

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
INTERVALS_S = (4, 5, 6, 8, 10)
STOPPED = "Okay, I have stopped."
USER_TEXTS = tuple(
    f"Remind me to {action} every {NUMBERS[interval]} seconds."
    for action in ACTIONS
    for interval in INTERVALS_S
)
OWN_TEXTS = (
    *ACTIONS.values(),
    *(f"Okay, every {NUMBERS[i]} seconds." for i in INTERVALS_S),
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
