"""Start and stop of something that is seen: the model says "start" when it begins and "stop" when
it ends, each at once."""

from __future__ import annotations

from microturn.data import further_ways
from microturn.data.drawing import Drawn
from microturn.data.ordering import order
from microturn.data.phrasing import asked, sentences
from microturn.data.scenes import Room, Steps, filmed, seen_ms, some_room
from microturn.data.scenes_motion import Ball, Fan, Pendulum, Spans, Stirring, Tap, Typing
from microturn.data.scenes_people import SHIRTS, SKINS, Action, Look, some_look
from microturn.data.sights import LAST_MS, begin, need_time, show, stay_silent
from microturn.data.talk import Talk

ACTIONS = {  # as it is asked for: what is drawn
    "waving": "wave",
    "walking": "walk",
    "doing squats": "squat",
    "jumping": "jumping jack",
    "doing push ups": "push up",
    "typing": "type",
    "stirring": "stir",
}
READY = ("Say start when the person starts doing squats, then say stop when they stop.",)
PERSON = (
    "Say start when the person starts {doing}, then say stop when they stop.",
    "Say start as soon as they start {doing}, and stop when it is over.",
    "When you see somebody {doing}, say start, and when they stop, say stop.",
    "Please say start when they begin {doing}, then stop when they are done.",
    "Watch closely, say start when they begin {doing} and stop when they end.",
    "The moment they begin {doing}, say start. The moment they end, say stop.",
    "Please say start when you see {doing}, and say stop after that.",
    "I need the start and the stop of the {doing}, say them out loud.",
    "Call out start when they are {doing}, and stop when they no longer are.",
    "Look for {doing}, say start when it starts and stop when it stops.",
)
THINGS = {
    "the water starts running": "water",
    "the ball starts bouncing": "ball",
    "the pendulum starts swinging": "pendulum",
    "the fan starts turning": "fan",
}
THING = (
    "Say start when {what}, and stop when it stops.",
    "When {what}, say start, and when it stops, say stop.",
    "Watch it, and as soon as {what}, say start, then stop at the end.",
    "Please say start the moment {what}, and say stop when that is over.",
    "I want to hear start when {what} and stop when it ends.",
)
CONTENTS = tuple({"doing": doing} for doing in ACTIONS)
PERSON_CASES = asked(PERSON, CONTENTS, 4)
THING_CASES = asked(THING, tuple({"what": what} for what in THINGS), 3)
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Got it.")
START, STOP = "Start.", "Stop."
WHOLE_EPISODE = True
THING_SHARE = 0.3
NOTHING_SHARE = 0.1  # of the talks, in which it never starts
TWICE_SHARE = 0.3
OTHER_SHARE = 0.3  # of the people do something else first
START_LAG_MS, STOP_LAG_MS = 200, 300  # until a start or a stop can be told from the pictures
SURE_MS = 2000  # after a start or a stop it is too late to say so
PERIODS_MS = {"wave": 800, "walk": 900, "squat": 1500, "push up": 1500, "jumping jack": 1100}
PEOPLE = tuple(PERIODS_MS)
REGULAR_MS = 1200  # a bounce, a swing
USER_TEXTS = tuple(dict.fromkeys((*READY, *sentences(PERSON_CASES, THING_CASES))))
OWN_TEXTS = (START, STOP, *ACKNOWLEDGED)


