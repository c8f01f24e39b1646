"""Written English is said as a person would, in the letters of the model, and stays so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microturn.data.number_words import (
    cardinal,
    decimal,
    digits,
    fraction,
    ordinal,
    roman,
    to_roman,
    year,
)
from microturn.data.spoken_forms import LETTERS, fold, spell, to_spoken
from microturn.signal.text import normalise

CASES = {
    # numbers
    "I have 3 cats.": "i have three cats.",
    "0 to 12": "zero to twelve",
    "110 and 999": "one hundred ten and nine hundred ninety nine",
    "3,500 km": "three thousand five hundred kilometers",
    "1,000,000 or 1000000": "one million or one million",
    "twenty-five": "twenty five",
    "the 21st of June": "the twenty first of june",
    "2nd, 3rd, 12th, 100th": "second, third, twelfth, one hundredth",
    "0.5 or .25": "zero point five or point two five",
    "pi is 3.14": "pi is three point one four",
    "007": "zero zero seven",
    "version 2.0.1": "version two point zero point one",
    "1/2 cup": "one half cup",
    "2 1/4 spoons": "two and a quarter spoons",
    "3/4 and 2/3": "three quarters and two thirds",
    "open 24/7": "open twenty four seven",
    "10-15 people": "ten to fifteen people",
    "we won 3-2": "we won three to two",
    "-5 or -0.5": "minus five or minus zero point five",
    "2+2=4": "two plus two equals four",
    "a 25-year-old": "a twenty five year old",
    "COVID-19": "covid nineteen",
    "paper A4": "paper a four",
    "#7": "number seven",
    "No. 5": "number five",
    # years and dates
    "in 1984": "in nineteen eighty four",
    "in 2005 and 2024": "in two thousand five and twenty twenty four",
    "1900, 2000": "nineteen hundred, two thousand",
    "1905": "nineteen oh five",
    "the 1990s and '80s": "the nineteen nineties and eighties",
    "May 3": "may third",
    "May 3, 2024": "may third, twenty twenty four",
    "Sept. 3rd": "september third",
    "3 May 1999": "the third of may, nineteen ninety nine",
    "the 5th of May": "the fifth of may",
    "2024-12-25": "december twenty fifth, twenty twenty four",
    "5/3/2024": "may third, twenty twenty four",
    "44 BC": "forty four b c",
    # clock times
    "at 7:30": "at seven thirty",
    "at 7:05 a.m. today": "at seven oh five a m today",
    "at 7pm.": "at seven p m.",
    "at 9:00": "at nine o'clock",
    "at 14:30": "at fourteen thirty",
    "at one:twenty-nine p.m.": "at one twenty nine p m.",
    # money, units, symbols
    "$5": "five dollars",
    "$1 or $1.01": "one dollar or one dollar and one cent",
    "$0.99": "ninety nine cents",
    "$3.5 million": "three point five million dollars",
    "$20k": "twenty thousand dollars",
    "£2.50 and €10": "two pounds and fifty pence and ten euros",
    "$10-$15": "ten dollars to fifteen dollars",
    "20%": "twenty percent",
    "5°C": "five degrees celsius",
    "70 mph": "seventy miles per hour",
    "1 kg, 5 lbs": "one kilogram, five pounds",
    "6 ft. tall": "six feet tall",
    "5'10\" tall": "five foot ten tall",
    "salt & pepper": "salt and pepper",
    "joe@site.com": "joe at site dot com",
    "and/or": "and or",
    # digit runs
    "Call 555-123-4567.": "call five five five, one two three, four five six seven.",
    "(555) 010-2000": "five five five, zero one zero, two zero zero zero",
    "12345678": "one two three four five six seven eight",
    # short writings
    "Dr. Lee and Mr. Smith": "doctor lee and mister smith",
    "Mrs Jones": "missus jones",
    "St. Louis": "saint louis",
    "Main St. is long": "main street is long",
    "on Elm St.": "on elm street.",
    "5th Ave. at noon": "fifth avenue at noon",
    "Smith vs. Jones": "smith versus jones",
    "cats, dogs, etc.": "cats, dogs, et cetera.",
    "e.g. this": "for example, this",
    "i.e. that": "that is, that",
    "the U.S. Army": "the u s army",
    "in the U.S.": "in the u s.",
    "J. Edgar Hoover": "j edgar hoover",
    "John Smith Jr. left": "john smith junior left",
    "Ph.D. thesis": "p h d thesis",
    "the FBI and CIA": "the f b i and c i a",
    "DVDs": "d v d's",
    "OK, NASA. STOP now!": "okay, nasa. stop now!",
    "Henry VIII": "henry the eighth",
    "World War II": "world war two",
    "Chapter I": "chapter one",
    "Then I went": "then i went",
    "Louis XIV of France": "louis the fourteenth of france",
    # punctuation and letters
    "Wait... what?!": "wait, what?",
    "Wait... Go on...": "wait. go on.",
    "so -- he said -- no": "so, he said, no",
    "yes; no: maybe": "yes, no, maybe",
    "he (once) left": "he, once, left",
    'She said, "hello there."': "she said, hello there.",
    "'hello there' she said": "hello there she said",
    "the dogs' bowl": "the dogs' bowl",
    "don\u2019t": "don't",
    "'tis mother-in-law": "'tis mother-in-law",
    "Müller's café": "muller's cafe",
    "well - I mean": "well, i mean",
    "\u4f60\u597d": "",
}


@pytest.mark.parametrize("written", CASES)
def test_said(written):
    assert to_spoken(written) == CASES[written]


LOOKS_LIKE_TEXT = st.text("abcdstDrSMVIX0123459 .,?!'-:;/$%&#@()°kmp\"", max_size=30)


@given(st.one_of(st.text(max_size=40), LOOKS_LIKE_TEXT, st.sampled_from(sorted(CASES))))
def test_spoken_stays_and_has_known_letters(written):
    spoken = to_spoken(written)
    assert set(spoken) <= LETTERS
    assert to_spoken(spoken) == spoken
    assert normalise(spoken) == spoken


def test_written_does_not_stay():
    # Negative control: what has digits or capitals is changed.
    assert normalise("at 7:30") != to_spoken("at 7:30")


@given(st.integers(0, 10**15 - 1))
def test_cardinals_differ_and_count(number):
    units = dict(zip(cardinal_words(), range(20), strict=True))
    tens = {cardinal(n): n for n in range(20, 100, 10)}
    scales = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
    total = group = 0
    for word in cardinal(number).split():
        if word == "hundred":
            group *= 100
        elif word in scales:
            total, group = total + group * scales[word], 0
        else:
            group += units.get(word, tens.get(word, 0))
    assert total + group == number


def cardinal_words():
    return [cardinal(number) for number in range(20)]


def test_number_limits():
    assert cardinal(-7) == "minus seven"
    with pytest.raises(ValueError, match="below"):
        cardinal(10**15)
    assert decimal("1" * 20).startswith("one one")


def test_ordinals_years_fractions():
    assert [ordinal(n) for n in (1, 2, 3, 5, 8, 9, 12, 20, 33, 100)] == [
        "first", "second", "third", "fifth", "eighth", "ninth", "twelfth", "twentieth",
        "thirty third", "one hundredth",
    ]  # fmt: skip
    assert year(1066) == "ten sixty six"
    assert year(476) == "four hundred seventy six"
    assert digits("205", zero="oh") == "two oh five"
    assert fraction(3, 2) == "three halves"
    assert fraction(5, 17) == "five over seventeen"


@given(st.integers(1, 399))
def test_roman_there_and_back(number):
    assert roman(to_roman(number)) == number


@pytest.mark.parametrize("text", ["", "IIII", "VX", "IC", "MIX", "a"])
def test_no_roman(text):
    assert roman(text) is None


def test_spell_and_fold():
    assert spell("Zoë's") == "z o e s"
    assert fold("mañana, über, Straße") == "manana, uber, Strasse"
