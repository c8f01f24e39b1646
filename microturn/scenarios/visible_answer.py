"""A question first, and the answer becomes visible later: the model stays silent until it sees it,
and speaks while it is there."""

from __future__ import annotations

from microturn.data import further_ways
from microturn.data.drawing import COLORS as PAINTS
from microturn.data.drawing import Drawn
from microturn.data.ordering import order
from microturn.data.scenes import filmed, seen_ms, some_room
from microturn.data.scenes_people import SHIRTS, some_look
from microturn.data.scenes_places import OPENING_MS, TURNING_MS, Card, Hidden
from microturn.data.scenes_things import Held, Sign
from microturn.data.sights import LAST_MS, begin, need_time, show, stay_silent
from microturn.data.talk import Talk
from microturn.data.timeline import Event
from microturn.scenarios.show_and_ask import (
    COLORS,
    INKS,
    IS_COLOR,
    IS_NUMBER,
    IS_SHAPE,
    IS_THING,
    PAIRS,
    SAYS,
    SHAPES,
    WORDS,
)

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
NEVER_SHARE = 0.12  # of the talks, in which the answer never comes
STILL_SHARE = 0.25  # in which the user asks in between
WANTED_SHARE = 0.3  # in which a thing is waited for among others
STAYS_MS = (2000, 4000)  # what is seen stays
RISE_MS = 400  # until something held up is seen
Shown = tuple[str, str]
USER_TEXTS = (*(text for texts in ASKED.values() for text in texts), *WANTED.values(), *STILL)
OWN_TEXTS = (
    *IS_THING.values(), *IS_NUMBER.values(), *SAYS.values(), *IS_SHAPE.values(),
    *IS_COLOR.values(), *THERE, *NOT_YET, *ACKNOWLEDGED,
)  # fmt: skip


def sign_of(talk: Talk, kind: str) -> tuple[Sign, str]:
    """What is on a card, and what is said about it."""
    rng = talk.rng
    ink = PAINTS[rng.choice(INKS)]
    if kind == "number":
        number = rng.randint(0, 9)
        return Sign(kind, str(number), ink), IS_NUMBER[number]
    if kind == "word":
        word = rng.choice(WORDS)
        return Sign(kind, word.upper(), ink), SAYS[word]
    if kind == "shape":
        shape = rng.choice(SHAPES)
        return Sign(kind, shape, ink), IS_SHAPE[shape]
    color = rng.choice(COLORS)
    return Sign(kind, color, PAINTS[color]), IS_COLOR[color]


def scene_of(talk: Talk, kind: str, opens_ms: int | None) -> tuple[Drawn, str, int, str]:
    """The scene, what is said, how long after the opening it can be known, and its name."""
    room = some_room(talk.rng)
    if kind in ("curtain", "door", "lamp"):
        thing, color = talk.choose(PAIRS)
        size = talk.rng.uniform(24, 34)
        scene = Hidden(room, kind, talk.rng.choice(SHIRTS), (thing, color), opens_ms, size)
        return scene, IS_THING[thing], 0 if kind == "lamp" else OPENING_MS, f"{color} {thing}"
    sign, said = sign_of(talk, kind)
    card = Card(room, sign, opens_ms, talk.rng.uniform(30, 40))
    return card, said, TURNING_MS, f"{kind} {sign.content}"


def wait(talk: Talk, start_ms: int, until_ms: int) -> None:
    """Silence until the answer may be seen; the user may ask whether it is."""
    room_ms = until_ms - talk.now_ms - 4500
    if room_ms < 0 or talk.rng.random() > STILL_SHARE:
        stay_silent(talk, start_ms, until_ms)
        return
    onset_ms = talk.now_ms + 600 + talk.rng.randrange(room_ms + 1)
    stay_silent(talk, start_ms, onset_ms)
    talk.user(talk.choose(STILL))
    not_yet = talk.own(talk.rng.choice(NOT_YET), do=None)
    last = talk.events[-2]
    talk.expect("answer", (last.end_ms, last.end_ms + 3000), NOT_YET, last.onset_ms)
    stay_silent(talk, not_yet.end_ms, max(until_ms, not_yet.end_ms))


