"""Something is seen while the user talks about something else: the model says so at once, into the
user's sentence, or at the next pause, as it was asked."""

from __future__ import annotations

from microturn.data.phrasing import options
from microturn.data.scenes import filmed, screen_shared, some_room
from microturn.data.scenes_people import some_look
from microturn.data.scenes_places import Desk, Entrance, Visit
from microturn.data.scenes_screen import GOOD_LINES, THEMES, Line, Screen
from microturn.data.sights import ENDS_MS, begin, call_out, need_time, show, stay_silent
from microturn.data.talk import RESPONSE_MS, Talk
from microturn.data.timeline import Event, Scene
from microturn.scenarios.person_enters import SOMEBODY
from microturn.scenarios.screen_watch import FAILED
from microturn.scenarios.word_count import SENTENCES

AT_ONCE = {
    "door": (
        "If somebody comes to the door while I talk, tell me at once.",
        "Interrupt me when somebody is at the door.",
        "Cut in right away if you see someone at the door.",
        "While I talk, watch the door, and tell me immediately.",
        "Break in as soon as somebody stands at the door.",
    ),
    "build": (
        "Interrupt me when the build breaks.",
        "If the build fails while I talk, say it at once.",
        "Cut in right away when the build goes red.",
        "I keep talking, but tell me immediately if the build breaks.",
        "Break in as soon as the build has failed.",
    ),
    "slouch": (
        "Tell me at once when I'm slouching.",
        "Every time I slouch, interrupt me and tell me.",
        "Watch how I sit, and say it right away when I slouch.",
        "If I slouch while I talk, cut in and tell me.",
        "I want to sit straight, tell me the moment I don't.",
    ),
    "light": (
        "Interrupt me when the light goes out.",
        "Tell me at once if the lamp goes out.",
        "If the light goes out while I talk, say so immediately.",
        "Cut in right away when the lamp is off.",
        "Break in as soon as the light is out.",
    ),
}
AT_PAUSE = {
    "door": (
        "If somebody comes to the door, tell me when I have finished my sentence.",
        "Tell me about people at the door, but let me finish first.",
        "Watch the door, but don't interrupt me.",
        "When somebody is at the door, wait for a pause and tell me.",
        "Let me finish talking before you tell me who came.",
    ),
    "build": (
        "If the build fails, tell me when I stop talking.",
        "Tell me about the build, but don't interrupt me.",
        "When the build breaks, wait for a pause and say it.",
        "Watch the build, and let me finish before you tell me.",
        "Should the build fail, tell me after my sentence.",
    ),
}
SAID = {
    "door": SOMEBODY,
    "build": FAILED,
    "slouch": "You are slouching.",
    "light": "The light is out.",
}
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Got it.")
TALKS = tuple(text for texts in SENTENCES.values() for text in texts)
WHOLE_EPISODE = True
NOTHING_SHARE = 0.15  # of the talks, in which nothing is seen
PAUSE_SHARE = 0.4  # of the rules want a pause to be waited for
LATE_MS = 2000  # after the sentence, where a pause is waited for
SLOUCH_LAG_MS = 400  # until somebody clearly sits with a round back
LASTS_MS = 3500  # what is seen lasts so long
USER_TEXTS = tuple(
    dict.fromkeys(
        (*(t for table in (AT_ONCE, AT_PAUSE) for ts in table.values() for t in ts), *TALKS)
    )
)
OWN_TEXTS = (*SAID.values(), *ACKNOWLEDGED)


def sentences(talk: Talk) -> list[str]:
    """What the user talks about, in any order."""
    found = [text for texts in SENTENCES.values() for text in options(talk, texts)]
    talk.rng.shuffle(found)
    return found


def scene_of(talk: Talk, kind: str, at_ms: int | None) -> Scene:
    """What is seen: it happens at a time, or never."""
    rng = talk.rng
    room = some_room(rng)
    end_ms = 0 if at_ms is None else at_ms + LASTS_MS
    if kind == "door":
        visits = () if at_ms is None else (Visit(some_look(rng), at_ms, end_ms),)
        return filmed(rng, Entrance(room, visits, (), rng.uniform(66, 94), rng.random() < 0.6))
    if kind == "build":
        first = rng.randint(1, 90)
        lines = tuple(Line(first + n, rng.choice(GOOD_LINES), -20_000) for n in range(6))
        builds = ((0, "running"),) if at_ms is None else ((0, "running"), (at_ms, "failed"))
        return screen_shared(rng, Screen(lines, builds, rng.randrange(len(THEMES))))
    slouches = ((at_ms, end_ms),) if kind == "slouch" and at_ms is not None else ()
    dark_ms = at_ms if kind == "light" else None
    return filmed(rng, Desk(room, some_look(rng), slouches, dark_ms))


def notice(talk: Talk, kind: str, event: Event, at_ms: int, is_at_once: bool) -> None:
    """What is seen during a sentence is said into it, or after it."""
    known_ms = at_ms + (SLOUCH_LAG_MS if kind == "slouch" else 0)
    if is_at_once:
        call_out(talk, SAID[kind], at_ms, known_ms, kind)
        return
    talk.mark("seen", kind, at_ms, at_ms + LASTS_MS)
    talk.expect("silent", (at_ms, event.end_ms))
    own = talk.say("own", SAID[kind], event.end_ms + RESPONSE_MS)
    window_ms = (event.end_ms, max(event.end_ms + LATE_MS, own.onset_ms))
    talk.expect("say", window_ms, (SAID[kind],), at_ms)


def play(talk: Talk) -> None:
    """A rule, the user talks about something else, and something is seen meanwhile.

    Raises KeyError where there is no room."""
    begin(talk)
    rng = talk.rng
    is_at_once = rng.random() > PAUSE_SHARE
    rules = AT_ONCE if is_at_once else AT_PAUSE
    kind = rng.choice(tuple(rules))
    talk.user(talk.choose(rules[kind]))
    ack = talk.own(rng.choice(ACKNOWLEDGED))
    need_time(talk, 7000)
    happens_in = None if rng.random() < NOTHING_SHARE else rng.choice((0, 0, 1))
    at_ms, silent_ms = None, ack.end_ms
    for number, text in enumerate(sentences(talk)):
        event = talk.user(text, wait_ms=rng.randrange(300, 1200))
        if event.end_ms > ENDS_MS - 2500 and at_ms is None and happens_in is not None:
            raise KeyError("no room for what is seen")
        if number == happens_in:
            length_ms = event.end_ms - event.onset_ms
            at_ms = event.onset_ms + rng.randrange(400, max(401, length_ms - 900))
            if at_ms > silent_ms:
                talk.expect("silent", (silent_ms, at_ms))
            notice(talk, kind, event, at_ms, is_at_once)
            silent_ms = talk.now_ms
        if number >= 1 and (talk.now_ms > 10_500 or rng.random() < 0.4):
            break
    stay_silent(talk, silent_ms, talk.now_ms + rng.randrange(400, 1500))
    show(talk, scene_of(talk, kind, at_ms))
