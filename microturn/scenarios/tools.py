"""Requests for a tool whose arguments are corrected, delayed or stumbled over while they are said.

The model waits until the request is over and hands over what was meant: the last value of each
argument, without the stumbling.
"""

from __future__ import annotations

from dataclasses import dataclass

from microturn.data.bank import Clip
from microturn.data.handover import (
    FILLERS,
    WORKING,
    ask_anew,
    deliver,
    hand_over,
    report_progress,
)
from microturn.data.moments import need_room
from microturn.data.talk import Talk
from microturn.data.timeline import Event


@dataclass(frozen=True)
class Call:
    """A spoken request, the canonical query, and its arguments as the tool should get them."""

    text: str
    tool: str
    arguments: tuple[tuple[str, str], ...]

    @property
    def query(self) -> str:
        return " ".join((self.tool, *(value for _, value in self.arguments)))


def calls(tool: str, names: tuple[str, ...], *rows: tuple[str, ...]) -> tuple[Call, ...]:
    """Calls of one tool: each row is the request and its arguments in order."""
    return tuple(Call(text, tool, tuple(zip(names, values, strict=True))) for text, *values in rows)


ORDERS = calls(
    "track order",
    ("order",),
    ("Track order Q X five one, uh, no, Q X one five.", "q x one five"),
    ("Track order seven seven B.", "seven seven b"),
    ("Where is my order, it is, um, four four nine K?", "four four nine k"),
    ("Can you track order M three, wait, N three eight?", "n three eight"),
    ("Track my order, the number is nine zero, sorry, nine one two.", "nine one two"),
    ("Where is order T five five zero?", "t five five zero"),
    ("Please track order, let me see, six two six R.", "six two six r"),
    ("Track order eight H, no, eight A one.", "eight a one"),
    ("I want to know where order, uh, J two four is.", "j two four"),
    ("Track order one three one, I mean, one three seven.", "one three seven"),
)
CANCELLED = calls(
    "cancel order",
    ("order",),
    ("Cancel order D four two.", "d four two"),
    ("Cancel order, um, five nine L.", "five nine l"),
    ("Cancel order three six, sorry, three seven P.", "three seven p"),
    ("Please cancel order W zero one, no wait, W one zero.", "w one zero"),
    ("I would like to cancel order two two, uh, two three F.", "two three f"),
)
FLIGHTS = calls(
    "book flight",
    ("city", "day"),
    ("Book a flight to Oslo, no wait, to Lima, on, um, Tuesday.", "lima", "tuesday"),
    ("Book me a flight to Rome on Friday.", "rome", "friday"),
    ("Book a flight to Paris on Monday, uh, no, on Wednesday.", "paris", "wednesday"),
    ("I want to fly to Cairo, sorry, I mean Athens, on Sunday.", "athens", "sunday"),
    ("Get me on a plane to, um, Dublin, on Saturday.", "dublin", "saturday"),
    ("Book a flight for Thursday to Vienna, no, to Warsaw.", "warsaw", "thursday"),
    ("Can you book Tokyo for, let me think, for Monday?", "tokyo", "monday"),
    ("Book Madrid on Tuesday, or rather on Friday.", "madrid", "friday"),
    ("I need a seat to Berlin on, uh, Sunday, yes, Sunday.", "berlin", "sunday"),
    ("Book me to Lisbon, wait, what was it, to London on Wednesday.", "london", "wednesday"),
)
BILLS = calls(
    "pay bill",
    ("bill", "month"),
    ("Pay my water bill, I mean the power bill, from March.", "power", "march"),
    ("Pay the phone bill from May.", "phone", "may"),
    ("Can you pay the gas bill from June, no, from July?", "gas", "july"),
    ("Please pay, um, the rent for April.", "rent", "april"),
    ("Pay the power bill for, what was it, for October.", "power", "october"),
    ("Pay my phone bill, sorry, my internet bill from January.", "internet", "january"),
    ("The water bill from August, uh, pay that one.", "water", "august"),
    ("Pay the rent from May, no wait, from June.", "rent", "june"),
    ("I want to pay the gas, uh, the gas bill from March.", "gas", "march"),
    ("Pay the internet bill from, hold on, from November.", "internet", "november"),
)
APARTMENTS = calls(
    "find apartment",
    ("city", "rooms", "rent"),
    ("Find an apartment in Rome with two, sorry, three rooms under nine hundred.",
     "rome", "three rooms", "under nine hundred"),
    ("Find me a place in Berlin with two rooms under eight hundred.",
     "berlin", "two rooms", "under eight hundred"),
    ("I am looking for an apartment in Paris, uh, with one room, under six hundred.",
     "paris", "one room", "under six hundred"),
    ("Find four rooms in Madrid, no, in Lisbon, under twelve hundred.",
     "lisbon", "four rooms", "under twelve hundred"),
    ("An apartment in Vienna, please, three rooms, under a thousand, no, under nine hundred.",
     "vienna", "three rooms", "under nine hundred"),
    ("Look for, um, two rooms in Oslo under seven hundred.",
     "oslo", "two rooms", "under seven hundred"),
    ("Find an apartment in Dublin with five, wait, four rooms under eleven hundred.",
     "dublin", "four rooms", "under eleven hundred"),
    ("I need three rooms in London, I mean in Athens, under eight hundred.",
     "athens", "three rooms", "under eight hundred"),
    ("Find two rooms in Warsaw under, uh, five hundred.",
     "warsaw", "two rooms", "under five hundred"),
    ("Search for one room, or better two rooms, in Prague under six hundred.",
     "prague", "two rooms", "under six hundred"),
)  # fmt: skip
CALLS = {
    "track": ORDERS,
    "cancel": CANCELLED,
    "booking": FLIGHTS,
    "bill": BILLS,
    "apartment": APARTMENTS,
}
STUMBLES = ("uh,", "um,", "no,", "wait,", "sorry,", "mean,", "see,", "think,", "on,", "it,")
RESULTS = {
    "track": (
        "Your order will arrive on Thursday.",
        "It left the warehouse this morning.",
        "It is waiting for you at the post office.",
        "It will be at your door within the hour.",
        "It is late, and will come on Monday.",
    ),
    "cancel": (
        "The order is canceled, and you get your money back.",
        "It was already sent, so I could not cancel it.",
    ),
    "booking": (
        "Your flight is booked, and the ticket is in your mail.",
        "It is booked, and you leave at ten in the morning.",
        "That one is full, so I could not book it.",
    ),
    "bill": (
        "The bill is paid.",
        "It is paid, and it was forty two euros.",
        "It was paid already, so there is nothing to do.",
    ),
    "apartment": (
        "I found three apartments, and one of them has a balcony.",
        "There is one near the park, and it is free in May.",
        "Nothing fits, everything there is more expensive.",
        "There are two, and both are close to the station.",
    ),
}
LOOKED_UP = ("track", "apartment")
HESITATES = 0.6
PROGRESS_SHARE = 0.3
ROOM_FOR_ONE_MS = 16_000
USER_TEXTS = tuple(call.text for group in CALLS.values() for call in group)
OWN_TEXTS = (*(text for texts in RESULTS.values() for text in texts), *FILLERS)


