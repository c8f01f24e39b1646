"""Checks of verifiable instructions (IFEval, arXiv 2311.07911), from their public definitions.

A check is a function of the reply and the instruction's arguments. Sentences are split and
languages told apart by simple rules here, not by trained tools: scores are `rule:v1`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from microturn.evals.languages import language_of

Check = Callable[..., bool]
CHECKS: dict[str, Check] = {}
CONSTRAINED = ("my answer is yes.", "my answer is no.", "my answer is maybe.")


def check(id: str) -> Callable[[Check], Check]:
    """Put a function into the table under an instruction's id."""

    def put(function: Check) -> Check:
        CHECKS[id] = function
        return function

    return put


def compare(count: int, relation: str, wanted: int) -> bool:
    """A count against `at least`, `less than`, `at most` or `exactly`."""
    match relation.strip().lower():
        case "at least":
            return count >= wanted
        case "less than":
            return count < wanted
        case "at most":
            return count <= wanted
        case "exactly":
            return count == wanted
        case other:
            raise ValueError(
                f"unknown relation {other!r}: use at least, less than, at most or exactly"
            )


def count_phrase(reply: str, phrase: str) -> int:
    """Whole-word occurrences, case aside."""
    return len(re.findall(rf"(?<!\w){re.escape(phrase)}(?!\w)", reply, re.IGNORECASE))


def words_of(reply: str) -> list[str]:
    """Runs of letters, digits and apostrophes."""
    return re.findall(r"[\w'\u2019]+", reply)


def sentences_of(reply: str) -> list[str]:
    """Pieces that end in . ! or ?, abbreviations of titles aside, and lines without an end."""
    text = re.sub(r"\b(Mr|Mrs|Ms|Dr|Prof|St|e\.g|i\.e|etc|vs)\.", r"\1", reply)
    text = re.sub(r"(\d)\.(\d)", r"\1\2", text)
    pieces = re.split(r"[.!?]+[\"')\]\u201d]*(?=\s|$)|\n{2,}", text)
    return [piece for piece in pieces if re.search(r"\w", piece)]


# ---- keywords


@check("keywords:existence")
def has_keywords(reply: str, keywords: list[str]) -> bool:
    return all(word.lower() in reply.lower() for word in keywords)


@check("keywords:frequency")
def has_keyword_often(reply: str, keyword: str, frequency: int, relation: str) -> bool:
    return compare(reply.lower().count(keyword.lower()), relation, frequency)


@check("keywords:forbidden_words")
def lacks_words(reply: str, forbidden_words: list[str]) -> bool:
    return not any(count_phrase(reply, word) for word in forbidden_words)


@check("keywords:letter_frequency")
def has_letter_often(reply: str, letter: str, let_frequency: int, let_relation: str) -> bool:
    return compare(reply.lower().count(letter.lower()), let_relation, let_frequency)


# ---- length


@check("length_constraints:number_sentences")
def has_sentences(reply: str, num_sentences: int, relation: str) -> bool:
    return compare(len(sentences_of(reply)), relation, num_sentences)


@check("length_constraints:number_words")
def has_words(reply: str, num_words: int, relation: str) -> bool:
    return compare(len(words_of(reply)), relation, num_words)


@check("length_constraints:number_paragraphs")
def has_paragraphs(reply: str, num_paragraphs: int) -> bool:
    parts = re.split(r"\s?\*\*\*\s?", reply)
    inner = parts[1:-1] if len(parts) > 2 else []
    if any(not part.strip() for part in inner):
        return False
    return sum(bool(part.strip()) for part in parts) == num_paragraphs


@check("length_constraints:nth_paragraph_first_word")
def paragraph_begins(reply: str, num_paragraphs: int, nth_paragraph: int, first_word: str) -> bool:
    parts = [part.strip() for part in reply.split("\n\n") if part.strip()]
    if len(parts) != num_paragraphs or not 1 <= nth_paragraph <= len(parts):
        return False
    found = words_of(parts[nth_paragraph - 1].split()[0])
    return bool(found) and found[0].lower() == first_word.lower()


# ---- content and format


