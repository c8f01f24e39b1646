"""Who has the floor: turn ends, interruptions, hums, asides, others, stories, silence."""

from __future__ import annotations

import functools
import random

import pytest

from microturn.data import further_ways
from microturn.data.loader import plan
from microturn.data.render import render
from microturn.data.splice import Splice
from microturn.data.talk import NOTICE_MS, RESPONSE_MS, Talk
from microturn.data.timeline import Event, utterance_of
from microturn.scenarios import (
    aside,
    backchannel,
    background_speech,
    facts,
    families,
    interruption,
    quiet,
    story,
    turn_end,
)
from microturn.scenarios import questions as small
from tests.tones import shipped_text, tone_bank

NAMES = (
    "turn_end", "interruption", "backchannel", "aside", "background_speech", "story", "quiet",
)  # fmt: skip
SEEDS = range(200)
SHARED = {*interruption.LONG_ANSWERS, *small.USER_TEXTS}  # asked for in both splits


@functools.cache
def played(name: str, seed: int, split: str = "train") -> Talk:
    talk = Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=1000, split=split)
    families()[name].play(talk)
    return talk


def own(talk: Talk, kind: str = "speech") -> list[Event]:
    return [e for e in talk.events if e.side == "own" and e.kind == kind]


def sounding_ms(event: Event) -> list[tuple[int, int]]:
    """From when to when words are heard, without the pauses put in."""
    words = utterance_of(event, tone_bank()).words
    return [(event.onset_ms + w.start_ms, event.onset_ms + w.end_ms) for w in words]


def overlaps(event: Event, start_ms: int, end_ms: int) -> bool:
    return event.onset_ms < end_ms and start_ms < event.audible_end_ms


@pytest.mark.parametrize("name", NAMES)
def test_silence_is_kept_where_it_is_due(name):
    """Nothing is begun in a pause, nothing is said where only others are heard."""
    for seed in SEEDS:
        talk = played(name, seed)
        for expect in talk.expects:
            if expect.do in ("wait", "silent"):
                assert not any(overlaps(e, *expect.window_ms) for e in own(talk)), (seed, expect)
            if expect.do == "ignore":
                start_ms, end_ms = expect.window_ms
                begun = [e.onset_ms for e in own(talk)]
                answered = {x.window_ms[0] for x in talk.expects if x.do == "respond"}
                for onset_ms in begun:
                    if start_ms <= onset_ms < end_ms:  # only as an answer to something else
                        assert any(onset_ms - 500 < time_ms < onset_ms for time_ms in answered)
            if expect.do == "continue":
                assert any(
                    e.onset_ms <= expect.window_ms[0] and e.audible_end_ms >= expect.window_ms[1]
                    for e in own(talk)
                )


@pytest.mark.parametrize("name", NAMES)
def test_answers_come_at_once_and_only_then(name):
    for seed in SEEDS:
        talk = played(name, seed)
        for expect in talk.expects:
            if expect.do not in ("respond", "yield_then_respond"):
                continue
            start_ms, end_ms = expect.window_ms
            asked = next(e for e in talk.events if e.onset_ms == expect.on_ms and e.side == "user")
            assert start_ms == asked.audible_end_ms
            first = min(e.onset_ms for e in own(talk) if e.onset_ms >= start_ms)
            assert RESPONSE_MS <= first - start_ms < RESPONSE_MS + 600 or expect.do != "respond"
            assert first < end_ms


@pytest.mark.parametrize("name", NAMES)
def test_phrasings_kept_for_evaluation_never_train(name):
    used = {
        split: {
            e.text for seed in SEEDS for e in played(name, seed, split).events if e.side != "own"
        }
        for split in ("train", "eval")
    }
    assert used["train"] & used["eval"] <= SHARED
    assert used["eval"] - SHARED


@pytest.mark.parametrize("name", NAMES)
def test_conversations_render(name):
    for number, split in ((0, "train"), (1, "eval")):
        timeline, sound = plan(7, number, tone_bank(), {name: 1.0}, 12_000, split=split)
        assert len(render(timeline, tone_bank(), shipped_text(), sound).turns) == 60


