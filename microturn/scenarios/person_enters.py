"""Somebody comes to the door: the model says who it is, by a name tag or by a look it was told of,
and is silent about everything else."""

from __future__ import annotations

from microturn.data import further_ways
from microturn.data.ordering import order
from microturn.data.phrasing import asked, options, sentences
from microturn.data.scenes import filmed, some_room
from microturn.data.scenes_people import SHIRTS, some_look
from microturn.data.scenes_places import Entrance, Visit
from microturn.data.sights import LAST_MS, begin, call_out, need_time, show, stay_silent
from microturn.data.talk import Talk

# fmt: off
NAMES = (  # of whom the speech bank says that they are at the door
    "Ben", "Clara", "David", "Felix", "Iris", "Maria", "Priya", "Sam", "Victor", "Yuki",
)
# fmt: on
LOOKS = (
    "{name} is wearing a {color} shirt today.",
    "{name} has a {color} shirt.",
    "You will know {name} by the {color} shirt.",
    "The one in the {color} shirt is {name}.",
    "Look for {name}, in a {color} shirt.",
)
NAMED = (
    "Tell me when {name} is here.",
    "Let me know when {name} is at the door.",
    "I'm waiting for {name}, tell me when you see them.",
    "When {name} comes in, tell me.",
    "Say something as soon as {name} is at the door.",
    "Please watch the door for {name}.",
    "{name} should be here soon, tell me.",
    "Keep an eye on the door, {name} is coming.",
    "Has {name} come yet? Tell me when.",
    "Call me when {name} arrives.",
)
ANYBODY = (
    "Tell me when somebody comes in.",
    "Let me know if somebody is at the door.",
    "Watch the door and tell me who comes.",
    "Who is at the door? Tell me when somebody comes.",
    "Say something as soon as someone walks in.",
    "Everybody has a name tag, tell me who comes in.",
    "Read the name tags and tell me who is there.",
    "Keep an eye on the door for me.",
    "Tell me the name of everybody who comes in.",
    "If anyone comes to the door, tell me.",
)
CONTENTS = tuple({"name": name} for name in NAMES)
DRESSED = tuple(
    {"name": name, "color": SHIRTS[(place + shift) % len(SHIRTS)]}
    for shift in (0, 3)
    for place, name in enumerate(NAMES)
)
LOOK_CASES = asked(LOOKS, DRESSED, 6)
NAMED_CASES = asked(NAMED, CONTENTS, 3)
AT_DOOR = {name: f"{name} is at the door." for name in NAMES}
SOMEBODY = "Somebody is at the door."
ACKNOWLEDGED = ("Okay.", "Sure thing.", "I will tell you.")
WHOLE_EPISODE = True
NOBODY_SHARE = 0.12  # of the talks, in which nobody comes
PASSER_SHARE = 0.4  # in which somebody only walks by
UNKNOWN_SHARE = 0.25  # of the visitors that nobody has told of have no name tag
STAYS_MS = (1800, 3200)
Coming = tuple[str | None, str | None, bool]  # name, shirt, whether there is a name tag
USER_TEXTS = (*sentences(LOOK_CASES, NAMED_CASES), *ANYBODY)
OWN_TEXTS = (*AT_DOOR.values(), SOMEBODY, *ACKNOWLEDGED)


def ask_anybody(talk: Talk) -> tuple[list[Coming], str | None]:
    """The user wants to know who comes; who comes, and for whom alone the model speaks."""
    order(talk, talk.choose(ANYBODY), further_ways.ANYBODY)
    names = talk.rng.sample(NAMES, 2)
    return [
        (None, None, False) if talk.rng.random() < UNKNOWN_SHARE else (name, None, True)
        for name in names[: talk.rng.choice((1, 2, 2))]
    ], None


def ask_named(talk: Talk) -> tuple[list[Coming], str | None]:
    """The user waits for somebody; others may come before."""
    text, content = talk.rng.choice(talk.choose(NAMED_CASES))
    order(talk, text, further_ways.NAMED, **content)
    name = str(content["name"])
    others = [(other, None, True) for other in talk.rng.sample(NAMES, 2) if other != name]
    return [*others[: talk.rng.choice((0, 1, 1))], (name, None, True)], name


def ask_looks(talk: Talk) -> tuple[list[Coming], str | None]:
    """The user tells how somebody looks; they have no name tag."""
    text, content = talk.rng.choice(talk.choose(LOOK_CASES))
    talk.user(text)
    talk.own(talk.rng.choice(ACKNOWLEDGED))
    name, shirt = str(content["name"]), str(content["color"])
    asks = [case for cases in options(talk, NAMED_CASES) for case in cases]
    fitting = [text for text, named in asks if named["name"] == name]
    is_only = bool(fitting)
    talk.user(talk.rng.choice(fitting) if fitting else talk.choose(ANYBODY), wait_ms=300)
    others: list[Coming] = [
        (None, talk.rng.choice([color for color in SHIRTS if color != shirt]), False)
    ]
    who: list[Coming] = [(name, shirt, False)]
    return [*others[: talk.rng.choice((0, 1))], *who], name if is_only else None


def receive(talk: Talk, coming: list[Coming], only: str | None) -> tuple[Visit, ...]:
    """Those who come, one after the other, and what is said about them."""
    rng = talk.rng
    visits: list[Visit] = []
    now_ms = talk.now_ms + rng.randrange(500, 4000)
    for name, shirt, has_tag in coming:
        if now_ms > LAST_MS - 1500:
            break
        end_ms = now_ms + rng.randrange(*STAYS_MS)
        tag = name if has_tag else None
        visits.append(Visit(some_look(rng, shirt), now_ms, end_ms, tag))
        stay_silent(talk, talk.now_ms, now_ms)
        if only is None or name == only:
            said = SOMEBODY if name is None else AT_DOOR[name]
            call_out(talk, said, now_ms, now_ms, name or "somebody")
        else:
            talk.mark("other", name or "somebody", now_ms, end_ms)
            stay_silent(talk, now_ms, end_ms)
        now_ms = max(end_ms, talk.now_ms) + rng.randrange(700, 2500)
    return tuple(visits)


def play(talk: Talk) -> None:
    """A request, and visitors. Raises KeyError where there is no room."""
    begin(talk)
    rng = talk.rng
    coming, only = rng.choice((ask_anybody, ask_named, ask_looks))(talk)
    ack = talk.own(rng.choice(ACKNOWLEDGED))
    need_time(talk, 7000)
    visits = () if rng.random() < NOBODY_SHARE else receive(talk, coming, only)
    end_ms = max(talk.now_ms, *(visit.to_ms for visit in visits), ack.end_ms)
    stay_silent(talk, talk.now_ms, end_ms + rng.randrange(500, 2000 if visits else 6000))
    passers: tuple[Visit, ...] = ()
    if rng.random() < PASSER_SHARE:
        passed_ms = ack.end_ms + rng.randrange(0, 3000)
        passers = (Visit(some_look(rng), passed_ms, passed_ms + rng.randrange(1500, 3000)),)
    scene = Entrance(some_room(rng), visits, passers, rng.uniform(66, 94), rng.random() < 0.6)
    show(talk, filmed(rng, scene))
