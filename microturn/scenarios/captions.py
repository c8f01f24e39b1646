"""The user types what to look for, and the model writes what it sees, each thing as it comes: no
sound, so that seeing is learned from many pictures in little time. Things and cards held up,
fingers, what somebody does, repetitions, starts and stops, who is at the door, a build's state."""

from __future__ import annotations

from microturn.data.drawing import COLORS, Color, Drawn
from microturn.data.scenes import Steps, filmed, screen_shared, seen_ms, some_room
from microturn.data.scenes_people import Action, some_look
from microturn.data.scenes_places import Entrance, Visit
from microturn.data.scenes_screen import GOOD_LINES, THEMES, Line, Screen
from microturn.data.scenes_things import CloseUp, Held, Sign
from microturn.data.sights import ENDS_MS
from microturn.data.talk import Talk
from microturn.data.timeline import IMAGE_PERIOD_MS
from microturn.scenarios import action_span, repetition_count, show_and_ask
from microturn.scenarios.person_enters import NAMES
from microturn.scenarios.questions import NUMBERS
from microturn.turns import MICRO_TURN_MS

USER_TEXTS: tuple[str, ...] = ()
OWN_TEXTS: tuple[str, ...] = ()
WHOLE_EPISODE = True
ORDERS = {
    "things": (
        "write what you see.", "write down what is held up.", "name it in writing.",
        "note each thing that i show.", "write what i show you.",
    ),
    "close": (
        "write what is close.", "write what fills the picture.", "name what is in front of you.",
        "write down what comes close.", "note what is large.",
    ),
    "doing": (
        "write what they do.", "note what the person is doing.", "write down each action.",
        "what do they do? write it.", "write it when they do something else.",
    ),
    "count": (
        "count in writing.", "write a number each time it repeats.", "write the count.",
        "note the number of each one.", "write how many so far, each time.",
    ),
    "spans": (
        "write start and stop.", "write start when it begins and stop when it ends.",
        "note when it starts and when it stops.", "start and stop, in writing.",
        "write when it begins and when it is over.",
    ),
    "door": (
        "write who is at the door.", "note the names of those who come.",
        "write down who comes in.", "who is there? write it.", "write each visitor's name.",
    ),
    "build": (
        "write how the build is.", "note the state of the build.", "write what the build does.",
        "write it when the build changes.", "keep the build's state in writing.",
    ),
}  # fmt: skip
# Most are as easy as can be: from small things in a room, held by somebody, nano learned nothing in
# a thousand hours but to guess.
KINDS = (*("close",) * 8, *("things",) * 5, "doing", "count", "count", "spans", "door", "build")
RISE_MS = 300  # until something held up can be seen well
HELD_MS, GAP_MS = (600, 1200), (0, 250)
CLOSE_MS = (700, 1200)  # of what is shown from close by: a whole pair of pictures shows it
WALLS: tuple[Color, ...] = ((226, 222, 212), (196, 204, 206), (70, 74, 80), (150, 140, 128))
ACTION_MS, SURE_MS = (1800, 3000), 600  # of one action, and until it can be told
VISIT_MS, AWAY_MS = (900, 1600), (300, 1000)
STATE_MS = (700, 1800)
STATES = ("running", "passing", "failed")
SOMEBODY = "somebody"
UNKNOWN_SHARE = 0.2  # of the visitors have no name tag
FIRST_MS = (400, 1200)  # from the order to what is seen first


def note(talk: Talk, text: str, known_ms: int) -> None:
    """Written in the micro-turn that closes the first pair of pictures which shows it."""
    written = talk.write(f"{text}.", seen_ms(known_ms) - MICRO_TURN_MS)
    talk.mark("seen", text, known_ms, max(known_ms, written.onset_ms))
    talk.expect("answer", (known_ms, written.onset_ms + 1000), (text,), known_ms)


def things(talk: Talk) -> Drawn:
    """One after the other: a thing with its colour, a card, or fingers."""
    rng, now_ms = talk.rng, talk.now_ms
    held: list[tuple[int, int, tuple[str, str] | Sign | int]] = []
    while now_ms + HELD_MS[1] < ENDS_MS:
        kind = rng.choice(show_and_ask.KINDS)
        shown, _, answer = show_and_ask.about(talk, "what" if kind == "see" else kind)
        end_ms = now_ms + rng.randrange(*HELD_MS)
        held.append((now_ms, end_ms, shown))
        if isinstance(shown, tuple):
            text = f"{shown[1]} {shown[0]}"
        elif isinstance(shown, Sign) and shown.kind not in ("dots", "number"):
            text = shown.content.lower()
        else:
            text = answer.rstrip(".").lower()
        note(talk, text, now_ms + RISE_MS)
        now_ms = end_ms + rng.randrange(*GAP_MS)
    talk.now_ms = now_ms
    return Held(
        some_room(rng), some_look(rng), tuple(held), rng.uniform(92, 108), rng.uniform(58, 70),
        rng.uniform(22, 34), rng.uniform(-12, 12), rng.uniform(40, 60),
    )  # fmt: skip


