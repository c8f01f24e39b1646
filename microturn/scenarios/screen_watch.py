"""The model watches a screen and speaks up when the build breaks, when it is mended, or when a bug
is typed; otherwise it is silent."""

from __future__ import annotations

from microturn.data import further_ways
from microturn.data.number_words import cardinal
from microturn.data.ordering import order
from microturn.data.scenes import screen_shared
from microturn.data.scenes_screen import (
    BUG_LINES,
    CHARS_MS,
    GOOD_LINES,
    ROWS,
    THEMES,
    Line,
    Screen,
)
from microturn.data.sights import ENDS_MS, LAST_MS, begin, call_out, need_time, show, stay_silent
from microturn.data.talk import Talk

# fmt: off
BUILD = (
    "Tell me when the build breaks.", "Watch the build and speak up if it fails.",
    "Let me know as soon as the build is red.", "If the build fails, tell me at once.",
    "Keep an eye on the build for me.", "Say something when the build breaks.",
    "I'm getting a coffee, tell me if the build fails.", "Warn me when the build goes red.",
    "Can you watch the build and shout if it fails?", "Look at my screen and tell me if it breaks.",
)
TESTS = (
    "Tell me when the tests pass.", "Let me know when everything is green.",
    "Say something as soon as the tests are passing.", "I'm waiting for green tests, tell me.",
    "Watch the tests and tell me when they are fine again.",
)
BUGS = (
    "Tell me if I write a bug.", "Watch my code and warn me about bugs.",
    "Look over my shoulder while I code.", "If you see a bug in my code, say the line.",
    "Speak up when I make a mistake in the code.", "Help me code, just tell me about bugs.",
    "I'm typing some code, watch out for bugs.", "Warn me as soon as there is a bug.",
    "Say which line it is when I type a bug.", "Keep an eye on my code and catch the bugs.",
)
READY_LINES = (6, 16, 17, 18, 41, 43, 50, 61, 65, 74, 90, 95)
LINES = (*range(1, 16), *READY_LINES[1:])
# fmt: on
BUG = {line: f"Careful, line {cardinal(line)} has a bug." for line in LINES}
FAILED, PASSING = "The build just failed.", "The tests are passing now."
ACKNOWLEDGED = ("Okay.", "Sure thing.", "Got it.")
WHOLE_EPISODE = True
NOTHING_SHARE = 0.2  # of the talks, in which nothing breaks
KINDS = ("build", "build", "tests", "bug", "bug", "bug")
UNDERLINED_SHARE = 0.6  # of the bugs are underlined by the editor
FIXED_SHARE = 0.4  # of the broken builds run again and pass
USER_TEXTS = (*BUILD, *TESTS, *BUGS)
OWN_TEXTS = (*BUG.values(), FAILED, PASSING, *ACKNOWLEDGED)


def typed(talk: Talk, first: int, num_before: int, start_ms: int, until_ms: int) -> list[Line]:
    """Lines without bugs: some stand there, some are typed meanwhile."""
    lines = [
        Line(first + place, talk.rng.choice(GOOD_LINES), -CHARS_MS * 100)
        for place in range(num_before)
    ]
    now_ms = start_ms
    while True:
        line = Line(first + len(lines), talk.rng.choice(GOOD_LINES), now_ms)
        if line.end_ms > until_ms:
            return lines
        lines.append(line)
        now_ms = line.end_ms + talk.rng.randrange(150, 1500)


