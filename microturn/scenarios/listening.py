"""The user talks or reads aloud and wants nothing: the model writes what it hears, and is silent.

Any open sentence of the bank may be heard after an instruction to listen only; without one, long
ones that ask nothing.
"""

from __future__ import annotations

from microturn.data.talk import Talk

USER_TEXTS: tuple[str, ...] = ()
OWN_TEXTS: tuple[str, ...] = ()
WHOLE_EPISODE = True
ORDERS = (
    "listen only.",
    "just listen and stay silent.",
    "write down what you hear, say nothing.",
    "do not speak.",
    "please be quiet and listen.",
)
INSTRUCTED = 0.5
LONG_WORDS = 11  # what is shorter may be a question or an order to the model


def long_texts(talk: Talk) -> tuple[str, ...]:
    """Open sentences that nobody would take for a question or an order."""
    return talk.bank.once(
        ("long texts", talk.split),
        lambda: tuple(
            text
            for text in talk.open_texts("user")
            if len(text.split()) >= LONG_WORDS and "?" not in text
        ),
    )


def play(talk: Talk) -> None:
    """Sentences, most often of one voice, with pauses between, until the time is full.

    Raises KeyError where the bank has none that fits.
    """
    is_instructed = talk.rng.random() < INSTRUCTED
    if is_instructed:
        talk.instructions = talk.choose(ORDERS)
    texts = talk.open_texts("user") if is_instructed else long_texts(talk)
    if not texts:
        raise KeyError("the bank has no sentence to listen to")
    start_ms = talk.now_ms
    while talk.now_ms < talk.duration_ms - 1500:
        clips = talk.bank.user[talk.rng.choice(texts)]
        event = talk.say_clip("user", talk.rng.choice(clips), talk.now_ms)
        talk.expect("transcribe", (event.onset_ms, event.end_ms + 1000), (event.text,))
        talk.now_ms = event.end_ms + talk.rng.choice((talk.rng.randrange(150, 800), 1500))
    talk.expect("silent", (start_ms, talk.duration_ms))
