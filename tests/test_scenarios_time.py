"""Reminders, timers, countdowns, the stopwatch: everything falls on its second."""

from __future__ import annotations

import functools
import itertools
import random
from collections import Counter

import pytest

from microturn.data.split import SPLITS
from microturn.data.talk import RESPONSE_MS, Talk
from microturn.data.timeline import to_grid
from microturn.scenarios import countdown, families, reminder, stopwatch, timer_once
from microturn.scenarios.questions import NUMBERS
from tests.tones import tone_bank

SEEDS = 200


@functools.cache
def played(name: str, seed: int, split: str = "train", now_ms: int = 1000) -> Talk:
    talk = Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=now_ms, split=split)
    families()[name].play(talk)
    return talk


def of(talk: Talk, side: str):
    return sorted((e for e in talk.events if e.side == side), key=lambda e: e.onset_ms)


def first_order(talk: Talk):
    """What the user wants, and which event answers it: a typed order is none."""
    if talk.last_order is not None and talk.typed:
        return talk.last_order, 0
    return talk.events[0], 1


def said_by_user(name: str, split: str) -> set[str]:
    return {e.text for seed in range(SEEDS) for e in of(played(name, seed, split), "user")}


@pytest.mark.parametrize("name", ["reminder", "timer_once", "countdown", "stopwatch"])
def test_phrasings_are_kept_for_evaluation(name):
    """What is said in both splits belongs to lists too short to be split, or to small talk."""
    common = said_by_user(name, "train") & said_by_user(name, "eval")
    common -= set(stopwatch.ASIDES)
    assert not common & set(families()[name].USER_TEXTS)


def test_a_timer_speaks_at_its_time_and_not_before():
    busy, kinds = 0, Counter()
    for seed in range(SEEDS):
        talk = played("timer_once", seed)
        request, first = first_order(talk)
        if "minutes" in request.text:
            assert len(talk.events) == first + 1
            kinds["minutes"] += 1
            continue
        due = talk.expects[-1]
        told = next(e for e in talk.events if e.side == "own" and e.text in due.accept)
        seconds = due.detail["seconds"]
        assert told.onset_ms == to_grid(request.end_ms + 1000 * seconds)
        assert due.window_ms[0] <= told.onset_ms <= due.window_ms[1]
        assert NUMBERS[seconds] in request.text
        others = [e for e in talk.events[first + 1 :] if e is not told]
        assert all(e.end_ms < told.onset_ms for e in others)
        busy += bool(others)
        silent = [e.window_ms for e in talk.expects if e.do == "silent"]
        assert bool(silent) != bool(others)
        assert all(b < told.onset_ms for _, b in silent)
        kinds["say" if told.text not in timer_once.OVER else "over"] += 1
    assert busy > 20
    assert min(kinds.values()) > 8
    with pytest.raises(KeyError, match="over before the talk"):
        for seed in range(9):
            played("timer_once", seed, now_ms=24_000)


def test_a_countdown_says_a_number_a_second():
    stopped, started = 0, 0
    for seed in range(SEEDS):
        talk = Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=1000)
        countdown.count(talk)
        request, own = first_order(talk)[0], of(talk, "own")
        numbers = [NUMBERS.index(e.text.lower().strip(".")) for e in own
                   if e.text in countdown.SPOKEN.values()]  # fmt: skip
        assert NUMBERS[numbers[0]] in request.text
        assert RESPONSE_MS <= own[0].onset_ms - request.end_ms < RESPONSE_MS + 200
        assert numbers == list(range(numbers[0], numbers[0] - len(numbers), -1))
        steps = [b.onset_ms - a.onset_ms for a, b in itertools.pairwise(own[: len(numbers)])]
        assert set(steps) <= {1000}
        if stops := [e for e in of(talk, "user") if e is not request]:
            (stop,) = stops
            assert own[-1].text == countdown.STOPPED
            assert all(e.audible_end_ms <= to_grid(stop.onset_ms + 300) for e in own[:-1])
            stopped += 1
        else:
            assert numbers[-1] == 1
            assert (own[-1].text == countdown.GOES) == ("start" in request.text.split(",")[-1])
            started += own[-1].text == countdown.GOES
    assert stopped > 20
    assert started > 10


