"""The user interrupts a long spoken answer: with "stop", or with a question, answered instead."""

from __future__ import annotations

from microturn.data.talk import Talk
from microturn.scenarios import questions

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
}
STOPS = ("Stop.", "Okay, stop now.", "That is enough.", "Wait, wait, wait.", "Please stop.")
STOPPED = "Okay."
USER_TEXTS = (*LONG_ANSWERS, *STOPS)
OWN_TEXTS = (*LONG_ANSWERS.values(), STOPPED)
INTERRUPTED = 0.8  # of the long answers; the others are heard out


def play(talk: Talk) -> None:
    """A request, a long answer, and most often an interruption."""
    request = talk.rng.choice(tuple(LONG_ANSWERS))
    talk.user(request)
    answer = talk.own(LONG_ANSWERS[request])
    length_ms = answer.end_ms - answer.onset_ms
    if talk.rng.random() > INTERRUPTED or length_ms < 2500:
        return
    onset_ms = answer.onset_ms + talk.rng.randrange(800, length_ms - 800)
    if talk.rng.random() < 0.5:
        talk.interrupt(answer, talk.rng.choice(STOPS), onset_ms)
        talk.own(STOPPED)
        return
    question = questions.pick_question(talk)
    talk.interrupt(answer, question, onset_ms)
    talk.own(questions.ANSWERS[question])