def watch_build(talk: Talk) -> Screen:
    """A build runs and breaks; perhaps it runs again and passes, about which nobody asked."""
    rng = talk.rng
    builds = [(0, rng.choice(("idle", "passing", "running")))]
    start_ms = talk.now_ms
    runs_ms = start_ms + rng.randrange(300, 2500)
    if builds[0][1] != "running":
        builds.append((runs_ms, "running"))
    over_ms = runs_ms + rng.randrange(800, max(801, LAST_MS - 1500 - runs_ms))
    is_broken = rng.random() > NOTHING_SHARE
    builds.append((over_ms, "failed" if is_broken else "passing"))
    stay_silent(talk, start_ms, over_ms)
    if is_broken:
        call_out(talk, FAILED, over_ms, over_ms, "build failed")
    end_ms = talk.now_ms + rng.randrange(800, 2000)
    if is_broken and rng.random() < FIXED_SHARE and end_ms < LAST_MS - 1500:
        builds += [(end_ms, "running"), (end_ms + rng.randrange(800, 2000), "passing")]
        end_ms = builds[-1][0] + 1200
    stay_silent(talk, talk.now_ms, end_ms)
    lines = typed(talk, rng.randint(1, 90), rng.randint(2, 6), start_ms, talk.now_ms)
    return Screen(tuple(lines), tuple(builds), rng.randrange(len(THEMES)))


def watch_tests(talk: Talk) -> Screen:
    """Something is broken, runs again, and passes or not."""
    rng = talk.rng
    start_ms = talk.now_ms
    builds, now_ms = [(0, "failed")], start_ms + rng.randrange(300, 2500)
    for state in ("failed", "passing") if rng.random() < 0.3 else ("passing",):
        runs_ms, now_ms = now_ms, now_ms + rng.randrange(1000, 4000)
        builds += [(runs_ms, "running"), (now_ms, state)]
        now_ms += 0 if state == "passing" else rng.randrange(600, 1500)
    if rng.random() < NOTHING_SHARE:
        builds[-1] = (now_ms, "failed")
    stay_silent(talk, start_ms, now_ms)
    if builds[-1][1] == "passing":
        call_out(talk, PASSING, now_ms, now_ms, "tests passing")
    stay_silent(talk, talk.now_ms, talk.now_ms + rng.randrange(800, 2000))
    lines = typed(talk, rng.randint(1, 90), rng.randint(2, 6), start_ms, talk.now_ms)
    return Screen(tuple(lines), tuple(builds), rng.randrange(len(THEMES)))


def watch_code(talk: Talk) -> Screen:
    """Code is typed, and perhaps a bug in one of the lines."""
    rng = talk.rng
    number = rng.choice(LINES)
    num_before = min(number - 1, rng.randint(0, 5))
    start_ms = talk.now_ms
    num_typed = min(number - 1 - num_before, rng.randint(0, 3))
    first = number - num_before - num_typed
    lines = typed(talk, first, num_before, start_ms + rng.randrange(300, 1500), LAST_MS)
    place = num_before + num_typed
    if place >= len(lines):
        raise KeyError("no room to type up to the line with a bug")
    if rng.random() > NOTHING_SHARE:
        is_underlined = rng.random() < UNDERLINED_SHARE
        bug = Line(number, talk.choose(BUG_LINES), lines[place].from_ms, True, is_underlined)
        if bug.end_ms > LAST_MS:
            raise KeyError("no room to type the line with a bug")
        lines[place:] = [bug]
        stay_silent(talk, start_ms, bug.from_ms)
        call_out(talk, BUG[number], bug.from_ms, bug.end_ms, f"bug in line {number}")
    else:
        del lines[place + 3 :]
        stay_silent(talk, start_ms, max(line.end_ms for line in lines))
    stay_silent(talk, talk.now_ms, talk.now_ms + rng.randrange(500, 1500))
    return Screen(tuple(lines[-2 * ROWS :]), ((0, "idle"),), rng.randrange(len(THEMES)))


def play(talk: Talk) -> None:
    """A request, and a warning when it happens. Raises KeyError where there is no room."""
    begin(talk)
    kind = talk.rng.choice(KINDS)
    spoken, further = {
        "build": (BUILD, further_ways.BUILD),
        "tests": (TESTS, further_ways.TESTS),
        "bug": (BUGS, further_ways.BUGS),
    }[kind]
    order(talk, talk.choose(spoken), further)
    talk.own(talk.rng.choice(ACKNOWLEDGED))
    need_time(talk, ENDS_MS - LAST_MS + 6000)
    screen = {"build": watch_build, "tests": watch_tests, "bug": watch_code}[kind](talk)
    show(talk, screen_shared(talk.rng, screen))
