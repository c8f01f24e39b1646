"""Skills of what is seen: nothing is said before it can be seen, everything soon after."""

from __future__ import annotations

import functools
import random

import numpy as np
import pytest

from microturn.data import sights
from microturn.data.loader import plan
from microturn.data.render import render
from microturn.data.scenes import seen_ms
from microturn.data.talk import Talk
from microturn.scenarios import (
    action_span,
    families,
    person_enters,
    repetition_count,
    screen_watch,
    seen_while_talking,
    show_and_ask,
    visible_answer,
)
from tests.tones import shipped_text, tone_bank

NAMES = (
    "repetition_count",
    "action_span",
    "visible_answer",
    "show_and_ask",
    "screen_watch",
    "person_enters",
    "seen_while_talking",
)
SEEDS = range(200)


@functools.cache
def played(name: str, seed: int, split: str = "train") -> Talk:
    """Laid down once, and only read."""
    return fresh(name, seed, split)


def fresh(name: str, seed: int, split: str = "train") -> Talk:
    talk = Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=1000, split=split)
    families()[name].play(talk)
    return talk


def owns(talk: Talk) -> list:
    return [event for event in talk.events if event.side == "own"]


def expected(talk: Talk, do: str) -> list:
    return [expect for expect in talk.expects if expect.do == do]


def said_in(talk: Talk, expect) -> bool:
    """Whether one of the accepted texts begins within the window."""
    return any(
        event.text in expect.accept and expect.window_ms[0] <= event.onset_ms <= expect.window_ms[1]
        for event in owns(talk)
    )


@pytest.mark.parametrize("name", NAMES)
def test_silence_is_kept_and_expectations_are_met(name):
    for seed in SEEDS:
        talk = played(name, seed)
        for expect in talk.expects:
            if expect.do == "silent":
                a, b = expect.window_ms
                assert not any(e.onset_ms < b and e.audible_end_ms > a for e in owns(talk)), seed
            else:
                assert said_in(talk, expect), (seed, expect)
        num_kept = sum(len(e.accept) if e.do == "interval" else 1
                       for e in talk.expects if e.do != "silent")  # fmt: skip
        assert num_kept == len(owns(talk))


@pytest.mark.parametrize("name", NAMES)
def test_a_talk_fits_a_training_row(name):
    for seed in SEEDS:
        talk = played(name, seed)
        assert talk.scene is not None and talk.scene_ms[0] == 0
        assert max(e.audible_end_ms for e in talk.events) <= talk.scene_ms[1] <= 20_000


@pytest.mark.parametrize("name", NAMES)
def test_sometimes_nothing_happens(name):
    """Then nothing is said but the acknowledgement; questions about things shown have their own."""
    if name == "show_and_ask":
        said = [event.text for seed in SEEDS for event in owns(played(name, seed))]
        assert 2 < said.count(show_and_ask.UNSEEN) < 40
        return
    quiet = sum(not [m for m in played(name, seed).marks if m.kind != "other"] for seed in SEEDS)
    assert 5 < quiet < 100


@pytest.mark.parametrize("name", NAMES)
def test_evaluation_asks_in_other_words(name):
    train = {e.text for seed in SEEDS for e in played(name, seed).events if e.side == "user"}
    kept = {e.text for seed in SEEDS for e in played(name, seed, "eval").events if e.side == "user"}
    shared = {  # closed lists
        *visible_answer.STILL, *visible_answer.WANTED.values(), *repetition_count.STOPS,
        *show_and_ask.OF_THING.values(),
    }  # fmt: skip
    assert kept - shared
    assert (train & kept) <= shared


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_pictures(name):
    for seed in range(12):
        a, b = fresh(name, seed), fresh(name, seed)
        assert a.scene == b.scene and a.scene_ms == b.scene_ms and a.marks == b.marks
        for time_ms in (600, 5000, 9000):
            assert np.array_equal(a.scene.image(time_ms), b.scene.image(time_ms))


