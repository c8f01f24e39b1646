"""Numbers in words, as one says them in American English: no "and", no hyphens."""

from __future__ import annotations

ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = (
    "zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
LIMIT = 10**15  # whole numbers below this have words; longer ones are read digit by digit
IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def cardinal(number: int) -> str:
    """`1204` -> `one thousand two hundred four`.

    Raises ValueError at 10**15 and beyond.
    """
    if abs(number) >= LIMIT:
        raise ValueError(f"numbers have words below 10**15, got {number}; use digits()")
    if number < 0:
        return f"minus {cardinal(-number)}"
    if number < 20:
        return ONES[number]
    if number < 100:
        tens, rest = divmod(number, 10)
        return f"{TENS[tens]} {ONES[rest]}" if rest else TENS[tens]
    size, name = next((s for s in SCALES if number >= s[0]), (100, "hundred"))
    high, rest = divmod(number, size)
    words = f"{cardinal(high)} {name}"
    return f"{words} {cardinal(rest)}" if rest else words


def ordinal(number: int) -> str:
    """`21` -> `twenty first`. Raises ValueError at 10**15 and beyond."""
    *before, last = cardinal(number).split()
    if last in IRREGULAR_ORDINALS:
        last = IRREGULAR_ORDINALS[last]
    elif last.endswith("y"):
        last = f"{last[:-1]}ieth"
    else:
        last = f"{last}th"
    return " ".join([*before, last])


def year(number: int) -> str:
    """`1984` -> `nineteen eighty four`, `2005` -> `two thousand five`, `1900` -> `nineteen
    hundred`. Outside of 1000 to 2999 as a cardinal."""
    high, low = divmod(number, 100)
    if not 1000 <= number < 3000 or number % 1000 < 10:
        return cardinal(number)
    if low == 0:
        return f"{cardinal(high)} hundred"
    return f"{cardinal(high)} {'oh ' if low < 10 else ''}{cardinal(low)}"


def digits(text: str, zero: str = "zero") -> str:
    """`"2507"` -> `two five zero seven`; `zero` may be `oh`. Other letters are left out."""
    return " ".join(zero if d == "0" else ONES[int(d)] for d in text if d in "0123456789")


def decimal(text: str) -> str:
    """`"3.14"` -> `three point one four`, `"1,200"` -> `one thousand two hundred`; runs that
    are too long or begin with 0 (`"007"`) digit by digit."""
    whole, _, part = text.replace(",", "").partition(".")
    is_run = len(whole) > 15 or (len(whole) > 1 and whole.startswith("0"))
    words = digits(whole) if is_run else cardinal(int(whole or "0"))
    return f"{words} point {digits(part)}" if part else words


def plural(noun: str) -> str:
    """`nineties`, `halves`, `boxes`, `keys`: of regular nouns and of number words."""
    if noun.endswith("half"):
        return f"{noun[:-1]}ves"
    if noun.endswith("y") and noun[-2:-1] not in ("a", "e", "o", "u"):
        return f"{noun[:-1]}ies"
    return f"{noun}{'es' if noun.endswith(('x', 's', 'ch', 'sh')) else 's'}"


def fraction(above: int, below: int) -> str:
    """`3, 4` -> `three quarters`; unusual ones as `three over seventeen`."""
    if below < 2 or below > 10:
        return f"{cardinal(above)} over {cardinal(below)}"
    name = {2: "half", 4: "quarter"}.get(below) or ordinal(below)
    return f"{cardinal(above)} {name if above == 1 else plural(name)}"


def roman(text: str) -> int | None:
    """`"XIV"` -> 14; None where the letters are no well-formed numeral below 400."""
    values = [ROMAN.get(letter, 0) for letter in text]
    if not values or 0 in values:
        return None
    number = sum(-v if v < max(values[i:]) else v for i, v in enumerate(values))
    return number if number > 0 and to_roman(number) == text else None


def to_roman(number: int) -> str:
    """`14` -> `"XIV"`, for 1 to 399."""
    parts = (
        (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"),
        (1, "I"),
    )  # fmt: skip
    text = ""
    for value, letters in parts:
        times, number = divmod(number, value)
        text += letters * times
    return text
