"""From a scenario's timeline to what an episode says: segments, expectations, the reference.

An expectation of training is a window in the time of the talk. Here it becomes one that a metric
can grade without knowing how the talk went on.
"""

from __future__ import annotations

import functools
from typing import Any

from microturn.data.bank import Bank
from microturn.data.timeline import Event, Timeline, utterance_of
from microturn.data.timeline import Expect as Wanted
from microturn.evals.episode import Expect, Segment, SegmentKind, Span, Word
from microturn.evals.spoken import content_words
from microturn.scenarios import families

KINDS: dict[str, SegmentKind] = {
    "backchannel": "backchannel",
    "aside": "aside",
    "background": "background",
}
SETTLES_MS = 1000  # after the model was to speak, before silence counts
NEAR_MS = 1500
SEEN_MS = 500  # after a turn; an answer that is due later waits for what is seen
REPETITION = "rep"
SPAN_WINDOW_MS = 2000  # after the start or stop of an action, to say so
TURN_GAP_MS = 60  # a pause that speech does not follow sooner ends a turn
WRITE_SLACK_MS = 1000


def words_of(event: Event, bank: Bank) -> tuple[Word, ...]:
    """The words of an event in the time of the talk, up to where it is cut."""
    end_ms = event.audible_end_ms
    timed = [
        (w.text, event.onset_ms + w.start_ms, min(end_ms, event.onset_ms + w.end_ms))
        for w in utterance_of(event, bank).words
    ]
    return tuple(word for word in timed if word[1] < word[2])


def said_text(event: Event, bank: Bank) -> str:
    """The text of an event; of one that is cut off, the words that were over by then."""
    if event.cut_ms is None or event.cut_ms >= event.end_ms:
        return event.text
    whole = [
        word.text
        for word in utterance_of(event, bank).words
        if event.onset_ms + word.end_ms <= event.cut_ms
    ]
    return " ".join(whole)


def own_spans(timeline: Timeline) -> list[Span]:
    """When the model speaks in the reference."""
    return [(e.onset_ms, e.audible_end_ms) for e in timeline.events if e.side == "own"]


def reference(timeline: Timeline, bank: Bank) -> dict[str, Any]:
    """What the model does in the reference: spoken lines, written ones, what is handed over."""
    own = [
        [e.onset_ms, e.audible_end_ms, said_text(e, bank)]
        for e in timeline.events
        if e.side == "own"
    ]
    written = [[w.onset_ms, w.text] for w in timeline.written]
    handed = [[d.onset_ms, d.text] for d in timeline.delegated]
    return {"own": own, "written": written, "delegated": handed}


def segments(timeline: Timeline, bank: Bank) -> tuple[list[Segment], dict[int, str]]:
    """What comes in, as segments; and the id of each by its onset."""
    own = own_spans(timeline)
    found: list[Segment] = []
    for number, event in enumerate(e for e in timeline.events if e.side != "own"):
        found.append(
            Segment(
                f"u{number}",
                "user" if event.side == "user" else "world",
                event.onset_ms,
                min(event.audible_end_ms, timeline.duration_ms),
                KINDS.get(event.kind, "speech") if event.side == "user" else "background",
                said_text(event, bank),
                tuple(w for w in words_of(event, bank) if w[2] <= timeline.duration_ms),
                overlap=any(a < event.onset_ms < b for a, b in own),
                label=None if event.is_written else "unwritten",
            )
        )
    for number, typed in enumerate(timeline.typed):
        is_update = typed.role == "tool"
        role: Any = "world" if is_update else "user"
        kind: SegmentKind = "cue" if is_update else "instruction"
        at_ms = typed.onset_ms
        found.append(Segment(f"t{number}", role, at_ms, at_ms, kind, typed.text, label="typed"))
    found += seen(timeline)
    by_time = {s.t0: s.id for s in reversed(found) if s.kind != "visual_event"}
    return found, by_time


