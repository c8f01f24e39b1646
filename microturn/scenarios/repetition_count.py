"""The model counts what repeats in the picture: a number at the end of each repetition, or the
total when it is asked."""

from __future__ import annotations

from microturn.data import further_ways
from microturn.data.drawing import Drawn
from microturn.data.ordering import order
from microturn.data.phrasing import asked, sentences
from microturn.data.scenes import filmed, some_room
from microturn.data.scenes_motion import Ball, Pendulum
from microturn.data.scenes_people import SHIRTS, Exercise, some_look
from microturn.data.sights import LAST_MS, begin, call_out, need_time, show, stay_silent
from microturn.data.talk import ANSWER_WINDOW_MS, Talk
from microturn.scenarios.questions import NUMBERS

EXERCISES = ("push ups", "jumping jacks", "squats", "arm raises")
READY = (
    "Count my push ups.",
    "Please count out reps for jumping jacks.",
    "Please count out reps for squats.",
    "Count my squats.",
    "Count my jumping jacks.",
)
ALOUD = (
    "Count my {what} out loud.",
    "I'm doing {what}, please count.",
    "Can you count {what} for me?",
    "Count along while I do {what}.",
    "Watch me do {what} and count each one.",
    "Let's do some {what}, you count.",
    "Say the number after each of my {what}.",
    "Keep count of my {what}, out loud.",
    "I want to hear a number for each of my {what}.",
    "Tell me the number every time, I'm doing {what}.",
)
SILENT = (
    "Watch me do {what}, I will ask you how many it was.",
    "Quietly count my {what}, please.",
    "Count my {what}, but only tell me when I ask.",
    "Keep track of my {what} and stay quiet.",
    "How many {what} can I do? Tell me at the end.",
)
BALL_ALOUD = (
    "Count how often the ball bounces.",
    "Count the bounces out loud.",
    "Say a number each time the ball hits the floor.",
    "Watch the ball and count every bounce.",
    "Can you count the bounces of this ball?",
)
SWING_ALOUD = (
    "Count the swings out loud.",
    "Count how often it swings over and back.",
    "Say a number each time the pendulum is back.",
    "Watch the pendulum and count its swings.",
    "Can you count how often the pendulum swings?",
)
ENDS = (
    "How many was that?",
    "So, how many did you count?",
    "What's the total?",
    "Okay, how many were there?",
    "How many did you see?",
)
STOPS = ("Okay, stop now.", "You can stop counting.", "That's enough, thanks.")
CONTENTS = tuple({"what": what} for what in EXERCISES)
ALOUD_CASES = (
    *(((text, {"what": what}),) for text in READY for what in EXERCISES if what in text),
    *asked(ALOUD, CONTENTS, 3),
)
SILENT_CASES = asked(SILENT, CONTENTS, 3)
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Got it.")
STOPPED = "Okay, I have stopped."
MOST = 15
NONE = "None."
SPOKEN = {n: f"{word.capitalize()}." for n, word in enumerate(NUMBERS[: MOST + 1]) if n}
TOTALS = {0: NONE} | SPOKEN
WHOLE_EPISODE = True
NOTHING_SHARE = 0.08  # of the talks, in which nothing repeats
THING_SHARE = 0.25  # with a ball or a pendulum
SILENT_SHARE = 0.3  # of the exercises are counted silently
PAUSE_SHARE, PAUSE_MS = 0.12, (700, 2500)  # between repetitions
PERIOD_MS = (800, 2300)  # of a repetition
STOPPABLE_MS = 500  # from a number to the end of the next repetition, at least
STOP_SHARE = 0.2  # of the counts aloud are stopped by the user
USER_TEXTS = (
    *sentences(ALOUD_CASES, SILENT_CASES), *BALL_ALOUD, *SWING_ALOUD, *ENDS, *STOPS,
)  # fmt: skip
OWN_TEXTS = (*SPOKEN.values(), NONE, *ACKNOWLEDGED, STOPPED)


Beats = tuple[tuple[int, int], ...]


def beats(talk: Talk, start_ms: int, until_ms: int, has_pauses: bool = True) -> Beats:
    """Repetitions from one time to another at an uneven pace; (from ms, to ms) each."""
    period_ms, now_ms = talk.rng.randrange(*PERIOD_MS), start_ms
    most = talk.rng.randint(2, MOST)
    found: list[tuple[int, int]] = []
    while len(found) < most:
        end_ms = now_ms + round(period_ms * talk.rng.uniform(0.85, 1.2))
        if end_ms > until_ms:
            break
        found.append((now_ms, end_ms))
        now_ms = end_ms
        if has_pauses and talk.rng.random() < PAUSE_SHARE:
            now_ms += talk.rng.randrange(*PAUSE_MS)
    return tuple(found)


