"""A spoken question about what is held into the camera: "What color is the plate?", "What am I
holding?", "How many dots?", "What does it say?"."""

from __future__ import annotations

from microturn.data.talk import Talk
from microturn.scenarios.questions import NUMBERS
from microturn.scenarios.timer_once import OBJECTS

# fmt: off
COLORS = (
    "red", "green", "blue", "yellow", "black", "white", "orange", "purple", "pink", "brown", "grey",
)
WORDS = (  # written on a sign; every fifth is kept for evaluation
    "hello", "yes", "no", "stop", "go", "open", "closed", "exit", "sale", "hot", "cold", "push",
    "pull", "tea", "milk", "home", "taxi", "bus", "left", "right",
)
SHAPES = ("circle", "square", "triangle", "star", "heart", "cross")
COLORED = (  # things that are asked for by name
    "bag", "ball", "book", "bottle", "box", "clock", "lamp", "leaf", "mirror", "pen", "plate",
    "shoe", "spoon", "stone", "table", "cup", "hat", "chair", "key", "phone",
)
WHAT = (
    "What am I holding?", "What is this?", "What's this thing called?", "What do I have here?",
    "Can you tell what this is?", "What am I showing you?", "Do you know what this is?",
    "What have I got in my hand?", "What's that in my hand?", "Name this thing for me.",
)
SEE = (
    "What do you see?", "Tell me what you see.", "What can you see now?",
    "Describe what you see.", "What's in the picture?",
)
WHICH_COLOR = (
    "What color is this?", "Which color is it?", "What color am I holding up?",
    "Tell me the color of this.", "And what color is that?",
)
HOW_MANY = (
    "How many dots?", "How many dots are there?", "Count the dots for me.",
    "How many dots do you see?", "Can you tell me the number of dots?",
)
FINGERS = (
    "How many fingers am I holding up?", "How many fingers is this?",
    "How many fingers do you see?", "Count my fingers.", "And how many fingers now?",
)
READ = (
    "What does it say?", "What's written here?", "Can you read this?", "Read this for me, please.",
    "Which word is on the card?",
)
NUMBER = (
    "What number is this?", "Which number is it?", "Which digit am I showing you?",
    "Read this number for me.", "What's the number on the card?",
)
SHAPE = (
    "What shape is this?", "Which shape do you see?", "What's the shape on the card?",
    "Tell me what shape this is.", "Can you name this shape?",
)
DOING = (
    "What am I doing?", "Can you tell what I am doing?", "What do I do right now?",
    "Tell me what I am doing.", "What does it look like I'm doing?",
)
# fmt: on
OF_THING = {thing: f"What color is the {thing}?" for thing in COLORED}
IS_COLOR = {color: f"It is {color}." for color in COLORS}
IS_THING = {thing: f"That is a {thing}." for thing in OBJECTS}
READY_SEEN = {  # a colour and a thing the speech bank speaks of
    ("red", "bag"): "I see a red bag.",
    ("blue", "clock"): "I see a blue clock.",
    ("blue", "mirror"): "I see a blue mirror.",
    ("green", "book"): "I see a green book.",
    ("green", "hat"): "I see a green hat.",
    ("green", "pen"): "I see a green pen.",
    ("grey", "bag"): "I see a grey bag.",
    ("red", "cup"): "I see a red cup.",
    ("red", "hat"): "I see a red hat.",
    ("white", "table"): "I see a white table.",
    ("yellow", "bag"): "I see a yellow bag.",
    ("yellow", "hat"): "I see a yellow hat.",
    ("yellow", "plate"): "I see a yellow plate.",
}
IS_SHAPE = {shape: f"A {shape}." for shape in SHAPES}
SAYS = {word: f"It says {word}." for word in WORDS}
IS_NUMBER = {n: f"{word.capitalize()}." for n, word in enumerate(NUMBERS[:10])}
DOES = {
    "wave": "You are waving.",
    "squat": "You are doing squats.",
    "push up": "You are doing push ups.",
    "jumping jack": "You are doing jumping jacks.",
    "walk": "You are walking.",
    "type": "You are typing.",
    "stir": "You are stirring.",
}
UNSEEN = "I don't see anything yet."
WHOLE_EPISODE = True
USER_TEXTS = (
    *WHAT, *SEE, *WHICH_COLOR, *HOW_MANY, *FINGERS, *READ, *NUMBER, *SHAPE, *DOING,
    *OF_THING.values(),
)  # fmt: skip
OWN_TEXTS = (
    *IS_COLOR.values(), *IS_THING.values(), *READY_SEEN.values(), *IS_SHAPE.values(),
    *SAYS.values(), *IS_NUMBER.values(), *DOES.values(), UNSEEN,
)  # fmt: skip


def play(talk: Talk) -> None:
    """Raises KeyError: nothing is shown yet."""
    raise KeyError("no pictures yet")
