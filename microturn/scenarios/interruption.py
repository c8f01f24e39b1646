"""The user interrupts a long spoken answer: with "stop", with a question, with another request, or
to say that something else was meant. The model falls silent at once and answers that instead.

In training half of it is said in further ways, put together from words of the conversation's voice.
"""

from __future__ import annotations

from microturn.data import further_ways
from microturn.data.assemble import assembled
from microturn.data.bank import Clip
from microturn.data.talk import Talk
from microturn.data.timeline import Event
from microturn.scenarios import facts, questions
from microturn.signal.text import normalise

LONG_ANSWERS = {
    "Tell me a story.": (
        "Once there was a small grey cat who lived by the sea. Every morning she walked to the "
        "harbor and waited for the boats. One day a sailor gave her a silver fish, and she never "
        "went home again."
    ),
    "Tell me about the sea.": (
        "The sea is wide and deep and full of salt. It covers most of the world. The wind makes "
        "the waves, and the moon pulls the water up and down twice a day."
    ),
    "Tell me about the moon.": (
        "The moon goes around the earth once a month. It has no air and no water, only dust and "
        "stone. The same side always looks at us, bright and quiet in the night."
    ),
    "How do I make bread?": (
        "Take flour, water, salt and a little yeast. Mix them well and let the dough rest for an "
        "hour. Then fold it, let it rise again, and bake it until the crust is brown."
    ),
    "Count to ten.": ("One, two, three, four, five, six, seven, eight, nine, ten."),
    "What is a tree?": (
        "A tree is a tall plant with roots, a trunk and many leaves. It drinks water from the "
        "ground and takes light from the sun. Some trees live for a thousand years."
    ),
    "Tell me about the sun.": (
        "The sun is a star, so big that a million earths would fit inside. It is made of hot gas, "
        "and its light needs eight minutes to reach us. Without it nothing would grow."
    ),
    "Tell me about cats.": (
        "Cats have lived with people for thousands of years. They sleep most of the day and hunt "
        "at dusk. A cat can turn in the air and land on its feet, and it purrs when it is happy."
    ),
    "Tell me about bees.": (
        "Bees live in large families around one queen. They fly from flower to flower and carry "
        "the sweet juice home, where it becomes honey. With a dance they show where to go."
    ),
    "Tell me about winter.": (
        "In winter the days are short and the nights are long. Many birds fly south, and some "
        "animals sleep until spring. Snow lies on the fields and keeps the seeds warm below."
    ),
    "How do I make tea?": (
        "Boil fresh water and warm the pot. Put in one spoon of leaves for each cup, pour the "
        "water over them, and wait four minutes. Then add milk or lemon, as you like it."
    ),
    "Tell me about Paris.": (
        "Paris is the capital of France and lies on the river Seine. Millions of people come every "
        "year to see its towers, its museums and its bridges, and to sit in its small cafes."
    ),
}
STOPS = (
    "Stop.",
    "Okay, stop now.",
    "That is enough.",
    "Wait, wait, wait.",
    "Please stop.",
    "Stop it, please.",
    "Okay, okay, thank you.",
    "Hold on, hold on.",
    "You can stop there.",
    "All right, that's enough.",
)
STOPPED = "Okay."
REQUESTS = {  # a new request, said over the answer: {text: what is asked for}
    "Tell me a story instead.": "Tell me a story.",
    "Actually, tell me about the sea.": "Tell me about the sea.",
    "Wait, tell me about bees first.": "Tell me about bees.",
    "Let's talk about cats.": "Tell me about cats.",
    "Rather tell me how to make bread.": "How do I make bread?",
    "I'd like to hear about winter.": "Tell me about winter.",
    "Can you count to ten instead?": "Count to ten.",
    "Okay, and how do I make tea?": "How do I make tea?",
    "Stop, tell me about Paris.": "Tell me about Paris.",
    "Actually, what is a tree?": "What is a tree?",
}
CORRECTIONS = {  # of what the answer is about
    "No, I meant the moon.": "Tell me about the moon.",
    "No, no, the sun.": "Tell me about the sun.",
    "Sorry, I meant the sea.": "Tell me about the sea.",
    "Not that, I meant bees.": "Tell me about bees.",
    "No, I said cats.": "Tell me about cats.",
    "I didn't mean that, I meant winter.": "Tell me about winter.",
    "No, I was asking about Paris.": "Tell me about Paris.",
    "No wait, I meant tea.": "How do I make tea?",
    "I said bread, not that.": "How do I make bread?",
    "Wrong one, I meant a tree.": "What is a tree?",
}
TOPICS = {  # in further ways: {what is asked for: how its answer is listed}
    "a story": "Tell me a story.", "the sea": "Tell me about the sea.",
    "the moon": "Tell me about the moon.", "bread": "How do I make bread?",
    "a tree": "What is a tree?", "the sun": "Tell me about the sun.",
    "cats": "Tell me about cats.", "bees": "Tell me about bees.",
    "winter": "Tell me about winter.", "tea": "How do I make tea?", "Paris": "Tell me about Paris.",
}  # fmt: skip
USER_TEXTS = (*LONG_ANSWERS, *STOPS, *REQUESTS, *CORRECTIONS)
OWN_TEXTS = (*LONG_ANSWERS.values(), STOPPED)
INTERRUPTED = 0.8  # of the long answers; the others are heard out
# Of training's interruptions; these are noticed after so many words. A model that has only seen
# itself stop at the first sound never stops after it: that it still speaks then tells it that what
# it hears is not for it, whatever is said (docs/log.md).
LATE, LATE_WORDS = 0.3, (2, 3, 4, 100)
ANEW = 0.5  # of training's interruptions are in further ways, where the voice has said their words


