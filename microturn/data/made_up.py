"""Texts without end for a bank to speak: everyday ones (everyday.py), and sentences that nobody
wrote, so that many words are heard in a likely order. Those are drawn word by word from the trigram
model of American English that comes with pocketsphinx (CMU Sphinx, BSD licence; 71,648 words), and
words that a bank says seldom come first: how well a word is heard goes with how often it was heard
(docs/log.md).

    python -m microturn.data.made_up --bank DIR --everyday 20000 --likely 10000 > texts.jsonl
    microturn bank build --out MORE --texts texts.jsonl --no-scenarios --engines flite

`runs/cpu.sh` does both.
"""

from __future__ import annotations

import importlib
import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, Protocol

import tyro

from microturn.data.bank import Bank
from microturn.data.everyday import many
from microturn.data.kept import kept
from microturn.data.split import split_of
from microturn.signal.text import normalise

NUM_CANDIDATES = 100  # words that are looked at for each place
UNSEEN = -100_000_000  # below it the model does not know a word
NATS = math.log(1.0001)  # the unit of the model's log probabilities
FITTING, COMMON = 0.8, 0.4  # powers of how likely a word is after two others, and anywhere
DRAWN = 0.5  # power of how likely a candidate is anywhere
RARE = 10.0  # a word heard so often is drawn 0.7 times as often as if it never was
NUM_REFRESHED = 1000  # sentences after which what was made up counts in the weights
MIN_WORDS, MAX_WORDS = 3, 9
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
MISSING = "sentences are made up with pocketsphinx's model of English: pip install pocketsphinx"


class Likely(Protocol):
    """A language model: words it knows, and how likely one is after others."""

    words: list[str]

    def nats(self, *newest_first: str) -> float:
        """Log probability of the first word after the others, the last one first."""
        ...


class SphinxModel:
    """pocketsphinx's own. Raises ValueError where it is not installed."""

    def __init__(self) -> None:
        try:
            sphinx: Any = importlib.import_module("pocketsphinx")
        except ImportError as error:
            raise ValueError(MISSING) from error
        folder = Path(sphinx.get_model_path("en-us"))
        self.model: Any = sphinx.NGramModel.readfile(str(folder / "en-us.lm.bin"))
        entries = (folder / "cmudict-en-us.dict").read_text(encoding="utf-8").splitlines()
        found = dict.fromkeys(line.split()[0] for line in entries if line)
        self.words = [
            word for word in found if WORD.fullmatch(word) and self.model.prob([word]) > UNSEEN
        ]

    def nats(self, *newest_first: str) -> float:
        return float(self.model.prob(list(newest_first))) * NATS


def counts_of(texts: Iterable[str]) -> Counter[str]:
    """In how many texts a word comes up."""
    return Counter(word for text in texts for word in set(WORD.findall(normalise(text))))


def made_up(model: Likely, known: Counter[str], seed: int, split: str = "train") -> Iterator[str]:
    """Sentences without end that are not the other split's and that no skill keeps, each once.

    known: how often words were heard already; those made up are added to it.
    """
    rng, told = random.Random(f"made up/{seed}"), kept()
    never = set(told.texts) | set(told.sentences)
    common = {word: model.nats(word) for word in model.words}
    seen: set[str] = set()

    def wanted() -> list[float]:
        each = (
            math.exp(DRAWN * nats) / math.sqrt(1 + known[word] / RARE)
            for word, nats in common.items()
        )
        return list(accumulate(each))

    weights = wanted()
    while True:
        text = sentence(model, rng, common, weights)
        if text in seen or normalise(text) in never or split_of(text) != split:
            continue
        seen.add(text)
        known.update(counts_of([text]))
        yield text
        if len(seen) % NUM_REFRESHED == 0:
            weights = wanted()


def sentence(
    model: Likely, rng: random.Random, common: Mapping[str, float], weights: Sequence[float]
) -> str:
    """A few words; of candidates drawn by weight, one that is likelier after the two before it
    than anywhere. common: log probabilities of single words. weights: summed up."""
    words: list[str] = []
    for _ in range(rng.randint(MIN_WORDS, MAX_WORDS)):
        candidates = rng.choices(model.words, cum_weights=weights, k=NUM_CANDIDATES)
        before = words[:-3:-1]
        chances = [
            math.exp(FITTING * model.nats(word, *before) - COMMON * common[word])
            for word in candidates
        ]
        words.append(rng.choices(candidates, chances)[0])
    return " ".join(words) + "."


@dataclass(frozen=True)
class MadeUp:
    """JSON lines for `bank build --texts`, of the user's side.

    bank: what is said already, and is not printed again. everyday, likely: how many of each kind.
    voices: how many say each.
    """

    bank: tuple[Path, ...] = ()
    everyday: int = 0
    likely: int = 0
    voices: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.everyday, self.likely) < 0 or self.everyday + self.likely == 0:
            raise ValueError("say how many texts: --everyday, --likely, or both")


def main(run: MadeUp) -> None:
    """Print them. Raises ValueError for a bank that is none, and for want of the model."""
    bank = Bank.load(run.bank) if run.bank else Bank([])
    model = SphinxModel() if run.likely else None
    texts = [text for text in many(run.everyday, run.seed) if normalise(text) not in bank.user]
    known = counts_of(clip.text for clips in bank.user.values() for clip in clips)
    known.update(counts_of(texts))
    if model is not None:
        texts += islice(made_up(model, known, run.seed), run.likely)
    for text in texts:
        print(json.dumps({"side": "user", "text": text, "voices": run.voices}))


if __name__ == "__main__":
    main(tyro.cli(MadeUp))
