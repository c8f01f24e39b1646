"""Typed orders in further ways: in training only, and none that evaluation keeps."""

from __future__ import annotations

import importlib
import pkgutil
import random
import re
import string

import pytest

from microturn import scenarios
from microturn.data import further_calls, further_requests, further_ways
from microturn.data.loader import plan
from microturn.data.split import KEPT_EVERY
from microturn.data.talk import TYPED_ORDERS, Talk
from microturn.scenarios import memory, quiz, reading, repeat_text, texts, timer_once
from microturn.signal.text import normalise
from tests.tones import tone_bank

FAMILIES = (
    "timer_once", "reminder", "countdown", "repetition_count", "action_span", "screen_watch",
    "person_enters", "visible_answer", "show_and_ask", "cue_word", "word_count", "refusal",
)  # fmt: skip

NEAR = 0.66  # of the words of both


def all_ways() -> list[str]:
    found: list[str] = []
    for name, ways in [*vars(further_ways).items(), *vars(further_requests).items()]:
        if name.isupper():
            groups = ways.values() if isinstance(ways, dict) else [ways]
            found += [way for group in groups for way in group]
    return found


def fields(way: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(way) if name}


def letters(text: str) -> str:
    return "".join(c for c in normalise(text) if c.isalpha() or c == " ")


def typed_ways() -> list[str]:
    """All that are typed in training only."""
    others = (reading.FURTHER_ORDERS, repeat_text.FURTHER_ORDERS, quiz.FURTHER_ORDERS,
              memory.FURTHER_NOTES, memory.FURTHER_NOTE_ASKS)  # fmt: skip
    calls = [way for ways, _ in further_calls.WAYS.values() for way in ways]
    return [*all_ways(), *calls, *(way for ways in others for way in ways)]


def kept_templates() -> list[str]:
    """Each fifth of every list of five or more texts in a skill."""
    found: list[str] = []
    for module in pkgutil.iter_modules(scenarios.__path__):
        skill = importlib.import_module(f"{scenarios.__name__}.{module.name}")
        for name, value in vars(skill).items():
            if not name.isupper() or name.startswith("FURTHER") or name.endswith("TEXTS"):
                continue
            lists = [*value.values()] if isinstance(value, dict) else [value]
            for texts_ in lists:
                if isinstance(texts_, tuple) and all(isinstance(text, str) for text in texts_):
                    found += texts_[KEPT_EVERY - 1 :: KEPT_EVERY]
    return [text for text in found if " " in text]


def in_common(one: str, other: str) -> float:
    a, b = (set(re.findall(r"[a-z']+|{[a-z]+}", text.lower())) for text in (one, other))
    return len(a & b) / len(a | b)


def test_no_way_is_a_spoken_phrasing_or_near_a_kept_one():
    spoken = {letters(text) for text in texts("user")}
    filled = further_calls.drawn(random.Random(0)) | {
        "word": "mirror", "color": "red", "n": "seven", "what": "squats", "name": "Sam",
        "doing": "waving", "thing": "box", "action": "breathe in",
    }  # fmt: skip
    filled |= {f"{name}_not": value for name, value in filled.items()}
    ways, kept = typed_ways(), kept_templates()
    assert len(ways) > 300 and len(all_ways()) == len(set(all_ways()))
    assert not {letters(way.format(**filled)) for way in ways} & spoken
    near = [(way, text) for way in ways for text in kept if in_common(way, text) >= NEAR]
    assert not near
    assert len(kept) > 200 and "speak this text." in kept  # control
    assert in_common("speak this text.", "speak the text.") < 1.0 == in_common("a {n}.", "A {n}!")


@pytest.mark.parametrize("family", FAMILIES)
def test_orders_are_typed_in_training_only(family):
    shapes = [way.split("{")[0] for way in all_ways()]
    shapes = [shape for shape in shapes if len(shape) > 3]
    typed = {"train": 0, "eval": 0}
    for split in typed:
        for index in range(24):
            talk, _ = plan(7, index, tone_bank(), {family: 1.0}, 30_000, 0.0, split)
            found = [t.text for t in talk.typed] + [talk.instructions or ""]
            typed[split] += any(text.startswith(tuple(shapes)) for text in found)
    assert typed["train"] > 0 and typed["eval"] == 0


def test_a_typed_order_is_answered_like_a_spoken_one():
    text = timer_once.TELL_CASES[0][0][0]
    kinds = set()
    for seed in range(40):
        talk = Talk(tone_bank(), random.Random(seed), now_ms=1000)
        order = talk.order(text, further_ways.TIMER_TELL, n="five")
        own = talk.own("Okay.")
        assert own.onset_ms >= order.end_ms and talk.expects[-1].on_ms == order.onset_ms
        kinds.add(bool(talk.typed))
        assert bool(talk.typed) != (order in talk.events)
        if talk.typed:
            assert "five" in talk.typed[0].text and order.onset_ms == order.end_ms == 1000
    assert kinds == {True, False} and 0 < TYPED_ORDERS < 1
    assert all(fields(way) <= {"n"} for way in further_ways.TIMER_TELL)
