"""Captions: written as soon as the pictures show it, never before, and of what they show."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import numpy as np
import pytest

from microturn.data.bank import Bank
from microturn.data.drawing import COLORS
from microturn.data.mix import Sound
from microturn.data.render import patches_at, render
from microturn.data.scenes import Steps
from microturn.data.scenes_things import Held, Sign
from microturn.data.sights import ENDS_MS
from microturn.data.talk import Talk
from microturn.scenarios import captions, show_and_ask
from microturn.turns import MICRO_TURN_MS
from tests.tones import shipped_text

SEEDS = range(60)
RATE_MS = 2 * MICRO_TURN_MS  # a pair of pictures


def played(seed: int, split: str = "train") -> Talk:
    talk = Talk(Bank([]), random.Random(seed), split=split)
    captions.play(talk)
    return talk


def kind_of(talk: Talk) -> str:
    order = talk.typed[0].text
    return next(kind for kind, orders in captions.ORDERS.items() if order in orders)


def test_every_kind_is_played_without_any_clip():
    kinds = Counter(kind_of(played(seed)) for seed in SEEDS)
    assert set(kinds) == set(captions.ORDERS) and kinds["things"] > kinds["door"]
    for seed in SEEDS:
        talk = played(seed)
        assert not talk.events and len(talk.typed) == 1 and len(talk.written) >= 2
        assert len(talk.expects) == len(talk.written)
        assert talk.written[-1].onset_ms < ENDS_MS
        assert talk.typed[0].onset_ms < talk.written[0].onset_ms


def test_what_is_close_fills_the_picture_when_it_is_written():
    found: Counter[str] = Counter()
    for seed in SEEDS:
        talk = played(seed)
        if kind_of(talk) != "close":
            continue
        scene = talk.scene if isinstance(talk.scene, Steps) else talk.scene.scene
        for written, (from_ms, close) in zip(talk.written, scene.steps, strict=True):
            assert from_ms <= written.onset_ms
            seen = scene.at(written.onset_ms - MICRO_TURN_MS)
            assert seen == close
            color, _, thing = written.text.strip(".").partition(" ")
            found[thing and "thing"] += 1
            share = np.mean(close.image(0) == close.image(0)[0, 0], axis=(0, 1)).min()
            if thing:
                assert close.shown == (thing, color) and share < 0.97
            else:
                assert close.wall == COLORS[color] and share == 1
    assert min(found[""], found["thing"]) > 10


def test_what_is_written_is_what_is_held_up():
    """The scene at the moment of writing holds it; one pair of pictures earlier it does not yet
    hold it up high, so nothing could have been written before."""
    found = 0
    for seed in SEEDS:
        talk = played(seed)
        if kind_of(talk) != "things":
            continue
        scene = talk.scene if isinstance(talk.scene, Held) else talk.scene.scene
        for written, (from_ms, to_ms, shown) in zip(talk.written, scene.shown, strict=True):
            assert from_ms + captions.RISE_MS <= written.onset_ms + MICRO_TURN_MS
            assert written.onset_ms - RATE_MS < from_ms + captions.RISE_MS < to_ms
            if isinstance(shown, tuple):
                assert written.text == f"{shown[1]} {shown[0]}."
            elif isinstance(shown, Sign) and shown.kind in ("word", "shape", "color"):
                assert written.text == f"{shown.content.lower()}."
            else:
                number = int(shown.content) if isinstance(shown, Sign) else shown
                assert written.text == show_and_ask.IS_NUMBER[number].lower()
            found += 1
    assert found > 100


def test_numbers_go_up_and_starts_and_stops_alternate():
    for seed in SEEDS:
        talk = played(seed)
        said = [written.text.rstrip(".") for written in talk.written]
        if kind_of(talk) == "count":
            assert said == list(captions.NUMBERS[1 : len(said) + 1])
        if kind_of(talk) == "spans":
            assert said == ["start", "stop"] * (len(said) // 2)
        if kind_of(talk) in ("doing", "build"):
            assert all(a != b for a, b in itertools.pairwise(said))


@pytest.mark.parametrize("kind", ["count", "spans", "doing", "door", "build"])
def test_the_picture_changes_before_it_is_written(kind):
    """Between the first picture and the one that closes with the caption something moved; a scene
    that never moves would fail."""
    talk = next(talk for seed in SEEDS if kind_of(talk := played(seed)) == kind)
    for before, written in zip(talk.written, talk.written[1:], strict=False):
        stills = [
            np.asarray(talk.scene.image(ms), int)
            for ms in range(before.onset_ms, written.onset_ms + 1, MICRO_TURN_MS)
        ]
        assert any(np.abs(a - stills[0]).max() > 40 for a in stills[1:])


def test_it_is_rendered_silent_and_seen():
    """The written pieces stand in the micro-turn of their onset, which a pair of pictures closes;
    nobody is heard or speaks."""
    text = shipped_text()
    talk = played(3)
    timeline = talk.timeline(talk.duration_ms, ("captions",))
    episode = render(timeline, Bank([]), text, Sound(0.5, 0.0, 1))
    for written in talk.written:
        index = written.onset_ms // MICRO_TURN_MS
        ids = tuple(text.encode(written.text))
        features, decision = episode.turns[index]
        assert ids[0] in decision.text_ids
        assert features.patch_P is not None or patches_at(timeline, index - 1) is not None
    assert not any(decision.speaks for _, decision in episode.turns)
    assert not any(decision.text_ids for _, decision in episode.turns[:3])


def test_what_evaluation_keeps_is_not_captioned():
    """Orders, and things in their colours, of the two splits lie apart."""
    seen: dict[str, tuple[set[str], set[str]]] = {}
    for split in ("train", "eval"):
        talks = [played(seed, split) for seed in range(250)]
        pairs = {
            written.text
            for talk in talks
            if kind_of(talk) == "things"
            for written in talk.written
            if " " in written.text
        }
        seen[split] = ({talk.typed[0].text for talk in talks}, pairs)
    assert not seen["train"][0] & seen["eval"][0]
    assert not seen["train"][1] & seen["eval"][1]
    assert min(len(part) for parts in seen.values() for part in parts) > 5