def seen(timeline: Timeline) -> list[Segment]:
    """What happens in the picture; repetitions are numbered from 1."""
    found: list[Segment] = []
    num_reps = 0
    for number, mark in enumerate(timeline.marks):
        if mark.kind in ("pause", "cue", "stopped") or mark.end_ms > timeline.duration_ms:
            continue
        num_reps += mark.kind == REPETITION
        index = num_reps if mark.kind == REPETITION else None
        at_ms = max(0, mark.onset_ms)
        found.append(
            Segment(
                f"v{number}", "world", at_ms, mark.end_ms, "visual_event",
                label=mark.label, index=index,
            )
        )  # fmt: skip
    return found


@functools.cache
def acknowledgements() -> tuple[str, ...]:
    """Ways to say "okay" among which a scenario draws: where one is right, all are."""
    lists = [getattr(module, "ACKNOWLEDGED", ()) for module in families().values()]
    return tuple(
        dict.fromkeys(text for known in lists if isinstance(known, tuple) for text in known)
    )


class Mapper:
    """Makes the expectations of one timeline; pauses become segments on the way."""

    def __init__(self, timeline: Timeline, by_time: dict[int, str], bank: Bank) -> None:
        self.timeline, self.by_time, self.bank = timeline, by_time, bank
        self.own = [e for e in timeline.events if e.side == "own"]
        self.pauses: list[Segment] = []

    def all(self) -> list[Expect]:
        """Every expectation that can be graded, in order."""
        found: list[Expect] = []
        for number, wanted in enumerate(self.timeline.expects):
            found += self.one(f"e{number}", wanted)
        return found + self.total() + self.first_span()

    def total(self) -> list[Expect]:
        """The count of what repeats, where all of it is to be counted."""
        counted = [e.detail.get("value", 0) for e in self.timeline.expects if e.do == "count"]
        num_reps = sum(mark.kind == REPETITION for mark in self.timeline.marks)
        if not num_reps or not counted or max(counted) != num_reps:
            return []
        return [Expect("total", "count", value=num_reps, tol=1)]

    def first_span(self) -> list[Expect]:
        """The first of the spans whose start and stop are said."""
        for wanted in self.timeline.expects:
            if "start_ms" in wanted.detail and "end_ms" in wanted.detail:
                start, end = (int(wanted.detail[name]) for name in ("start_ms", "end_ms"))
                ends = [(form.strip(".").lower(),) for form in wanted.accept]
                return [Expect("span", "interval", ref=(start, end), open=ends[0], close=ends[1])]
        return []

    def one(self, id: str, wanted: Wanted) -> list[Expect]:
        """One expectation of the timeline as none, one or two of an episode."""
        start, end = wanted.window_ms
        window = (max(0, start), max(0, start, end))
        on = self.by_time.get(-1 if wanted.on_ms is None else wanted.on_ms)
        match wanted.do:
            case "respond" | "answer" | "yield_then_respond":
                return self.reply(id, wanted, window, on)
            case "refuse" if wanted.detail.get("topic") == "care":
                return self.reply(id, wanted, window, on)
            case "refuse":
                reply = self.reply(
                    f"{id}r", Wanted("respond", window, (), wanted.on_ms), window, on
                )
                return [Expect(id, "refuse", on=on, window=window), *reply]
            case "say" | "count" | "interval":
                return self.moment(id, wanted, window)
            case "silent":
                return self.silence(id, window)
            case "wait":
                return self.pause(id, window)
            case "continue" | "ignore" if on is not None:
                return [Expect(id, wanted.do, on=on, window=window)]
            case "delegate":
                return [Expect(id, "delegate", on=on, window=window, accept=wanted.accept)]
            case _:
                return []

    def reply(self, id: str, wanted: Wanted, window: Span, on: str | None) -> list[Expect]:
        """An answer: aloud, or in writing where the reference writes."""
        if any(window[0] <= w.onset_ms <= window[1] for w in self.timeline.written):
            return [Expect(id, "write", on=on, window=window, accept=wanted.accept)]
        if on is None:
            return [Expect(id, "say", window=window, accept=wanted.accept)] if wanted.accept else []
        if window[0] > self.end_of(wanted) + SEEN_MS:
            phrases = tuple(sorted(content_words(wanted.accept[0]))) if wanted.accept else ()
            span = Expect(f"{id}p", "answer", spans=(window,), accept=(phrases,))
            is_span = bool(phrases) and window[1] > window[0]
            return [*self.moment(id, wanted, window), *([span] if is_span else [])]
        do = "yield_then_respond" if wanted.do == "yield_then_respond" else "respond"
        accept = tuple(self.cut_off(text, window) for text in wanted.accept)
        if accept and accept[0] in acknowledgements():
            accept = (accept[0], *(text for text in acknowledgements() if text != accept[0]))
        found = [Expect(id, do, on=on, window=window, accept=accept)]
        if "refusal" in self.timeline.families and wanted.do == "answer":
            found.append(Expect(f"{id}c", "comply", on=on, window=window))
        return found

    def end_of(self, wanted: Wanted) -> int:
        """When what is answered was over."""
        ends = [e.audible_end_ms for e in self.timeline.events if e.onset_ms == wanted.on_ms]
        return max(ends, default=wanted.window_ms[0])

    def cut_off(self, text: str, window: Span) -> str:
        """Of an answer that the user interrupts, only what can be heard."""
        for event in self.own:
            if event.text == text and window[0] <= event.onset_ms <= window[1]:
                return said_text(event, self.bank) or text
        return text

    def moment(self, id: str, wanted: Wanted, window: Span) -> list[Expect]:
        """Something said in a window; it is due when the reference says it."""
        if "start_ms" in wanted.detail and "end_ms" in wanted.detail:
            return self.ends(id, wanted)
        if wanted.detail.get("is_backchannel") or not wanted.accept:
            return []
        dues = [
            event.onset_ms
            for event in self.own
            if event.text in wanted.accept and window[0] <= event.onset_ms <= window[1]
        ]
        due_ms = dues[0] if dues else None
        return [Expect(id, "say", window=window, accept=wanted.accept, at_ms=due_ms)]

    def ends(self, id: str, wanted: Wanted) -> list[Expect]:
        """The start and the stop of a span as two moments."""
        found: list[Expect] = []
        for name, form in zip(("start_ms", "end_ms"), wanted.accept, strict=False):
            at_ms = int(wanted.detail[name])
            window = (at_ms, at_ms + SPAN_WINDOW_MS)
            said = [e.onset_ms for e in self.own if e.text == form and e.onset_ms >= at_ms]
            found.append(
                Expect(f"{id}{name[0]}", "say", window=window, accept=(form,),
                       at_ms=said[0] if said else None)
            )  # fmt: skip
        return found

    def silence(self, id: str, window: Span) -> list[Expect]:
        """Silence, from when an answer of another length than the reference's would be over."""
        start, end = window
        if any(
            a < end and start - NEAR_MS < b <= start + NEAR_MS for a, b in own_spans(self.timeline)
        ):
            start += SETTLES_MS
        return [Expect(id, "silent", window=(start, end))] if start < end else []

    def pause(self, id: str, window: Span) -> list[Expect]:
        """A pause within a turn; where no speech follows at once, silence; where the model may
        speak, nothing."""
        start, end = window
        if any(a < end and b > start for a, b in own_spans(self.timeline)):
            return []
        users = [e for e in self.timeline.events if e.side == "user"]
        goes_on = any(e.onset_ms <= end + TURN_GAP_MS and e.audible_end_ms >= end for e in users)
        if not goes_on:
            return self.silence(id, window)
        self.pauses.append(Segment(f"p{id}", "user", start, max(start, end - 1), "pause"))
        return [Expect(id, "wait", on=f"p{id}", window=window)]


def expectations(
    timeline: Timeline, by_time: dict[int, str], bank: Bank
) -> tuple[tuple[Expect, ...], list[Segment]]:
    """All that is expected, and the pauses that it speaks of, which are segments too."""
    mapper = Mapper(timeline, by_time, bank)
    found = mapper.all()
    end_ms = timeline.duration_ms
    kept = [e for e in found if e.window is None or e.window[0] <= end_ms]
    return tuple(kept), mapper.pauses
