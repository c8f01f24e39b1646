"""A question first, and the answer becomes visible later: the model stays silent until it sees it,
and speaks while it is there."""

from __future__ import annotations

from microturn.data.talk import Talk
from microturn.scenarios.show_and_ask import IS_COLOR, IS_NUMBER, IS_SHAPE, IS_THING, SAYS

# fmt: off
CURTAIN = (
    "What is behind the curtain?", "Tell me what is behind the curtain, once it opens.",
    "When the curtain opens, tell me what is there.",
    "As soon as you can see behind the curtain, say what it is.",
    "Keep an eye on the curtain and name what comes out.",
)
DOOR = (
    "What is behind the door?", "When the door opens, tell me what you see.",
    "Tell me what stands behind the door as soon as it opens.",
    "Once the door is open, what is in there?", "Watch the door and tell me what is inside.",
)
LAMP = (
    "What is in the dark room?", "When the light goes on, tell me what is there.",
    "As soon as it gets light, tell me what you see.",
    "What is on the table? You will see it when the lamp is on.",
    "Once the lamp is on, tell me what is on the table.",
)
CARD_NUMBER = (
    "Which number is on the other side of the card?",
    "I will turn the card, tell me the number.",
    "When I turn this card, read the number.",
    "What number is on the card? I will turn it in a moment.",
    "As soon as you see the number, say it.",
)
CARD_WORD = (
    "What is written on the other side of the card?",
    "When I turn the card, read the word.",
    "I will turn this card, tell me what it says.",
    "Tell me the word as soon as you can read it.",
    "What will the card say? Wait until I turn it.",
)
CARD_SHAPE = (
    "Which shape is on the other side?", "When I turn the card, name the shape.",
    "Tell me the shape as soon as you see it.", "I turn the card and you tell me the shape.",
    "What shape is hidden on this card?",
)
CARD_COLOR = (
    "What color is the other side of the card?", "When I turn the card, tell me the color.",
    "Tell me the color once you see it.", "I turn the card and you say the color.",
    "Which color is hidden here? Say it when you see it.",
)
READY_WANTED = (  # "Tell me when you see a ..."
    ("black", "hat"), ("blue", "bottle"), ("blue", "cup"), ("brown", "box"), ("brown", "hat"),
    ("green", "bottle"), ("green", "box"), ("green", "cup"), ("grey", "ball"), ("grey", "bottle"),
    ("grey", "chair"), ("grey", "mirror"), ("pink", "key"), ("pink", "pen"), ("pink", "spoon"),
    ("purple", "clock"), ("red", "box"), ("red", "lamp"), ("white", "book"), ("white", "leaf"),
    ("white", "mirror"), ("yellow", "bottle"), ("yellow", "key"), ("yellow", "table"),
)
STILL = ("And, can you see it?", "Do you see it yet?", "Anything yet?")
# fmt: on
WANTED = {pair: f"Tell me when you see a {pair[0]} {pair[1]}." for pair in READY_WANTED}
THERE = ("There it is.", "Now I see it.")
NOT_YET = ("Not yet.", "No, not yet.")
ACKNOWLEDGED = ("Okay.", "Sure thing.", "I will tell you.")
ASKED = {
    "curtain": CURTAIN, "door": DOOR, "lamp": LAMP, "number": CARD_NUMBER, "word": CARD_WORD,
    "shape": CARD_SHAPE, "color": CARD_COLOR,
}  # fmt: skip
WHOLE_EPISODE = True
USER_TEXTS = (*(text for texts in ASKED.values() for text in texts), *WANTED.values(), *STILL)
OWN_TEXTS = (
    *IS_THING.values(), *IS_NUMBER.values(), *SAYS.values(), *IS_SHAPE.values(),
    *IS_COLOR.values(), *THERE, *NOT_YET, *ACKNOWLEDGED,
)  # fmt: skip


def play(talk: Talk) -> None:
    """Raises KeyError: nothing is shown yet."""
    raise KeyError("no pictures yet")
