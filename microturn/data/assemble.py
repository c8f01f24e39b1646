"""What may be put together anew from a bank's clips (`splice.py`), and texts that no clip has, said
word by word with what a voice has said elsewhere.

It sounds chopped and has no melody. So it is for training only: on the user's side it gives a skill
more phrasings than its bank has; longer runs of the model's own words, read aloud, are no sentence
that could be known by heart.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from operator import itemgetter

from microturn.data.bank import Clip
from microturn.data.kept import SilentBank, kept
from microturn.data.splice import Part, Splice, Stock, by_voice, clip_of, spelled
from microturn.data.split import split_of
from microturn.data.talk import Talk
from microturn.scenarios import texts
from microturn.signal.text import normalise

Places = Mapping[str, Sequence[tuple[Clip, int]]]  # where a voice says a word: clip, word in it
MAX_GAP_MS = 40  # between words that come from different places
MOST_TRIED = 24  # places of a word that are looked at for the longest run


@cache
def kept_texts() -> frozenset[str]:
    """What evaluation keeps of all skills, and what one trains and another keeps."""
    found = kept()
    return frozenset((*found.texts, *found.shared))


def voices_to_splice(talk: Talk) -> tuple[Stock, ...]:
    """The user's clips by voice, of open sentences and of what skills list and may train; none of
    the bank of silence that finds out what may train."""
    if isinstance(talk.bank, SilentBank):
        return ()

    return talk.bank.once("voices to splice", lambda: stocks_of(talk, "user"))


def own_to_splice(talk: Talk) -> Stock | None:
    """The model's own clips, likewise; None where there are few."""
    if isinstance(talk.bank, SilentBank):
        return None
    stocks = talk.bank.once("own to splice", lambda: stocks_of(talk, "own"))
    return stocks[0] if stocks else None


def stocks_of(talk: Talk, side: str) -> tuple[Stock, ...]:
    """A side's clips that may train, by voice."""
    clips = talk.bank.own if side == "own" else talk.bank.user
    is_open = set(talk.open_texts(side))
    listed = {normalise(text) for text in texts(side)} - kept_texts()
    return by_voice(clips, [text for text in clips if text in is_open or text in listed])


def words_of_voice(talk: Talk, voice: str) -> Places:
    """Where a voice says each word; empty for one with few clips."""

    def find() -> Places:
        found: dict[str, list[tuple[Clip, int]]] = defaultdict(list)
        for stock in voices_to_splice(talk):
            if stock.clips[0].voice == voice:
                for clip, place in stock.places:
                    found[spelled(clip.words[place].text)].append((clip, place))
        return dict(found)

    return talk.bank.once(("words of", voice), find)


def assembled(talk: Talk, text: str) -> Splice:
    """A text in the conversation's voice, put together from the longest runs that it has said.

    Raises KeyError naming a word that the voice has never said, outside of training, and for a text
    that no skill lists and evaluation keeps by its letters.
    """
    if talk.split != "train" or talk.user_voice is None:
        raise KeyError("only training hears what is put together")
    places = words_of_voice(talk, talk.user_voice)
    if not places:
        raise KeyError(f"the voice {talk.user_voice} has too few clips")
    if split_of(text) == "eval" and normalise(text) not in kept().listed:
        raise KeyError(f"evaluation keeps {text!r}")
    words = text.split()
    wanted = [spelled(word) for word in words]
    parts: list[Part] = []
    done = 0
    while done < len(wanted):
        clip, first, size = longest_run(wanted[done:], places, talk.rng)
        parts.append(Part(clip, first, first + size, talk.rng.randrange(MAX_GAP_MS)))
        done += size
    return clip_of(parts, talk.bank, words)


def longest_run(wanted: Sequence[str], places: Places, rng: random.Random) -> tuple[Clip, int, int]:
    """Clip, first word and number of words of the longest beginning of `wanted` found; one of them
    by chance. Raises KeyError naming a word that is nowhere."""
    known = places.get(wanted[0])
    if not known:
        raise KeyError(f"this voice never says {wanted[0]!r}")
    tried = rng.sample(known, min(len(known), MOST_TRIED))
    runs = ((clip, first, matching(wanted, clip, first)) for clip, first in tried)
    return max(runs, key=itemgetter(2))


def matching(wanted: Sequence[str], clip: Clip, first: int) -> int:
    """How many words of a clip from `first` on are those wanted."""
    num = 0
    for word, said in zip(wanted, clip.words[first:], strict=False):
        if spelled(said.text) != word:
            break
        num += 1
    return num