def begin(talk: Talk) -> Event:
    """A request and the long answer to it, which the model is left speaking."""
    request = talk.rng.choice(tuple(LONG_ANSWERS))
    talk.user(request)
    return talk.own(LONG_ANSWERS[request])


def listed(talk: Talk, kind: str, answer: Event) -> tuple[Clip, str]:
    """What breaks in, as the bank has it, and the reply to it."""
    if kind == "stop":
        return talk.clip("user", talk.choose(STOPS)), STOPPED
    if kind == "question":
        text = questions.pick_question(talk)
        return talk.clip("user", text), questions.ANSWERS[text]
    wanted = REQUESTS if kind == "request" else CORRECTIONS
    text = talk.choose(tuple(wanted))
    while LONG_ANSWERS[wanted[text]] == answer.text:
        text = talk.choose(tuple(wanted))
    return talk.clip("user", text), LONG_ANSWERS[wanted[text]]


def put_together(talk: Talk, kind: str, answer: Event) -> tuple[Clip, str]:
    """The same in further ways. Raises KeyError for a word that the voice has never said, and
    where the model has no such answer."""
    if kind == "stop":
        return assembled(talk, talk.rng.choice(further_ways.STOP_TALKING)), STOPPED
    if kind == "question":
        question, reply = facts.any_way(talk)
        text = talk.rng.choice(further_ways.BREAK_IN).format(question=normalise(question))
        if not talk.has("own", reply):
            raise KeyError(f"the bank has no answer {reply!r}")
        return assembled(talk, text), reply
    ways = further_ways.TALK_ABOUT if kind == "request" else further_ways.MEANT
    topic = talk.rng.choice([t for t in TOPICS if LONG_ANSWERS[TOPICS[t]] != answer.text])
    text = talk.rng.choice(ways).format(topic=topic)
    return assembled(talk, text), LONG_ANSWERS[TOPICS[topic]]


def play(talk: Talk) -> None:
    """A request, a long answer, and most often an interruption."""
    answer = begin(talk)
    length_ms = answer.end_ms - answer.onset_ms
    if talk.rng.random() > INTERRUPTED or length_ms < 2500:
        return
    onset_ms = answer.onset_ms + talk.rng.randrange(800, length_ms - 800)
    kind = talk.rng.choice(("stop", "question", "request", "correction"))
    is_training = talk.split == "train"
    try:
        is_anew = is_training and talk.rng.random() < ANEW
        clip, reply = (put_together if is_anew else listed)(talk, kind, answer)
    except KeyError:
        clip, reply = listed(talk, kind, answer)
    is_late = is_training and talk.rng.random() < LATE
    talk.interrupt(answer, clip, onset_ms, talk.rng.choice(LATE_WORDS) if is_late else 0)
    talk.own(reply, do="yield_then_respond")
