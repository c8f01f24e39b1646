"""What the model calls out while the user goes on: cues, counts, corrections, translations."""

from __future__ import annotations

import functools
import random
import re

import pytest

from microturn.data import phrases as phrases_module
from microturn.data.bank import Bank
from microturn.data.moments import CUE_WINDOW_MS, word_ends_ms
from microturn.data.talk import RESPONSE_MS, Talk
from microturn.scenarios import code_switch, correction, cue_word, families, translation, word_count
from microturn.signal.text import normalise
from tests.tones import tone_bank

SEEDS = 200
CUES = ("code_switch", "correction", "cue_word", "word_count")


@functools.cache
def played(name: str, seed: int, split: str = "train") -> Talk:
    talk = Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=1000, split=split)
    families()[name].play(talk)
    return talk


def of(talk: Talk, side: str):
    return sorted((e for e in talk.events if e.side == side), key=lambda e: e.onset_ms)


@pytest.mark.parametrize("name", [*CUES, "translation"])
def test_phrasings_are_kept_for_evaluation(name):
    found = {}
    for split in ("train", "eval"):
        talks = [played(name, seed, split) for seed in range(SEEDS)]
        found[split] = {e.text for talk in talks for e in of(talk, "user")}
        found[split] |= {talk.instructions for talk in talks if talk.instructions}
    assert found["train"]
    assert found["eval"]
    assert not found["train"] & found["eval"]


@pytest.mark.parametrize("name", CUES)
def test_a_cue_is_answered_within_a_second_of_its_word(name):
    overlaps, total = 0, 0
    for seed in range(SEEDS):
        talk = played(name, seed)
        users = {e.onset_ms: e for e in of(talk, "user")}
        own = {e.onset_ms: e for e in of(talk, "own")}
        called = [e for e in talk.expects if e.do in ("say", "count")]
        for expect in called:
            event = next((o for t, o in own.items() if expect.window_ms[0] <= t
                          <= expect.window_ms[1] and o.text in expect.accept), None)  # fmt: skip
            assert event is not None
            assert event.onset_ms - expect.window_ms[0] >= RESPONSE_MS
            if expect.window_ms[1] - expect.window_ms[0] > CUE_WINDOW_MS:
                continue  # an answer, or a call that waited for the one before
            spoken = users[expect.on_ms]
            overlaps += event.onset_ms < spoken.end_ms
            total += 1
    assert total > SEEDS
    assert overlaps > 0.85 * total


@pytest.mark.parametrize("name", CUES)
def test_without_a_cue_it_is_silent(name):
    """Nothing is said in a sentence without a cue; sentences without one do come up."""
    num_silent = 0
    for seed in range(SEEDS):
        talk = played(name, seed)
        for expect in talk.expects:
            if expect.do == "silent":
                first_ms, last_ms = expect.window_ms
                assert not any(first_ms <= e.onset_ms < last_ms for e in of(talk, "own"))
                num_silent += 1
    assert num_silent > 30


EVERYDAY_MEANT = {
    (text, one.word.text): code_switch.meant(one)
    for table in code_switch.EVERYDAY.values()
    for text, one in table.items()
}


def test_the_rule_names_the_language():
    """A German word is put right where German is asked for, and only there."""
    languages = set()
    for seed in range(SEEDS):
        talk = played("code_switch", seed)
        rule = (talk.instructions or of(talk, "user")[0].text).lower()
        for event in of(talk, "user"):
            for (name, _), table in code_switch.EVERYDAY.items():
                if event.text in table:
                    assert name in rule
                    languages.add(name)
    assert languages == set(phrases_module.LANGUAGES)


def test_english_words():
    found = set()
    for seed in range(SEEDS):
        talk = played("code_switch", seed)
        for mark in talk.marks:
            event = next(e for e in talk.events if e.onset_ms == mark.onset_ms)
            assert mark.end_ms in word_ends_ms(talk, event, mark.label)
            expect = next(e for e in talk.expects if e.window_ms[0] == mark.end_ms)
            everyday = EVERYDAY_MEANT.get((event.text, mark.label))
            english = everyday or f"{code_switch.SPANISH[mark.label].capitalize()}."
            assert expect.accept == (english,)
            found.add(event.text if everyday else "closed")
    assert "closed" in found and len(found) > 50
    assert code_switch.answer_to("And door, what is that in Spanish?") == (
        "In Spanish, that is puerta."
    )


def test_every_mixed_sentence_has_a_spanish_word_and_no_plain_one_has():
    for texts, is_mixed in ((code_switch.MIXED, True), (code_switch.PLAIN, False)):
        for text in texts:
            words = set(normalise(text).replace(",", "").strip(".").split())
            assert bool(words & set(code_switch.SPANISH)) == is_mixed, text


