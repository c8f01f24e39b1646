"""Something is seen while the user talks about something else: the model says so at once, into the
user's sentence, or at the next pause, as it was asked."""

from __future__ import annotations

from microturn.data.talk import Talk
from microturn.scenarios.person_enters import SOMEBODY
from microturn.scenarios.screen_watch import FAILED
from microturn.scenarios.word_count import SENTENCES

AT_ONCE = {
    "door": (
        "If somebody comes to the door while I talk, tell me at once.",
        "Interrupt me when somebody is at the door.",
        "Cut in right away if you see someone at the door.",
        "While I talk, watch the door, and tell me immediately.",
        "Break in as soon as somebody stands at the door.",
    ),
    "build": (
        "Interrupt me when the build breaks.",
        "If the build fails while I talk, say it at once.",
        "Cut in right away when the build goes red.",
        "I keep talking, but tell me immediately if the build breaks.",
        "Break in as soon as the build has failed.",
    ),
    "slouch": (
        "Tell me at once when I'm slouching.",
        "Every time I slouch, interrupt me and tell me.",
        "Watch how I sit, and say it right away when I slouch.",
        "If I slouch while I talk, cut in and tell me.",
        "I want to sit straight, tell me the moment I don't.",
    ),
    "light": (
        "Interrupt me when the light goes out.",
        "Tell me at once if the lamp goes out.",
        "If the light goes out while I talk, say so immediately.",
        "Cut in right away when the lamp is off.",
        "Break in as soon as the light is out.",
    ),
}
AT_PAUSE = {
    "door": (
        "If somebody comes to the door, tell me when I have finished my sentence.",
        "Tell me about people at the door, but let me finish first.",
        "Watch the door, but don't interrupt me.",
        "When somebody is at the door, wait for a pause and tell me.",
        "Let me finish talking before you tell me who came.",
    ),
    "build": (
        "If the build fails, tell me when I stop talking.",
        "Tell me about the build, but don't interrupt me.",
        "When the build breaks, wait for a pause and say it.",
        "Watch the build, and let me finish before you tell me.",
        "Should the build fail, tell me after my sentence.",
    ),
}
SAID = {
    "door": SOMEBODY,
    "build": FAILED,
    "slouch": "You are slouching.",
    "light": "The light is out.",
}
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Got it.")
TALKS = tuple(text for texts in SENTENCES.values() for text in texts)
WHOLE_EPISODE = True
USER_TEXTS = tuple(
    dict.fromkeys(
        (*(t for table in (AT_ONCE, AT_PAUSE) for ts in table.values() for t in ts), *TALKS)
    )
)
OWN_TEXTS = (*SAID.values(), *ACKNOWLEDGED)


def play(talk: Talk) -> None:
    """Raises KeyError: nothing is shown yet."""
    raise KeyError("no pictures yet")