def spans_of(talk: Talk, start_ms: int, period_ms: int) -> Spans:
    """When it happens: once or twice, for whole periods."""
    found: list[tuple[int, int]] = []
    now_ms = start_ms
    for _ in range(2 if talk.rng.random() < TWICE_SHARE else 1):
        most = min(6000, LAST_MS - now_ms) // period_ms
        if most * period_ms < 1500:
            break
        least = -(-1500 // period_ms)
        length_ms = period_ms * talk.rng.randint(least, max(least, most))
        found.append((now_ms, now_ms + length_ms))
        now_ms += length_ms + talk.rng.randrange(1800, 4000)
    return tuple(found)


def beats_of(spans: Spans) -> Spans:
    """Single bounces or swings that fill spans."""
    return tuple(
        (ms, ms + REGULAR_MS) for start, end in spans for ms in range(start, end, REGULAR_MS)
    )


def thing_scene(talk: Talk, what: str, room: Room, spans: Spans) -> Drawn:
    """Something that runs in the spans."""
    rng = talk.rng
    color, skin = rng.choice(SHIRTS), rng.choice(SKINS)
    if what == "water":
        return Tap(room, spans, rng.uniform(64, 96))
    if what == "fan":
        return Fan(room, color, spans, rng.uniform(60, 100))
    if what == "ball":
        return Ball(room, color, beats_of(spans), rng.uniform(50, 110), rng.uniform(8, 14))
    if what == "pendulum":
        return Pendulum(room, color, beats_of(spans), swing_deg=rng.uniform(24, 40))
    if what == "type":
        return Typing(room, spans, skin, color)
    return Stirring(room, spans, skin, color, rng.choice(("orange", "brown", "green", "red")))


def person_scene(talk: Talk, what: str, room: Room, spans: Spans, after_ms: int) -> Drawn:
    """Somebody who does it in the spans; perhaps they do something else first."""
    rng = talk.rng
    look: Look = some_look(rng)
    x, ground_y = rng.uniform(68, 92), rng.uniform(106, 116)
    scene = Action(room, look, what, spans, PERIODS_MS[what], x, ground_y)
    until_ms = (spans[0][0] if spans else talk.now_ms) - 800
    if rng.random() > OTHER_SHARE or until_ms - after_ms < 1500:
        return scene
    other = rng.choice([name for name in ("wave", "walk", "jumping jack") if name != what])
    busy = ((after_ms, until_ms - 300),)
    talk.mark("other", other, *busy[0])
    first = Action(room, look, other, busy, PERIODS_MS[other], x, ground_y)
    return Steps(((0, first), (until_ms, scene)))


def call_span(talk: Talk, what: str, start_ms: int, end_ms: int) -> None:
    """ "Start." and "Stop."."""
    talk.mark("action", what, start_ms, end_ms)
    begun = talk.say("own", START, seen_ms(start_ms + START_LAG_MS))
    ended = talk.say("own", STOP, seen_ms(end_ms + STOP_LAG_MS))
    stay_silent(talk, begun.end_ms, end_ms)
    window_ms = (start_ms, max(end_ms + SURE_MS, ended.onset_ms))
    talk.expect("interval", window_ms, (START, STOP), start_ms, start_ms=start_ms, end_ms=end_ms)


def play(talk: Talk) -> None:
    """A request, and a start and a stop for each time it happens.

    Raises KeyError where the request takes too long."""
    begin(talk)
    is_thing = talk.rng.random() < THING_SHARE
    if is_thing:
        text, content = talk.rng.choice(talk.choose(THING_CASES))
        further = further_ways.SPAN_THING
        what = THINGS[str(content["what"])]
    else:
        text, content = talk.rng.choice(talk.choose(PERSON_CASES))
        further = further_ways.SPAN
        what = ACTIONS[str(content["doing"])]
    order(talk, text, further, **content)
    ack = talk.own(talk.rng.choice(ACKNOWLEDGED))
    need_time(talk, 8000)
    is_regular = what in ("ball", "pendulum")
    period_ms = REGULAR_MS if is_regular else PERIODS_MS.get(what, 500)
    start_ms = talk.now_ms + talk.rng.randrange(500, 4000)
    spans = () if talk.rng.random() < NOTHING_SHARE else spans_of(talk, start_ms, period_ms)
    stay_silent(talk, ack.end_ms, spans[0][0] if spans else start_ms + 5000)
    for span in spans:
        call_span(talk, what, *span)
    room = some_room(talk.rng)
    scene = (
        person_scene(talk, what, room, spans, ack.end_ms + 300)
        if what in PEOPLE
        else thing_scene(talk, what, room, spans)
    )
    talk.now_ms += talk.rng.randrange(200, 800)
    show(talk, filmed(talk.rng, scene))
