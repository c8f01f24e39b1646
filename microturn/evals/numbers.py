"""Spoken numbers, zero to ninety-nine, and digits, with the time at which each is said."""

from __future__ import annotations

import re
from collections.abc import Sequence

from microturn.evals.episode import Word

UNITS = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
SPOKEN = {word: i for i, word in enumerate(UNITS)} | {
    word: 10 * i for i, word in enumerate(TENS, 2)
}
SCALES = {"hundred", "thousand", "million"}  # a number before one of them is none of ours
JOIN_MS = 600  # tens and units further apart are two numbers
TOKEN = re.compile(r"[a-z]+|\d+(?:st|nd|rd|th)?|[.,;:!?]")


def numbers(words: Sequence[Word]) -> list[tuple[int, int]]:
    """(value, onset in ms) of each number said, in order.

    `twenty five` and `twenty-five` are 25; `twenty, five` are two numbers. Ordinals are none.
    """
    tokens = [
        (token, onset, end)
        for text, onset, end in sorted(words, key=lambda word: word[1])
        for token in TOKEN.findall(text.lower())
    ]
    found: list[tuple[int, int]] = []
    position = 0
    while position < len(tokens):
        token, onset, end = tokens[position]
        following = tokens[position + 1] if position + 1 < len(tokens) else ("", end, end)
        position += 1
        value = int(token) if token.isdigit() else SPOKEN.get(token)
        if value is None:
            continue
        unit = SPOKEN.get(following[0], 0)
        if token in TENS and 1 <= unit <= 9 and following[1] - end <= JOIN_MS:
            value, position = value + unit, position + 1
        if position < len(tokens) and tokens[position][0] in SCALES:
            position += 1
            continue
        found.append((value, onset))
    return found


def number_of(text: str) -> int | None:
    """The last number in a text without times, or None."""
    found = numbers([(text, 0, 0)])
    return found[-1][0] if found else None