@pytest.mark.parametrize("name", NAMES)
def test_the_family_renders(name):
    for number in range(2):
        timeline, sound = plan(3, number, tone_bank(), {name: 1.0}, 20_000)
        episode = render(timeline, tone_bank(), shipped_text(), sound)
        shown = [index for index, (turn, _) in enumerate(episode.turns) if turn.patch_P is not None]
        assert timeline.families in ((name,), ("quiet",))
        assert timeline.scene is None or (len(shown) > 8 and all(index % 2 for index in shown))
        assert timeline.scene is not None or not shown


# ---- counting


def test_numbers_up_to_fifteen():
    assert repetition_count.SPOKEN[1] == "One." and repetition_count.SPOKEN[15] == "Fifteen."
    assert set(repetition_count.SPOKEN.values()) <= set(repetition_count.OWN_TEXTS)
    assert "Count my push ups." in repetition_count.USER_TEXTS
    assert "Please count out reps for squats." in repetition_count.USER_TEXTS


def test_every_repetition_is_counted_when_it_is_over():
    most, num_silent = 0, 0
    for seed in SEEDS:
        talk = played("repetition_count", seed)
        reps = [mark for mark in talk.marks if mark.kind == "rep"]
        counts = expected(talk, "count")
        is_stopped = any(event.text in repetition_count.STOPS for event in talk.events)
        if len(counts) == 1 and (not reps or counts[0].on_ms != reps[0].onset_ms):
            num_silent += 1
            total = counts[0].detail["value"]
            assert total == len(reps)
            assert counts[0].accept == (repetition_count.TOTALS[total],)
            continue
        assert [count.detail["value"] for count in counts] == list(range(1, len(counts) + 1))
        assert len(counts) <= len(reps) if is_stopped else len(counts) == len(reps)
        for rep, count in zip(reps, counts, strict=False):
            own = next(e for e in owns(talk) if e.text in count.accept)
            assert own.text == repetition_count.SPOKEN[count.detail["value"]]
            assert seen_ms(rep.end_ms) <= own.onset_ms <= rep.end_ms + 1200
        if is_stopped:
            over_ms = next(e.end_ms for e in owns(talk) if e.text == repetition_count.STOPPED)
            assert max(event.end_ms for event in owns(talk)) == over_ms
        most = max(most, len(counts))
    assert most >= 10 and num_silent > 20


