"""What only evaluation may say: found by letting every skill play and noting what it could draw.

A skill lists phrasings and contents, of which some are kept for evaluation (split.py). Nothing
outside the skill says which, so it is asked: it plays in both splits with a generator of random
numbers that notes every list that it draws from. What others could say to the model in evaluation
and not in training is kept; what the model answers is the same in both. No sound is needed: the
bank is one of silence.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from microturn.data.bank import Bank, Clip, Utterance, Word
from microturn.data.corpus import sentences, words_of
from microturn.data.split import SPLITS
from microturn.data.talk import Talk
from microturn.data.timeline import Timeline
from microturn.data.voices import OWN_VOICE
from microturn.scenarios import families, texts
from microturn.signal.text import normalise

PLAYS = 60  # of each skill in each split
LETTER_MS = 60
VOICES = ("silence_1", "silence_2")
MOST_DEPTH = 4  # of lists within lists
MOST_LISTED = 2000  # a longer list is open text, which is split by its letters


class SilentBank(Bank):
    """Every text that a skill lists, in silence of its length."""

    @classmethod
    def of_skills(cls) -> SilentBank:
        """All texts of both sides."""
        clips: list[Clip] = []
        for side, voices in (("own", (OWN_VOICE,)), ("user", VOICES)):
            for number, text in enumerate(texts(side)):
                words: list[Word] = []
                for word in text.split():
                    start_ms = words[-1].end_ms if words else 0
                    words.append(Word(word, start_ms, start_ms + LETTER_MS * len(word)))
                for voice in voices:
                    key, place = f"{side}_{voice}_{number}", (Path(), "")
                    clips.append(Clip(key, voice, text, tuple(words), place, side == "own"))
        return cls(clips)

    def utterance(self, clip: Clip) -> Utterance:
        length_ms = clip.words[-1].end_ms if clip.words else LETTER_MS
        audio = np.zeros(length_ms * clip.rate_hz // 1000, dtype=np.float32)
        return Utterance(clip, audio, clip.words)


def strings(value: Any, depth: int = 0) -> Iterator[str]:
    """Every text in lists, tuples and tables."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping) and depth < MOST_DEPTH:
        for key, item in cast(Mapping[Any, Any], value).items():
            yield from strings(key, depth + 1)
            yield from strings(item, depth + 1)
    elif isinstance(value, (tuple, list, set, frozenset)) and depth < MOST_DEPTH:
        for item in cast(Iterable[Any], value):
            yield from strings(item, depth + 1)


class Noting(random.Random):
    """Draws like any other, and notes the texts that it could have drawn."""

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self.offered: set[str] = set()

    def note(self, options: Any) -> None:
        """Note what a list offers."""
        if len(options) <= MOST_LISTED:
            self.offered.update(strings(list(options)))

    def choice(self, seq: Any) -> Any:
        self.note(seq)
        return super().choice(seq)

    def choices(self, population: Any, *how: Any, **named: Any) -> Any:
        self.note(population)
        return super().choices(population, *how, **named)

    def sample(self, population: Any, *how: Any, **named: Any) -> Any:
        self.note(population)
        return super().sample(population, *how, **named)

    def shuffle(self, x: Any) -> None:
        self.note(x)
        super().shuffle(x)


def put(talk: Talk | Timeline) -> Iterator[str]:
    """What is put to the model: said by others, typed, or set as a rule."""
    yield from (event.text for event in talk.events if event.side != "own")
    yield from (typed.text for typed in talk.typed if typed.role != "tool")
    if talk.instructions:
        yield talk.instructions
    if isinstance(talk, Talk) and talk.last_order is not None:
        yield talk.last_order.clip.text  # what was typed in place of it is no listed phrasing


def sayable(name: str, split: str, bank: Bank, num_plays: int) -> set[str]:
    """Normalised texts that a skill put to the model, or could have drawn from what it lists, in
    one split."""
    module = families()[name]
    listed = {normalise(text) for text in module.USER_TEXTS}
    uttered: set[str] = set()
    offered: set[str] = set()
    for number in range(num_plays):
        rng = Noting(f"{name}/{number}")
        talk = Talk(bank, rng, VOICES[0], now_ms=1000, split=split)
        try:
            module.play(talk)
        except KeyError:  # it lives on open sentences, of which there are none here
            continue
        uttered.update(put(talk))
        offered |= rng.offered
    return {normalise(text) for text in uttered} | ({normalise(text) for text in offered} & listed)


@dataclass(frozen=True)
class Kept:
    """Normalised texts that must not train.

    texts: kept by a skill, and trained by none, with the skill. shared: kept by one skill and
    trained by another, with both. sentences: of the corpus, without punctuation. listed: every text
    that a skill lists (open sentences are all others).
    """

    texts: Mapping[str, str]
    shared: Mapping[str, tuple[str, str]]
    sentences: frozenset[str]
    listed: frozenset[str]


def kept(names: Sequence[str] | None = None, num_plays: int = PLAYS) -> Kept:
    """What evaluation keeps for itself, of some skills or of all."""
    bank = SilentBank.of_skills()
    found = {
        name: {split: sayable(name, split, bank, num_plays) for split in SPLITS}
        for name in (families() if names is None else names)
    }
    trained = {text: name for name, sides in found.items() for text in sides["train"]}
    only: dict[str, str] = {}
    shared: dict[str, tuple[str, str]] = {}
    for name, sides in found.items():
        for text in sorted(sides["eval"] - sides["train"]):
            if text in trained:
                shared[text] = (name, trained[text])
            else:
                only[text] = name
    listed = frozenset(normalise(text) for side in ("user", "own") for text in texts(side))
    return Kept(only, shared, bare(s.text for s in sentences("eval")) - bare(listed), listed)


def bare(lines: Iterable[str]) -> frozenset[str]:
    """Lines without punctuation, normalised."""
    return frozenset(" ".join(words_of(normalise(line))) for line in lines)
