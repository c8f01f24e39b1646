"""What trains and what evaluation keeps for itself: phrasings, contents, sentences.

Voices are split in voices.py. Lists are split by place, so that adding at the end moves nothing;
open sentences by their letters, so that the split needs no list.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import Any, Protocol

from microturn.signal.text import normalise

KEPT_EVERY = 5  # of a list of options, each fifth is kept for evaluation
KEPT_SENTENCES = 20  # of open sentences, one in twenty
SPLITS = ("train", "eval")


class HasSplit(Protocol):
    split: str


def in_split(place: int, options: Sequence[Any], talk: HasSplit) -> bool:
    """Whether the option at this place belongs to the talk's split; short lists serve both."""
    if len(options) < KEPT_EVERY:
        return True
    return (place % KEPT_EVERY == KEPT_EVERY - 1) == (talk.split == "eval")


@functools.lru_cache(maxsize=65_536)  # the same texts are asked for at every episode
def split_of(sentence: str) -> str:
    """The split of an open sentence: the same for every writing of the same words."""
    digest = hashlib.sha1(normalise(sentence).encode()).digest()
    return "eval" if int.from_bytes(digest[:4]) % KEPT_SENTENCES == 0 else "train"
