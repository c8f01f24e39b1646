"""Sentences that nobody wrote: of words that are heard too seldom, in a likely order."""

from __future__ import annotations

import functools
import itertools
import json
import math
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from microturn.data import made_up as module
from microturn.data.bank import Bank, Clip, Word
from microturn.data.build import read_texts
from microturn.data.everyday import many
from microturn.data.kept import kept
from microturn.data.made_up import MadeUp, SphinxModel, counts_of, made_up, main
from microturn.data.split import split_of

WORDS = tuple("".join(pair) for pair in itertools.product("bdfgklmn", ("ay", "ee", "oh", "oo")))
AFTER = dict(zip(WORDS, (*WORDS[1:], WORDS[0]), strict=True))
KEPT = functools.cache(kept)  # found once for all tests here


@pytest.fixture(autouse=True)
def _found_once(monkeypatch):
    monkeypatch.setattr(module, "kept", KEPT)


class Pairs:
    """After a word the next of the list is `liking` times as likely as another."""

    def __init__(self, liking: float = 1.0) -> None:
        self.words, self.liking = list(WORDS), liking

    def nats(self, *newest_first: str) -> float:
        if len(newest_first) < 2:
            return -math.log(len(WORDS))
        word, before = newest_first[:2]
        is_next = AFTER[before] == word
        return math.log((self.liking if is_next else 1.0) / (len(WORDS) - 1 + self.liking))


def told(model: Pairs, known: Counter[str], count: int = 120, seed: int = 0) -> list[str]:
    return list(islice(made_up(model, known, seed), count))


def test_sentences_are_of_their_split_and_each_once():
    for split in ("train", "eval"):
        texts = list(islice(made_up(Pairs(), Counter(), 0, split), 100))
        assert len(set(texts)) == 100
        assert all(split_of(text) == split for text in texts)
    again = list(islice(made_up(Pairs(), Counter(), 0, "eval"), 100))
    assert again == texts and told(Pairs(), Counter(), seed=1) != told(Pairs(), Counter())


def test_what_a_skill_keeps_is_never_made_up(monkeypatch):
    """With a keeper of half of the short sentences none of them comes; without it they do."""
    short = {" ".join(some) for some in itertools.product(WORDS[::2], repeat=3)}
    free = told(Pairs(), Counter(), 400)
    assert any(text.rstrip(".") in short for text in free)
    found = KEPT()
    texts = dict(found.texts) | {f"{text}.": "test" for text in short}
    monkeypatch.setattr(module, "kept", lambda: type(found)(**(vars(found) | {"texts": texts})))
    assert not {text.rstrip(".") for text in told(Pairs(), Counter(), 400)} & short


def test_words_that_are_heard_seldom_come_first():
    often = Counter(dict.fromkeys(WORDS[:16], 4000))
    said = counts_of(told(Pairs(), often.copy()))
    share = sum(said[word] for word in WORDS[:16]) / said.total()
    assert share < 0.15
    even = counts_of(told(Pairs(), Counter()))
    assert sum(even[word] for word in WORDS[:16]) / even.total() == pytest.approx(0.5, abs=0.05)


def test_words_stand_where_they_are_likely():
    def fitting(texts: list[str]) -> float:
        pairs = [p for t in texts for p in itertools.pairwise(t.rstrip(".").split())]
        return sum(WORDS.index(b) == (WORDS.index(a) + 1) % len(WORDS) for a, b in pairs) / len(
            pairs
        )

    assert fitting(told(Pairs(200.0), Counter())) > 0.5
    assert fitting(told(Pairs(), Counter())) < 0.1


def test_what_was_made_up_counts_as_heard():
    known: Counter[str] = Counter()
    texts = told(Pairs(), known, 50)
    assert known == counts_of(texts) and known.total() > 150


def test_lines_can_be_spoken(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(module, "SphinxModel", Pairs)
    main(MadeUp(everyday=3, likely=2, voices=2))
    file = tmp_path / "texts.jsonl"
    file.write_text(capsys.readouterr().out)
    extras = read_texts(file)
    assert len(extras) == 5 == len(file.read_text().splitlines())
    assert [extra.text for extra in extras[:3]] == many(3, 0)
    assert all(set(extra.text.rstrip(".").split()) <= set(WORDS) for extra in extras[3:])
    assert json.loads(file.read_text().splitlines()[0])["voices"] == 2


def test_what_a_bank_says_is_not_said_again(monkeypatch, capsys):
    said = many(3, 0)[1]
    bank = Bank([Clip("a", "af_alloy", said, (Word("a", 0, 1),), (Path(), ""))])
    monkeypatch.setattr(Bank, "load", lambda paths: bank)
    main(MadeUp((Path("bank"),), everyday=3))
    lines = [json.loads(line)["text"] for line in capsys.readouterr().out.splitlines()]
    assert lines == [text for text in many(3, 0) if text != said]


@pytest.mark.parametrize("counts", [(0, 0), (-1, 5)])
def test_it_wants_a_number(counts):
    with pytest.raises(ValueError, match="say how many texts"):
        MadeUp((), *counts)


def test_without_the_model_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(ValueError, match="pip install pocketsphinx"):
        SphinxModel()
