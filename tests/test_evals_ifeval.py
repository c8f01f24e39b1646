"""Verifiable instructions: for each type a reply that follows it and one that does not."""

from __future__ import annotations

from typing import Any

import pytest

from microturn.evals.episode import Instruction
from microturn.evals.ifeval import accuracies, grade_reply
from microturn.evals.ifeval_checks import CHECKS, follows, sentences_of
from microturn.evals.languages import language_of

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("keywords:existence", {"keywords": ["train", "sea"]}, ["A Train by the sea"], ["a train"]),
    ("keywords:frequency", {"keyword": "sea", "frequency": 2, "relation": "at least"},
     ["Sea and sea"], ["sea"]),
    ("keywords:frequency", {"keyword": "sea", "frequency": 2, "relation": "less than"},
     ["sea", "none"], ["sea sea"]),
    ("keywords:forbidden_words", {"forbidden_words": ["can"]}, ["a candle"], ["you Can go"]),
    ("keywords:letter_frequency",
     {"letter": "q", "let_frequency": 2, "let_relation": "at least"}, ["Quite quick"], ["quick"]),
    ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "at least"},
     ["One. Two! Three?"], ["Dr. Smith came at 3.15. He left."]),
    ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "less than"},
     ["One. Two."], ["One. Two. Three."]),
    ("length_constraints:number_words", {"num_words": 4, "relation": "less than"},
     ["it's three words"], ["these are four words"]),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2},
     ["one\n***\ntwo", "***\none\n***\ntwo\n***"], ["one", "one *** *** two"]),
    ("length_constraints:nth_paragraph_first_word",
     {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "then"},
     ["first\n\nThen this", 'first\n\n"Then" this'], ["first\n\nthis", "first\n\nthen\n\nmore"]),
    ("detectable_content:number_placeholders", {"num_placeholders": 2},
     ["[name] at [place]"], ["[name]"]),
    ("detectable_content:postscript", {"postscript_marker": "P.S."},
     ["bye\nP.S. one more", "bye\nps also"], ["bye", "caps on"]),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"},
     ["bye P.P.S. one"], ["bye P.S. one"]),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2},
     ["* one\n* two", "- one\n- two", "* one\n- two"], ["* one", "* one\n* two\n* three", "**b**"]),
    ("detectable_format:constrained_response", {}, ["My answer is yes."], ["Yes."]),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2},
     ["*one* and *two*", "**one** and *two*"], ["*one*", "* a list\n* of two"]),
    ("detectable_format:multiple_sections", {"section_spliter": "Section", "num_sections": 2},
     ["Section 1\na\nSection 2\nb"], ["Section 1\na"]),
    ("detectable_format:json_format", {}, ['{"a": 1}', '```json\n{"a": 1}\n```'], ["a: 1"]),
    ("detectable_format:title", {}, ["<<A title>>\ntext"], ["A title", "<< >>"]),
    ("combination:two_responses", {}, ["one\n******\ntwo"], ["one", "one ****** one"]),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say it."},
     ["say it. I do."], ["I do. Say it."]),
    ("startend:end_checker", {"end_phrase": "That is all."},
     ['so. That is all.', '"so. that is all."'], ["That is all. Bye"]),
    ("startend:quotation", {}, ['"all of it"'], ["all of it", '"']),
    ("change_case:capital_word_frequency",
     {"capital_frequency": 2, "capital_relation": "at least"}, ["I AM here"], ["AM here"]),
    ("change_case:english_capital", {}, ["THE WHOLE OF IT"], ["The whole", "DAS IST NICHT ALLES"]),
    ("change_case:english_lowercase", {}, ["the whole of it"], ["The whole of it"]),
    ("punctuation:no_comma", {}, ["one and two"], ["one, two"]),
    ("language:response_language", {"language": "de"},
     ["das ist nicht der Fall"], ["the whole of it"]),
]  # fmt: skip


@pytest.mark.parametrize(("id", "kwargs", "good", "bad"), CASES, ids=[case[0] for case in CASES])
def test_a_check_takes_what_follows_and_nothing_else(
    id: str, kwargs: dict[str, Any], good: list[str], bad: list[str]
) -> None:
    unset = {"unused": None}  # the published file fills what does not apply with null
    assert [follows(id, kwargs | unset, reply) for reply in good] == [True] * len(good)
    assert [follows(id, kwargs, reply) for reply in bad] == [False] * len(bad)
    assert not follows(id, kwargs, "  "), "an empty reply follows nothing"


def test_all_25_types_have_a_case() -> None:
    assert {case[0] for case in CASES} == set(CHECKS) and len(CHECKS) == 25


def test_what_is_unknown_is_an_error() -> None:
    with pytest.raises(ValueError, match="no check for the instruction 'mood:happy'"):
        follows("mood:happy", {}, "x")
    with pytest.raises(ValueError, match="wrong arguments"):
        follows("punctuation:no_comma", {"limit": 3}, "x")
    with pytest.raises(ValueError, match="unknown relation 'about'"):
        follows("length_constraints:number_words", {"num_words": 3, "relation": "about"}, "x")
    with pytest.raises(ValueError, match="at least one prompt"):
        accuracies([])


def test_loose_forgives_what_stands_around_the_answer() -> None:
    quote = [Instruction("startend:quotation")]
    for reply in ('Sure:\n"it"', '"it"\nAnything else?', 'Sure:\n"it"\nMore?', '*"it"*'):
        result = grade_reply(quote, reply)
        assert (result.strict, result.loose) == ((False,), (True,))
    assert grade_reply(quote, "it").loose == (False,)


def test_sentences() -> None:
    assert len(sentences_of('Mr. Smith paid 3.50 today. Good! "Really?" Yes')) == 4
    assert len(sentences_of("a heading\n\na line that ends.")) == 2


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "this is the whole of it"),
        ("de", "das ist nicht der ganze Weg"),
        ("fr", "il est dans la maison avec les enfants"),
        ("es", "el perro no es de los vecinos"),
        ("it", "non è la casa della nonna"),
        ("pt", "não é uma casa com os filhos"),
        ("ru", "это не так как он для вас"),
        ("ko", "안녕하세요 반갑습니다"),
        ("ja", "これは日本語です"),
        ("zh", "这是中文"),
        ("hi", "यह मेरा घर है और वह नहीं"),
        ("mr", "हे माझे घर आहे आणि ते नाही"),
        ("ar", "هذا البيت من الحجر في المدينة"),
        ("fa", "این خانه است که در شهر است"),
        ("th", "นี่คือภาษาไทย"),
        ("", "12345 !"),
    ],
)
def test_languages_are_told_apart(code: str, text: str) -> None:
    assert language_of(text) == code
