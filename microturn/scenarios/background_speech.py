"""A television or other people are heard while the user and the model talk: nobody writes that
down, nobody answers it, and the model goes on through it."""

from __future__ import annotations

from microturn.data.talk import Talk
from microturn.data.timeline import Event
from microturn.scenarios import facts, interruption
from microturn.scenarios.story import sentence_of_bank

# fmt: off
HEARD_NEAR = (
    "And now the weather for tomorrow.", "The train on platform four is ten minutes late.",
    "It was a close game until the last minute.", "Police are looking for two men in a red car.",
    "Buy two today and get the third one free.", "I told her that I would not be there.",
    "We'll be back after a short break.", "So he just walked out, can you believe it?",
    "Are you coming to the party on Saturday?", "The bus was full again this morning.",
    "Ladies and gentlemen, please welcome our next guest.", "What do you want for dinner?",
    "She said the blue one looked better.", "Prices went up again this month.",
    "You should have seen his face.", "Where were you last night?", "Pass it to him, pass it!",
    "The museum closes at six o'clock.", "He scores, what a goal!", "Did you hear that noise?",
    "Two coffees and a piece of cake, please.", "It will be cloudy with some rain in the evening.",
    "My sister bought the same coat last week.", "Don't forget to lock the door.",
    "Is this the right way to the station?",
)
# fmt: on
USER_TEXTS = HEARD_NEAR
OWN_TEXTS: tuple[str, ...] = ()
GAIN_DB = (-12.0, -6.0)
FROM_BANK = 0.4  # of what is heard near: any long sentence of the bank
GAP_MS = (150, 1500)  # between sentences of the background


def near(talk: Talk, onset_ms: int, gain_db: float) -> Event:
    """Somebody else says a sentence.

    Raises KeyError where the bank has no other voice for it.
    """
    text = talk.choose(HEARD_NEAR)
    if talk.rng.random() < FROM_BANK:
        found = sentence_of_bank(talk)
        if found and any(clip.voice != talk.user_voice for clip in talk.bank.user[found]):
            text = found
    return talk.background(text, onset_ms, gain_db)


def through(talk: Talk, start_ms: int, end_ms: int, do: str) -> None:
    """Background speech from one time to another, loud as one source is."""
    gain_db = round(talk.rng.uniform(*GAIN_DB), 1)
    now_ms = start_ms
    while now_ms < end_ms:
        event = near(talk, now_ms, gain_db)
        until_ms = max(event.onset_ms, min(event.end_ms, end_ms))
        talk.expect(do, (event.onset_ms, until_ms), on_ms=event.onset_ms)
        now_ms = event.end_ms + talk.rng.randrange(*GAP_MS)


def alone(talk: Talk) -> None:
    """Only the background is heard; then a question is answered."""
    start_ms = talk.now_ms
    end_ms = start_ms + talk.rng.randrange(2000, 7000)
    through(talk, start_ms, end_ms, "ignore")
    talk.now_ms = max(e.end_ms for e in talk.events if e.side == "other")
    talk.expect("silent", (start_ms, talk.now_ms))
    talk.now_ms += talk.rng.randrange(300, 2500)
    facts.play(talk)


def over_answer(talk: Talk) -> None:
    """The background is heard under a long answer: the model goes on."""
    answer = interruption.begin(talk)
    start_ms = answer.onset_ms + talk.rng.randrange(600, 1500)
    through(talk, start_ms, max(start_ms + 600, answer.end_ms - 2000), "continue")


def under_talk(talk: Talk) -> None:
    """The background goes on under questions and answers."""
    start_ms = talk.now_ms
    talk.now_ms += talk.rng.randrange(500, 2500)
    for _ in range(talk.rng.randint(1, 3)):
        facts.play(talk)
        talk.now_ms += talk.rng.randrange(500, 2500)
    through(talk, start_ms, talk.now_ms - 1500, "ignore")


def play(talk: Talk) -> None:
    """Others are heard, in silence, under an answer or under a conversation."""
    talk.rng.choice((alone, over_answer, under_talk))(talk)
