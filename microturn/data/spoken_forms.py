"""Written English -> the words as one says them, which is also how the model writes them.

Out come lower-case letters, `'`, `-` inside of words, and `. , ? !` for the voice; never a digit.
Rules are applied in order, each to the whole text, until nothing changes: so a spoken text stays as
it is. Where writing is ambiguous, American reading is taken (`5/3/2024` is in May).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from string import ascii_letters

from microturn.data.abbreviations import (
    KINGS,
    MONEY,
    PLAIN,
    REGNAL_NOUNS,
    SAID_OTHERWISE,
    SHORT,
    SHOUTED,
    SPELLED,
    STREETS,
    SYMBOLS,
    TITLES,
    UNITS,
)  # fmt: skip
from microturn.data.number_words import (
    LIMIT,
    cardinal,
    decimal,
    digits,
    fraction,
    ordinal,
    plural,
    roman,
    year,
)  # fmt: skip

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz'.,?!- ")
KNOWN = frozenset(SYMBOLS) | set(ascii_letters) | set("0123456789'.,?!-;:()[]{}/\"")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
MONTH = (
    r"(?P<month>Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?\.?|"
    r"July?\.?|Aug(?:ust|\.)?|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"


def to_spoken(text: str) -> str:
    """Words as spoken: `"Dr. Lee paid $5 at 7:30."` -> `doctor lee paid five dollars at seven
    thirty.` A spoken text stays as it is. Empty where nothing can be said."""
    for _ in range(8):
        spoken = _once(text)
        if spoken == text:
            break
        text = spoken
    return text


def fold(text: str) -> str:
    """Letters without accents: `ñ` -> `n`, `ü` -> `u`, `ß` -> `ss`; curly quotes made plain."""
    text = unicodedata.normalize("NFKD", text.translate(PLAIN)).translate(PLAIN)
    return "".join(letter for letter in text if not unicodedata.combining(letter))


def spell(word: str) -> str:
    """A word letter by letter, as it is spelled aloud: `cat` -> `c a t`."""
    return " ".join(letter for letter in fold(word).lower() if letter in ascii_letters)


# ---- the parts of a reading; each takes a match


def _month(name: str) -> str:
    return next(m for m in MONTHS if m.startswith(name.lower().rstrip(".")[:3]))


def _month_day(found: re.Match[str]) -> str:
    words = f"{_month(found['month'])} {ordinal(int(found['day']))}"
    return f"{words}, {year(int(found['year']))}" if found["year"] else words


def _day_month(found: re.Match[str]) -> str:
    words = f"the {ordinal(int(found['day']))} of {_month(found['month'])}"
    return f"{words}, {year(int(found['year']))}" if found["year"] else words


def _date(found: re.Match[str]) -> str:
    month, day = int(found["month"]), int(found["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return found[0].replace("/", " ").replace("-", " ")
    return f"{MONTHS[month - 1]} {ordinal(day)}, {year(int(found['year']))}"


def _half_day(name: str | None) -> str:
    return f" {name[0].lower()} m" if name else ""


def _clock(found: re.Match[str]) -> str:
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if hour > 24 or minute > 59:
        return f"{cardinal(hour)} to {cardinal(minute)}"
    half = _half_day(found["half"])
    if half and found[0].endswith(".") and found.end() == len(found.string):
        half += "."
    if minute == 0:
        past = "" if half else " o'clock" if 1 <= hour <= 12 else " hundred"
    else:
        past = f" {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    return f"{cardinal(hour)}{past}{half}"


def _amount(found: re.Match[str]) -> str:
    one, many, cent, cents = MONEY[found["sign"]]
    number, scale = found["number"], found["scale"]
    if scale:
        scale = {"k": "thousand", "m": "million", "b": "billion"}.get(scale.lower(), scale.lower())
        return f"{decimal(number)} {scale} {many}"
    whole, _, part = number.replace(",", "").partition(".")
    if len(part) not in (0, 2) or len(whole) > 15:
        return f"{decimal(number)} {many}"
    pieces: list[str] = []
    if int(whole) or not int(part or 0):
        pieces.append(f"{cardinal(int(whole))} {one if int(whole) == 1 else many}")
    if int(part or 0):
        pieces.append(f"{cardinal(int(part))} {cent if int(part) == 1 else cents}")
    return " and ".join(pieces)


def _unit(found: re.Match[str]) -> str:
    name = UNITS[found["unit"]]
    if found["number"] == "1" and name not in ("hertz", "thousand"):
        first, *rest = name.split()
        first = {"feet": "foot", "inches": "inch"}.get(first, first.removesuffix("s"))
        name = " ".join([first, *rest])
    return f"{decimal(found['number'])} {name}"


def _telephone(found: re.Match[str]) -> str:
    groups = re.findall(r"\d+", found[0])
    return ", ".join(digits(group) for group in groups)


def _plain_number(found: re.Match[str]) -> str:
    number = found[0]
    if number.isdecimal() and len(number) == 4 and "1100" <= number <= "2099":
        return year(int(number))
    if number.isdecimal() and (len(number) >= 7 and not number.endswith("000")):
        return digits(number)
    return decimal(number)


def _decade(found: re.Match[str]) -> str:
    number = found["year"]
    words = year(int(number)) if len(number) == 4 else cardinal(int(number))
    *before, last = words.split()
    return " ".join([*before, plural(last)])


def _fraction(found: re.Match[str]) -> str:
    above, below = int(found["above"]), int(found["below"])
    if not (above < below <= 10):
        return found[0].replace("/", " ")
    words = fraction(above, below)
    if not found["whole"]:
        return words
    words = re.sub(r"^one (half|quarter)", r"a \1", words)
    return f"{cardinal(int(found['whole']))} and {words}"


def _ordinal(found: re.Match[str]) -> str:
    number = int(found[1].replace(",", ""))
    return ordinal(number) if number < LIMIT else f"{digits(found[1])} th"


def _roman(found: re.Match[str]) -> str:
    number = roman(found["numeral"])
    word = found["word"].lower()
    if number is None:
        return found[0]
    if word in REGNAL_NOUNS:
        return f"{found['word']} {cardinal(number)}"
    if number == 1 or (len(found["numeral"]) == 1 and word not in KINGS):
        return found[0]
    return f"{found['word']} the {ordinal(number)}"


def _capitals(found: re.Match[str]) -> str:
    word, tail = found["word"], found["tail"] or ""
    lower = word.lower()
    if lower in SAID_OTHERWISE:
        return SAID_OTHERWISE[lower] + tail
    has_vowel = any(letter in "aeiouy" for letter in lower[1:])
    if lower in SHOUTED or (len(word) > 3 and has_vowel and lower not in SPELLED):
        return lower + tail
    return " ".join(lower) + ("'s" if tail else "")


def _street(found: re.Match[str]) -> str:
    words = f"{found[1]} {STREETS[found[2].lower()]}"
    return f"{words}." if found.end() == len(found.string) else words


def _title(found: re.Match[str]) -> str:
    return TITLES[found[1].lower()]


def _short(found: re.Match[str]) -> str:
    """Short writings with a period, which stays only where the text ends with it."""
    words = SHORT[found[1].lower()]
    return f"{words}." if found.end() == len(found.string) else words


def _initials(found: re.Match[str]) -> str:
    letters = " ".join(found[0].replace(".", "").lower())
    return f"{letters}." if found.end() == len(found.string) else letters


def _either(names: dict[str, str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _rules(*rules: tuple[str, str | Callable[[re.Match[str]], str]]) -> tuple[Rule, ...]:
    return tuple((re.compile(pattern, re.ASCII), reading) for pattern, reading in rules)


TH = "st|nd|rd|th"
DAY = r"(?P<day>3[01]|[12]\d|0?[1-9])"
YEAR = r"(?P<year>[12]\d{3})"
HALF = r"(?P<half>[AaPp]\.?[Mm]\b\.?)"
SCALE = r"(?P<scale>[Tt]housand|[Mm]illion|[Bb]illion|[Tt]rillion|[kKmMbB](?![A-Za-z]))"

RULES = _rules(
    # names and addresses
    (r"\b([A-Z][a-z]+|\d+(?:st|nd|rd|th)) (St|Dr)\b\.?(?! [A-Z])", _street),
    (r"\b([A-Z][a-z]+|\d+(?:st|nd|rd|th)) (Ave|Rd|Blvd|Ln|Hwy)\b\.?", _street),
    (rf"\b(?=[A-Z]|mrs?\.|ms\.|dr\.)((?i:{_either(TITLES)}))\.(?= [A-Za-z])", _title),
    (r"\b(Mr|Mrs|Ms|Dr|St)(?= [A-Z])", _title),
    (r"\b[Nn]os?\. ?(?=\d)", "number "),
    (r"\b[Ee]\.g\.,?", "for example,"),
    (r"\b[Ii]\.e\.,?", "that is,"),
    (r"\bPh\.?D\b\.?", "p h d"),
    (rf"\b((?i:{_either(SHORT)}))\.", _short),
    (r"\b(?i:etc)\b", "et cetera"),
    (r"\bw w w\.|\bwww\.", "w w w dot "),
    (r"(?<=[A-Za-z0-9])\.(?=(?:com|org|net|edu|gov|io|uk|txt|pdf|py|html)\b)", " dot "),
    (r"\bAT&T\b", "a t and t"),
    # dates and times
    (rf"\b{YEAR}-(?P<month>\d{{2}})-(?P<day>\d{{2}})\b", _date),
    (rf"\b(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/{YEAR}\b", _date),
    (rf"\b{MONTH} {DAY}(?:st|nd|rd|th)?(?![\d:/%]|[.,]\d)(?:,? {YEAR}(?![\d,.]\d))?", _month_day),
    (rf"\b(?<![.,:/])(?:the )?{DAY}(?:{TH})? {MONTH}(?![A-Za-z])(?:,? {YEAR}\b)?", _day_month),
    (rf"\b(?P<hour>\d{{1,2}}):(?P<minute>\d\d)(?::\d\d)?(?!\d)(?: ?{HALF})?", _clock),
    (rf"\b(?P<hour>\d{{1,2}})(?P<minute>) ?{HALF}", _clock),
    (r"(?<!\d)'?(?P<year>\d0|[12]\d\d0)'?s\b", _decade),
    (r"(?<![A-Za-z0-9])'(?=\d\d\b)", " "),
    # numbers with something to them
    (r"(?:\+?\b1[-. ])?(?:\(\d{3}\) ?|\b\d{3}[-. ])\d{3}[-. ]\d{4}\b", _telephone),
    (r"\b\d{3}-\d{4}\b|\b\d{3}-\d\d-\d{4}\b|\b\d{4}(?:[- ]\d{4}){3}\b", _telephone),
    (r"(?<=\d)-(?=[$€£¥])", " to "),
    (r"(?<![A-Za-z0-9.])-(?=[$€£¥]?\.?\d)", "minus "),
    (r"(?<=\d)-year-old", " year old"),
    (rf"(?P<sign>[$€£¥]) ?(?P<number>{NUMBER})(?: ?{SCALE})?", _amount),
    (r"\b(\d)'(\d{1,2})(?:\"|\b)", r"\1 foot \2"),
    (r"\b(?:(?P<whole>\d{1,4}) )?(?P<above>\d{1,4})/(?P<below>\d{1,4})\b", _fraction),
    (r"\b(\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th)\b", _ordinal),
    (rf"(?P<number>{NUMBER}) ?(?P<unit>{_either(UNITS)})(?![A-Za-z])(?:\.(?= [a-z]))?", _unit),
    (r"(?<![\d.])\d+(?:\.\d+){2,}", lambda m: " point ".join(decimal(n) for n in m[0].split("."))),
    (r"(?<=\d)[-:](?=\d)| - (?=\d)(?<=\d - )", " to "),
    (r"(?<![A-Za-z0-9])\.(\d+)", lambda m: f"point {digits(m[1])}"),
    (r"#(?=[A-Za-z])", " hashtag "),
    (r"(?<=[A-Za-z])-?(?=\d)|(?<=\d)-?(?=[A-Za-z])", " "),
    (NUMBER, _plain_number),
    # letters
    (r"\b(?P<word>[A-Z][a-z]+) (?P<numeral>[IVX]+)\b(?!['.][A-Za-z])", _roman),
    (r"\b(?:[A-Za-z]\.){2,}(?![A-Za-z])", _initials),
    (r"\b([A-HJ-Z])\.(?= [A-Za-z])", r"\1"),
)
# Of what is lower case by then, and has no digits.
CLOSING = _rules(
    (r"\b(t(?:wen|hir)ty|(?:for|fif|six|seven|eigh|nine)ty)-(?=(?:one|two|three|four|five|six|seven|"
     r"eight|nine|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)\b)", r"\1 "),
    (r"(?<=[a-z]):(?=[a-z])", " "),
    (r" ?-{2,} ?|(?:^| )-+(?= |$)|[;:()\[\]{}]", ", "),
    (r"(?<![a-z])-+|-+(?![a-z])", " "),
    (r"(?<![a-z'])'(?=(?:tis|twas|em|til|cause|bout)\b)", "@"),
    (r"(?<![a-z])'((?:[^']|(?<=[a-z])'(?=[a-z]))*)'(?![a-z])", r"\1"),
    (r"(?<![a-z])'+|'+(?! ?[a-z])|(?<!s)'+(?![a-z])|''+", " "),
    (r"@", "'"),
    (r"\s+", " "),
    (r" ?[.,?! ]*\?[.,?! ]*", "? "),
    (r" ?[.,?! ]*![., !]*", "! "),
    (r" ?[., ]*\.[., ]*", ". "),
    (r" ?,[, ]*", ", "),
    (r"^[.,?! ]+|(?: |, ?)+$", ""),
)  # fmt: skip


def _once(text: str) -> str:
    """Every rule once."""
    known = {*SYMBOLS, *"abcdefghijklmnopqrstuvwxyz0123456789'.,?!-;:()[]{}/\""}
    text = "".join(letter if letter.lower() in known else " " for letter in fold(text))
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r" ([.,?!;:])(?![\d.])", r"\1", text)
    text = re.sub(r"\.{2,}(?= ?[a-z])", ", ", text)
    for pattern, reading in RULES:
        text = pattern.sub(reading, text)
    if re.search("[a-z]", text) or len(text) < 6:
        text = re.sub(r"\b(?P<word>[A-Z]{2,5})(?P<tail>'?s)?\b", _capitals, text)
    for symbol, word in SYMBOLS.items():
        text = text.replace(symbol, f" {word} ")
    text = text.replace('"', " ").replace("/", " ").lower()
    for pattern, reading in CLOSING:
        text = pattern.sub(reading, text)
    return text.strip()
