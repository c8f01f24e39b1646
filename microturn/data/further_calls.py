"""Further requests to hand over, made up with any arguments: typed, in training only. A query that
is known from twenty spoken requests is learned by heart; here it is taken from what was asked.

The ways are none of those that evaluation keeps (a test).
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from microturn.data.number_words import cardinal

# fmt: off
CITIES = (
    "Amman", "Basel", "Bergen", "Bogota", "Boston", "Bremen", "Brussels", "Budapest", "Calgary",
    "Chicago", "Dakar", "Dallas", "Denver", "Florence", "Geneva", "Glasgow", "Hamburg", "Helsinki",
    "Istanbul", "Krakow", "Leeds", "Lyon", "Malmo", "Manila", "Miami", "Milan", "Munich", "Naples",
    "Nice", "Porto", "Quito", "Riga", "Seattle", "Seoul", "Seville", "Sofia", "Sydney", "Tallinn",
    "Toronto", "Turin", "Venice", "Zagreb", "Zurich",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)
BILLS = ("power", "water", "gas", "phone", "internet", "rent", "heating", "insurance", "cable")
ROOMS = ("one room", "two rooms", "three rooms", "four rooms", "five rooms")
RENTS = ("five hundred", "six hundred", "seven hundred", "eight hundred", "nine hundred",
         "a thousand", "eleven hundred", "twelve hundred")
TOPICS = (
    "bread", "birds", "boats", "cats", "clouds", "cooking", "dogs", "fish", "flowers", "horses",
    "insects", "islands", "knots", "maps", "money", "mountains", "music", "painting", "pianos",
    "planets", "rivers", "roses", "ships", "snow", "stars", "tea", "trains", "trees", "whales",
)
PLOTTED = (
    "sales", "orders", "visits", "costs", "prices", "steps", "sleep", "water", "traffic",
)
LETTERS, DIGITS = "ABCDEFGHJKLMNPQRSTUVWXYZ", tuple(map(cardinal, range(10)))
# {kind: (ways to ask, the query)}; a name with _not is what is taken back
WAYS: dict[str, tuple[tuple[str, ...], str]] = {
    "track": (
        ("order {order}, where is it?", "where is {order}?", "look up order {order}.",
         "order {order_not}, no, {order}, track it.", "track {order}.", "has {order} been sent?",
         "track {order_not}, sorry, {order}.", "what about my order {order}?",
         "find order {order} for me.", "is {order} on its way?"),
        "track order {order}",
    ),
    "cancel": (
        ("cancel {order}.", "order {order}, cancel it.", "i do not need order {order} any more.",
         "stop order {order}.", "cancel {order_not}, no, {order}.", "please cancel {order}.",
         "take back order {order}.", "cancel my order, it is {order}."),
        "cancel order {order}",
    ),
    "booking": (
        ("book {city} on {day}.", "a flight to {city}, {day}.", "book a plane to {city} for {day}.",
         "book {city_not}, no, {city}, on {day}.", "{day} to {city}, book a flight.",
         "get me to {city} on {day}.", "book to {city} on {day_not}, sorry, {day}.",
         "i fly to {city} on {day}, book it.", "buy a ticket to {city} for {day}."),
        "book flight {city} {day}",
    ),
    "bill": (
        ("pay the {bill} of {month}.", "{bill} for {month}, pay it.",
         "settle my {bill} for {month}.",
         "pay {bill_not}, no, {bill}, for {month}.", "pay for {bill} in {month}.",
         "the {bill} of {month} has to be paid.", "pay my {bill}, {month_not}, no, {month}."),
        "pay bill {bill} {month}",
    ),
    "apartment": (
        ("{rooms} in {city} under {rent}.", "i want {rooms} in {city}, under {rent}.",
         "a flat in {city}, {rooms}, under {rent}.", "find {rooms} under {rent} in {city}.",
         "{city}, {rooms_not}, no, {rooms}, under {rent}.",
         "show me {rooms} in {city} under {rent}.",
         "is there anything in {city} with {rooms} under {rent}?"),
        "find apartment {city} {rooms} under {rent}",
    ),
    "flight": (
        ("flights to {city} on {day}?", "search a flight to {city} for {day}.",
         "which planes go to {city} on {day}?", "{city} on {day}, is there a flight?",
         "when can i fly to {city} on {day}?", "how much is a flight to {city} on {day}?",
         "i have to be in {city} on {day}, find a flight.", "any flights to {city}, {day}?"),
        "search flights {city} {day}",
    ),
    "weather": (
        ("tomorrow's weather in {city}?", "weather in {city}, tomorrow.",
         "is it sunny in {city} tomorrow?",
         "tomorrow in {city}, will it snow?", "how cold is it in {city} tomorrow?",
         "the forecast for {city}, for tomorrow.", "what is tomorrow like in {city}?"),
        "weather {city} tomorrow",
    ),
    "chart": (
        ("chart the {plotted} of {n} months.", "plot {plotted}, the last {n} months.",
         "draw {plotted} for the last {n} months.", "a plot of {plotted} over {n} months.",
         "show {plotted} of the last {n} months in a plot."),
        "plot {plotted} last {n} months",
    ),
    "book": (
        ("a book about {topic}, please.", "find a book on {topic}.",
         "which books are about {topic}?",
         "i want to read about {topic}.", "look for books about {topic}.",
         "any book about {topic}?"),
        "search book {topic}",
    ),
}
# fmt: on


@dataclass(frozen=True)
class Made:
    """A typed request, its query, and the arguments that the tool should get."""

    text: str
    query: str
    arguments: dict[str, str]


def order_number(rng: random.Random) -> str:
    """Three or four letters and digits, as they are read out."""
    return " ".join(
        rng.choice((*DIGITS, rng.choice(LETTERS))) for _ in range(rng.choice((3, 3, 4)))
    )


def drawn(rng: random.Random) -> dict[str, str]:
    """One value for each argument that there is."""
    lists = {"city": CITIES, "day": DAYS, "month": MONTHS, "bill": BILLS, "rooms": ROOMS,
             "rent": RENTS, "topic": TOPICS, "plotted": PLOTTED}  # fmt: skip
    found = {name: rng.choice(values) for name, values in lists.items()}
    return {**found, "order": order_number(rng), "n": cardinal(rng.randint(2, 60))}


def make(rng: random.Random, kind: str) -> Made:
    """A request of a kind in WAYS with arguments of its own."""
    ways, query = WAYS[kind]
    values, others = drawn(rng), drawn(rng)
    while any(values[name] == others[name] for name in ("city", "day", "month", "bill", "rooms")):
        others = drawn(rng)
    text = rng.choice(ways).format(**values, **{f"{name}_not": v for name, v in others.items()})
    arguments = {name: value.lower() for name, value in values.items() if f"{{{name}}}" in query}
    return Made(text, query.format(**values).lower(), arguments)
