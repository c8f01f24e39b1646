"""A tick of many sessions gives each the bits it has alone; one that fails fails alone.

The negative control without whole tiles is in test_model_together: a micro-turn of this model never
has so few rows that they would go through another kernel.
"""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from microturn.engine.limits import SessionEnded
from microturn.engine.sampler import SamplingConfig
from microturn.model.together import extend_together
from microturn.turns import MicroTurnInput, MicroTurnOutput
from tests.test_engine_engine import run, same, turns
from tests.tiny import tiny_engine

NUM_SESSIONS, NUM_TURNS = 4, 14
SAMPLING = SamplingConfig(text_temperature=2.0, num_flow_steps=1)


def an_engine():
    return tiny_engine(sampling=SAMPLING)


@pytest.fixture(scope="module")
def alone() -> list[list[MicroTurnOutput]]:
    engine = an_engine()
    return [run(engine, turns(i, NUM_TURNS), seed=i)[1] for i in range(NUM_SESSIONS)]


def test_any_company_in_any_order_gives_the_bits_of_each_alone(alone):
    engine, rng = an_engine(), random.Random(0)
    heard = [turns(i, NUM_TURNS) for i in range(NUM_SESSIONS)]
    sessions = [engine.open(seed=i) for i in range(NUM_SESSIONS)]
    done, sizes = [0] * NUM_SESSIONS, set()
    while waiting := [i for i in range(NUM_SESSIONS) if done[i] < NUM_TURNS]:
        company = rng.sample(waiting, rng.randint(1, len(waiting)))
        sizes.add(len(company))
        results = engine.step_many([(sessions[i], heard[i][done[i]]) for i in company])
        for i, result in zip(company, results, strict=True):
            assert same(result, alone[i][done[i]])
            done[i] += 1
    assert sizes == {1, 2, 3, 4}
    assert any(output.speaks for outputs in alone for output in outputs)


def test_a_company_goes_through_the_model_once_a_round(monkeypatch):
    """What is equal above was not computed one by one."""
    sizes = []

    def watching(model, runs, *rest):
        sizes.append(len(runs))
        return extend_together(model, runs, *rest)

    engine = an_engine()
    monkeypatch.setattr("microturn.engine.tick.extend_together", watching)
    sessions = [engine.open(seed=i) for i in range(3)]
    engine.step_many([(session_id, turns(1, 1)[0]) for session_id in sessions])
    assert sizes[0] == 3 and len(sizes) <= SAMPLING.max_text_tokens + 2


def step_all(engine, sessions, index, alone, but):
    """A tick of all; those other than `but` must get what they get alone."""
    heard = [turns(i, NUM_TURNS)[index] for i in range(NUM_SESSIONS)]
    results = engine.step_many(list(zip(sessions, heard, strict=True)))
    for i, result in enumerate(results):
        if i != but:
            assert same(result, alone[i][index])
    return results


@torch.inference_mode()
def test_what_is_not_a_number_ends_one_session_alone(alone):
    for way in ("sound", "state"):
        engine = an_engine()
        sessions = [engine.open(seed=i) for i in range(NUM_SESSIONS)]
        step_all(engine, sessions, 0, alone, None)
        if way == "sound":
            bad = turns(2, 2)[1]
            bad.audio[7] = np.inf
            heard = [turns(i, 2)[1] for i in range(NUM_SESSIONS)]
            heard[2] = bad
            results = engine.step_many(list(zip(sessions, heard, strict=True)))
        else:
            engine.sessions[sessions[2]].backbone.layers[1].key_KNW[:, 1] = torch.nan
            results = step_all(engine, sessions, 1, alone, 2)
        assert isinstance(results[2], SessionEnded)
        assert "not a number" in str(results[2])
        assert set(engine.sessions) == set(sessions) - {sessions[2]}
        for i in (0, 1, 3):
            assert same(results[i], alone[i][1])