def test_a_repetition_is_seen():
    """At rest the figure is at rest; in the middle of a repetition it is not."""
    for seed in range(40):
        talk = played("repetition_count", seed)
        reps = [mark for mark in talk.marks if mark.kind == "rep"]
        scene = getattr(talk.scene, "scene", talk.scene)
        beats = scene.beats
        assert [(mark.onset_ms, mark.end_ms) for mark in reps] == list(beats)
        for start_ms, end_ms in beats[:2]:
            rest = scene.image(end_ms if (end_ms, end_ms) not in beats else start_ms).astype(int)
            middle = scene.image((start_ms + end_ms) // 2).astype(int)
            assert (np.abs(rest - middle) > 40).mean() > 0.005


# ---- start and stop


def test_start_and_stop():
    num_spans = 0
    for seed in SEEDS:
        talk = played("action_span", seed)
        said = [e for e in owns(talk) if e.text in (action_span.START, action_span.STOP)]
        spans = expected(talk, "interval")
        assert [e.text for e in said] == [action_span.START, action_span.STOP] * len(spans)
        for number, span in enumerate(spans):
            start_ms, end_ms = int(span.detail["start_ms"]), int(span.detail["end_ms"])
            begun, ended = said[2 * number], said[2 * number + 1]
            assert start_ms < begun.onset_ms <= start_ms + 900
            assert end_ms < ended.onset_ms <= end_ms + 1000
            num_spans += 1
    assert num_spans > 150


# ---- answers that appear, things that are shown


def test_an_answer_waits_until_it_is_seen():
    num_asked_again = 0
    for seed in SEEDS:
        talk = played("visible_answer", seed)
        for mark in (mark for mark in talk.marks if mark.kind == "shown"):
            answer = owns(talk)[-1]
            assert seen_ms(mark.onset_ms) <= answer.onset_ms <= mark.onset_ms + 800
            if answer.text not in visible_answer.THERE:
                assert mark.label.split()[-1].lower() in (
                    *answer.text.lower().strip(".").split(), *map(str, range(10)),
                )  # fmt: skip
        num_asked_again += any(e.text in visible_answer.NOT_YET for e in owns(talk))
    assert num_asked_again > 10


def test_what_is_shown_is_there_while_it_is_asked_about():
    for seed in SEEDS:
        talk = played("show_and_ask", seed)
        for expect in expected(talk, "answer"):
            mark = next(m for m in talk.marks
                        if m.onset_ms <= expect.on_ms <= m.end_ms)  # fmt: skip
            assert mark.end_ms >= expect.window_ms[1]
            color = mark.label.split()[0]
            if expect.accept[0].startswith("It is"):
                assert expect.accept == (f"It is {color if color != 'color' else mark.label[6:]}.",)


# ---- screens, visitors, things seen while the user talks


def test_the_line_with_the_bug():
    num_bugs = 0
    for seed in SEEDS:
        talk = played("screen_watch", seed)
        screen = getattr(talk.scene, "scene", talk.scene)
        bugs = [line for line in screen.lines if line.is_bug]
        warned = [e for e in owns(talk) if e.text in screen_watch.BUG.values()]
        assert [screen_watch.BUG[line.number] for line in bugs] == [e.text for e in warned]
        for line, event in zip(bugs, warned, strict=True):
            assert seen_ms(line.end_ms) == event.onset_ms
        states = [state for from_ms, state in screen.builds if from_ms > 0]
        assert (screen_watch.FAILED in [e.text for e in owns(talk)]) <= ("failed" in states)
        num_bugs += len(bugs)
    assert num_bugs > 50


def test_only_those_who_are_waited_for():
    num_ignored = 0
    for seed in SEEDS:
        talk = played("person_enters", seed)
        entrance = getattr(talk.scene, "scene", talk.scene)
        called = [mark for mark in talk.marks if mark.kind == "seen"]
        assert {mark.onset_ms for mark in called} <= {visit.from_ms for visit in entrance.visits}
        for mark in called:
            known = person_enters.AT_DOOR.get(mark.label, person_enters.SOMEBODY)
            assert any(e.text == known and e.onset_ms >= seen_ms(mark.onset_ms) for e in owns(talk))
        num_ignored += len(entrance.visits) - len(called)
    assert num_ignored > 10


def test_at_once_or_at_the_pause():
    num_overlapping, num_waiting = 0, 0
    for seed in SEEDS:
        talk = played("seen_while_talking", seed)
        for mark in (mark for mark in talk.marks if mark.kind == "seen"):
            own = next(e for e in owns(talk) if e.text in seen_while_talking.SAID.values())
            users = [event for event in talk.events if event.side == "user"]
            spoken = next(e for e in users if e.onset_ms <= mark.onset_ms < e.end_ms)
            request = users[0].text
            is_at_once = any(request in texts for texts in seen_while_talking.AT_ONCE.values())
            if is_at_once:
                assert own.onset_ms < spoken.end_ms + 600
                num_overlapping += own.onset_ms < spoken.end_ms
            else:
                assert own.onset_ms >= spoken.end_ms + 250
                num_waiting += 1
    assert num_overlapping > 50 and num_waiting > 30


def test_a_late_talk_has_no_room():
    talk = Talk(tone_bank(), random.Random(0), "af_alloy", now_ms=1000)
    with pytest.raises(KeyError, match="no room"):
        sights.need_time(talk, sights.ENDS_MS)
