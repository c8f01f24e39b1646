"""Everyday sentences with names, places, numbers, dates, times, amounts and spelled words, made on
demand: what open text has too little of.

A sentence is a frame whose fields are filled from lists and numbers. Train and eval never share a
sentence, and one name and one place in twenty stand in eval only.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache

from microturn.data.corpus import read, spelled_word, words_of
from microturn.data.number_words import cardinal, digits, ordinal, plural, year
from microturn.data.split import SPLITS, split_of
from microturn.data.spoken_forms import MONTHS, spell

FULL_HOUR = ("", " o'clock")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# fmt: off
FOODS = (
    "apples", "bananas", "bread", "rice", "milk", "eggs", "butter", "cheese", "tomatoes", "onions",
    "carrots", "potatoes", "lemons", "oranges", "grapes", "honey", "tea", "coffee", "sugar", "salt",
    "flour", "noodles", "beans", "peas", "spinach", "mushrooms", "garlic", "pepper", "yogurt",
    "cream", "juice", "water", "cookies", "chocolate", "walnuts", "olives", "pears", "plums",
    "cherries", "strawberries", "melons", "cucumbers", "lettuce", "chicken", "fish", "soup",
)
THINGS = (
    "book", "chair", "table", "lamp", "phone", "key", "cup", "plate", "bag", "coat", "hat", "shoe",
    "bike", "car", "clock", "mirror", "pillow", "blanket", "candle", "umbrella", "ticket", "letter",
    "box", "bottle", "guitar", "camera", "radio", "ladder", "hammer", "bucket", "basket", "towel",
    "pencil", "notebook", "suitcase", "wallet", "ring", "belt", "glove", "sweater", "tent",
)
COLOURS = (
    "red", "blue", "green", "yellow", "black", "white", "brown", "grey", "purple", "orange", "pink",
    "silver", "golden", "dark blue", "light green",
)
PEOPLE = (
    "mother", "father", "sister", "brother", "aunt", "uncle", "cousin", "neighbor", "friend",
    "teacher", "doctor", "boss", "grandmother", "grandfather", "daughter", "son", "wife", "husband",
)
ERRANDS = (
    "call the dentist", "water the plants", "feed the cat", "take out the trash", "pay the rent",
    "buy stamps", "pick up the kids", "take the pills", "turn off the oven", "walk the dog",
    "answer the letter", "charge the phone", "book the tickets", "return the books",
    "wash the car", "check the mail", "send the form", "fix the lamp", "stretch a little",
    "drink some water", "open the window", "start the dishwasher", "hang up the laundry",
)
STREETS = (
    "main", "oak", "maple", "park", "church", "station", "river", "mill", "garden", "king", "queen",
    "market", "bridge", "castle", "lake", "hill", "spring", "school", "forest", "harbor",
)
FRAMES: dict[str, tuple[str, ...]] = {
    "name": (
        "my name is {name}.", "this is {name} speaking.", "have you met {name}?",
        "{name} and {name} are coming over tonight.", "is {name} home?", "ask {name} about it.",
        "{name} called while you were out.", "i'm {name}, and this is {name}.",
        "{name} lives next door to {name}.", "could you give this {thing} to {name}?",
        "my {person}'s name is {name}.", "i think {name} took the {color} {thing}.",
        "{name} is taller than {name}.", "tell {name} that {name} is waiting.",
        "who is older, {name} or {name}?", "{name} left a {thing} for you.",
        "please welcome {name} from {place}.", "{name} forgot to {errand}.",
        "did {name} remember to {errand}?", "{name}, {name} and {name} came to the party.",
    ),
    "place": (
        "i was born in {place}.", "she moved from {place} to {place}.", "have you been to {place}?",
        "the train to {place} leaves soon.", "is it raining in {place}?", "we met in {place}.",
        "how far is it from {place} to {place}?", "my {person} lives in {place}.",
        "what time is it in {place}?", "we flew to {place} by way of {place}.",
        "{name} is studying in {place}.", "i'd love to see {place} in {month}.",
        "what's the weather like in {place} today?", "{place} is bigger than {place}.",
        "two tickets to {place}, please.", "i left my {thing} in {place}.",
        "{name} sent me a postcard from {place}.", "they got married in {place} in {year}.",
    ),
    "number": (
        "there are {count} {things} in the box.", "i counted {number} steps.",
        "the number is {number}.", "my room is number {number}.", "open the book at page {number}.",
        "{number} plus {number} is {sum}.", "is {number} more than {number}?",
        "there were {number} people at the concert.", "we need {count} more {things}.",
        "it's {number} miles to {place}.", "{name} is {age} years old.",
        "my {person} turned {age} on {weekday}.", "i live at {number} {street} street.",
        "the bus is number {small}.", "i finished in {ordinal} place.",
        "our seats are in row {small}, numbers {small} and {small}.",
        "the {ordinal} door on the left, please.", "about {percent} percent said yes.",
        "the temperature is {small} degrees.", "divide {number} by {small}.",
        "what's {number} times {small}?", "take away {small} from {number}.",
    ),
    "date": (
        "today is {weekday}, {month} {day}.", "my birthday is on {month} {day}.",
        "{name} was born on {month} {day}, {year}.", "the meeting is on {weekday}, the {day}.",
        "are you free on the {day} of {month}?", "we moved here in {month} {year}.",
        "see you on {weekday}.", "the shop is closed until {month} {day}.",
        "what happened in {year}?", "the letter is dated {month} {day}, {year}.",
        "it has to be done by {weekday} the {day}.", "the wedding is on {month} {day}.",
        "not {weekday}, {weekday}.", "from {weekday} to {weekday} i'm in {place}.",
    ),
    "time": (
        "it's {time}.", "the train leaves at {time}.", "let's meet at {time} in front of the bank.",
        "wake me up at {time}, please.", "the doctor can see you on {weekday} at {time}.",
        "remind me at {time} to {errand}.", "we open at {time} and close at {time}.",
        "i'll be there at {time}.", "remind me in {small} minutes to {errand}.",
        "set a timer for {small} minutes.", "every {small} minutes, tell me to {errand}.",
        "the film starts at {time} and ends at {time}.", "is it {time} already?",
        "my flight lands in {place} at {time}.", "{name} comes home at {time}.",
        "count down from {small}.", "tell me when {small} seconds are over.",
    ),
    "amount": (
        "that will be {money}, please.", "i paid {money} for the {thing}.",
        "the {color} {thing} costs {money}.", "a ticket to {place} is {money}.",
        "you owe me {money}.", "can you lend me {money}?", "my rent is {money} a month.",
        "the {color} one is {money} and the {color} one is {money}.",
        "there's {money} left on the card.", "{name} won {money} in the lottery.",
        "the price went up from {money} to {money}.", "i need {small} ounces of {food}.",
        "we drove {number} miles today.", "it weighs {small} pounds.",
        "add {small} grams of {food} and {half} a cup of {food}.",
    ),
    "telephone": (
        "my number is {phone}.", "call me at {phone}.", "{name}'s number is {phone}.",
        "the code is {code}.", "dial {code} and wait for the tone.",
        "you can reach my {person} at {phone}.", "was that {code} or {code}?",
        "your booking number is {letters} {code}.", "the last digits are {code}.",
    ),
    "spelled": (
        "{letters_of} spells {word}.", "{word} is spelled {letters_of}.",
        "how do you spell {word}? {letters_of}.", "i spell my name {name_spelled}.",
        "my name is {name_spelled}.", "the password is {word}, {letters_of}.",
        "it's written {letters_of}, {word}.", "no, not {other}, {word}, {letters_of}.",
    ),
    "list": (
        "we need {food}, {food} and {food}.", "add {food} and {food} to the list.",
        "i bought {food}, {food}, {food} and a {color} {thing}.",
        "no {food} today, but we have {food}.", "would you like {food} or {food}?",
        "the {thing} is {color}, the {thing} is {color}, and the {thing} is {color}.",
        "i packed a {thing}, a {thing} and two {things}.", "first {errand}, then {errand}.",
        "i see a {color} {thing} and a {color} {thing}.", "{name} likes {food} but not {food}.",
        "on {weekday} i have to {errand} and {errand}.", "where is my {color} {thing}?",
        "she put the {thing} next to the {color} {thing}.", "do you have any {food} left?",
    ),
}
# fmt: on
KINDS = tuple(FRAMES)


@cache
def names(split: str = "train") -> tuple[str, ...]:
    """First names; those of `eval` are one in twenty that training never has."""
    return tuple(name for name, _ in read("names")[1] if split_of(name) == split)


@cache
def places(split: str = "train") -> tuple[str, ...]:
    """Towns and countries, split as `names` are."""
    return tuple(place for place, _ in read("places")[1] if split_of(place) == split)


def whole_number(rng: random.Random) -> int:
    """Small numbers often, large ones sometimes."""
    return rng.randrange(rng.choice((20, 20, 100, 100, 100, 1000, 1000, 10_000, 1_000_000)))


def clock_time(rng: random.Random) -> str:
    """`seven thirty`, `a quarter past two`, `six p m`."""
    hour, minute = rng.randint(1, 12), rng.choice((0, 0, 5, 10, 15, 20, 30, 30, 40, 45, 50, 55))
    minute = rng.choice((minute, minute, rng.randrange(60)))
    half = rng.choice(("", "", " a m", " p m", " in the morning", " in the evening"))
    if minute == 0:
        return f"{cardinal(hour)}{half or rng.choice(FULL_HOUR)}"
    past = {15: "a quarter past", 30: "half past"}.get(minute)
    if past and rng.random() < 0.4:
        return f"{past} {cardinal(hour)}"
    return f"{cardinal(hour)} {'oh ' if minute < 10 else ''}{cardinal(minute)}{half}"


def money(rng: random.Random) -> str:
    """`nine dollars and fifty cents`, `forty euros`."""
    unit, part = rng.choice((("dollar", "cent"), ("dollar", "cent"), ("euro", "cent")))
    whole, small = rng.choice((rng.randint(1, 30), rng.randint(1, 2000))), rng.randint(1, 99)
    words = f"{cardinal(whole)} {unit}{'s' if whole > 1 else ''}"
    if whole < 100 and rng.random() < 0.4:
        words += f" and {cardinal(small)} {part}{'s' if small > 1 else ''}"
    return words


def fields(rng: random.Random, split: str) -> dict[str, Callable[[], str]]:
    """What may stand in a frame; each call draws anew."""

    def run(num: int) -> str:
        drawn = "".join(str(rng.randrange(10)) for _ in range(num))
        return digits(drawn, rng.choice(("zero", "oh")))

    return {
        "name": lambda: rng.choice(names(split)),
        "name_spelled": lambda: (name := rng.choice(names(split))) + ", " + spell(name),
        "place": lambda: rng.choice(places(split)),
        "food": lambda: rng.choice(FOODS),
        "thing": lambda: rng.choice(THINGS),
        "things": lambda: plural(rng.choice(THINGS)),
        "other": lambda: spelled_word(rng, split=split)[0],
        "color": lambda: rng.choice(COLOURS),
        "person": lambda: rng.choice(PEOPLE),
        "errand": lambda: rng.choice(ERRANDS),
        "street": lambda: rng.choice(STREETS),
        "weekday": lambda: rng.choice(WEEKDAYS),
        "month": lambda: rng.choice(MONTHS),
        "day": lambda: ordinal(rng.randint(1, 31)),
        "year": lambda: year(rng.randint(1750, 2030)),
        "number": lambda: cardinal(whole_number(rng)),
        "small": lambda: cardinal(rng.randint(2, 60)),
        "count": lambda: cardinal(rng.randint(2, 40)),
        "age": lambda: cardinal(rng.randint(2, 99)),
        "percent": lambda: cardinal(rng.randint(1, 100)),
        "ordinal": lambda: ordinal(rng.randint(1, 40)),
        "time": lambda: clock_time(rng),
        "money": lambda: money(rng),
        "half": lambda: rng.choice(("half", "a quarter of", "three quarters of")),
        "phone": lambda: rng.choice((f"{run(3)}, {run(4)}", f"{run(3)}, {run(3)}, {run(4)}")),
        "code": lambda: run(rng.randint(2, 6)),
        "letters": lambda: " ".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=2)),
    }


def fill(rng: random.Random, frame: str, split: str = "train") -> str:
    """A frame with its fields filled; a list within it has no word twice where it can help it."""
    draws = fields(rng, split)
    word, letters = spelled_word(rng, split=split)
    used: set[str] = set()
    numbers: list[int] = []

    def draw(found: re.Match[str]) -> str:
        field = found[1]
        if field in ("word", "letters_of"):
            return word if field == "word" else letters
        if field == "sum":
            return cardinal(sum(numbers))
        if field == "number":
            numbers.append(whole_number(rng))
            return cardinal(numbers[-1])
        drawn = draws[field]()
        for _ in range(8):
            if drawn not in used:
                break
            drawn = draws[field]()
        used.add(drawn)
        return drawn

    text = re.sub(r"\{(\w+)\}", draw, frame)
    return re.sub(r"\b(a) (?=[aeio]\w|umbrella)", "an ", text)


def make(rng: random.Random, kind: str = "any", split: str = "train") -> str:
    """One sentence of a kind (`KINDS`, or `any`), of this split.

    Raises ValueError for an unknown kind or split.
    """
    if kind != "any" and kind not in FRAMES:
        raise ValueError(f"kind must be any or one of {', '.join(KINDS)}, got {kind!r}")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    while True:
        frames = FRAMES[rng.choice(KINDS) if kind == "any" else kind]
        text = fill(rng, rng.choice(frames), split)
        if split_of(" ".join(words_of(text))) == split:
            return text


def many(num: int, seed: int = 0, kind: str = "any", split: str = "train") -> list[str]:
    """So many distinct sentences; the same for a seed."""
    rng = random.Random(f"{seed} {kind} {split}")
    found: dict[str, None] = {}
    while len(found) < num:
        found[make(rng, kind, split)] = None
    return list(found)
