"""Start and stop of something that is seen: the model says "start" when it begins and "stop" when
it ends, each at once."""

from __future__ import annotations

from microturn.data.phrasing import asked, sentences
from microturn.data.talk import Talk

ACTIONS = {  # as it is asked for: what is drawn
    "waving": "wave",
    "walking": "walk",
    "doing squats": "squat",
    "jumping": "jumping jack",
    "doing push ups": "push up",
    "typing": "type",
    "stirring": "stir",
}
READY = ("Say start when the person starts doing squats, then say stop when they stop.",)
PERSON = (
    "Say start when the person starts {doing}, then say stop when they stop.",
    "Say start as soon as they start {doing}, and stop when it is over.",
    "When you see somebody {doing}, say start, and when they stop, say stop.",
    "Tell me start and stop for the {doing}, please.",
    "Watch closely: say start when the {doing} begins and stop when it ends.",
    "The moment they begin {doing}, say start. The moment they end, say stop.",
    "Please say start when you see {doing}, and say stop after that.",
    "I need the start and the stop of the {doing}, say them out loud.",
    "Call out start when they are {doing}, and stop when they no longer are.",
    "Look for {doing}, say start when it starts and stop when it stops.",
)
THINGS = {
    "the water starts running": "water",
    "the ball starts bouncing": "ball",
    "the pendulum starts swinging": "pendulum",
    "the fan starts turning": "fan",
}
THING = (
    "Say start when {what}, and stop when it stops.",
    "When {what}, say start, and when it stops, say stop.",
    "Watch it, and as soon as {what}, say start, then stop at the end.",
    "Please say start the moment {what}, and say stop when that is over.",
    "I want to hear start when {what} and stop when it ends.",
)
CONTENTS = tuple({"doing": doing} for doing in ACTIONS)
PERSON_CASES = asked(PERSON, CONTENTS, 4)
THING_CASES = asked(THING, tuple({"what": what} for what in THINGS), 3)
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Got it.")
START, STOP = "Start.", "Stop."
WHOLE_EPISODE = True
USER_TEXTS = tuple(dict.fromkeys((*READY, *sentences(PERSON_CASES, THING_CASES))))
OWN_TEXTS = (START, STOP, *ACKNOWLEDGED)


def play(talk: Talk) -> None:
    """Raises KeyError: nothing is shown yet."""
    raise KeyError("no pictures yet")