def tell(
    talk: Talk, question: Event, said: tuple[str, ...], known_ms: int, until_ms: int, label: str
) -> None:
    """What is seen from `known_ms` until `until_ms` is said."""
    talk.mark("shown", label, known_ms, until_ms)
    own = talk.say("own", talk.rng.choice(said), seen_ms(known_ms))
    window_ms = (known_ms, max(until_ms, own.onset_ms))
    talk.expect("answer", window_ms, said, question.onset_ms)
    talk.now_ms = max(own.end_ms, until_ms)


def opened(talk: Talk) -> None:
    """Something is opened, turned or lit, and the model says what is there."""
    kind = talk.rng.choice(tuple(ASKED))
    question = order(talk, talk.choose(ASKED[kind]), further_ways.HIDDEN[kind])
    ack = talk.own(talk.rng.choice(ACKNOWLEDGED))
    need_time(talk, 8000)
    opens_ms = talk.rng.randrange(talk.now_ms + 900, max(talk.now_ms + 901, LAST_MS - 1500))
    is_never = talk.rng.random() < NEVER_SHARE
    scene, said, lag_ms, label = scene_of(talk, kind, None if is_never else opens_ms)
    wait(talk, ack.end_ms, opens_ms)
    if talk.now_ms > opens_ms:
        raise KeyError("the question in between was too long")
    if not is_never:
        until_ms = opens_ms + lag_ms + talk.rng.randrange(*STAYS_MS)
        tell(talk, question, (said,), opens_ms + lag_ms, until_ms, label)
    show(talk, filmed(talk.rng, scene))


def near_misses(talk: Talk, wanted: Shown) -> list[Shown]:
    """Things that are not the one that is waited for: of its colour, or its like in another."""
    color, thing = wanted
    same_thing = [(thing, c) for c in COLORS if c != color]
    same_color = [(t, c) for t, c in PAIRS if c == color and t != thing]
    others = [talk.rng.choice(same_thing), talk.rng.choice(same_color), talk.rng.choice(PAIRS)]
    talk.rng.shuffle(others)
    return [other for other in others if other != (thing, color)]


def waited_for(talk: Talk) -> None:
    """Things are held up, and the model speaks when the right one comes."""
    rng = talk.rng
    color, thing = rng.choice(READY_WANTED)
    further = further_ways.WANTED
    question = order(talk, WANTED[color, thing], further, color=color, thing=thing)
    ack = talk.own(rng.choice(ACKNOWLEDGED))
    need_time(talk, 8000)
    held: list[tuple[int, int, Shown | Sign | int]] = []
    now_ms = talk.now_ms + rng.randrange(300, 1500)
    misses = near_misses(talk, (color, thing))
    for other in misses[: rng.randint(0, len(misses))]:
        if now_ms > LAST_MS - 4500:
            break
        end_ms = now_ms + rng.randrange(1400, 2400)
        held.append((now_ms, end_ms, other))
        talk.mark("other", f"{other[1]} {other[0]}", now_ms, end_ms)
        now_ms = end_ms + rng.randrange(200, 900)
    stay_silent(talk, ack.end_ms, now_ms)
    if rng.random() > NEVER_SHARE:
        until_ms = now_ms + rng.randrange(1800, 3000)
        held.append((now_ms, until_ms, (thing, color)))
        tell(talk, question, THERE, now_ms + RISE_MS, until_ms, f"{color} {thing}")
    scene = Held(
        some_room(rng), some_look(rng), tuple(held), rng.uniform(92, 108), rng.uniform(58, 70),
        rng.uniform(24, 34), rng.uniform(-12, 12), rng.uniform(40, 60),
    )  # fmt: skip
    show(talk, filmed(rng, scene))


def play(talk: Talk) -> None:
    """A question, and its answer when it is seen. Raises KeyError where there is no room."""
    begin(talk)
    (waited_for if talk.rng.random() < WANTED_SHARE else opened)(talk)
