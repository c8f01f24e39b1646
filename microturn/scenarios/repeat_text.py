"""The user types words and wants them written again: no sound, so that copying is learned from many
words in little time. The texts are the corpus's, whatever the bank can say. Half of them are words
in random order, which nothing but copying gets right."""

from __future__ import annotations

from microturn.data.corpus import sample, vocabulary
from microturn.data.talk import Talk

USER_TEXTS: tuple[str, ...] = ()
OWN_TEXTS: tuple[str, ...] = ()
WHOLE_EPISODE = True
ORDERS = ("write this.", "write it again.", "copy this.", "repeat in writing.", "type this again.")
FURTHER_ORDERS = (
    "write:",
    "type:",
    "copy:",
    "write this text.",
    "write the same.",
    "write these words.",
    "copy this text.",
    "copy it.",
    "write it once more.",
    "type it.",
    "in writing:",
    "put this in writing.",
    "please write this.",
    "repeat this in writing.",
    "write down:",
    "write this down for me.",
    "give me this in writing.",
    "type the same words.",
)
SHUFFLED = 0.5
MAX_WORDS = 12
LETTER_MS = 22  # a micro-turn holds 6 pieces, about 15 letters


def play(talk: Talk) -> None:
    """One text after another, each written word for word."""
    words = vocabulary(talk.split)
    talk.now_ms = talk.rng.randrange(200, 1000)
    while talk.now_ms < talk.duration_ms - 2000:
        if talk.rng.random() < SHUFFLED:
            text = " ".join(talk.rng.choice(words) for _ in range(talk.rng.randint(1, MAX_WORDS)))
        else:
            text = sample(talk.rng, max_words=MAX_WORDS, split=talk.split)
        typed = talk.type(f"{talk.choose_way(ORDERS, FURTHER_ORDERS)} {text}")
        written = talk.write(text, typed.onset_ms + 200 * talk.rng.randint(1, 2))
        end_ms = written.onset_ms + 200 + len(text) * LETTER_MS
        talk.expect("answer", (typed.onset_ms, end_ms + 1000), (text,), typed.onset_ms)
        talk.now_ms = end_ms + talk.rng.randrange(200, 800)