def test_an_error_of_one_is_in_its_place_and_undone(alone, monkeypatch):
    engine = an_engine()
    sessions = [engine.open(seed=i) for i in range(NUM_SESSIONS)]
    decide = engine.tick.decide

    def failing(work, *rest):
        if work.session.id == sessions[1]:
            raise RuntimeError("no idea")
        decide(work, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(engine.tick, "decide", failing)
        results = step_all(engine, sessions, 0, alone, 1)
    assert isinstance(results[1], RuntimeError)
    assert same(engine.step(sessions[1], turns(1, 1)[0]), alone[1][0])


def test_a_tick_that_is_broken_off_leaves_all_as_they_were(alone, monkeypatch):
    engine = an_engine()
    sessions = [engine.open(seed=i) for i in range(NUM_SESSIONS)]

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(engine.tick, "voice", stop)
        with pytest.raises(KeyboardInterrupt):
            step_all(engine, sessions, 0, alone, None)
    step_all(engine, sessions, 0, alone, None)


def test_mistakes_of_the_caller_are_in_their_places(alone):
    engine, first = an_engine(), turns(0, 2)
    session_id, late = engine.open(seed=0), engine.open(seed=1)
    results = engine.step_many([("nobody", first[0]), (session_id, first[0]), (late, first[1])])
    assert isinstance(results[0], KeyError) and "never opened or is closed" in str(results[0])
    assert same(results[1], alone[0][0])
    assert isinstance(results[2], ValueError) and "expects micro-turn 0" in str(results[2])
    assert engine.step_many([(session_id, first[0])])[0] is results[1]
    with pytest.raises(ValueError, match="given twice"):
        engine.step_many([(session_id, first[1]), (session_id, first[1])])
    assert engine.step_many([]) == []


def test_pictures_need_eyes():
    engine = an_engine()
    engine.model.config = replace(engine.model.config, vision=None)
    session_id = engine.open()
    seen = MicroTurnInput(0, turns(0, 1)[0].audio, np.zeros((2, 40, 40, 3), np.uint8))
    with pytest.raises(ValueError, match="no vision part"):
        engine.step(session_id, seen)
    assert session_id in engine.sessions


def written(engine, number=8, **opening) -> list[bool]:
    """In which micro-turns of silence the model writes something."""
    session_id = engine.open(**opening)
    quiet = np.zeros(3200, dtype=np.float32)
    outputs = [engine.step(session_id, MicroTurnInput(i, quiet)) for i in range(number)]
    return [bool(output.said_text) for output in outputs]


def test_a_moment_that_is_spread_over_micro_turns_is_met(monkeypatch):
    """With 0.3 for a word and 0.7 for silence, each time: by the second it is likelier to have
    spoken than not."""
    found = {}
    for memory_ms in (0.0, 1e9):
        engine = tiny_engine(sampling=SamplingConfig(num_flow_steps=1, floor_memory_ms=memory_ms))
        silent, word = engine.text.markers.silent, 40

        def logits(hidden, silent=silent, word=word, width=engine.model.config.backbone.vocab_size):
            row = torch.full((len(hidden), width), -50.0)
            row[:, silent], row[:, word] = np.log(0.7), np.log(0.3)
            return row

        monkeypatch.setattr(engine.model, "text_logits", logits)
        found[memory_ms] = written(engine)
    assert found[1e9] == [False, True] * 4
    assert not any(found[0.0])  # control: nothing is remembered


def test_going_on_from_bytes_keeps_the_urge():
    engine = tiny_engine(sampling=SamplingConfig(num_flow_steps=1))
    session_id = engine.open()
    engine.step(session_id, MicroTurnInput(0, np.zeros(3200, dtype=np.float32)))
    engine.sessions[session_id] = replace(engine.sessions[session_id], urge=0.25)
    other = engine.restore(engine.snapshot(session_id))
    assert engine.sessions[other].urge == 0.25