@check("detectable_content:number_placeholders")
def has_placeholders(reply: str, num_placeholders: int) -> bool:
    return len(re.findall(r"\[[^\[\]]+\]", reply)) >= num_placeholders


@check("detectable_content:postscript")
def has_postscript(reply: str, postscript_marker: str) -> bool:
    letters = [re.escape(letter) for letter in re.findall(r"\w", postscript_marker)]
    return re.search(r"(?<!\w)" + r"\.?\s?".join(letters), reply, re.IGNORECASE) is not None


@check("detectable_format:number_bullet_lists")
def has_bullets(reply: str, num_bullets: int) -> bool:
    return len(re.findall(r"^\s*(?:\*[^*].*|-.+)$", reply, re.MULTILINE)) == num_bullets


@check("detectable_format:constrained_response")
def is_constrained(reply: str) -> bool:
    return any(answer in reply.lower() for answer in CONSTRAINED)


@check("detectable_format:number_highlighted_sections")
def has_highlights(reply: str, num_highlights: int) -> bool:
    double = re.findall(r"\*\*([^\n*]+)\*\*", reply)
    single = re.findall(r"(?<!\*)\*([^\n*]+)\*(?!\*)", reply)
    return sum(bool(part.strip()) for part in double + single) >= num_highlights


@check("detectable_format:multiple_sections")
def has_sections(reply: str, section_spliter: str, num_sections: int) -> bool:
    return len(re.findall(rf"{re.escape(section_spliter)}\s?\d+", reply)) >= num_sections


@check("detectable_format:json_format")
def is_json(reply: str) -> bool:
    text = re.sub(r"^```(?:json)?\s*|\s*```$", "", reply.strip(), flags=re.IGNORECASE)
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


@check("detectable_format:title")
def has_title(reply: str) -> bool:
    return any(part.strip() for part in re.findall(r"<<([^\n<>]+)>>", reply))


# ---- combination, start and end


@check("combination:two_responses")
def has_two_replies(reply: str) -> bool:
    parts = [part.strip() for part in reply.split("******")]
    if any(not part for part in parts[1:-1]):
        return False
    filled = [part for part in parts if part]
    return len(filled) == 2 and filled[0] != filled[1]


@check("combination:repeat_prompt")
def repeats_prompt(reply: str, prompt_to_repeat: str) -> bool:
    return reply.strip().lower().startswith(prompt_to_repeat.strip().lower())


@check("startend:end_checker")
def ends_with(reply: str, end_phrase: str) -> bool:
    return reply.strip().strip('"').lower().endswith(end_phrase.strip().lower())


@check("startend:quotation")
def is_quoted(reply: str) -> bool:
    text = reply.strip()
    return len(text) > 1 and text[0] == '"' and text[-1] == '"'


# ---- case, punctuation, language


@check("change_case:capital_word_frequency")
def has_capital_words(reply: str, capital_frequency: int, capital_relation: str) -> bool:
    return compare(
        sum(word.isupper() for word in words_of(reply)), capital_relation, capital_frequency
    )


@check("change_case:english_capital")
def is_upper(reply: str) -> bool:
    return reply.isupper() and language_of(reply) in ("en", "")


@check("change_case:english_lowercase")
def is_lower(reply: str) -> bool:
    return reply.islower() and language_of(reply) in ("en", "")


@check("punctuation:no_comma")
def lacks_commas(reply: str) -> bool:
    return "," not in reply


@check("language:response_language")
def is_in_language(reply: str, language: str) -> bool:
    return language_of(reply) in (language, "")


def follows(id: str, kwargs: dict[str, Any], reply: str) -> bool:
    """Whether a reply follows one instruction; an empty reply follows none.

    Raises ValueError for an unknown instruction or arguments that are not its own.
    """
    if id not in CHECKS:
        raise ValueError(f"no check for the instruction {id!r}")
    given = {key: value for key, value in kwargs.items() if value is not None}
    if not reply.strip():
        return False
    try:
        return CHECKS[id](reply, **given)
    except TypeError as error:
        raise ValueError(f"instruction {id!r} has wrong arguments: {error}") from error
