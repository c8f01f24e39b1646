"""Forced alignment: phones of unknown words, the clock, what is kept on disk."""

# ruff: noqa: RUF001
from __future__ import annotations

import importlib.util
import itertools

import numpy as np
import pytest

from microturn.data import align
from microturn.data.align import (
    MIN_WORD_MS,
    STARTS_EARLY_MS,
    Sphinx,
    Spread,
    TimesKept,
    cmu_phones,
    entries,
    find_aligner,
    on_our_clock,
    spread_words,
)
from microturn.data.bank import Word
from tests.tones import EDGE_MS, tones

HAS_SPHINX = importlib.util.find_spec("pocketsphinx") is not None


def test_phones_of_cmu():
    assert cmu_phones("ˈævənli") == "AE V AH N L IY"
    assert cmu_phones("ʧˈɜɹʧ") == "CH ER CH"
    assert cmu_phones("pˈudᵊl") == "P UW D AH L"
    assert cmu_phones("?!") == ""


def test_dictionary_entries():
    assert entries("Well-known,") == ["well", "known"]
    assert entries("don\u2019t!") == ["don't"]
    assert entries('"Yes."') == ["yes"]
    assert entries("--") == entries("") == entries("...") == []
    assert entries("12") == []  # numbers are made into words before


def test_offsets_are_taken_off():
    first, second = on_our_clock(["a", "b"], [(100, 105), (300, 700)])
    assert (first.start_ms, first.end_ms) == (100 + STARTS_EARLY_MS, 130 + MIN_WORD_MS)
    assert second.start_ms == 330
    assert second.end_ms < 700


def test_words_are_spread_by_letters():
    spoken = tones("one two three four", 16_000, 300)
    words = spread_words("a bbbb ccccccccc", spoken.audio, 16_000)
    assert [word.text for word in words] == ["a", "bbbb", "ccccccccc"]
    assert words[0].start_ms == pytest.approx(EDGE_MS, abs=3)
    assert words[-1].end_ms == pytest.approx(spoken.words[-1].end_ms, abs=3)
    lengths = [word.end_ms - word.start_ms for word in words]
    assert lengths[0] / lengths[1] == pytest.approx(2 / 5, abs=0.02)
    assert all(a.end_ms == b.start_ms for a, b in itertools.pairwise(words))


class Counting:
    """Aligns by a rule and counts its calls."""

    name = "counting"

    def __init__(self) -> None:
        self.calls = 0

    def align(self, words, audio, rate_hz):
        self.calls += 1
        if "nonsense" in words:
            return None
        return tuple(Word(word, 100 * place, 100 * place + 80) for place, word in enumerate(words))


def test_each_clip_is_aligned_once(tmp_path):
    path, aligner, audio = tmp_path / "deep" / "times.jsonl", Counting(), np.zeros(16, np.float32)
    kept = TimesKept([], path)
    first = kept.align(aligner, "k", ["one", "two"], audio, 16_000)
    assert kept.align(aligner, "k", ["nonsense"], audio, 16_000) is None
    with path.open("a") as file:
        file.write('{"id": "torn')
    again = TimesKept([], path)
    assert again.align(aligner, "k", ["one", "two"], audio, 16_000) == first
    assert again.align(aligner, "k", ["nonsense"], audio, 16_000) is None
    assert aligner.calls == 2
    again.align(aligner, "k", ["one", "three"], audio, 16_000)  # another text is another line
    again.align(aligner, "other", ["one", "two"], audio, 16_000)
    assert aligner.calls == 4
    elsewhere = TimesKept([path], tmp_path / "mine.jsonl")
    assert elsewhere.align(aligner, "k", ["one", "two"], audio, 16_000) == first
    assert aligner.calls == 4
    assert len(path.read_text().splitlines()) == 4
    path.write_text("damaged\n")
    with pytest.raises(ValueError, match=r"times\.jsonl is damaged"):
        TimesKept([], path)


def test_without_an_aligner_words_are_spread(monkeypatch):
    monkeypatch.setattr(align.importlib.util, "find_spec", lambda name: None)
    aligner = find_aligner()
    assert isinstance(aligner, Spread)
    spoken = tones("one two three", 16_000, 300)
    words = aligner.align(["one", "two", "three"], spoken.audio, 16_000)
    assert words is not None
    assert [word.text for word in words] == ["one", "two", "three"]
    assert abs(words[0].start_ms - EDGE_MS) < 10
    assert aligner.align([], spoken.audio, 16_000) is None
    with pytest.raises(ValueError, match="pip install pocketsphinx"):
        Sphinx()


def buzz(text: str) -> np.ndarray:
    """No speech, but sound: alignment has to say so or stay inside the clip."""
    return tones(text, 16_000, 300).audio


@pytest.mark.parametrize("words", [["--"], ["12"], []])
def test_unreadable_words_have_no_times(words):
    aligner = find_aligner()
    if HAS_SPHINX:
        assert aligner.align(words, buzz("one two"), 16_000) is None
    else:
        assert isinstance(aligner, Spread)


def test_times_stay_inside_and_in_order():
    audio = buzz("turn it off now")
    words = find_aligner().align(["Turn", "it", "off", "now."], audio, 16_000)
    if words is not None:
        starts = [word.start_ms for word in words]
        assert starts == sorted(starts)
        assert words[-1].end_ms <= len(audio) // 16 + align.STARTS_EARLY_MS + MIN_WORD_MS
