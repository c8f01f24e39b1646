"""The user wants something: aloud as a bank has it, or in training at times in one of the further
ways (`further_ways.py`) that no bank has. Those are put together from words that the voice has said
(`assemble.py`), or typed.

Typed text is known at once; heard words stand one or two to a micro-turn, and what was learned from
the one did not carry over to the other (docs/log.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from microturn.data.assemble import assembled
from microturn.data.talk import Talk
from microturn.data.timeline import Event

FURTHER_ORDERS = 0.4  # of the orders that have further ways, in training
ALOUD = 0.5  # of those, where the voice has said their words


def order(talk: Talk, text: str, further: Sequence[str], **content: object) -> Event:
    """An order: `text` of the bank, or one of the `further` ways, filled with `content`.

    Returns the event; of a typed order one that takes no time and is nowhere laid down.
    """
    if not further or not is_further(talk):
        return talk.user(text)
    return order_anew(talk, talk.rng.choice(further).format(**content), text)


def is_further(talk: Talk) -> bool:
    """Whether the next order that has further ways comes in one: at times, in training only."""
    return talk.split == "train" and talk.rng.random() < FURTHER_ORDERS


def order_anew(talk: Talk, text: str, spoken: str) -> Event:
    """An order that no bank has, in place of the spoken one; see `order`."""
    if talk.rng.random() < ALOUD:
        try:
            return talk.say_clip("user", assembled(talk, text), talk.now_ms)
        except KeyError:  # a word that this voice has never said
            pass
    return talk.type_order(text, spoken)
