"""Handing over to the background model: a filler at once, small talk meanwhile, and the result at
a good moment; dropped where nobody wants it any more.

The model writes a short query in plain words. A result is spoken word for word when the floor is
free (data/handover.py). Closed facts and small talk are not handed over.
"""

from __future__ import annotations

from microturn.data.handover import (
    FILLERS,
    WORKING,
    ask_anew,
    deliver,
    drop,
    hand_over,
    report_progress,
)
from microturn.data.moments import need_room
from microturn.data.requests import REQUESTS, RESULTS, SUMS
from microturn.data.talk import ANSWER_WINDOW_MS, Talk
from microturn.scenarios import questions

INTRO = "Here is what I found."
WAITING = "I am still working on it."
CANCELS = (
    "Actually, never mind.",
    "Forget it, I do not need it anymore.",
    "You can stop looking, thanks.",
    "Cancel that, please.",
    "Leave it, I found it myself.",
    "No need to look it up anymore.",
    "Oh, forget what I asked.",
    "Stop, I changed my mind.",
    "It is okay, drop it.",
    "You know what, never mind.",
)
CANCEL = "cancel"
DAY_CHANGES = (
    "No, on {day}.",
    "Sorry, I meant {day}.",
    "Wait, make it {day}.",
    "Actually, {day} would be better.",
    "Not that day, {day} please.",
)
DAYS = ("Monday", "Tuesday", "Friday", "Sunday")
CHANGED = "Okay, {day}."
IMPATIENT = ("Are you still there?", "Did you find anything?", "How is it going?",
             "Anything yet?", "Is it ready?")  # fmt: skip
STORIES = (
    "So I was thinking, well, maybe we could, you know, paint the bag pink.",
    "I went to the store and bought nine books, and then, um, I met Zoe.",
    "I went to the store and bought two shoes, and then, um, I met Diego.",
    "By the way, I saw your old teacher in town, and she looked really well.",
    "While we wait, my train was late today and I had to run to the office.",
    "So I was thinking, well, maybe we could, you know, paint the chair blue.",
    "My brother called me yesterday, and he is getting married in June.",
    "I went to the store and bought four chairs, and then, um, I met Omar.",
    "It is so cold in here, I think the heating does not work anymore.",
    "I am really looking forward to the weekend, because we are going to the lake.",
)
CHANGES = tuple(tuple((text.format(day=day), day) for day in DAYS) for text in DAY_CHANGES)
CLOSED_SHARE = 0.12
CANCEL_SHARE, STALE_SHARE = 0.15, 0.6
CHANGE_SHARE = 0.4  # of the flights
PROGRESS_SHARE = 0.5
INTRO_SHARE = 0.4
MADE_KINDS = ("code", "chart", "sum")
OPEN_KINDS, OPEN_SHARE, MOST_WORDS = ("document", "book", "code"), 0.5, 60
ROOM_FOR_ONE_MS = 16_000
USER_TEXTS = tuple(
    dict.fromkeys(
        (
            *(text for lists in REQUESTS.values() for cases in lists for text, _ in cases),
            *(text for cases in CHANGES for text, _ in cases),
            *CANCELS,
            *IMPATIENT,
            *STORIES,
        )
    )
)
OWN_TEXTS = tuple(
    dict.fromkeys(
        (
            *(text for texts in RESULTS.values() for text in texts),
            *(result for _, _, result in SUMS),
            *(CHANGED.format(day=day) for day in DAYS),
            *FILLERS,
            WAITING,
            INTRO,
            "Okay.",
        )
    )
)


def result_of(talk: Talk, kind: str, text: str) -> list[str]:
    """Sentences of a result, as the background model would write them: made for it, or anything
    else that the bank can say."""
    if kind == "sum":
        return [next(result for request, _, result in SUMS if request == text)]
    if kind in OPEN_KINDS and talk.rng.random() < OPEN_SHARE:
        known = talk.bank.once(
            ("results", talk.split),
            lambda: [
                text
                for text in talk.open_texts("own")
                if text.endswith(".") and len(text.split()) > 5
            ],
        )
        chosen = talk.rng.sample(known, min(len(known), talk.rng.randint(1, 3)))
        if chosen and sum(len(t.split()) for t in chosen) <= MOST_WORDS:
            return [talk.bank.own[t][0].text for t in chosen]
    result = talk.rng.choice(RESULTS[kind])
    return [INTRO, result] if talk.rng.random() < INTRO_SHARE else [result]


