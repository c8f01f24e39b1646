"""Facts told earlier are asked for later, with other talk between; and notes, which may be any
sentence: they are typed, and given back in writing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from microturn.data.corpus import sample
from microturn.data.talk import ANSWER_WINDOW_MS, RESPONSE_MS, Talk
from microturn.scenarios import facts
from microturn.scenarios.typed import write

# fmt: off
NAMES = (
    "Ben", "David", "Diego", "Emma", "Felix", "Grace", "Iris", "Maria", "Nina", "Oscar", "Rosa",
    "Wendy",
)
COLORS = ("black", "brown", "green", "orange", "purple", "silver", "white", "blue", "red", "pink")
PLACES = (
    "Madrid", "Berlin", "Oslo", "Paris", "Lisbon", "Dublin", "Vienna", "Rome", "Athens", "Prague",
)
PETS = ("Rex", "Lucky", "Bella", "Charlie", "Daisy", "Max", "Milo", "Ruby", "Luna", "Oscar")
LISTS = (
    "milk, eggs and bread", "apples, cheese and rice", "soap, paper and tea",
    "butter, salt and honey", "pens, glue and tape", "nails, paint and rope",
    "a hat, a map and a rope", "coffee, sugar and cream", "fish, lemons and wine",
    "stamps, string and candles",
)
CODES = (
    "four one two", "nine zero seven", "three five eight", "six six one", "two eight four",
    "seven three nine", "one five zero", "eight two six", "five nine three", "zero four seven",
)
# fmt: on


def upper(text: str) -> str:
    """With a capital letter at the start."""
    return text[0].upper() + text[1:]


@dataclass(frozen=True)
class Kind:
    """One kind of fact: how it is told, taken note of, asked for and given back.

    Ways to ask: every fifth is kept for evaluation.
    """

    things: tuple[str, ...]
    tell: str
    notes: tuple[str, ...]
    asks: tuple[str, ...]
    answer: Callable[[str], str]


ACKNOWLEDGED = ("Got it.", "Sure thing.", "I'll remember that.")
# fmt: off
KINDS = {
    "name": Kind(
        NAMES, "My name is {}.", ("Nice to meet you, {}.",),
        ("What is my name?", "What's my name?", "Do you remember my name?", "Who am I?",
         "What am I called?"),
        lambda thing: f"Your name is {thing}.",
    ),
    "color": Kind(
        COLORS, "My favorite color is {}.", ACKNOWLEDGED,
        ("What did I say my favorite color was?", "What is my favorite color?",
         "Do you know my favorite color?", "Which color do I like best?",
         "What color did I tell you?"),
        lambda thing: f"It is {thing}.",
    ),
    "place": Kind(
        PLACES, "I live in {}.", ACKNOWLEDGED,
        ("Where do I live?", "Which city do I live in?", "Do you remember where I live?",
         "What city did I say I live in?", "Where is my home?"),
        lambda thing: f"In {thing}.",
    ),
    "pet": Kind(
        PETS, "My dog is called {}.", ACKNOWLEDGED,
        ("What is my dog called?", "What's my dog's name?", "Do you remember my dog's name?",
         "What did I call my dog?", "Who is my dog?"),
        lambda thing: f"{thing}.",
    ),
    "list": Kind(
        LISTS, "Please remember {}.", ACKNOWLEDGED,
        ("What was on my list?", "What should I not forget?", "Which three things did I say?",
         "Read my list back to me.", "What did I ask you to remember?"),
        lambda thing: f"{upper(thing)}.",
    ),
    "code": Kind(
        CODES, "My room number is {}.", ACKNOWLEDGED,
        ("What is my room number?", "Which room am I in?", "Do you remember my room number?",
         "What was the number of my room?", "Can you tell me my room number again?"),
        lambda thing: f"{upper(thing)}.",
    ),
}
NOTE = ("remember this.", "keep this for me.", "note this down.", "please remember this text.",
        "store this for later.")
NOTE_ASKS = ("write what i told you to remember.", "write my note again.",
             "what was my note? write it.", "type what you kept for me.",
             "give me my note in writing.")
FURTHER_NOTES = (
    "remember:", "note:", "please keep this.", "keep this in mind.", "hold on to this.",
    "save this.", "save this for me.", "remember this for me.", "do not forget this.",
    "make a note of this.", "take a note.", "here is a note.", "i want you to remember this.",
    "remember the following.", "keep this text for me.", "memorize this.",
)
FURTHER_NOTE_ASKS = (
    "write what i noted.", "write the text that i told you.", "show me my note.",
    "type my note again.", "what did i ask you to note? write it.",
    "write what you kept for me.",
    "in writing, what was my note?", "write down what you remembered.",
    "my note, please, in writing.",
    "write the note.", "what did i want you to remember? write it.",
    "type what i told you to keep.",
)
# fmt: on
NOTE_WORDS = 10
NOTE_SHARE = 0.15  # of the exchanges
UNKNOWN = "You haven't told me yet."
ASKED_UNTOLD = 0.15  # of the exchanges: nothing was told before the question
USER_TEXTS = (
    *(kind.tell.format(thing) for kind in KINDS.values() for thing in kind.things),
    *(ask for kind in KINDS.values() for ask in kind.asks),
)
OWN_TEXTS = tuple(
    dict.fromkeys(
        (
            *ACKNOWLEDGED,
            *(f"Nice to meet you, {name}." for name in NAMES),
            *(kind.answer(thing) for kind in KINDS.values() for thing in kind.things),
            UNKNOWN,
        )
    )
)


def told_kinds(talk: Talk) -> set[str]:
    """Kinds that were told or asked for in this conversation so far."""
    texts = {event.text for event in talk.events if event.side == "user"}
    return {
        name
        for name, kind in KINDS.items()
        if texts & {*kind.asks, *(kind.tell.format(thing) for thing in kind.things)}
    }


def tell(talk: Talk, name: str) -> str:
    """The user tells something and the model takes note; what it was."""
    kind = KINDS[name]
    thing = talk.choose(kind.things)
    talk.user(kind.tell.format(thing))
    talk.own(talk.rng.choice(kind.notes).format(thing))
    talk.now_ms += talk.rng.randrange(500, 2000)
    return thing


def ask(talk: Talk, name: str, answer: str) -> None:
    """The user asks for it back."""
    talk.user(talk.choose(KINDS[name].asks))
    talk.own(answer, do="answer")
    talk.now_ms += talk.rng.randrange(500, 1500)


def keep_note(talk: Talk) -> None:
    """A sentence is typed, other talk comes between, and it is asked for in writing."""
    text = sample(talk.rng, max_words=NOTE_WORDS, split=talk.split)
    told = talk.type(f"{talk.choose_way(NOTE, FURTHER_NOTES)} {text}")
    noted = talk.say("own", talk.rng.choice(ACKNOWLEDGED), told.onset_ms + RESPONSE_MS)
    window_ms = (told.onset_ms, noted.onset_ms + ANSWER_WINDOW_MS)
    talk.expect("respond", window_ms, (noted.text,), told.onset_ms)
    for _ in range(talk.rng.randint(0, 2)):
        talk.now_ms += talk.rng.randrange(500, 3000)
        facts.play(talk)
    asked = talk.type(
        talk.choose_way(NOTE_ASKS, FURTHER_NOTE_ASKS),
        onset_ms=talk.now_ms + talk.rng.randrange(500, 1500),
    )
    write(talk, text, asked.onset_ms)


def play(talk: Talk) -> None:
    """One or two facts are told, other talk comes between, and they are asked for; or one is asked
    for that was never told; or a note is kept."""
    if talk.rng.random() < NOTE_SHARE:
        keep_note(talk)
        return
    free = sorted(set(KINDS) - told_kinds(talk))
    if not free:
        raise KeyError("everything was told in this conversation")
    if talk.rng.random() < ASKED_UNTOLD:
        ask(talk, talk.rng.choice(free), UNKNOWN)
        return
    names = talk.rng.sample(free, min(len(free), talk.rng.choice((1, 1, 2))))
    things = {name: tell(talk, name) for name in names}
    for _ in range(talk.rng.randint(0, 3)):
        facts.play(talk)
        talk.now_ms += talk.rng.randrange(500, 3000)
    for name in talk.rng.sample(names, len(names)):
        ask(talk, name, KINDS[name].answer(things[name]))
