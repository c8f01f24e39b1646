"""Threads are chosen by what was measured, and fewer where there is no clear gain."""

from __future__ import annotations

import pytest

from microturn.engine.sampler import SamplingConfig
from microturn.engine.threads import candidates, choose_threads, fewest
from tests.tiny import tiny_engine


def test_more_threads_only_where_they_pay() -> None:
    assert fewest({1: [10.0], 2: [9.5], 4: [9.2]}) == 1
    assert fewest({1: [10.0], 2: [6.0], 4: [5.9]}) == 2
    assert fewest({1: [10.0], 2: [30.0], 4: [4.0]}) == 4


def test_what_is_chosen_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, set_to = tiny_engine(sampling=SamplingConfig(num_flow_steps=1)), []
    monkeypatch.setattr("torch.set_num_threads", set_to.append)  # two may wait long for each other
    assert choose_threads(engine, (1,)) == 1 and set_to == [1]
    set_to.clear()
    best = choose_threads(engine, (1, 2))
    assert set_to == [1, 2] * 3 + [best]
    assert engine.sessions == {}


def test_one_core_has_one_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0}, raising=False)
    assert candidates() == (1,)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(6)), raising=False)
    assert candidates() == (1, 2, 4)
    with pytest.raises(ValueError, match="at least 1"):
        choose_threads(tiny_engine(), (0,))
