"""Spanish, German and French words and phrases with their English, for code-switching and live
translation.

The model's alphabet has no accents, so a foreign text is written without them (`spelling`): `ñ` is
`n`, `ü` is `u`, `ß` is `ss`, `œ` is `oe`, inverted marks are left out. A voice is given the right
spelling (`foreign`), the model the plain one (`text`). A meaning is in the same split in all
languages.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from microturn.data.corpus import TEXTS, vocabulary
from microturn.data.split import SPLITS, split_of
from microturn.data.spoken_forms import fold
from microturn.signal.text import normalise

LANGUAGES = ("spanish", "german", "french")
# fmt: off
FRAMES: dict[str, tuple[str, ...]] = {
    "food": (
        "i'd like some {word}, please.", "can you pass me the {word}?", "we forgot to buy {word}.",
        "this {word} tastes wonderful.", "there's no {word} left in the kitchen.",
    ),
    "home": (
        "i can't find the {word}.", "where did you put the {word}?", "the {word} is broken.",
        "we need a new {word}.", "be careful with the {word}, it's old.",
    ),
    "travel": (
        "how do i get to the {word}?", "i lost my way near the {word}.", "is there a {word} here?",
        "we walked past the {word} twice.",
    ),
    "people": (
        "i met a {word} at the party.", "she was talking to her {word}.", "ask your {word} first.",
        "my {word} is coming on sunday.",
    ),
    "clothes": (
        "i left my {word} at home.", "your {word} is lovely.", "i bought a new {word} yesterday.",
    ),
    "nature": (
        "look at the {word} over there!", "i dreamed of a {word} last night.",
        "we saw a {word} on the way home.", "the children drew a {word}.",
    ),
    "body": ("i hurt my {word}.", "my {word} is cold.", "the doctor looked at my {word}."),
    "colours": ("i painted the wall {word}.", "do you have it in {word}?", "her coat is {word}."),
    "numbers": ("there were {word} people there.", "give me {word} of those, please."),
    "days": ("my favorite is {word}.", "i think it was {word}.", "is it {word} already?"),
    "qualities": ("the soup is very {word}.", "it was a {word} idea.", "i feel a bit {word}."),
}
# fmt: on


@dataclass(frozen=True)
class Phrase:
    """A word or phrase in one language. `foreign` has its accents; `text` and `english` are in the
    model's spelling."""

    english: str
    foreign: str
    text: str
    language: str
    group: str
    split: str


@dataclass(frozen=True)
class Mixed:
    """An English sentence with one foreign word in it: what is said, and what is meant.

    `spoken` has the word with its accents, for a voice; `text` in the model's spelling.
    """

    spoken: str
    text: str
    english: str
    word: Phrase


def spelling(foreign: str) -> str:
    """Foreign writing in the model's letters: `¿Cómo estás?` -> `como estas?`."""
    return normalise(fold(foreign))


def rows(name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Lines of a table in `texts/`, each with the group it stands in.

    Raises ValueError naming the line where a column is missing.
    """
    group = ""
    content = (TEXTS / f"{name}.txt").read_text(encoding="utf-8")
    for number, line in enumerate(content.splitlines(), 1):
        if line.startswith("["):
            group = line.strip("[] ")
        elif line.strip() and not line.startswith("#"):
            cells = tuple(cell.strip() for cell in line.split("|"))
            if len(cells) != 1 + len(LANGUAGES) or not all(cells):
                raise ValueError(f"{name}.txt, line {number}: needs English and 3 languages")
            yield group, cells


@cache
def _all(name: str) -> tuple[Phrase, ...]:
    found: list[Phrase] = []
    for group, (written, *others) in rows(name):
        english = normalise(written)
        split = split_of(english.strip(".,?! "))
        for language, foreign in zip(LANGUAGES, others, strict=True):
            found.append(Phrase(english, foreign, spelling(foreign), language, group, split))
    return tuple(found)


def _chosen(name: str, language: str | None, split: str, group: str | None) -> tuple[Phrase, ...]:
    if language is not None and language not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}, got {language!r}")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    known = dict.fromkeys(phrase.group for phrase in _all(name))
    if group is not None and group not in known:
        raise ValueError(f"group must be one of {', '.join(known)}, got {group!r}")
    return tuple(
        phrase
        for phrase in _all(name)
        if phrase.split == split
        and language in (None, phrase.language)
        and group in (None, phrase.group)
    )


def phrases(
    language: str | None = None, split: str = "train", group: str | None = None
) -> tuple[Phrase, ...]:
    """Everyday phrases; of all languages or groups where none is named.

    Raises ValueError for an unknown language, split or group.
    """
    return _chosen("foreign_phrases", language, split, group)


def words(
    language: str | None = None, split: str = "train", group: str | None = None
) -> tuple[Phrase, ...]:
    """Single words, chosen as `phrases` are."""
    return _chosen("foreign_words", language, split, group)


@cache
def switching_words(language: str, split: str = "train") -> tuple[Phrase, ...]:
    """Words that can stand in an English sentence and be known as foreign: of one piece, and not
    spelled as an English word (`hotel`, `pan`, `main`)."""
    common = {*vocabulary("train", 3), *(w.english for w in _all("foreign_words"))}
    options = (w for w in words(language, split) if w.group in FRAMES)
    return tuple(w for w in options if w.text.isalpha() and w.text not in common)


def mixed(rng: random.Random, language: str, split: str = "train") -> Mixed:
    """An English sentence with a foreign word: `i'd like some manzana, please.`"""
    options = switching_words(language, split)
    word = rng.choice(options)
    frame = rng.choice(FRAMES[word.group])
    said = [frame.format(word=form) for form in (word.foreign, word.text, word.english)]
    return Mixed(said[0], said[1], said[2], word)