def test_pauses_lie_between_words_and_are_as_people_make_them():
    lengths = []
    for seed in SEEDS:
        talk = played("turn_end", seed)
        users = [e for e in talk.events if e.side == "user"]
        for mark in talk.marks:
            for event in users:
                for start_ms, end_ms in sounding_ms(event):
                    is_cut = start_ms >= event.audible_end_ms
                    assert is_cut or end_ms <= mark.onset_ms or start_ms >= mark.end_ms
            lengths.append(mark.end_ms - mark.onset_ms)
    lengths.sort()
    assert lengths[0] >= turn_end.PAUSE_MS[0]
    assert 800 < lengths[len(lengths) // 2] < 1200


def test_turns_end_in_every_way():
    nudges, cuts, fillers, pauses, given_up = 0, 0, 0, 0, 0
    for seed in SEEDS:
        talk = played("turn_end", seed)
        users = [e for e in talk.events if e.side == "user"]
        asked = [e for e in own(talk) if e.text in turn_end.NUDGES]
        for nudge in asked:
            broken = [e for e in users if e.cut_ms is not None]
            gap_ms = nudge.onset_ms - broken[-1].audible_end_ms
            assert turn_end.OPEN_MS <= gap_ms < turn_end.OPEN_MS + 200
        nudges += bool(asked)
        cuts += any(e.cut_ms is not None for e in users)
        fillers += any(e.kind == "filler" for e in users)
        pauses += any(e.pauses for e in users)
        given_up += users[-1].text in turn_end.GIVEN_UP
        known = facts.ANSWERS | turn_end.HESITANT | turn_end.CORRECTED
        wanted = known.get(users[-1].text, turn_end.LET_BE)
        assert own(talk)[-1].text == wanted
    assert min(nudges, cuts - nudges, fillers, pauses) > 10
    assert 0 < given_up < nudges


def test_corrections_are_of_what_is_answered():
    """Negative control: the answer to what was taken back is another."""
    taken_back = "What is the capital of Italy?"
    assert (
        small.ANSWERS[taken_back]
        != turn_end.CORRECTED["What is the capital of Italy, no, of Spain?"]
    )
    answers = set(facts.OWN_TEXTS) | set(small.OWN_TEXTS) | {"That is zero."}
    assert set(turn_end.HESITANT.values()) | set(turn_end.CORRECTED.values()) <= answers


@pytest.mark.parametrize("name", ["backchannel", "aside", "background_speech"])
def test_nothing_but_an_interruption_cuts_the_model_off(name):
    assert all(e.cut_ms is None for seed in SEEDS for e in played(name, seed).events)
    assert any(e.cut_ms for seed in SEEDS for e in played("interruption", seed).events)


@pytest.mark.parametrize("split", ["train", "eval"])
def test_some_interruptions_are_noticed_late_in_training_only(split):
    early, late = 0, 0
    for seed in SEEDS:
        events = played("interruption", seed, split).events
        for event in events:
            if event.cut_ms is None:
                continue
            cutting = next(e for e in events if e.side == "user" and e.onset_ms > event.onset_ms)
            noticed_ms = event.cut_ms - cutting.onset_ms
            assert NOTICE_MS <= noticed_ms <= cutting.end_ms - cutting.onset_ms + NOTICE_MS + 200
            early += noticed_ms <= NOTICE_MS + 200
            late += noticed_ms > NOTICE_MS + 200
    assert early > 2 * late and early > 60
    assert late > 20 if split == "train" else late == 0


def test_interruptions_in_further_ways_get_what_they_ask_for():
    found: dict[str, int] = {"stop": 0, "topic": 0, "question": 0}
    for seed in SEEDS:
        events = played("interruption", seed).events
        for before, spoken, reply in zip(events, events[1:], events[2:], strict=False):
            if not isinstance(spoken.clip, Splice):
                continue
            assert before.side == reply.side == "own" and spoken.clip.voice == "af_alloy"
            topics = [t for t in interruption.TOPICS if t in spoken.text]
            if spoken.text in further_ways.STOP_TALKING:
                found["stop"] += 1
                assert reply.text == interruption.STOPPED
            elif reply.text in interruption.LONG_ANSWERS.values():
                found["topic"] += 1
                wanted = [interruption.LONG_ANSWERS[interruption.TOPICS[t]] for t in topics]
                assert reply.text in wanted and reply.text != before.text
            else:
                found["question"] += 1
                assert reply.text in facts.OWN_TEXTS
    assert min(found["stop"], found["topic"]) > 2, found


def test_hums_lie_within_the_answer():
    num_hums = 0
    for seed in SEEDS:
        request, answer, *hums = played("backchannel", seed).events
        assert answer.text == interruption.LONG_ANSWERS[request.text]
        for hum in hums:
            assert hum.kind == "backchannel" and hum.text in backchannel.HUMS
            assert answer.onset_ms + backchannel.EARLIEST_MS <= hum.onset_ms
            assert hum.end_ms <= answer.end_ms - backchannel.LATEST_MS
        num_hums += len(hums)
    assert num_hums > 300


def test_asides_are_met_in_silence_and_over_answers():
    over, silent = 0, 0
    for seed in SEEDS:
        talk = played("aside", seed)
        asides = [e for e in talk.events if e.kind == "aside"]
        for event in asides:
            assert event.text in aside.ASIDES
            over += any(overlaps(e, event.onset_ms, event.end_ms) for e in own(talk))
        silent += not own(talk)
        for event in talk.events:
            assert event.side != "other" or (event.kind == "background" and not event.is_written)
    assert over > 50 and silent > 10


def test_the_background_is_heard_softly_and_never_written():
    for seed in SEEDS:
        talk = played("background_speech", seed)
        others = [e for e in talk.events if e.side == "other"]
        for event in others:
            assert background_speech.GAIN_DB[0] <= event.gain_db <= background_speech.GAIN_DB[1]
            assert not event.is_written and event.clip.voice != talk.user_voice
        assert others


def test_stories_are_heard_out():
    """Hums at the ends of phrases, no talk, and one remark at the end."""
    hums, phrases = 0, 0
    for seed in SEEDS:
        talk = played("story", seed)
        users = [e for e in talk.events if e.side == "user"]
        ready, remark = own(talk)
        assert ready.text in story.READY
        assert remark.onset_ms >= users[-1].end_ms + RESPONSE_MS
        for hum in own(talk, "backchannel"):
            ends = [e.end_ms for e in users[1:-1]]
            assert min(abs(hum.onset_ms - end_ms) for end_ms in ends) <= 400
            assert hum.end_ms - hum.onset_ms <= story.LONGEST_HUM_MS
        hums, phrases = hums + len(own(talk, "backchannel")), phrases + len(users) - 2
    assert 0.5 < hums / phrases < 0.9


def test_long_silences_end_with_a_question():
    muttered = 0
    for seed in SEEDS:
        talk = played("quiet", seed)
        *before, question, answer = talk.events
        if not isinstance(question.clip, Splice):  # of which test_data_assemble.py knows the answer
            assert answer.text == facts.ANSWERS[question.text]
        assert question.onset_ms - 1000 >= quiet.SILENCE_MS[0]
        assert all(e.side == "user" and e.kind == "aside" for e in before)
        muttered += bool(before)
    assert 60 < muttered < 160
