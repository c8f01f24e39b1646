"""Skills whose contents are open text: the corpus, whatever the bank can say."""

from __future__ import annotations

import random

from microturn.data.bank import Bank
from microturn.data.corpus import sentences, vocabulary
from microturn.data.talk import Talk
from microturn.scenarios import repeat_text
from tests.test_scenarios_knowledge import SEEDS, played, spelled


def test_any_word_may_have_to_be_spelled():
    """Words of the corpus, each letter by letter; other words in evaluation."""
    words = {}
    for split in ("train", "eval"):
        talks = [played("typed", seed, split) for seed in SEEDS]
        found = [(spelled(talk)[0], talk.written[0].text) for talk in talks if spelled(talk)]
        assert len(found) > 20
        assert all(letters == " ".join(word) for word, letters in found)
        words[split] = {word for word, _ in found}
    assert len(words["train"]) > 20


def test_notes_are_given_back_in_writing():
    """Any sentence of the corpus, word for word; those of evaluation are never trained."""
    kept = {}
    for split in ("train", "eval"):
        found = []
        for seed in SEEDS:
            talk = played("memory", seed, split)
            if talk.typed:
                told, asked = talk.typed
                (written,) = talk.written
                assert told.text.endswith(f" {written.text}")
                assert asked.onset_ms < written.onset_ms
                found.append(written.text)
        known = {sentence.text for sentence in sentences(split)}
        assert len(found) > 15 and set(found) <= known
        kept[split] = set(found)
    assert not kept["train"] & kept["eval"]


def test_words_to_write_again_are_the_corpus_s():
    """Without any clip; sentences and words of the split, in order and out of order."""
    for split in ("train", "eval"):
        known, words = {s.text for s in sentences(split)}, set(vocabulary(split))
        whole = loose = 0
        for seed in range(20):
            talk = Talk(Bank([]), random.Random(seed), split=split)
            repeat_text.play(talk)
            for typed, written in zip(talk.typed, talk.written, strict=True):
                assert typed.text.endswith(f" {written.text}")
                assert typed.onset_ms < written.onset_ms
                if written.text in known:
                    whole += 1
                else:
                    assert set(written.text.split()) <= words
                    loose += 1
        assert min(whole, loose) > 20
