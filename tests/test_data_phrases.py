"""Foreign phrases: complete, in the model's letters, split by meaning."""

from __future__ import annotations

import random

import pytest

from microturn.data import corpus, phrases
from microturn.data.spoken_forms import LETTERS


@pytest.mark.parametrize("language", phrases.LANGUAGES)
def test_enough_of_each_language(language):
    splits = ("train", "eval")
    assert sum(len(phrases.phrases(language, split)) for split in splits) >= 250
    assert sum(len(phrases.words(language, split)) for split in splits) >= 300
    assert len(phrases.words(language, group="numbers")) >= 20


@pytest.mark.parametrize(
    ("foreign", "plain"),
    [
        ("¿Cómo estás?", "como estas?"),
        ("mañana", "manana"),
        ("Straße", "strasse"),
        ("Schlüssel", "schlussel"),
        ("œuf", "oeuf"),
        ("S'il vous plaît.", "s'il vous plait."),
    ],
)
def test_spelling(foreign, plain):
    assert phrases.spelling(foreign) == plain


def test_letters_are_the_models():
    for phrase in phrases.phrases() + phrases.words() + phrases.phrases(split="eval"):
        assert set(phrase.text) <= LETTERS, phrase
        assert set(phrase.english) <= LETTERS, phrase
        assert phrase.text


def test_a_meaning_has_one_split():
    for table in (phrases.phrases, phrases.words):
        train = {phrase.english.strip(".?!") for phrase in table(split="train")}
        kept = {phrase.english.strip(".?!") for phrase in table(split="eval")}
        assert train and kept
        assert not train & kept


def test_no_english_twice():
    for name in ("foreign_words", "foreign_phrases"):
        english = [cells[0].lower() for _, cells in phrases.rows(name)]
        assert len(english) == len(set(english))


def test_endings_agree():
    for name in ("foreign_phrases",):
        for _, cells in phrases.rows(name):
            assert len({cell[-1] for cell in cells}) == 1, cells


def test_switching_words_are_not_english():
    common = set(corpus.vocabulary("train", 3))
    for language in phrases.LANGUAGES:
        texts = {word.text for word in phrases.switching_words(language)}
        assert len(texts) > 100
        assert not texts & common
    # Negative control: the plain list has some that are.
    assert {word.text for word in phrases.words("french")} & common


def test_mixed_sentence_holds_the_word():
    rng = random.Random(4)
    for _ in range(50):
        for split in ("train", "eval"):
            mixed = phrases.mixed(rng, "spanish", split)
            assert mixed.word.split == split
            assert mixed.word.text in mixed.text
            assert mixed.word.foreign in mixed.spoken
            assert mixed.word.english in mixed.english
            assert set(mixed.text) <= LETTERS


def test_wrong_names():
    with pytest.raises(ValueError, match="language must be"):
        phrases.phrases("latin")
    with pytest.raises(ValueError, match="split must be"):
        phrases.words("german", "test")
    with pytest.raises(ValueError, match="group must be"):
        phrases.words("german", group="cars")


def test_missing_column(tmp_path, monkeypatch):
    (tmp_path / "bad.txt").write_text("# licence: none\n[food]\napple | manzana | Apfel\n")
    monkeypatch.setattr(phrases, "TEXTS", tmp_path)
    with pytest.raises(ValueError, match=r"bad\.txt, line 3"):
        list(phrases.rows("bad"))
