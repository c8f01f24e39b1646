"""A model as a recogniser: what it writes as heard, and nothing of one sound in the next."""

from __future__ import annotations

import numpy as np
import pytest

from microturn.engine import listener
from microturn.engine.listener import LEAD_TURNS, TRAIL_TURNS, Listener
from microturn.scenarios.listening import ORDERS
from microturn.turns import INPUT_SAMPLES, MicroTurnInput
from tests.tiny import tiny_engine


def test_it_listens_to_all_of_a_sound_and_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = tiny_engine()
    seen: list[MicroTurnInput] = []
    step = engine.step

    def noted(session_id, turn, **more):
        seen.append(turn)
        return step(session_id, turn, **more)

    monkeypatch.setattr(engine, "step", noted)
    audio = np.linspace(-0.5, 0.5, 2 * INPUT_SAMPLES + 7, dtype=np.float32)
    text = Listener(engine, "tiny")(audio)
    assert isinstance(text, str)
    assert [turn.index for turn in seen] == list(range(LEAD_TURNS + 3 + TRAIL_TURNS))
    heard = np.concatenate([turn.audio for turn in seen])
    start = LEAD_TURNS * INPUT_SAMPLES
    np.testing.assert_array_equal(heard[start : start + len(audio)], audio)
    assert not heard[:start].any() and not heard[start + len(audio) :].any()
    assert not engine.sessions


def test_a_failure_leaves_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = tiny_engine()

    def broken(*_):
        raise RuntimeError("torn")

    monkeypatch.setattr(engine, "step", broken)
    with pytest.raises(RuntimeError, match="torn"):
        Listener(engine, "tiny")(np.zeros(10, np.float32))
    assert not engine.sessions


def test_the_order_is_one_that_trains() -> None:
    assert listener.INSTRUCTIONS in ORDERS