def hesitations(talk: Talk, clip: Clip) -> tuple[tuple[int, int], ...]:
    """Pauses after some of the words over which a speaker stumbles."""
    words = [word.text.lower() for word in clip.words]
    return tuple(
        (place, talk.rng.randrange(300, 1300))
        for place in range(1, len(words))
        if words[place - 1] in STUMBLES and talk.rng.random() < HESITATES
    )


def ask(talk: Talk, text: str) -> Event:
    """The request, with its pauses; none of them ends it."""
    clip = talk.clip("user", text)
    pauses = hesitations(talk, clip)
    request = talk.say_clip("user", clip, talk.now_ms, pauses=pauses)
    if pauses:
        talk.expect("wait", (request.onset_ms, request.end_ms), on_ms=request.onset_ms)
    return request


def play(talk: Talk) -> None:
    """A request, a filler with the call, and the result after a while.

    Raises KeyError where the rest of the talk is too short.
    """
    need_room(talk, ROOM_FOR_ONE_MS)
    kind = talk.rng.choice(tuple(CALLS))
    call = talk.choose(CALLS[kind])
    said = FILLERS if kind in LOOKED_UP else WORKING
    found = ask_anew(talk, kind, call.text)
    if found is None:
        request, query, arguments = ask(talk, call.text), call.query, dict(call.arguments)
    else:
        request, query, arguments = found[0], found[1].query, found[1].arguments
    hand_over(talk, request, query, said, tool=call.tool, **arguments)
    ready_ms = talk.now_ms + talk.rng.randrange(800, 6000)
    if talk.rng.random() < PROGRESS_SHARE:
        report_progress(talk, talk.now_ms + 300, ready_ms)
    deliver(talk, [talk.rng.choice(RESULTS[kind])], ready_ms)
