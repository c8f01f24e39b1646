"""The shipped sentences: enough of them, readable, and never on both sides of the split."""

from __future__ import annotations

import json
import random

import pytest

from microturn.data import corpus
from microturn.data.gather import from_arctic, from_lj, is_sentence, pack
from microturn.data.spoken_forms import LETTERS, to_spoken
from microturn.signal.text import normalise


def bare(sentence):
    return " ".join(corpus.words_of(sentence.text))


def test_enough():
    counts = corpus.statistics()
    assert counts.num_sentences >= 30_000
    assert counts.num_words >= 20_000
    assert set(counts.num_by_source) == set(corpus.SOURCES)
    assert sum(counts.num_by_words.values()) == counts.num_sentences
    assert counts.coverage[100] < counts.coverage[1000] < counts.coverage[5000] < 1
    assert sum(path.stat().st_size for path in corpus.TEXTS.iterdir()) < 1_200_000


def test_train_and_eval_share_nothing():
    train = {bare(s) for s in corpus.sentences("train")}
    kept = {bare(s) for s in corpus.sentences("eval")}
    assert not train & kept
    assert len(train) + len(kept) == corpus.statistics().num_sentences
    assert 0.045 < len(kept) / len(train) < 0.065


def test_a_shared_sentence_would_be_seen():
    # Negative control: the comparison of the last test finds one.
    train = {bare(s) for s in corpus.sentences("train")}
    one = corpus.sentences("train")[0]
    louder = corpus.Sentence(one.text.rstrip(".") + "!", one.source, one.licence, "eval")
    assert bare(louder) in train


def test_clips_kept_for_evaluation_stay_so():
    _, lines = corpus.read("arctic")
    marked = {text for text, is_marked in lines if is_marked}
    assert len(marked) > 50
    train = {s.text for s in corpus.sentences("train")}
    assert not marked & train


def test_texts_are_in_the_letters_of_the_model():
    for sentence in corpus.all_sentences():
        assert set(sentence.text) <= LETTERS, sentence
        assert not sentence.text.endswith(",")
    for sentence in corpus.all_sentences()[::40]:
        assert normalise(sentence.text) == sentence.text == to_spoken(sentence.text)


def test_every_sentence_names_its_licence():
    assert all(s.licence and s.source in corpus.SOURCES for s in corpus.all_sentences())


def test_order_of_the_clips_is_kept():
    _, lines = corpus.read("lj")
    assert lines[1][0] == "in being comparatively modern."
    written = "In eighteen sixty-two, Mr. A. went home."
    assert to_spoken(written) == "in eighteen sixty two, mister a went home."


def test_sample_is_reproducible_and_short():
    first = [corpus.sample(random.Random(7), "wordnet", 8) for _ in range(3)]
    assert first == [corpus.sample(random.Random(7), "wordnet", 8) for _ in range(3)]
    rng = random.Random(1)
    assert all(len(corpus.sample(rng, max_words=5).split()) <= 5 for _ in range(50))
    kept = {s.text for s in corpus.sentences("eval")}
    assert all(corpus.sample(rng, split="eval") in kept for _ in range(20))


def test_what_is_not_there():
    with pytest.raises(ValueError, match="raise max_words"):
        corpus.sample(random.Random(0), "lj", max_words=1)
    with pytest.raises(ValueError, match="split must be"):
        corpus.sentences("test")
    with pytest.raises(ValueError, match="source must be"):
        corpus.sentences("train", "novels")
    with pytest.raises(ValueError, match="no text named"):
        corpus.read("novels")


def test_spelled_words():
    rng = random.Random(3)
    for _ in range(20):
        word, letters = corpus.spelled_word(rng)
        assert letters.replace(" ", "") == word


def test_training_text_is_the_training_split():
    assert list(corpus.training_text()) == [s.text for s in corpus.sentences("train")]


def test_gather_keeps_what_evaluation_has(tmp_path):
    lines = [
        ("lj", "validation", "It is 5."),
        ("lj", "train", "It is 6."),
        ("a", "train", "Go on."),
    ]
    entries = [dict(zip(("dataset", "split", "text"), line, strict=True)) for line in lines]
    manifest = tmp_path / "clips.jsonl"
    manifest.write_text("\n".join(map(json.dumps, entries)))
    path = tmp_path / "lj.txt"
    path.write_text("It is 5.\nIt is 6.\n")
    assert list(from_lj(path, manifest)) == [("it is five.", True), ("it is six.", False)]
    assert list(from_arctic(manifest, "a")) == [("go on.", False)]


def test_gather_cleans_readings(tmp_path):
    path = tmp_path / "lj.txt"
    path.write_text(
        "He said, quote, go away, end quote. And left.\nwas shipped to Mr.\nshe saw 3 of them;\n"
    )
    assert [text for text, _ in from_lj(path)] == [
        "he said, go away. and left.",
        "she saw three of them",
    ]


@pytest.mark.parametrize(
    ("written", "whole"),
    [
        ("he walked to the store", True),
        ("The storm caused great damage", True),
        ("a bunch of grapes", False),
        ("to go", False),
        ("he was killed in the war", False),
    ],
)
def test_gather_takes_whole_sentences(written, whole):
    assert is_sentence(written) is whole


def test_packed_bytes_are_the_same_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr("microturn.data.gather.TEXTS", tmp_path)
    lines = [("it is late.", False), ("so it is.", True), ("it is late.", True), ("no", False)]
    assert pack("lj", lines) == 2
    before = (tmp_path / "lj.txt.gz").read_bytes()
    pack("lj", lines)
    assert (tmp_path / "lj.txt.gz").read_bytes() == before
    monkeypatch.setattr(corpus, "TEXTS", tmp_path)
    header, read = corpus.read("lj")
    assert read == [("it is late.", True), ("so it is.", True)]
    assert header["licence"] == "public domain"
