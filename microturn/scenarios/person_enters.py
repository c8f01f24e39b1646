"""Somebody comes to the door: the model says who it is, by a name tag or by a look it was told of,
and is silent about everything else."""

from __future__ import annotations

from microturn.data.phrasing import asked, sentences
from microturn.data.talk import Talk

# fmt: off
NAMES = (  # of whom the speech bank says that they are at the door; every fifth for evaluation
    "Ben", "Clara", "David", "Felix", "Iris", "Maria", "Priya", "Sam", "Victor", "Yuki",
)
SHIRTS = ("red", "blue", "green", "yellow", "purple", "orange", "white", "black", "pink", "brown")
# fmt: on
LOOKS = (
    "{name} is wearing a {color} shirt today.",
    "{name} has a {color} shirt.",
    "You will know {name} by the {color} shirt.",
    "The one in the {color} shirt is {name}.",
    "Look for {name}, in a {color} shirt.",
)
NAMED = (
    "Tell me when {name} is here.",
    "Let me know when {name} is at the door.",
    "I'm waiting for {name}, tell me when you see them.",
    "When {name} comes in, tell me.",
    "Say something as soon as {name} is at the door.",
    "Please watch the door for {name}.",
    "{name} should be here soon, tell me.",
    "Keep an eye on the door, {name} is coming.",
    "Has {name} come yet? Tell me when.",
    "Call me when {name} arrives.",
)
ANYBODY = (
    "Tell me when somebody comes in.",
    "Let me know if somebody is at the door.",
    "Watch the door and tell me who comes.",
    "Who is at the door? Tell me when somebody comes.",
    "Say something as soon as someone walks in.",
    "Everybody has a name tag, tell me who comes in.",
    "Read the name tags and tell me who is there.",
    "Keep an eye on the door for me.",
    "Tell me the name of everybody who comes in.",
    "If anyone comes to the door, tell me.",
)
CONTENTS = tuple({"name": name} for name in NAMES)
DRESSED = tuple(
    {"name": name, "color": SHIRTS[(place + shift) % len(SHIRTS)]}
    for shift in (0, 3)
    for place, name in enumerate(NAMES)
)
LOOK_CASES = asked(LOOKS, DRESSED, 6)
NAMED_CASES = asked(NAMED, CONTENTS, 3)
AT_DOOR = {name: f"{name} is at the door." for name in NAMES}
SOMEBODY = "Somebody is at the door."
ACKNOWLEDGED = ("Okay.", "Sure thing.", "I will tell you.")
WHOLE_EPISODE = True
USER_TEXTS = (*sentences(LOOK_CASES, NAMED_CASES), *ANYBODY)
OWN_TEXTS = (*AT_DOOR.values(), SOMEBODY, *ACKNOWLEDGED)


def play(talk: Talk) -> None:
    """Raises KeyError: nothing is shown yet."""
    raise KeyError("no pictures yet")
