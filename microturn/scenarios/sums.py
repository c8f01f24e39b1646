"""Small sums, said in many ways, and sums that go on from the last one. In training a part of them
is of any small numbers and put together from words of the conversation's voice."""

from __future__ import annotations

from microturn.data.assemble import assembled
from microturn.data.talk import Talk
from microturn.scenarios.questions import NUMBERS

# fmt: off
PLUS = (
    (1, 4), (2, 6), (3, 5), (4, 7), (5, 8), (6, 7), (7, 8), (8, 9), (9, 3), (10, 5), (11, 4),
    (12, 3), (13, 6), (14, 2), (15, 5), (11, 7), (2, 9), (6, 3), (8, 3), (12, 8),
)
MINUS = (
    (5, 2), (7, 3), (8, 5), (9, 4), (10, 6), (12, 5), (13, 7), (15, 8), (16, 9), (20, 10), (18, 4),
    (14, 6), (11, 3), (17, 5), (19, 8), (6, 6), (9, 1), (20, 7), (13, 4), (15, 12),
)
TIMES = (
    (1, 7), (2, 3), (2, 5), (2, 8), (3, 3), (3, 4), (3, 5), (4, 4), (4, 5), (3, 6), (2, 9), (2, 10),
    (0, 8), (1, 9), (2, 7), (4, 2), (5, 3), (6, 2), (7, 2), (5, 4),
)
# fmt: on
WAYS = {
    "plus": ("How much is {} plus {}?", "What's {} plus {}?", "Add {} and {}."),
    "minus": ("How much is {} minus {}?", "What is {} minus {}?", "What's {} minus {}?"),
    "times": ("How much is {} times {}?", "What is {} times {}?", "What's {} times {}?"),
}
KEPT_WAYS = {
    "plus": "Can you add {} and {}?",
    "minus": "Can you take {1} from {0}?",
    "times": "Can you multiply {} by {}?",
}
FURTHER_WAYS = {
    "plus": (
        "What is {} plus {}?",
        "{} plus {}?",
        "{} plus {}, please.",
        "{} and {} makes what?",
        "I need {} plus {}.",
        "What do you get for {} plus {}?",
        "Tell me {} plus {}.",
    ),
    "minus": (
        "{} minus {}?",
        "{} minus {}, please.",
        "{} less {} is what?",
        "I need {} minus {}.",
        "What do you get for {} minus {}?",
        "Tell me {} minus {}.",
    ),
    "times": (
        "{} times {}?",
        "{} times {}, please.",
        "{} times {} makes what?",
        "I need {} times {}.",
        "What do you get for {} times {}?",
        "Tell me {} times {}.",
    ),
}
PAIRS = {"plus": PLUS, "minus": MINUS, "times": TIMES}
KEPT_EVERY = 3  # of the sums are asked for in the kept way
STEPS = {  # how to go on: {text: what it does to the last result}
    "And plus one?": ("plus", 1),
    "And plus two?": ("plus", 2),
    "And plus five?": ("plus", 5),
    "And minus one?": ("minus", 1),
    "And minus three?": ("minus", 3),
    "And times two?": ("times", 2),
    "Now add three.": ("plus", 3),
    "Now take away two.": ("minus", 2),
    "Now double it.": ("times", 2),
    "Then minus four?": ("minus", 4),
}
MOST = 20
GOES_ON = 0.3  # of the sums are gone on from, once or twice
ANEW = 0.5  # of training's sums are put together from words


def result(kind: str, a: int, b: int) -> int:
    """What the sum makes."""
    return {"plus": a + b, "minus": a - b, "times": a * b}[kind]


def asked() -> dict[str, dict[str, int]]:
    """{split: {question: result}}."""
    found: dict[str, dict[str, int]] = {"train": {}, "eval": {}}
    for kind, pairs in PAIRS.items():
        for number, pair in enumerate(pairs):
            words = [NUMBERS[n] for n in pair]
            for step in (0, 1):
                way = WAYS[kind][(number + step) % len(WAYS[kind])]
                found["train"][way.format(*words)] = result(kind, *pair)
            if number % KEPT_EVERY == 0:
                found["eval"][KEPT_WAYS[kind].format(*words)] = result(kind, *pair)
    return found


def told(number: int) -> str:
    """The answer."""
    return f"That is {NUMBERS[number]}."


ASKED = asked()
USER_TEXTS = (*ASKED["train"], *ASKED["eval"], *STEPS)
OWN_TEXTS = tuple(told(n) for n in range(MOST + 1))


def any_sum(talk: Talk) -> tuple[str, int]:
    """Two numbers up to MOST whose sum, difference or product is one too, in a way of the talk's
    split; and what they make."""
    kind = talk.rng.choice(tuple(PAIRS))
    while True:
        a, b = talk.rng.randint(0, MOST), talk.rng.randint(0, MOST)
        if 0 <= result(kind, a, b) <= MOST:
            break
    ways = (KEPT_WAYS[kind],) if talk.split == "eval" else (*WAYS[kind], *FURTHER_WAYS[kind])
    question = talk.rng.choice(ways).format(NUMBERS[a], NUMBERS[b])
    return question[0].upper() + question[1:], result(kind, a, b)


def ask(talk: Talk) -> int:
    """The user asks for a sum; what it makes."""
    if talk.split == "train" and talk.rng.random() < ANEW:
        question, total = any_sum(talk)
        try:
            talk.say_clip("user", assembled(talk, question), talk.now_ms)
        except KeyError:  # a word that this voice has never said
            pass
        else:
            return total
    question = talk.rng.choice(tuple(ASKED[talk.split]))
    talk.user(question)
    return ASKED[talk.split][question]


def play(talk: Talk) -> None:
    """A sum, and at times one or two steps on from its result."""
    total = ask(talk)
    talk.own(told(total))
    while talk.rng.random() < GOES_ON:
        step = talk.choose(tuple(STEPS))
        total = result(STEPS[step][0], total, STEPS[step][1])
        if not 0 <= total <= MOST:
            return
        talk.user(step, wait_ms=talk.rng.randrange(400, 1200))
        talk.own(told(total))
