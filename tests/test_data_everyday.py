"""Made sentences: many, varied, in the model's letters, the same for a seed, split."""

from __future__ import annotations

import random

import pytest

from microturn.data import everyday
from microturn.data.corpus import words_of
from microturn.data.number_words import cardinal
from microturn.data.spoken_forms import LETTERS, to_spoken


def test_many_distinct_and_reproducible():
    made = everyday.many(1200, seed=3)
    assert len(set(made)) == 1200
    assert made == everyday.many(1200, seed=3)
    assert made != everyday.many(1200, seed=4)


@pytest.mark.parametrize("kind", everyday.KINDS)
def test_each_kind_is_spoken(kind):
    for text in everyday.many(40, kind=kind):
        assert set(text) <= LETTERS
        assert to_spoken(text) == text
        assert "{" not in text
        assert 2 <= len(text.split()) <= 40


def test_every_frame_can_be_filled():
    rng = random.Random(0)
    for frames in everyday.FRAMES.values():
        for frame in frames:
            assert everyday.fill(rng, frame)


def test_enough_names_and_places():
    assert len(everyday.names() + everyday.names("eval")) >= 200
    assert len(everyday.places() + everyday.places("eval")) >= 150


def test_train_and_eval_share_nothing():
    train = {" ".join(words_of(text)) for text in everyday.many(1500)}
    kept = {" ".join(words_of(text)) for text in everyday.many(150, split="eval")}
    assert not train & kept
    assert not set(everyday.names()) & set(everyday.names("eval"))
    assert not set(everyday.places()) & set(everyday.places("eval"))
    kept_names = set(everyday.names("eval"))
    words = {word for text in everyday.many(300, kind="name") for word in words_of(text)}
    assert not words & kept_names


def test_sums_are_right():
    rng = random.Random(1)
    text = everyday.fill(rng, "{number} plus {number} is {sum}")
    rng = random.Random(1)
    everyday.spelled_word(rng)
    first, second = everyday.whole_number(rng), everyday.whole_number(rng)
    assert text == f"{cardinal(first)} plus {cardinal(second)} is {cardinal(first + second)}"


def test_spelled_letters_are_the_word():
    rng = random.Random(2)
    for _ in range(300):
        letters, word = everyday.fill(rng, "{letters_of} spells {word}").split(" spells ")
        assert letters.replace(" ", "") == word


def test_grammar_of_small_words():
    rng = random.Random(5)
    for _ in range(300):
        text = everyday.fill(rng, "a {color} {thing}, {things}")
        assert not text.startswith(("a orange", "an umbrella ", "a umbrella"))
        assert "boxs" not in text and "keies" not in text


def test_unknown_names():
    with pytest.raises(ValueError, match="kind must be"):
        everyday.make(random.Random(0), "songs")
    with pytest.raises(ValueError, match="split must be"):
        everyday.make(random.Random(0), split="test")
