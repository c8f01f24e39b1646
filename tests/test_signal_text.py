"""Text and pieces: exact round trips, markers apart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microturn.scenarios import texts
from microturn.sequence import Markers
from microturn.signal.text import ALPHABET, MAX_PIECE_LETTERS, Text, normalise
from tests.tones import shipped_text

LETTERS = st.text(st.sampled_from(ALPHABET + " "), max_size=60)


@settings(max_examples=200, deadline=None)
@given(LETTERS)
def test_round_trip(written):
    text = shipped_text()
    wanted = normalise(written)
    assert text.decode(text.encode(written)) == (f" {wanted}" if wanted else "")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_anything_encodes(written):
    text = shipped_text()
    ids = text.encode(written)
    assert all(len(Markers.names()) <= token_id < text.vocab_size for token_id in ids)
    assert normalise(normalise(written)) == normalise(written)
    assert text.decode(ids).strip() == normalise(written)


@settings(max_examples=100, deadline=None)
@given(st.lists(LETTERS, max_size=6))
def test_words_join_exactly(parts):
    text = shipped_text()
    together = [token_id for part in parts for token_id in text.encode(part)]
    assert together == text.encode(" ".join(parts))


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("Hello, World!", "hello, world!"),
        ("It\u2019s 5 o\u2018clock; go: now", "it's 5 o'clock, go, now"),
        ("one \u2014 two\u2013three", "one - two-three"),
        ("  caf\u00e9\t\n\u65e5\u672c  a*b ", "caf a b"),
        ("\u2581<|speak|>", "speak"),
        ("\u65e5\u672c", ""),
    ],
)
def test_unknown_letters_are_dropped(written, wanted):
    assert normalise(written) == wanted
    assert shipped_text().decode(shipped_text().encode(written)).strip() == wanted


def test_scenario_texts_survive():
    text = shipped_text()
    for written in texts("user") + texts("own"):
        assert text.decode(text.encode(written)) == " " + written.lower()


def test_pieces_that_begin_a_word():
    text = shipped_text()
    starts = text.word_starts()
    assert len(starts) == text.vocab_size and not any(starts[: len(Markers.names())])
    for sentence in ("what is the capital of norway?", "it's a well-known word."):
        ids = text.encode(sentence)
        assert sum(starts[i] for i in ids) == len(sentence.split()) and starts[ids[0]]


def test_markers_come_first_and_cannot_be_typed():
    text = shipped_text()
    assert text.vocab_size == 512
    assert text.markers == Markers(*range(len(Markers.names())))
    assert text.markers.speak not in text.encode("<|speak|>")
    assert text.decode([text.markers.heard, *text.encode("hi"), text.markers.end]) == " hi"


def test_pieces_are_short():
    text = shipped_text()
    pieces = [text.decode([token_id]) for token_id in range(len(Markers.names()), text.vocab_size)]
    assert max(map(len, pieces)) <= MAX_PIECE_LETTERS


def test_train_and_save(tmp_path):
    text = Text.train(["the cat sat on the mat", "a cat ate"] * 20, vocab_size=70)
    text.save(tmp_path / "tokenizer.json")
    again = Text.load(tmp_path / "tokenizer.json")
    assert again.encode("the mat, zebra?") == text.encode("the mat, zebra?")
    assert again.decode(again.encode("the mat, zebra?")) == " the mat, zebra?"
    assert len(text.encode("cat")) < len("cat") + 1


def test_bad_files(tmp_path):
    with pytest.raises(ValueError, match="no tokenizer at"):
        Text.load(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ValueError, match="not a tokenizer file"):
        Text.load(tmp_path / "bad.json")
    content = shipped_text().tokenizer.to_str().replace("<|speak|>", "<|shout|>")
    (tmp_path / "other.json").write_text(content)
    with pytest.raises(ValueError, match=r"lacks the marker tokens <\|speak\|>"):
        Text.load(tmp_path / "other.json")
