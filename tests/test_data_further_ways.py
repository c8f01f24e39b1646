"""Typed orders in further ways: in training only, and none that evaluation keeps."""

from __future__ import annotations

import importlib
import pkgutil
import random
import re
import string
from collections import Counter

import pytest

from microturn import scenarios
from microturn.data import assemble, further_calls, further_requests, further_ways
from microturn.data.loader import plan
from microturn.data.ordering import ALOUD, FURTHER_ORDERS, order, order_anew
from microturn.data.split import KEPT_EVERY
from microturn.data.talk import Talk
from microturn.scenarios import memory, quiz, reading, repeat_text, texts, timer_once
from microturn.signal.text import normalise
from tests.tones import USER_VOICES, tone_bank

FAMILIES = (
    "timer_once", "reminder", "countdown", "repetition_count", "action_span", "screen_watch",
    "person_enters", "visible_answer", "show_and_ask", "cue_word", "word_count", "refusal",
)  # fmt: skip

BANK = tone_bank()
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
        "doing": "waving", "thing": "box", "action": "breathe in", "question": "is it so?",
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
def test_orders_come_in_further_ways_in_training_only(family):
    shapes = [way.split("{")[0] for way in all_ways()]
    shapes = [shape for shape in shapes if len(shape) > 3]
    typed = {"train": 0, "eval": 0}
    for split in typed:
        for index in range(24):
            talk, _ = plan(7, index, tone_bank(), {family: 1.0}, 30_000, 0.0, split)
            found = [*(t.text for t in talk.typed), *(e.text for e in talk.events)]
            found.append(talk.instructions or "")
            typed[split] += any(text.startswith(tuple(shapes)) for text in found)
    assert typed["train"] > 0 and typed["eval"] == 0


def test_an_order_comes_as_listed_put_together_or_typed_and_is_answered(monkeypatch):
    monkeypatch.setattr(assemble, "kept_texts", frozenset)
    monkeypatch.setitem(BANK.__dict__, "_found", {})
    text = timer_once.TELL_CASES[0][0][0]
    kinds: Counter[str] = Counter()
    for seed in range(80):
        talk = Talk(BANK, random.Random(seed), USER_VOICES[0], now_ms=1000)
        asked = order(talk, text, ("wait {n} seconds.",), n="five")
        own = talk.own("Okay.")
        assert own.onset_ms >= asked.end_ms and talk.expects[-1].on_ms == asked.onset_ms
        assert bool(talk.typed) != (asked in talk.events)
        if talk.typed:
            assert "five" in talk.typed[0].text and asked.onset_ms == asked.end_ms == 1000
        elif asked.text != text:
            assert asked.text == "wait five seconds." and asked.clip.voice == USER_VOICES[0]
        kinds["typed" if talk.typed else "listed" if asked.text == text else "anew"] += 1
    assert kinds["listed"] > kinds["typed"] > 5 and kinds["anew"] > 5
    assert 0 < FURTHER_ORDERS < 1 and 0 < ALOUD < 1
    assert all(fields(way) <= {"n"} for way in further_ways.TIMER_TELL)


def test_what_a_voice_cannot_say_is_typed(monkeypatch):
    monkeypatch.setattr(assemble, "kept_texts", frozenset)
    monkeypatch.setitem(BANK.__dict__, "_found", {})
    for seed in range(40):
        talk = Talk(BANK, random.Random(seed), USER_VOICES[0])
        asked = order_anew(talk, "xylophonists, please.", timer_once.TELL_CASES[0][0][0])
        assert [typed.text for typed in talk.typed] == [asked.text] == ["xylophonists, please."]


def test_evaluation_has_only_what_is_listed():
    text = timer_once.TELL_CASES[0][0][0]
    for seed in range(40):
        talk = Talk(BANK, random.Random(seed), USER_VOICES[0], split="eval")
        assert order(talk, text, further_ways.TIMER_TELL, n="five").text == text