def tell_story(talk: Talk, begins_ms: int) -> int:
    """The user tells something meanwhile; returns a moment in its midst."""
    story = talk.say("user", talk.choose(STORIES), begins_ms)
    return talk.rng.randrange(story.onset_ms + 400, story.end_ms - 200)


def ask_how_it_goes(talk: Talk, begins_ms: int) -> int:
    """The user gets impatient; returns a moment after the answer."""
    talk.now_ms = begins_ms
    talk.user(talk.choose(IMPATIENT))
    talk.own(WAITING)
    return talk.now_ms + talk.rng.randrange(500, 3000)


def chat(talk: Talk, begins_ms: int) -> int:
    """Small talk meanwhile; returns a moment from its beginning to just after it."""
    talk.now_ms = begins_ms
    questions.play(talk)
    return talk.rng.randrange(begins_ms + 500, talk.now_ms + 1000)


def wait(talk: Talk, begins_ms: int) -> int:
    """Nothing but silence and perhaps news of the progress; returns its end."""
    ends_ms = begins_ms + talk.rng.randrange(500, 8000)
    if talk.rng.random() < PROGRESS_SHARE:
        report_progress(talk, begins_ms, ends_ms)
    return ends_ms


def change(talk: Talk, query: str) -> None:
    """The user wants another day; the model hands over anew."""
    route, old_day = query.rsplit(" ", 1)
    fitting = [case for case in talk.choose(CHANGES) if case[1].lower() != old_day]
    text, day = talk.rng.choice(fitting)
    correction = talk.user(text)
    hand_over(talk, correction, f"{route} {day.lower()}", (CHANGED.format(day=day),))


def cancel(talk: Talk, sentences: list[str]) -> None:
    """The user wants it no more; what still comes in is not said."""
    cancelled = talk.user(talk.choose(CANCELS))
    hand_over(talk, cancelled, CANCEL, ("Okay.",))
    if talk.rng.random() < STALE_SHARE:
        drop(talk, sentences, talk.now_ms + talk.rng.randrange(300, 3000))


def closed(talk: Talk) -> None:
    """A question that the model answers by itself."""
    questions.play(talk)
    question, answer = (
        next(event for event in reversed(talk.events) if event.side == side)
        for side in ("user", "own")
    )
    window_ms = (question.end_ms, answer.onset_ms + ANSWER_WINDOW_MS)
    talk.expect("answer", window_ms, (answer.text,), question.onset_ms, is_handed_over=False)


def play(talk: Talk) -> None:
    """A request, a filler, what happens meanwhile, and the result.

    Raises KeyError where the rest of the talk is too short.
    """
    if talk.rng.random() < CLOSED_SHARE:
        return closed(talk)
    need_room(talk, ROOM_FOR_ONE_MS)
    kind = talk.rng.choice(tuple(REQUESTS))
    text, query = talk.rng.choice(talk.choose(REQUESTS[kind]))
    if (found := ask_anew(talk, kind, text)) is not None:
        request, query = found[0], found[1].query
    else:
        request = talk.user(text)
    hand_over(talk, request, query, WORKING if kind in MADE_KINDS else FILLERS)
    sentences = result_of(talk, kind, text)
    begins_ms = talk.now_ms + talk.rng.randrange(400, 2500)
    what = talk.rng.random()
    if what < CANCEL_SHARE:
        talk.now_ms = begins_ms
        return cancel(talk, sentences)
    if kind == "flight" and what < CANCEL_SHARE + CHANGE_SHARE:
        talk.now_ms = begins_ms
        change(talk, query)
        begins_ms = talk.now_ms + talk.rng.randrange(400, 1500)
    meantime = talk.rng.choices((wait, tell_story, chat, ask_how_it_goes), (4, 3, 3, 1))[0]
    deliver(talk, sentences, meantime(talk, begins_ms))
