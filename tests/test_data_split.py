"""What trains and what is kept."""

from __future__ import annotations

from types import SimpleNamespace

from microturn.data.split import KEPT_EVERY, in_split, split_of

TRAIN, EVAL = SimpleNamespace(split="train"), SimpleNamespace(split="eval")


def test_each_fifth_option_is_kept():
    options = range(23)
    kept = [i for i in options if in_split(i, options, EVAL)]
    assert kept == [4, 9, 14, 19]
    assert [i for i in options if in_split(i, options, TRAIN)] == sorted(set(options) - set(kept))


def test_short_lists_serve_both():
    options = range(KEPT_EVERY - 1)
    assert all(in_split(i, options, talk) for i in options for talk in (TRAIN, EVAL))


def test_adding_at_the_end_moves_nothing():
    for num in range(KEPT_EVERY, 30):
        for place in range(num):
            assert in_split(place, range(num), EVAL) == in_split(place, range(30), EVAL)


def test_sentences_are_split_by_their_words():
    sentences = [f"Sentence number {i} of many." for i in range(2000)]
    share = sum(split_of(s) == "eval" for s in sentences) / len(sentences)
    assert 0.03 < share < 0.07
    assert all(split_of(s) == split_of(s.upper() + " ") for s in sentences)
