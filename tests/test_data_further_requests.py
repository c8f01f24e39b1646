"""Typed requests and pleas are refused or cared for, and typed twins of them answered."""

from __future__ import annotations

import random

from microturn.data import further_requests
from microturn.data.talk import Talk
from microturn.scenarios import refusal
from microturn.signal.text import normalise
from tests.tones import tone_bank


def test_typed_requests_are_refused_and_typed_twins_answered():
    found = {"refused": 0, "cared for": 0, "answered": 0}
    care = (*refusal.CARE, refusal.EMERGENCY)
    answer_of = {
        way: refusal.TWINS[twin] for twin, ways in further_requests.TWINS.items() for way in ways
    }
    answer_of |= {normalise(twin): answer for twin, answer in refusal.TWINS.items()}
    for seed in range(400):
        talk = Talk(tone_bank(), random.Random(seed), "af_alloy", now_ms=1000)
        refusal.play(talk)
        if not talk.typed:
            continue
        ((text, answer),) = [(talk.typed[0].text, e.text) for e in talk.events]
        if answer in refusal.REFUSALS:
            found["refused"] += 1
            assert any(text in ways for ways in further_requests.REFUSED.values())
        elif answer in care:
            found["cared for"] += 1
            assert (text in further_requests.DANGEROUS) == (answer == refusal.EMERGENCY)
        else:
            found["answered"] += 1
            assert answer == answer_of[text]
    assert min(found.values()) > 5


def test_further_twins_are_of_those_that_train():
    kept = list(refusal.TWINS)[4::5]
    assert set(further_requests.TWINS) <= set(refusal.TWINS) - set(kept)