def drawn(talk: Talk, what: str, reps: Beats) -> Drawn:
    """What repeats."""
    rng = talk.rng
    room = some_room(rng)
    if what == "bounces":
        return Ball(room, rng.choice(SHIRTS), reps, rng.uniform(50, 110), rng.uniform(8, 14))
    if what == "swings":
        return Pendulum(room, rng.choice(SHIRTS), reps, swing_deg=rng.uniform(24, 40))
    arms = rng.choice(((True, True), (True, True), (True, False), (False, True)))
    return Exercise(
        room, some_look(rng), what, reps, x=rng.uniform(68, 92),
        ground_y=rng.uniform(106, 116), is_front=rng.random() < 0.5, arms=arms,
    )  # fmt: skip


def count_aloud(talk: Talk, what: str, reps: Beats) -> Beats:
    """A number for each repetition; the user may stop the counting. Those that were shown."""
    stops_at = talk.rng.randint(2, 5) if talk.rng.random() < STOP_SHARE else None
    for number, (start_ms, end_ms) in enumerate(reps, 1):
        own = call_out(
            talk, SPOKEN[number], start_ms, end_ms, what, "count", "rep",
            from_ms=(start_ms + end_ms) // 2, value=number,
        )  # fmt: skip
        if stops_at is None or number < stops_at or own.end_ms > LAST_MS - 2000:
            continue
        if number < len(reps) and reps[number][1] < own.end_ms + STOPPABLE_MS:
            continue  # the next is done before the user could say so
        stop = talk.say("user", talk.choose(STOPS), own.end_ms + 100)
        stopped = talk.own(STOPPED)
        shown = tuple(rep for rep in reps if rep[0] < stop.end_ms)
        for start, end in shown[number:]:
            talk.mark("rep", what, start, end)
        stay_silent(talk, stopped.end_ms, max(stopped.end_ms, shown[-1][1]) + 600)
        return shown
    stay_silent(talk, talk.now_ms, talk.now_ms + talk.rng.randrange(600, 1500))
    return reps


def count_silently(talk: Talk, what: str, reps: Beats, start_ms: int) -> None:
    """Nothing is said until the user asks for the total."""
    for start, end in reps:
        talk.mark("rep", what, start, end)
    last_ms = reps[-1][1] if reps else talk.now_ms + talk.rng.randrange(2000, 6000)
    stay_silent(talk, start_ms, last_ms + talk.rng.randrange(300, 1200))
    question = talk.user(talk.choose(ENDS))
    answer = talk.own(TOTALS[len(reps)], do=None)
    window_ms = (question.end_ms, question.end_ms + ANSWER_WINDOW_MS)
    talk.expect("count", window_ms, (answer.text,), question.onset_ms, value=len(reps))


def play(talk: Talk) -> None:
    """A request, repetitions, and numbers. Raises KeyError where the request takes too long."""
    begin(talk)
    is_thing = talk.rng.random() < THING_SHARE
    is_silent = not is_thing and talk.rng.random() < SILENT_SHARE
    if is_thing:
        what = talk.rng.choice(("bounces", "swings"))
        is_ball = what == "bounces"
        text = talk.choose(BALL_ALOUD if is_ball else SWING_ALOUD)
        further = further_ways.COUNT_BOUNCES if is_ball else further_ways.COUNT_SWINGS
    else:
        cases = talk.choose(SILENT_CASES if is_silent else ALOUD_CASES)
        text, content = talk.rng.choice(cases)
        what = str(content["what"])
        further = further_ways.COUNT_QUIETLY if is_silent else further_ways.COUNT_REPETITIONS
    order(talk, text, further, what=what)
    ack = talk.own(talk.rng.choice(ACKNOWLEDGED))
    need_time(talk, 8000)
    start_ms = talk.now_ms + talk.rng.randrange(300, 2000)
    until_ms = LAST_MS - 2000 if is_silent else LAST_MS + 400
    is_nothing = talk.rng.random() < NOTHING_SHARE
    reps = () if is_nothing else beats(talk, start_ms, until_ms)
    if is_silent:
        count_silently(talk, what, reps, ack.end_ms)
    elif reps:
        stay_silent(talk, ack.end_ms, reps[0][0])
        reps = count_aloud(talk, what, reps)
    else:
        stay_silent(talk, ack.end_ms, talk.now_ms + talk.rng.randrange(3000, 9000))
    show(talk, filmed(talk.rng, drawn(talk, what, reps)))
