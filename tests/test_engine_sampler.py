"""Decisions and their random numbers."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest
import torch

from microturn.engine.sampler import (
    EAGERNESS,
    SamplingConfig,
    choose,
    eagerness_of,
    forbidden_mask,
    generator,
    is_hearing,
    leaned,
    p_speak,
    urged,
)
from microturn.model.config import FloorConfig
from microturn.sequence import Markers

MARKERS = Markers(*range(len(fields(Markers))))
VOCAB = 32


def test_noise_depends_on_seed_index_and_purpose_alone():
    def draw(*key):
        return torch.randn(4, generator=generator(*key))

    assert torch.equal(draw(1, 2, "flow"), draw(1, 2, "flow"))
    for other in ((2, 2, "flow"), (1, 3, "flow"), (1, 2, "text")):
        assert not torch.equal(draw(1, 2, "flow"), draw(*other))


def test_typed_message_markers_are_never_written():
    logits = torch.zeros(VOCAB)
    for token_id in (MARKERS.pad, MARKERS.message_user, MARKERS.end_message):
        logits[token_id] = 100.0
    logits[MARKERS.heard] = 1.0
    rng = generator(0, 0, "text")
    chosen = choose(logits, forbidden_mask(VOCAB, MARKERS), MARKERS, SamplingConfig(), rng, False)
    assert chosen == MARKERS.heard


def test_only_the_floor_is_left_when_the_text_is_full():
    logits = torch.zeros(VOCAB)
    logits[20] = 50.0
    logits[MARKERS.speak] = 0.1
    mask, rng = forbidden_mask(VOCAB, MARKERS), generator(0, 0, "text")
    assert choose(logits, mask, MARKERS, SamplingConfig(), rng, True) == MARKERS.speak
    reserved = SamplingConfig(eagerness=-1.0)
    assert choose(logits, mask, MARKERS, reserved, rng, True) == MARKERS.silent


def test_eagerness_moves_p_speak():
    logits = torch.zeros(VOCAB)
    assert p_speak(logits, MARKERS) == 0.5
    assert p_speak(logits, MARKERS, -2.0) < 0.5 < p_speak(logits, MARKERS, 2.0)


HEARD, WORD = MARKERS.heard, 20


def chosen(levels: dict[int, float], eagerness: float = 0.0, hears: bool = False, **floor) -> int:
    """What is taken of tokens with these logits; all others are far below."""
    logits = torch.full((VOCAB,), -50.0)
    for token_id, level in levels.items():
        logits[token_id] = level
    mask, rng = forbidden_mask(VOCAB, MARKERS), generator(0, 0, "text")
    config = SamplingConfig()
    return choose(logits, mask, MARKERS, config, rng, False, eagerness, FloorConfig(**floor), hears)


def test_eagerness_moves_all_that_takes_the_floor():
    for taker in (WORD, MARKERS.speak):
        close = {MARKERS.silent: 1.0, taker: 0.5}
        assert chosen(close) == chosen(close, -1.0) == MARKERS.silent
        assert chosen(close, 1.0) == taker
    close = {WORD: 1.0, MARKERS.speak: 0.5}  # whether it has more to say is not its affair
    assert chosen(close, 5.0) == chosen(close, -5.0) == WORD


def test_eagerness_leaves_hearing_alone():
    heard = {MARKERS.silent: 0.5, HEARD: 1.0}
    assert {chosen(heard, lean) for lean in (-5.0, 0.0, 5.0)} == {HEARD}
    word_heard = {MARKERS.silent: 1.0, WORD: 0.5}
    assert chosen(word_heard, 5.0, hears=True) == MARKERS.silent
    assert chosen(word_heard, 5.0, hears=False) == WORD  # control: a word that it would say
    assert chosen({MARKERS.silent: 1.0, MARKERS.end: 0.5}, 1.0, hears=True) == MARKERS.end
    assert is_hearing([HEARD, WORD], MARKERS) and not is_hearing([], MARKERS)
    assert not is_hearing([HEARD, WORD, MARKERS.end], MARKERS)
    assert not is_hearing([WORD], MARKERS)


def test_calibration_moves_between_the_floor_tokens_only():
    close = {MARKERS.silent: 1.0, MARKERS.speak: 0.5}
    assert chosen(close) == MARKERS.silent and chosen(close, bias=1.0) == MARKERS.speak
    assert chosen({MARKERS.speak: 1.0, WORD: 1.5}, bias=9.0) == WORD
    logits = torch.randn(VOCAB, generator=generator(0, 1, "text"))
    floor = FloorConfig(0.5, 0.3)
    found = leaned(logits.clone(), MARKERS, 0.0, floor, False)
    pair = [MARKERS.silent, MARKERS.speak]
    assert float((found[pair].logsumexp(0) - logits[pair].logsumexp(0)).abs()) < 1e-6
    others = [i for i in range(VOCAB) if i not in pair]
    assert torch.equal(found[others], logits[others])
    assert float(p_speak(found, MARKERS)) == pytest.approx(
        float(p_speak(logits, MARKERS, 0.0, floor)), abs=1e-6
    )
    assert torch.equal(leaned(logits.clone(), MARKERS, 0.0, FloorConfig(), False), logits)


def weighed(shares: dict[int, float], before: float = 0.0, lean: float = 0.0, hears: bool = False):
    """(token, urge) where tokens have these probabilities."""
    logits = torch.full((VOCAB,), -50.0)
    for token_id, share in shares.items():
        logits[token_id] = math.log(share)
    mask = forbidden_mask(VOCAB, MARKERS)
    return urged(logits, mask, MARKERS, lean, FloorConfig(), hears, before)


def test_what_may_be_said_counts_together():
    several = {MARKERS.silent: 0.4, WORD: 0.2, WORD + 1: 0.15, MARKERS.speak: 0.15}
    assert weighed(several) == (WORD, 0.0)
    assert chosen({k: math.log(p) for k, p in several.items()}) == MARKERS.silent  # control: alone
    assert weighed(several | {MARKERS.silent: 0.6})[0] == MARKERS.silent
    others = {MARKERS.silent: 0.4, MARKERS.heard: 0.3, MARKERS.delegate: 0.3, MARKERS.pad: 0.3}
    assert weighed(others)[0] == MARKERS.silent  # these take no floor


def test_an_urge_adds_up_to_the_median_of_the_moment():
    unlikely = {MARKERS.silent: 0.7, WORD: 0.3}
    token_id, urge = weighed(unlikely)
    assert token_id == MARKERS.silent and urge == pytest.approx(-math.log(0.7))
    assert weighed(unlikely, urge) == (WORD, 0.0)  # 1 - 0.7^2 = 0.51
    slight = {MARKERS.silent: 0.8, WORD: 0.2}
    turns, urge = 0, 0.0
    while True:
        turns += 1
        token_id, urge = weighed(slight, urge)
        if token_id != MARKERS.silent:
            break
    assert turns == 4  # 1 - 0.8^3 = 0.49, 1 - 0.8^4 = 0.59
    assert weighed(slight, 0.5 * -math.log(0.8))[0] == MARKERS.silent
    assert weighed(slight, lean=2.0)[0] == WORD


def test_in_the_heard_lane_only_its_end_takes_the_floor():
    hearing = {MARKERS.silent: 0.4, WORD: 0.5, MARKERS.end: 0.1}
    assert weighed(hearing, hears=True)[0] == MARKERS.silent
    assert weighed(hearing, hears=False)[0] == WORD
    ends = {MARKERS.silent: 0.4, MARKERS.end: 0.3, MARKERS.speak: 0.25}
    assert weighed(ends, hears=True)[0] == MARKERS.end


def test_an_urge_is_forgotten():
    assert SamplingConfig(floor_memory_ms=0).remembered() == 0.0
    assert SamplingConfig(floor_memory_ms=1000).remembered() == pytest.approx(math.exp(-0.2))


def test_eagerness_has_names():
    assert eagerness_of("balanced") == 0.0 and eagerness_of(2) == 2.0
    assert list(EAGERNESS.values()) == sorted(EAGERNESS.values())
    for wrong in ("pushy", float("nan")):
        with pytest.raises(ValueError, match="eagerness"):
            eagerness_of(wrong)


@pytest.mark.parametrize(
    "changes", [{"num_flow_steps": 0}, {"text_temperature": -1.0}, {"floor_memory_ms": -1.0}]
)
def test_impossible_settings_are_refused(changes):
    with pytest.raises(ValueError, match="must"):
        SamplingConfig(**changes)
