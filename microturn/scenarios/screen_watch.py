"""The model watches a screen and speaks up when the build breaks, when it is mended, or when a bug
is typed; otherwise it is silent."""

from __future__ import annotations

from microturn.data.number_words import cardinal
from microturn.data.talk import Talk

# fmt: off
BUILD = (
    "Tell me when the build breaks.", "Watch the build and speak up if it fails.",
    "Let me know as soon as the build is red.", "If the build fails, tell me at once.",
    "Keep an eye on the build for me.", "Say something when the build breaks.",
    "I'm getting a coffee, tell me if the build fails.", "Warn me when the build goes red.",
    "Can you watch the build and shout if it fails?", "Look at my screen and tell me if it breaks.",
)
TESTS = (
    "Tell me when the tests pass.", "Let me know when everything is green.",
    "Say something as soon as the tests are passing.", "I'm waiting for green tests, tell me.",
    "Watch the tests and tell me when they are fine again.",
)
BUGS = (
    "Tell me if I write a bug.", "Watch my code and warn me about bugs.",
    "Look over my shoulder while I code.", "If you see a bug in my code, say the line.",
    "Speak up when I make a mistake in the code.", "Help me code, just tell me about bugs.",
    "I'm typing some code, watch out for bugs.", "Warn me as soon as there is a bug.",
    "Say which line it is when I type a bug.", "Keep an eye on my code and catch the bugs.",
)
READY_LINES = (6, 16, 17, 18, 41, 43, 50, 61, 65, 74, 90, 95)
LINES = (*range(1, 16), *READY_LINES[1:])
# fmt: on
BUG = {line: f"Careful, line {cardinal(line)} has a bug." for line in LINES}
FAILED, PASSING = "The build just failed.", "The tests are passing now."
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Got it.")
WHOLE_EPISODE = True
USER_TEXTS = (*BUILD, *TESTS, *BUGS)
OWN_TEXTS = (*BUG.values(), FAILED, PASSING, *ACKNOWLEDGED)


def play(talk: Talk) -> None:
    """Raises KeyError: nothing is shown yet."""
    raise KeyError("no pictures yet")
