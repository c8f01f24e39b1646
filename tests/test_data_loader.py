"""Episode k is a function of (seed, k) alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, pairwise

import pytest
import torch

from microturn.data.loader import episodes, plan, weights
from microturn.scenarios import families
from tests.tones import shipped_text, tone_bank

EXCHANGES = dict.fromkeys(("questions", "reminder", "interruption"), 1.0)
MIXTURE = weights(None)


def stream(seed, start, count, **more):
    found = episodes(seed, start, tone_bank(), shipped_text(), duration_ms=8000, **more)
    return list(islice(found, count))


def facts(episode):
    events = [
        (event.side, event.text, event.clip.key, event.onset_ms, event.cut_ms)
        for event in episode.timeline.events
    ]
    return (
        events,
        [decision for _, decision in episode.turns],
        torch.stack([features.heard_AM for features, _ in episode.turns]).tolist(),
        episode.mel.tobytes(),
    )


def test_an_integer_resumes():
    whole = [facts(episode) for episode in stream(7, 0, 5)]
    assert [facts(episode) for episode in stream(7, 3, 2)] == whole[3:]
    assert [facts(episode) for episode in stream(8, 3, 2)] != whole[3:]
    assert len({str(each[:2]) for each in whole}) > 3  # some are typed and written, not said


def test_length_is_whole_micro_turns():
    assert {len(episode.turns) for episode in stream(1, 0, 3)} == {40}


def test_mixture():
    for number in range(12):
        timeline, _ = plan(0, number, tone_bank(), {"reminder": 1.0})
        assert set(timeline.families) <= {"reminder", "quiet"}
    assert weights({"questions": 2.0}) == {"questions": 2.0}
    assert set(weights(None)) == set(families())
    with pytest.raises(ValueError, match="no family singing; there are"):
        weights({"singing": 1.0})


def test_other_tracts_change_what_is_heard_and_nothing_else():
    for number in range(20):
        plain, plain_sound = plan(3, number, tone_bank(), EXCHANGES, 8000, roughness=0.5)
        other, other_sound = plan(3, number, tone_bank(), EXCHANGES, 8000, 0.5, other_tracts=1.0)
        assert other == plain
        assert plain_sound.tract is None
        assert other_sound.tract is not None
        assert replace(other_sound, tract=None) == plain_sound
    share = [
        plan(3, n, tone_bank(), EXCHANGES, 8000, other_tracts=0.3)[1].tract is not None
        for n in range(200)
    ]
    assert 35 < sum(share) < 85
    bins = [
        torch.stack([f.heard_AM for f, _ in stream(3, 1, 1, other_tracts=share)[0].turns])
        for share in (0.0, 1.0)
    ]
    assert not torch.equal(*bins)


def test_some_episodes_are_quiet():
    played = [plan(0, number, tone_bank(), MIXTURE)[0] for number in range(200)]
    quiet = [timeline for timeline in played if timeline.families == ("quiet",)]
    assert 2 <= len(quiet) <= 25
    assert not any(timeline.events for timeline in quiet)


def test_roughness_changes_only_the_sound():
    rough = 0
    for number in range(20):
        clean, sound = plan(3, number, tone_bank(), MIXTURE)
        same, hard = plan(3, number, tone_bank(), MIXTURE, roughness=0.9)
        assert clean == same
        assert (sound.gain, sound.seed) == (hard.gain, hard.seed)
        rough += sound != hard
    assert rough > 10
    assert plan(3, 1, tone_bank(), MIXTURE, roughness=0.0)[1] == plan(3, 1, tone_bank(), MIXTURE)[1]


def test_own_events_keep_apart_and_follow_the_grid():
    for number in range(60):
        timeline, _ = plan(5, number, tone_bank(), EXCHANGES)
        own = [event for event in timeline.events if event.side == "own"]
        assert all(event.onset_ms % 200 == 0 for event in own)
        for before, after in pairwise(own):
            assert after.onset_ms >= before.audible_end_ms
