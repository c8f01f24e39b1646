"""A spoken question about what is held into the camera: "What color is the plate?", "What am I
holding?", "How many dots?", "What does it say?"."""

from __future__ import annotations

from microturn.data import further_ways
from microturn.data.drawing import COLORS as PAINTS
from microturn.data.ordering import order
from microturn.data.scenes import filmed, some_room
from microturn.data.scenes_motion import Stirring, Typing
from microturn.data.scenes_people import SHIRTS, SKINS, Action, some_look
from microturn.data.scenes_things import Held, Sign, some_places
from microturn.data.sights import LAST_MS, begin, show
from microturn.data.talk import Talk
from microturn.scenarios.questions import NUMBERS
from microturn.scenarios.timer_once import OBJECTS

# fmt: off
COLORS = (
    "red", "green", "blue", "yellow", "black", "white", "orange", "purple", "pink", "brown", "grey",
)
WORDS = (  # written on a sign
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
FURTHER = {  # {spoken question: further ways to type it}
    text: further_ways.SHOWN[kind]
    for kind, texts in (
        ("what", WHAT),
        ("see", SEE),
        ("color", WHICH_COLOR),
        ("dots", HOW_MANY),
        ("fingers", FINGERS),
        ("word", READ),
        ("number", NUMBER),
        ("shape", SHAPE),
        ("doing", DOING),
    )
    for text in texts
}
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
KINDS = (
    "what", "what", "see", "color of", "color of", "color", "dots", "fingers", "word", "number",
    "shape",
)  # fmt: skip
DOING_SHARE = 0.15
EMPTY_SHARE = 0.06
RISE_MS = 600  # until something held up can be seen well
INKS = ("red", "blue", "green", "black", "purple", "brown")
PAIRS = tuple((thing, color) for thing in COLORED for color in COLORS)  # every fifth is kept
Shown = tuple[str, str] | Sign | int
WHOLE_EPISODE = True
USER_TEXTS = (
    *WHAT, *SEE, *WHICH_COLOR, *HOW_MANY, *FINGERS, *READ, *NUMBER, *SHAPE, *DOING,
    *OF_THING.values(),
)  # fmt: skip
OWN_TEXTS = (
    *IS_COLOR.values(), *IS_THING.values(), *READY_SEEN.values(), *IS_SHAPE.values(),
    *SAYS.values(), *IS_NUMBER.values(), *DOES.values(), UNSEEN,
)  # fmt: skip


def pair(talk: Talk) -> tuple[str, str]:
    """A thing and its colour."""
    return talk.choose(PAIRS)


def about_sign(talk: Talk, kind: str) -> tuple[Shown, str, str]:
    """A card, a question about it, and the answer."""
    rng = talk.rng
    ink = PAINTS[rng.choice(INKS)]
    if kind == "dots":
        num = rng.randint(1, 9)
        sign = Sign("dots", str(num), ink, some_places(rng, num))
        return sign, talk.choose(HOW_MANY), IS_NUMBER[num]
    if kind == "word":
        word = rng.choice(WORDS)
        return Sign("word", word.upper(), ink), talk.choose(READ), SAYS[word]
    if kind == "number":
        num = rng.randint(0, 9)
        return Sign("number", str(num), ink), talk.choose(NUMBER), IS_NUMBER[num]
    shape = rng.choice(SHAPES)
    return Sign("shape", shape, ink), talk.choose(SHAPE), IS_SHAPE[shape]


def about(talk: Talk, kind: str) -> tuple[Shown, str, str]:
    """What is shown, the question, the answer."""
    rng = talk.rng
    if kind == "what":
        thing, color = pair(talk)
        return (thing, color), talk.choose(WHAT), IS_THING[thing]
    if kind == "see":
        color, thing = rng.choice(tuple(READY_SEEN))
        return (thing, color), talk.choose(SEE), READY_SEEN[color, thing]
    if kind == "color of":
        thing, color = pair(talk)
        return (thing, color), OF_THING[thing], IS_COLOR[color]
    if kind == "color":
        thing, color = pair(talk)
        shown = Sign("color", color, PAINTS[color]) if rng.random() < 0.5 else (thing, color)
        return shown, talk.choose(WHICH_COLOR), IS_COLOR[color]
    if kind == "fingers":
        num = rng.randint(1, 5)
        return num, talk.choose(FINGERS), IS_NUMBER[num]
    return about_sign(talk, kind)


def ask(talk: Talk, question: str, answer: str, label: str, since_ms: int) -> None:
    """The question and the answer; something is seen since a time."""
    asked_for = order(talk, question, FURTHER.get(question, ()))
    own = talk.own(answer, do=None)
    until_ms = own.end_ms + talk.rng.randrange(200, 900)
    talk.mark("shown", label, since_ms, until_ms)
    talk.expect("answer", (asked_for.end_ms, until_ms), (answer,), asked_for.onset_ms)
    talk.now_ms = until_ms


def name_of(shown: Shown) -> str:
    """What is shown, in words."""
    if isinstance(shown, int):
        return f"{shown} fingers"
    if isinstance(shown, Sign):
        return f"{shown.kind} {shown.content}"
    return f"{shown[1]} {shown[0]}"


def hold_up(talk: Talk) -> None:
    """A few things, one after the other, and a question about each."""
    rng = talk.rng
    held: list[tuple[int, int, Shown]] = []
    if rng.random() < EMPTY_SHARE:
        ask(talk, talk.choose(WHAT), UNSEEN, "nothing", talk.now_ms)
    for kind in rng.sample(KINDS, rng.randint(2, 4)):
        if talk.now_ms > LAST_MS - 3000:
            break
        shown, question, answer = about(talk, kind)
        since_ms = talk.now_ms + rng.randrange(100, 900)
        talk.now_ms = since_ms + rng.randrange(100, RISE_MS)
        ask(talk, question, answer, name_of(shown), since_ms)
        held.append((since_ms, talk.now_ms + 300, shown))
    scene = Held(
        some_room(rng), some_look(rng), tuple(held), rng.uniform(92, 108), rng.uniform(58, 70),
        rng.uniform(22, 34), rng.uniform(-12, 12), rng.uniform(40, 60),
    )  # fmt: skip
    show(talk, filmed(rng, scene))


def act(talk: Talk) -> None:
    """The user does something and asks what it is."""
    rng = talk.rng
    what = rng.choice(tuple(DOES))
    start_ms = talk.now_ms
    talk.now_ms += rng.randrange(1000, 4000)
    ask(talk, talk.choose(DOING), DOES[what], what, start_ms)
    room, spans = some_room(rng), ((start_ms, talk.now_ms + 600),)
    if what == "type":
        scene = Typing(room, spans, rng.choice(SKINS), rng.choice(SHIRTS))
    elif what == "stir":
        scene = Stirring(room, spans, rng.choice(SKINS), rng.choice(SHIRTS))
    else:
        scene = Action(room, some_look(rng), what, spans)
    show(talk, filmed(rng, scene))


def play(talk: Talk) -> None:
    """Things are held up, or something is done; the user asks about it."""
    begin(talk)
    (act if talk.rng.random() < DOING_SHARE else hold_up)(talk)
