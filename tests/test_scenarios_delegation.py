"""Handing over: the right query at once, the result when nobody speaks, nothing that is stale."""

from __future__ import annotations

import functools
import random

import pytest

from microturn.data import handover, requests
from microturn.data.split import SPLITS
from microturn.data.talk import RESPONSE_MS, Talk
from microturn.scenarios import delegation, families, tools
from microturn.scenarios.questions import NUMBERS
from microturn.signal.text import normalise
from tests.tones import tone_bank

SEEDS = 200


@functools.cache
def played(name: str, seed: int, split: str = "train") -> Talk:
    talk = Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=1000, split=split)
    families()[name].play(talk)
    return talk


def of(talk: Talk, side: str):
    return sorted((e for e in talk.events if e.side == side), key=lambda e: e.onset_ms)


def results(talk: Talk):
    told = [t for t in talk.typed if t.role == "tool"]
    return [t for t in told if not t.text.startswith(handover.PROGRESS)]


@pytest.mark.parametrize("name", ["delegation", "tools"])
def test_phrasings_are_kept_for_evaluation(name):
    texts = set(families()[name].USER_TEXTS)
    train, held = (
        {e.text for seed in range(SEEDS) for e in of(played(name, seed, split), "user")} & texts
        for split in SPLITS
    )
    assert len(train) > 20
    assert len(held) > 5
    assert not train & held


@pytest.mark.parametrize("name", ["delegation", "tools"])
def test_a_request_is_handed_over_with_a_filler(name):
    for seed in range(SEEDS):
        talk = played(name, seed)
        wanted = [e for e in talk.expects if e.do == "delegate"]
        assert [d.text for d in talk.delegated] == [e.accept[0] for e in wanted]
        for handed, expect in zip(talk.delegated, wanted, strict=True):
            asked = [*talk.events, *filter(None, [talk.last_order])]
            request = next(e for e in asked if e.onset_ms == expect.on_ms)
            filler = next(e for e in of(talk, "own") if e.onset_ms == handed.onset_ms)
            assert RESPONSE_MS <= filler.onset_ms - request.end_ms < RESPONSE_MS + 200
            assert filler.text in (*handover.FILLERS, "Okay.") or filler.text.startswith("Okay,")


@pytest.mark.parametrize("name", ["delegation", "tools"])
def test_a_result_is_said_word_for_word_when_the_floor_is_free(name):
    waited = 0
    for seed in range(SEEDS):
        talk = played(name, seed)
        if any(d.text == delegation.CANCEL for d in talk.delegated):
            continue
        told = [e for e in of(talk, "own") if e.kind == "reading"]
        by_user = [t.text for t in talk.typed if t.role == "user"]
        assert by_user == ([talk.last_order.text] if talk.last_order else [])
        texts = [t.text for t in results(talk)]
        assert texts == ([" ".join(e.text for e in told)] if told else [])
        if not told:
            continue
        arrived = results(talk)[0].onset_ms
        assert told[0].onset_ms >= arrived + RESPONSE_MS
        assert not any(
            e.onset_ms < told[-1].end_ms and told[0].onset_ms < e.end_ms for e in of(talk, "user")
        )
        assert len(texts[0].split()) <= delegation.MOST_WORDS
        expect = next(e for e in talk.expects if e.do == "say")
        assert expect.window_ms[0] <= told[0].onset_ms <= expect.window_ms[1]
        if told[0].onset_ms - arrived > 600:
            assert any(e.do == "wait" and e.window_ms[0] == arrived for e in talk.expects)
            waited += 1
    assert waited > 30 or name == "tools"


def test_progress_is_not_said():
    seen = 0
    for seed in range(SEEDS):
        talk = played("delegation", seed)
        for update in (t for t in talk.typed if t.text.startswith(handover.PROGRESS)):
            silent = next(e for e in talk.expects if e.on_ms == update.onset_ms)
            first_ms, last_ms = silent.window_ms
            assert silent.do == "silent"
            assert not any(first_ms <= e.onset_ms < last_ms for e in of(talk, "own"))
            seen += 1
    assert seen > 10


def test_what_was_cancelled_is_dropped():
    dropped = 0
    for seed in range(SEEDS):
        talk = played("delegation", seed)
        if not any(d.text == delegation.CANCEL for d in talk.delegated):
            continue
        last = talk.delegated[-1]
        assert last.text == delegation.CANCEL
        later = [e for e in of(talk, "own") if e.onset_ms >= last.onset_ms]
        assert [e.text for e in later] == ["Okay."]
        dropped += len(results(talk))
    assert dropped > 5


def test_a_correction_is_handed_over_anew():
    changed = 0
    for seed in range(SEEDS):
        talk = played("delegation", seed)
        if len(talk.delegated) == 2 and talk.delegated[1].text != delegation.CANCEL:
            first, second = (d.text.split() for d in talk.delegated)
            assert first[:-1] == second[:-1]
            assert first[-1] != second[-1]
            assert any(e.text == f"Okay, {second[-1].capitalize()}." for e in talk.events)
            changed += 1
    assert changed > 3


def test_closed_facts_are_not_handed_over():
    closed = 0
    for seed in range(SEEDS):
        talk = played("delegation", seed)
        if any(e.detail.get("is_handed_over") is False for e in talk.expects):
            assert not talk.delegated
            closed += 1
    assert closed > 10


def test_sums_are_right():
    values = {word: n for n, word in enumerate(NUMBERS)}
    tens = ("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
    values |= {word: 10 * n for n, word in enumerate(tens, 3)}

    def value(words: str) -> int:
        total = 0
        for word in words.split():
            total = total * 100 if word == "hundred" else total + values.get(word, 0)
        return total

    for _, query, result in requests.SUMS:
        said = result.removeprefix("That makes ").strip(".")
        parts = query.removeprefix("calculate ")
        for word, sign in (("plus", "+"), ("minus", "-"), ("times", "*")):
            parts = parts.replace(f" {word} ", f" {sign} ")
        numbers = [part for part in parts.split(" ") if part in "+-*"]
        for sign in "+-*":
            parts = parts.replace(f" {sign} ", "|")
        total, *others = (value(part) for part in parts.split("|"))
        for sign, other in zip(numbers, others, strict=True):
            total = {"+": total + other, "-": total - other, "*": total * other}[sign]
        assert total == value(said), query


def test_queries_are_plain_words_of_the_request():
    """Every argument was said; nothing of the stumbling is left, and the last value counts."""
    for group in tools.CALLS.values():
        for call in group:
            text = normalise(call.text).replace(",", "").strip(".?")
            assert call.query == normalise(call.query)
            for _, argument in call.arguments:
                assert set(argument.split()) <= set(text.split()), call
            assert not {"uh", "um", "no", "wait", "sorry"} & set(call.query.split())


def test_pauses_do_not_end_a_request():
    hesitant = 0
    for seed in range(SEEDS):
        talk = played("tools", seed)
        request = talk.events[0]
        if request.pauses:
            hesitant += 1
            words = request.text.lower().split()
            assert all(words[place - 1] in tools.STUMBLES for place, _ in request.pauses)
            assert of(talk, "own")[0].onset_ms >= request.end_ms + RESPONSE_MS
            assert any(e.do == "wait" and e.on_ms == request.onset_ms for e in talk.expects)
    assert hesitant > 30