def test_mistakes_are_in_their_sentences():
    for cases in (*correction.CAPITALS, correction.FACTS, correction.MISPRONOUNCED):
        for text, wrong, right in cases:
            words = normalise(text).replace(",", "").strip(".").split()
            assert words.count(wrong) == 1, text
            assert right.lower() not in words, text
            assert words.index(wrong) < len(words) - 3, "nothing follows the mistake"


def test_counts_are_true():
    aloud = silent = 0
    for seed in range(SEEDS):
        talk = played("word_count", seed)
        said = [m for m in talk.marks if m.kind == "cue"]
        values = [e.detail["value"] for e in talk.expects if e.do == "count"]
        spoken = [e.text for e in of(talk, "own") if e.text in word_count.SPOKEN.values()]
        assert spoken == [word_count.SPOKEN[n + 1] for n in range(len(spoken))]
        word = said[0].label if said else None
        texts = [e.text for e in of(talk, "user") if word and e.text in word_count.SENTENCES[word]]
        words = " ".join(normalise(text) for text in texts).replace(",", "").replace(".", "")
        assert words.split().count(word) == len(said)
        if spoken:
            aloud += 1
            assert len(spoken) == len(said)
        elif said:
            silent += 1
            assert values == [len(said)]
            assert of(talk, "own")[-1].text == word_count.TOTALS[len(said)]
    assert aloud > 80
    assert silent > 30


def test_cues_of_evaluation_are_words_never_trained():
    for split, is_kept in (("train", False), ("eval", True)):
        for seed in range(SEEDS):
            labels = {mark.label for mark in played("cue_word", seed, split).marks}
            assert all((label in cue_word.KEPT_WORDS) == is_kept for label in labels)


def test_in_training_any_word_of_an_open_sentence_may_be_the_cue():
    listed = set(cue_word.SPEECH)
    labels = {split: set() for split in ("train", "eval")}
    for split, found in labels.items():
        for seed in range(SEEDS):
            found |= {mark.label for mark in played("cue_word", seed, split).marks}
    assert len(labels["train"] - listed) > 5
    assert labels["train"] & listed
    assert labels["eval"] <= listed


def test_an_open_cue_is_typed_and_only_its_word_calls():
    for seed in range(SEEDS):
        talk = played("cue_word", seed)
        word = talk.marks[0].label
        if word in cue_word.SPEECH:
            continue
        assert re.search(rf"\b{word}\b", talk.instructions)
        assert {mark.label for mark in talk.marks} == {word}
        heard = " ".join(normalise(e.text) for e in of(talk, "user"))
        num_said = len(re.findall(rf"\b{word}\b", heard))
        assert len(of(talk, "own")) == num_said


def test_translation_follows_phrase_by_phrase():
    overlaps, total = 0, 0
    english = {es: {normalise(en)} for story in translation.STORIES for es, en in story}
    for phrase in translation.EVERYDAY:
        english.setdefault(phrase.text, set()).add(phrase.english)
    languages = set()
    for seed in range(SEEDS):
        talk = played("translation", seed)
        phrases = [e for e in of(talk, "user") if e.text in english]
        told = [e for e in of(talk, "own") if e.onset_ms > phrases[0].onset_ms]
        assert len(phrases) == len(told) > 0
        found = {translation.FOREIGN[e.text][0] for e in phrases}
        rule = talk.instructions or of(talk, "user")[0].text
        named = {name for name in phrases_module.LANGUAGES if name in rule.lower()}
        assert not named or named & found
        languages |= found if len(found) == 1 else set()
        for phrase, own in zip(phrases, told, strict=True):
            assert normalise(own.text) in english[phrase.text]
            assert RESPONSE_MS <= own.onset_ms - phrase.end_ms < 3000
            overlaps += any(e.onset_ms < own.end_ms and own.onset_ms < e.end_ms for e in phrases)
            total += 1
    assert overlaps > 0.5 * total
    assert languages == set(phrases_module.LANGUAGES)


def test_languages_are_marked():
    assert {language for language, _ in translation.FOREIGN.values()} == set(
        phrases_module.LANGUAGES
    )
    assert set(translation.FOREIGN) < set(translation.USER_TEXTS)
    assert not set(translation.FOREIGN) & set(translation.ORDERS)
    assert all(normalise(text) == text.lower() for text in translation.FOREIGN), "accents"
    assert translation.FOREIGN["buenos dias."] == ("spanish", "Buenos d\u00edas.")


def test_without_foreign_clips_there_is_no_translation():
    english = [clip for clips in tone_bank().user.values() for clip in clips
               if clip.text not in translation.FOREIGN]  # fmt: skip
    own = [clip for clips in tone_bank().own.values() for clip in clips]
    talk = Talk(Bank([*english, *own]), random.Random(0), "af_alloy", now_ms=1000)
    with pytest.raises(KeyError, match="no foreign phrases"):
        translation.play(talk)
    assert not talk.events
