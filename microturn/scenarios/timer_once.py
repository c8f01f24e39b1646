"""One thing, said once, when its time has come: "In eight seconds, say box."

The time counts from the end of the request. Minutes are only acknowledged: no talk is that long.
"""

from __future__ import annotations

from microturn.data import further_ways
from microturn.data.moments import meanwhile
from microturn.data.ordering import order
from microturn.data.phrasing import asked, sentences
from microturn.data.talk import Talk
from microturn.data.timeline import to_grid
from microturn.scenarios import questions
from microturn.scenarios.questions import NUMBERS

# fmt: off
OBJECTS = (
    "bag", "ball", "book", "bottle", "box", "chair", "clock", "cup", "hat", "key", "lamp", "leaf",
    "mirror", "pen", "phone", "plate", "shoe", "spoon", "stone", "table",
)
READY = (
    ("eight", "box"), ("eleven", "book"), ("five", "bottle"), ("nineteen", "spoon"),
    ("seven", "lamp"), ("seventeen", "pen"), ("sixteen", "hat"), ("sixteen", "spoon"),
    ("ten", "bottle"), ("ten", "stone"), ("thirteen", "table"), ("three", "box"),
    ("twelve", "lamp"), ("twelve", "leaf"), ("twelve", "pen"), ("nineteen", "book"),
    ("seventeen", "lamp"),
)
MINUTES = (
    "eighteen", "fifteen", "four", "fourteen", "seventeen", "six", "sixteen", "ten", "three",
    "twenty five", "twenty", "twenty one", "twenty seven", "twenty six",
)
# fmt: on
SAY = (
    "Say {word} in {n} seconds.",
    "Wait {n} seconds and then say {word}.",
    "Can you say {word} after {n} seconds?",
    "Say {word}, but only after {n} seconds.",
    "When {n} seconds have passed, say {word}.",
    "Please say {word} in {n} seconds from now.",
)
TELL = (
    "Tell me when {n} seconds are over.",
    "Let me know after {n} seconds.",
    "Set a timer for {n} seconds.",
    "Give me a sign in {n} seconds.",
    "Wake me in {n} seconds.",
    "Say something when {n} seconds have passed.",
    "Ring in {n} seconds, please.",
)
SECONDS = ("six", "four", "nine", "seven", "fifteen", "five", "ten", "eight", "three", "twelve")
WORDS = tuple(
    {"n": SECONDS[place % len(SECONDS)], "word": word} for place, word in enumerate(OBJECTS)
)
READY_CASES = (
    tuple((f"In {n} seconds, say {word}.", {"n": n, "word": word}) for n, word in READY),
)
SAY_CASES = READY_CASES + asked(SAY, WORDS, 4)
TELL_CASES = asked(TELL, tuple({"n": n} for n in SECONDS), 3)
MINUTE_TEXTS = tuple(f"Set a timer for {n} minutes." for n in MINUTES)
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Got it.")
OVER = ("Time is up.", "Your time is over.", "That is it, time is up.")
SPOKEN = {word: f"{word.capitalize()}." for word in OBJECTS}
SAYS = 0.6  # of the requests name a word; the others want to know that the time is over
MINUTES_SHARE = 0.1
BUSY = 0.4  # of the timers run while there is other talk
EARLY_MS, LATE_MS = 400, 1000
MARGIN_MS = 7000  # for the request itself and for what is said at the end
USER_TEXTS = (*sentences(SAY_CASES, TELL_CASES), *MINUTE_TEXTS)
OWN_TEXTS = (*SPOKEN.values(), *ACKNOWLEDGED, *OVER)


def request(talk: Talk) -> tuple[str, str, int]:
    """A request, what is said when its time has come, and the seconds until then."""
    left_s = (talk.duration_ms - talk.now_ms - MARGIN_MS) // 1000
    cases = talk.choose(SAY_CASES if talk.rng.random() < SAYS else TELL_CASES)
    fitting = [case for case in cases if NUMBERS.index(case[1]["n"]) <= left_s]
    if not fitting:
        raise KeyError("no timer is over before the talk is")
    text, content = talk.rng.choice(fitting)
    said = SPOKEN[content["word"]] if "word" in content else talk.rng.choice(OVER)
    return text, said, NUMBERS.index(content["n"])


def play(talk: Talk) -> None:
    """A request, an acknowledgement, perhaps other talk meanwhile, and the word at its time.

    Raises KeyError where the rest of the talk is too short.
    """
    if talk.rng.random() < MINUTES_SHARE:
        text, number = talk.choose(tuple(zip(MINUTE_TEXTS, MINUTES, strict=True)))
        asked_for = order(talk, text, further_ways.TIMER_MINUTES, n=number)
        ack = talk.own(talk.rng.choice(ACKNOWLEDGED))
        talk.expect("silent", (ack.end_ms, ack.end_ms + 400), on_ms=asked_for.onset_ms)
        return
    text, said, seconds = request(talk)
    further = further_ways.TIMER_SAY if said not in OVER else further_ways.TIMER_TELL
    number, word = NUMBERS[seconds], said.lower().strip(".")
    asked_for = order(talk, text, further, n=number, word=word)
    due_ms = to_grid(asked_for.end_ms + 1000 * seconds)
    ack = talk.own(talk.rng.choice(ACKNOWLEDGED))
    talk.now_ms += talk.rng.randrange(600, 2500)
    if talk.rng.random() > BUSY or not meanwhile(talk, questions.play, due_ms):
        talk.expect("silent", (ack.end_ms, due_ms - EARLY_MS))
    talk.say("own", said, due_ms)
    accept = OVER if said in OVER else (said,)
    talk.expect(
        "say", (due_ms - EARLY_MS, due_ms + LATE_MS), accept, asked_for.onset_ms, seconds=seconds
    )
