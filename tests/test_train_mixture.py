"""The mixture moves from listening and speaking to sharing time."""

from __future__ import annotations

import pytest

from microturn.scenarios import families
from microturn.train.mixture import GROUPS, OTHERS, STAGES, Stage, group_weights, mixture_at


def test_groups_name_skills_that_exist_and_every_stage_names_every_group():
    known = set(families())
    named = [name for names in GROUPS.values() for name in names]
    assert len(named) == len(set(named))
    assert set(named) <= known
    for stage in STAGES:
        assert set(stage.weights) == set(GROUPS)
        assert sum(stage.weights.values()) == pytest.approx(1.0)


def test_weights_move_in_a_straight_line():
    stages = (Stage(0, {"a": 1.0, "b": 0.0}), Stage(100, {"a": 0.0, "b": 1.0}))
    assert group_weights(0, stages) == {"a": 1.0, "b": 0.0}
    assert group_weights(25, stages) == {"a": 0.75, "b": 0.25}
    assert group_weights(5000, stages) == {"a": 0.0, "b": 1.0}


def test_a_group_shares_its_weight_among_what_is_there():
    few = mixture_at(0, ["listening", "reading", "unheard_of"])
    assert few == {
        "listening": STAGES[0].weights["listen"],
        "reading": STAGES[0].weights["read"],
        "unheard_of": OTHERS,
    }
    all_of_them = mixture_at(10**9, list(families()))
    assert set(all_of_them) == set(families())
    assert all(weight > 0 for weight in all_of_them.values())


def test_nothing_to_mix_is_an_error():
    with pytest.raises(ValueError, match="no skill"):
        mixture_at(0, [])