def close(talk: Talk) -> Drawn:
    """Walls in a colour, or one colored thing after the other from close by."""
    rng, now_ms = talk.rng, talk.now_ms
    is_wall = rng.random() < 0.4
    steps: list[tuple[int, Drawn]] = []
    while now_ms + CLOSE_MS[1] < ENDS_MS:
        thing, color = show_and_ask.pair(talk)
        if is_wall:
            scene, text = CloseUp(COLORS[color], None), color
        else:
            place = (rng.uniform(70, 90), rng.uniform(52, 68), rng.uniform(44, 62))
            scene, text = CloseUp(rng.choice(WALLS), (thing, color), *place), f"{color} {thing}"
        steps.append((now_ms if steps else 0, scene))
        note(talk, text, now_ms + IMAGE_PERIOD_MS)
        now_ms += rng.randrange(*CLOSE_MS)
    talk.now_ms = now_ms
    return Steps(tuple(steps))


def doing(talk: Talk) -> Drawn:
    """Somebody does one thing after the other."""
    rng, now_ms = talk.rng, talk.now_ms
    room, look, what = some_room(rng), some_look(rng), ""
    x, ground_y = rng.uniform(68, 92), rng.uniform(106, 116)
    steps: list[tuple[int, Drawn]] = []
    while now_ms + ACTION_MS[1] < ENDS_MS:
        what = rng.choice([name for name in action_span.PEOPLE if name != what])
        period_ms, end_ms = action_span.PERIODS_MS[what], now_ms + rng.randrange(*ACTION_MS)
        scene = Action(room, look, what, ((now_ms, end_ms),), period_ms, x, ground_y)
        steps.append((now_ms if steps else 0, scene))
        note(talk, next(ing for ing, name in action_span.ACTIONS.items() if name == what),
             now_ms + SURE_MS)  # fmt: skip
        now_ms = end_ms
    talk.now_ms = now_ms
    return Steps(tuple(steps))


def count(talk: Talk) -> Drawn:
    """A number at the end of each repetition."""
    what = talk.rng.choice((*repetition_count.EXERCISES, "bounces", "swings"))
    reps = repetition_count.beats(talk, talk.now_ms, ENDS_MS - 1000)
    for number, (_, end_ms) in enumerate(reps, 1):
        note(talk, NUMBERS[number], end_ms)
    talk.now_ms = reps[-1][1] if reps else talk.now_ms + 2000
    return repetition_count.drawn(talk, what, reps)


def spans(talk: Talk) -> Drawn:
    """ "start" and "stop", as often as there is time for."""
    rng = talk.rng
    is_thing = rng.random() < 0.5
    what = rng.choice(tuple((action_span.THINGS if is_thing else action_span.ACTIONS).values()))
    period_ms = action_span.PERIODS_MS.get(what, action_span.REGULAR_MS)
    found: list[tuple[int, int]] = []
    now_ms = talk.now_ms
    while now_ms + 4 * period_ms < ENDS_MS:
        end_ms = now_ms + period_ms * rng.randint(1, 3)
        found.append((now_ms, end_ms))
        note(talk, "start", now_ms + action_span.START_LAG_MS)
        note(talk, "stop", end_ms + action_span.STOP_LAG_MS)
        now_ms = end_ms + rng.randrange(1400, 3000)
    room, begun_ms, talk.now_ms = some_room(rng), talk.now_ms, now_ms
    if what in action_span.PEOPLE:
        return action_span.person_scene(talk, what, room, tuple(found), begun_ms)
    return action_span.thing_scene(talk, what, room, tuple(found))


def door(talk: Talk) -> Drawn:
    """Visitors with name tags, and some without."""
    rng, now_ms = talk.rng, talk.now_ms
    visits: list[Visit] = []
    while now_ms + VISIT_MS[1] < ENDS_MS:
        name = None if rng.random() < UNKNOWN_SHARE else rng.choice(NAMES)
        visits.append(Visit(some_look(rng), now_ms, now_ms + rng.randrange(*VISIT_MS), name))
        note(talk, (name or SOMEBODY).lower(), now_ms)
        now_ms = visits[-1].to_ms + rng.randrange(*AWAY_MS)
    talk.now_ms = now_ms
    return Entrance(some_room(rng), tuple(visits), (), rng.uniform(66, 94), rng.random() < 0.6)


def build(talk: Talk) -> Drawn:
    """A build whose state changes again and again, under code."""
    rng, now_ms, state = talk.rng, talk.now_ms, "idle"
    builds = [(0, state)]
    while now_ms + STATE_MS[1] < ENDS_MS:
        state = rng.choice([other for other in STATES if other != state])
        builds.append((now_ms, state))
        note(talk, state, now_ms)
        now_ms += rng.randrange(*STATE_MS)
    talk.now_ms = now_ms
    first = rng.randint(1, 90)
    lines = [Line(first + n, rng.choice(GOOD_LINES), -10_000) for n in range(rng.randint(2, 6))]
    return Screen(tuple(lines), tuple(builds), rng.randrange(len(THEMES)))


SHOWN = {"close": close, "things": things, "doing": doing, "count": count, "spans": spans,
         "door": door, "build": build}  # fmt: skip


def play(talk: Talk) -> None:
    """An order, and pictures until there is no more room."""
    kind = talk.rng.choice(KINDS)
    talk.now_ms = talk.rng.randrange(200, 1000)
    talk.type(talk.choose(ORDERS[kind]))
    talk.now_ms += talk.rng.randrange(*FIRST_MS)
    scene = SHOWN[kind](talk)
    is_screen = kind == "build"
    scene = screen_shared(talk.rng, scene) if is_screen else filmed(talk.rng, scene)
    talk.show(scene, 0, min(ENDS_MS, talk.duration_ms))
