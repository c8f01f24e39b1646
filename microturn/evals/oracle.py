"""The script of an agent that knows what is expected and does it at the best moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from microturn.evals.episode import Episode, Expect, Word
from microturn.turns import MICRO_TURN_MS

REPLY_MS, SHORT_MS, YIELD_MS, GOES_ON_MS = 1600, 300, 200, 1200
AFTER_MS = 10  # a reply begins strictly after what it answers
WORD_MS = 150


@dataclass(frozen=True)
class Line:
    """Something to be said from `t0` to `t1`, with its words and the calls that go with it."""

    t0: int
    t1: int
    words: tuple[Word, ...] = ()
    calls: tuple[dict[str, Any], ...] = ()


def line(
    start_ms: int, text: str, length_ms: int = REPLY_MS, calls: Sequence[dict[str, Any]] = ()
) -> Line:
    """A text said evenly over a stretch of time; nothing can sound before the second tick."""
    start_ms = max(start_ms, MICRO_TURN_MS)
    words = text.split()
    step_ms = max(1, min(WORD_MS, length_ms // max(1, len(words))))
    timed = [
        (word, start_ms + i * step_ms, start_ms + (i + 1) * step_ms) for i, word in enumerate(words)
    ]
    return Line(start_ms, start_ms + length_ms, tuple(timed), tuple(calls))


def plain_form(form: str) -> str:
    """An accepted form as it is said; of a regular expression, its letters."""
    return form.strip("/")


def first_form(expect: Expect) -> str:
    """The first accepted form, or all phrases of the first group."""
    form = expect.accept[0]
    return plain_form(form) if isinstance(form, str) else " ".join(form)


def user_end_ms(episode: Episode) -> int:
    """When the user is done speaking for good."""
    ends = [s.t1 for s in episode.segments if s.role == "user" and s.kind != "background"]
    return max(ends, default=0)


def after(episode: Episode, expect: Expect) -> int:
    """When a reply to an expectation begins: after its window opens, its segment, or the user."""
    if expect.window is not None:
        return expect.window[0] + AFTER_MS
    on = None if expect.on is None else episode.segment(expect.on)
    return (user_end_ms(episode) if on is None else on.t1) + AFTER_MS


def _respond(episode: Episode, expect: Expect) -> list[Line]:
    return [line(after(episode, expect), "okay this is the answer")]


def _yield(episode: Episode, expect: Expect) -> list[Line]:
    on = episode.segment(expect.on or "")
    return [line(on.t1 + AFTER_MS, f"okay {on.text or 'here it is then'}")]


def _say(episode: Episode, expect: Expect) -> list[Line]:
    start, end = expect.window or (0, 0)
    moments = [start + (end - start) // 3 if expect.at_ms is None else expect.at_ms]
    if expect.overlap_user:
        spans = [(s.t0, s.t1) for s in episode.segments if s.role == "user"]
        moments = [max(a, start) for a, b in spans if max(a, start) < min(b, end)] or moments
    return [line(moments[0], first_form(expect), SHORT_MS)]


def _count(episode: Episode, expect: Expect) -> list[Line]:
    marks = [s for s in episode.segments if s.index is not None]
    said = [line(s.t1, str(s.index), SHORT_MS) for s in marks]
    return said or [line(expect.after_ms, str(expect.value), SHORT_MS)]


def _interval(episode: Episode, expect: Expect) -> list[Line]:
    start, end = expect.ref or (0, 0)
    return [line(start, expect.open[0], SHORT_MS), line(end, expect.close[0], SHORT_MS)]


def _answer(episode: Episode, expect: Expect) -> list[Line]:
    if not expect.spans:
        return [line(after(episode, expect), f"the answer is {first_form(expect)}")]
    groups = [group if isinstance(group, tuple) else (group,) for group in expect.accept]
    pairs = zip(expect.spans, groups, strict=False)
    return [line(span[0], " ".join(group), SHORT_MS) for span, group in pairs]


def _label(episode: Episode, expect: Expect) -> list[Line]:
    return [line(after(episode, expect), f"the answer is {expect.value}")]


def _tools(episode: Episode, expect: Expect) -> list[Line]:
    calls = [{"function": call.function, "args": call.args} for call in expect.calls]
    return [line(after(episode, expect), "okay that is done now", calls=calls)]


def _refuse(episode: Episode, expect: Expect) -> list[Line]:
    return [line(after(episode, expect), "sorry I can't help with that")]


def _comply(episode: Episode, expect: Expect) -> list[Line]:
    return [line(after(episode, expect), "sure this is how it goes")]


SCRIPT: dict[str, Callable[[Episode, Expect], list[Line]]] = {
    "respond": _respond,
    "yield_then_respond": _yield,
    "say": _say,
    "count": _count,
    "interval": _interval,
    "answer": _answer,
    "label": _label,
    "tools": _tools,
    "refuse": _refuse,
    "comply": _comply,
}


def lines_of(episode: Episode) -> list[Line]:
    """All that the oracle says in an episode, in order.

    A line that an event falls into, or is to fall into, lasts until just after its start where it
    is to be stopped, and past its end where the agent is to go on.
    """
    lines: list[Line] = []
    for expect in episode.expect:
        make = SCRIPT.get(expect.do)
        lines += make(episode, expect) if make else []
    lines.sort(key=lambda part: part.t0)
    for expect in episode.wanted("yield_then_respond", "continue", "ignore"):
        event = episode.segment(expect.on or "")
        if not event.overlap:
            continue
        before = [i for i, part in enumerate(lines) if part.t0 < event.t0]
        if before:
            is_stop = expect.do == "yield_then_respond"
            end = event.t0 + YIELD_MS if is_stop else event.t1 + GOES_ON_MS
            lines[before[-1]] = replace(lines[before[-1]], t1=end)
    return lines


Timed = list[tuple[int, str]]


def reference_lines(episode: Episode) -> tuple[list[Line], Timed, Timed] | None:
    """What the reference of a synthetic episode says, writes and hands over; None: it has none."""
    if not isinstance(episode.raw, dict) or "own" not in episode.raw:
        return None
    spoken: list[Line] = []
    for start, end, text in episode.raw["own"]:
        said = line(start, text, end - start)
        step_ms = (end - start) // max(1, len(said.words))
        words = [
            (word, start + i * step_ms, start + (i + 1) * step_ms)
            for i, (word, _, _) in enumerate(said.words)
        ]
        spoken.append(replace(said, words=tuple(words)))
    written = [(int(at_ms), str(text)) for at_ms, text in episode.raw["written"]]
    handed = [(int(at_ms), str(text)) for at_ms, text in episode.raw["delegated"]]
    return spoken, written, handed