@pytest.mark.parametrize("play", [countdown.left_when_asked, countdown.left_at_intervals])
def test_what_is_left_is_true(play):
    for seed in range(SEEDS):
        talk = Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=1000)
        play(talk)
        request, *_ = talk.events
        over = talk.expects[-1]
        end_ms = request.end_ms + 1000 * over.detail["seconds"]
        assert to_grid(end_ms) == talk.events[-1].onset_ms
        told = [e for e in of(talk, "own") if e.text.endswith("left.")]
        assert told
        for event in told:
            left = next(n for n, text in countdown.LEFT.items() if text == event.text)
            assert abs(end_ms - event.onset_ms - 1000 * left) <= 500


def test_spans_are_measured():
    for seed in range(SEEDS):
        talk = Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=1000)
        (stopwatch.measured if seed % 2 else stopwatch.away)(talk)
        asked = next(e for e in talk.expects if e.do == "answer")
        begun, ended = of(talk, "user")[0], of(talk, "user")[-1]
        assert asked.detail["span_ms"] == ended.onset_ms - begun.end_ms
        answer = of(talk, "own")[-1]
        seconds = next(n for n, text in stopwatch.TOOK.items() if text == answer.text)
        assert abs(asked.detail["span_ms"] - 1000 * seconds) <= 500
        assert answer.text in asked.accept
        assert ended.end_ms < talk.duration_ms


def test_longer_than_last_time():
    """It speaks up exactly when the first span has passed again, and never when it has not."""
    slower = faster = 0
    for seed in range(SEEDS):
        talk = Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=1000)
        stopwatch.longer(talk)
        _, begun, ended, again, done = of(talk, "user")
        first_ms, second_ms = ended.onset_ms - begun.end_ms, done.onset_ms - again.end_ms
        alarms = [e for e in talk.events if e.text == stopwatch.SLOWER]
        assert len(alarms) == (second_ms > first_ms)
        for alarm in alarms:
            assert alarm.onset_ms == to_grid(again.end_ms + first_ms)
        slower, faster = slower + len(alarms), faster + 1 - len(alarms)
        assert any(e.text == stopwatch.FASTER for e in talk.events) != bool(alarms)
    assert slower > 50
    assert faster > 20


def test_reminders_keep_their_interval():
    """Everything that is due is said on its second, but for what another reminder delays."""
    late, over, total, kinds = 0, 0, 0, Counter()
    for seed in range(SEEDS):
        talk = played("reminder", seed)
        users, own = of(talk, "user"), of(talk, "own")
        request, first = first_order(talk)
        kinds[len(users) + 1 - first] += 1
        if "minutes" in request.text:
            assert len(own) == 1
            continue
        acks = {ack.onset_ms: ack for ack in own if ack.text in reminder.ACKNOWLEDGED.values()}
        assert own[-1].text == reminder.STOPPED
        told = [e for e in own[:-1] if e.onset_ms not in acks]
        assert told
        for event in told:
            begins = [(ack.onset_ms, NUMBERS.index(ack.text.split()[-2])) for ack in acks.values()]
            rests = [(event.onset_ms - a) % (1000 * s) for a, s in begins if event.onset_ms > a]
            if min(rests) != 0:  # only because the model was still saying something else
                late += 1
                assert any(0 <= event.onset_ms - e.end_ms < 200 for e in own)
            over += any(e.onset_ms <= event.onset_ms < e.end_ms for e in users)
        total += len(told)
        intervals = [e for e in talk.expects if e.do == "interval"]
        assert len(intervals) == len(told)
        assert all(i.window_ms[0] <= e.onset_ms <= i.window_ms[1]
                   for i, e in zip(intervals, told, strict=True))  # fmt: skip
    assert late < 0.05 * total
    assert over == 0  # the user speaks between reminders
    assert kinds[3] > 40  # two requests and "stop"


def test_nothing_is_said_after_stop():
    for seed in range(SEEDS):
        for split in SPLITS:
            talk = played("reminder", seed, split)
            if talk.marks:
                stop = talk.marks[-1]
                later = [e for e in of(talk, "own") if e.onset_ms > stop.onset_ms]
                assert [e.text for e in later] == [reminder.STOPPED]


def test_another_interval_replaces_the_first():
    changed = 0
    for seed in range(SEEDS):
        talk = played("reminder", seed)
        texts = [text for cases in reminder.CHANGE_CASES for text, _ in cases]
        change = next((e for e in talk.events if e.text in texts), None)
        if change is None:
            continue
        changed += 1
        ack, *told = (e for e in of(talk, "own") if e.onset_ms > change.onset_ms)
        seconds = NUMBERS.index(ack.text.split()[-2])
        steps = {e.onset_ms - ack.onset_ms for e in told[:-1]}
        assert all(step % (1000 * seconds) == 0 for step in steps)
    assert changed > 20
