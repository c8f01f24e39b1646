"""A thousand operations at random: every output is the one a quiet session gives, every mistake is
named, and slots and memory come back."""

from __future__ import annotations

import functools
import gc
import weakref

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from microturn.engine.engine import Engine
from microturn.engine.limits import EngineFull, SessionEnded, SessionLimits
from microturn.engine.sampler import SamplingConfig
from tests.test_engine_engine import run, same, turns
from tests.tiny import tiny_engine

NUM_VOICES, NUM_TURNS, MAX_SESSIONS, NUM_KEPT = 3, 10, 4, 3
NUM_EXAMPLES, NUM_OPERATIONS = 20, 50
SAMPLING = SamplingConfig(text_temperature=2.0, num_flow_steps=1, max_text_tokens=2)
TINY = tiny_engine(sampling=SAMPLING)
HEARD = [turns(100 + voice, NUM_TURNS) for voice in range(NUM_VOICES)]
ANY = st.integers(0, 99)


@functools.cache
def expected(voice: int):
    return run(tiny_engine(sampling=SAMPLING), HEARD[voice], seed=voice)[1]


class Faults(RuleBasedStateMachine):
    """`known`: session -> (voice, index, oldest micro-turn it can go back to)."""

    def __init__(self) -> None:
        super().__init__()
        limits = SessionLimits(
            max_sessions=MAX_SESSIONS, kept_micro_turns=NUM_KEPT, max_micro_turns=NUM_TURNS
        )
        self.engine = Engine(TINY.model, TINY.vocoder, TINY.text, SAMPLING, limits)
        self.known: dict[str, tuple[int, int, int]] = {}
        self.closed: list[str] = []
        self.states: list[weakref.ref] = []

    def pick(self, number: int) -> str:
        return sorted(self.known)[number % len(self.known)]

    def admit(self, session_id: str, voice: int, index: int) -> None:
        self.known[session_id] = (voice, index, index)
        self.states.append(weakref.ref(self.engine.sessions[session_id].backbone))

    def forget(self, session_id: str) -> None:
        del self.known[session_id]
        self.closed.append(session_id)

    @rule(voice=st.integers(0, NUM_VOICES - 1))
    def open(self, voice: int) -> None:
        if len(self.known) == MAX_SESSIONS:
            with pytest.raises(EngineFull):
                self.engine.open(seed=voice)
        else:
            self.admit(self.engine.open(seed=voice), voice, 0)

    @precondition(lambda self: self.known)
    @rule(mask=st.integers(1, 2**MAX_SESSIONS - 1))
    def step(self, mask: int) -> None:
        due = [s for place, s in enumerate(sorted(self.known)) if mask >> place & 1]
        due = [s for s in due if self.known[s][1] < NUM_TURNS]
        results = self.engine.step_many(
            [(s, HEARD[v][i]) for s in due for v, i, _ in [self.known[s]]]
        )
        for session_id, result in zip(due, results, strict=True):
            voice, index, oldest = self.known[session_id]
            assert same(result, expected(voice)[index])
            self.known[session_id] = (voice, index + 1, max(oldest, index + 1 - NUM_KEPT))

    @precondition(lambda self: self.known)
    @rule(number=ANY)
    def repeat(self, number: int) -> None:
        session_id = self.pick(number)
        voice, index, _ = self.known[session_id]
        if index:
            again = self.engine.step(session_id, HEARD[voice][index - 1])
            assert same(again, expected(voice)[index - 1])

    @precondition(lambda self: self.known)
    @rule(number=ANY, other=st.integers(0, NUM_TURNS - 1))
    def wrong_order(self, number: int, other: int) -> None:
        session_id = self.pick(number)
        voice, index, _ = self.known[session_id]
        if other not in (index, index - 1):
            with pytest.raises(ValueError, match="expects micro-turn"):
                self.engine.step(session_id, HEARD[voice][other])

    @precondition(lambda self: self.known)
    @rule(number=ANY, to=st.integers(0, NUM_TURNS))
    def rollback(self, number: int, to: int) -> None:
        session_id = self.pick(number)
        voice, index, oldest = self.known[session_id]
        if oldest <= to <= index:
            self.engine.rollback(session_id, to)
            self.known[session_id] = (voice, to, oldest)
        else:
            with pytest.raises(ValueError, match="can go back to"):
                self.engine.rollback(session_id, to)

    @precondition(lambda self: self.known)
    @rule(number=ANY, is_cut=st.booleans())
    def snapshot_and_restore(self, number: int, is_cut: bool) -> None:
        voice, index, _ = self.known[self.pick(number)]
        blob = self.engine.snapshot(self.pick(number))
        if len(self.known) == MAX_SESSIONS:
            with pytest.raises(EngineFull):
                self.engine.restore(blob)
        elif is_cut:
            with pytest.raises(ValueError, match="cut off"):
                self.engine.restore(blob[: len(blob) // 2])
        else:
            self.admit(self.engine.restore(blob), voice, index)

    @precondition(lambda self: self.known)
    @rule(number=ANY)
    def close(self, number: int) -> None:
        session_id = self.pick(number)
        self.engine.close(session_id)
        self.forget(session_id)

    @precondition(lambda self: self.closed)
    @rule(number=ANY)
    def after_the_end(self, number: int) -> None:
        session_id = self.closed[number % len(self.closed)]
        self.engine.close(session_id)
        for late in (self.engine.snapshot, lambda s: self.engine.step(s, HEARD[0][0])):
            with pytest.raises(KeyError, match="never opened or is closed"):
                late(session_id)
        with pytest.raises(KeyError):
            self.engine.rollback(session_id, 0)

    @precondition(lambda self: self.known)
    @rule(number=ANY)
    def not_a_number(self, number: int) -> None:
        session_id = self.pick(number)
        _, index, _ = self.known[session_id]
        if index < NUM_TURNS:
            bad = turns(0, index + 1)[index]
            bad.audio[5] = np.nan
            with pytest.raises(SessionEnded, match="not a number"):
                self.engine.step(session_id, bad)
            self.forget(session_id)

    @invariant()
    def slots_and_places_are_as_known(self) -> None:
        assert set(self.engine.sessions) == set(self.known)
        for session_id, (_, index, _) in self.known.items():
            assert self.engine.sessions[session_id].index == index

    def teardown(self) -> None:
        for session_id in list(self.known):
            self.engine.close(session_id)
        gc.collect()
        assert not self.engine.sessions
        assert not any(state() for state in self.states)


TestFaults = Faults.TestCase
TestFaults.settings = settings(
    max_examples=NUM_EXAMPLES,
    stateful_step_count=NUM_OPERATIONS,
    suppress_health_check=list(HealthCheck),
)
