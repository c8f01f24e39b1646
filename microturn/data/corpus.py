"""Open English for hearing and for speaking: sentences shipped with the package.

Each file of `texts/` begins with lines `# source:` and `# licence:`; then comes a sentence a line,
in spoken form (spoken_forms.py). A line that ends in a tab and `eval` is kept for evaluation,
whatever its letters say; all others are split by their letters (split.py). The files are made by
gather.py; `everyday.txt` is written by hand.
"""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from microturn.data.split import SPLITS, split_of
from microturn.data.spoken_forms import spell

TEXTS = Path(__file__).parent / "texts"
SOURCES = ("everyday", "arctic", "lj", "wordnet")  # the first that has a sentence keeps it
KINDS = (*SOURCES, "any")


@dataclass(frozen=True)
class Sentence:
    """One sentence in spoken form; `split` is `train` or `eval`."""

    text: str
    source: str
    licence: str
    split: str

    @property
    def num_words(self) -> int:
        return len(self.text.split())


@dataclass(frozen=True)
class Statistics:
    """What a collection of sentences holds.

    num_by_words: sentences for each number of words. coverage: for each of 100, 1,000, 5,000
    most common words, the share of all running words that they are.
    """

    num_sentences: int
    num_words: int
    num_running_words: int
    num_by_source: dict[str, int]
    num_by_words: dict[int, int]
    coverage: dict[int, float]


def words_of(text: str) -> list[str]:
    """Words without punctuation."""
    return [bare for word in text.split() if (bare := word.strip(".,?!"))]


def read(name: str) -> tuple[dict[str, str], list[tuple[str, bool]]]:
    """The header of a file in `texts/`, and its lines, each with whether it is marked for
    evaluation.

    Raises ValueError where there is no such file.
    """
    plain, packed = TEXTS / f"{name}.txt", TEXTS / f"{name}.txt.gz"
    if plain.is_file():
        content = plain.read_text(encoding="utf-8")
    elif packed.is_file():
        content = gzip.decompress(packed.read_bytes()).decode()
    else:
        known = sorted(path.name.partition(".")[0] for path in TEXTS.glob("*.txt*"))
        raise ValueError(f"no text named {name!r}; there are {', '.join(known)}")
    header: dict[str, str] = {}
    lines: list[tuple[str, bool]] = []
    for line in content.splitlines():
        if line.startswith("#"):
            key, _, value = line[1:].partition(":")
            header.setdefault(key.strip(), value.strip())
        elif line.strip():
            text, _, mark = line.partition("\t")
            lines.append((text.strip(), mark == "eval"))
    return header, lines


@cache
def all_sentences() -> tuple[Sentence, ...]:
    """Every sentence once, in the order of the files: of those that differ in punctuation only, the
    first. They never change, so they are read once."""
    found: dict[str, Sentence] = {}
    marked: set[str] = set()
    for name in SOURCES:
        header, lines = read(name)
        for text, is_marked in lines:
            words = " ".join(words_of(text))
            if is_marked:
                marked.add(words)
            if words and words not in found:
                found[words] = Sentence(text, name, header["licence"], split_of(words))
    return tuple(
        replace(sentence, split="eval") if words in marked else sentence
        for words, sentence in found.items()
    )


@cache
def sentences(split: str = "train", source: str = "any") -> tuple[Sentence, ...]:
    """Sentences of one split, of one source or of any; always in the same order.

    Raises ValueError for an unknown split or source.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if source not in KINDS:
        raise ValueError(f"source must be one of {', '.join(KINDS)}, got {source!r}")
    kept = (s for s in all_sentences() if s.split == split)
    return tuple(s for s in kept if source in ("any", s.source))


@cache
def _short_ones(split: str, source: str, max_words: int) -> tuple[str, ...]:
    return tuple(s.text for s in sentences(split, source) if s.num_words <= max_words)


def sample(rng: random.Random, kind: str = "any", max_words: int = 20, split: str = "train") -> str:
    """One sentence of a source, or of any, of at most so many words.

    Raises ValueError where there is none so short.
    """
    options = _short_ones(split, kind, max_words)
    if not options:
        raise ValueError(f"no sentence of {kind!r} has at most {max_words} words; raise max_words")
    return rng.choice(options)


@cache
def vocabulary(split: str = "train", least: int = 1) -> tuple[str, ...]:
    """Words that stand at least so often in a split, the most common first."""
    counts = Counter(word for s in sentences(split) for word in words_of(s.text))
    return tuple(w for w, count in sorted(counts.items(), key=lambda i: (-i[1], i[0]))
                 if count >= least)  # fmt: skip


def spelled_word(rng: random.Random, max_letters: int = 9, split: str = "train") -> tuple[str, str]:
    """A common word and how it is spelled aloud: `("cat", "c a t")`."""
    options = vocabulary(split, 5)
    while True:
        word = rng.choice(options)
        if word.isalpha() and 2 <= len(word) <= max_letters:
            return word, spell(word)


def statistics(split: str | None = None) -> Statistics:
    """Counts over one split, or over both."""
    chosen = all_sentences() if split is None else sentences(split)
    words = Counter(word for s in chosen for word in words_of(s.text))
    total = sum(words.values())
    common = [count for _, count in words.most_common()]
    return Statistics(
        num_sentences=len(chosen),
        num_words=len(words),
        num_running_words=total,
        num_by_source=dict(Counter(s.source for s in chosen)),
        num_by_words=dict(sorted(Counter(s.num_words for s in chosen).items())),
        coverage={top: sum(common[:top]) / max(total, 1) for top in (100, 1000, 5000)},
    )


def training_text(split: str = "train") -> Iterator[str]:
    """Normalised sentences for a tokenizer to learn from."""
    for sentence in sentences(split):
        yield sentence.text
