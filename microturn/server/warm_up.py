"""Ticks measured before the first client comes: admission then knows this machine, and the first
talk does not pay for what is done once."""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from microturn.engine.limits import EngineFull, SessionLimits
from microturn.engine.session_engine import SessionEngine
from microturn.server.admission import Admission, AdmissionConfig
from microturn.server.live_session import ConversationConfig
from microturn.turns import INPUT_SAMPLES, MICRO_TURN_MS, MicroTurnInput

NUM_WARM, NUM_TICKS = 2, 5
NOISE_LEVEL = 0.01


def serving_limits(max_sessions: int, memory_mb: int) -> SessionLimits:
    """What a server sets its engine. It never goes back, so nothing is kept for that; a session
    that no tick comes to for a minute was left behind by mistake. Raises ValueError."""
    if memory_mb < 1:
        raise ValueError(f"memory_mb must be at least 1, got {memory_mb}")
    return SessionLimits(
        max_sessions=max_sessions,
        max_state_bytes=memory_mb * 2**20,
        max_micro_turns=round(1000 * ConversationConfig().max_session_s / MICRO_TURN_MS),
        idle_micro_turns=60_000 // MICRO_TURN_MS,
        kept_micro_turns=0,
    )


def measured_admission(
    engine: SessionEngine, max_sessions: int, config: AdmissionConfig | None = None
) -> Admission:
    """Ticks of 1, 2, 4, ... sessions, half of them speaking, until one takes more than the budget
    the slots or the memory are used up."""
    admission = Admission(config)
    num_sessions = 1
    while num_sessions <= min(max_sessions, engine.limits.max_sessions):
        try:
            tick_ms = median_tick_ms(engine, num_sessions)
        except EngineFull:  # no room for so many: none will be let in
            break
        admission.seed({num_sessions: tick_ms})
        if tick_ms > admission.config.budget_ms:
            break
        num_sessions *= 2
    return admission


def median_tick_ms(engine: SessionEngine, num_sessions: int) -> float:
    """One tick of that many sessions of quiet noise; every other one speaks."""
    rng = np.random.default_rng(0)
    ids: list[str] = []
    took_ms: list[float] = []
    try:
        for seed in range(num_sessions):
            ids.append(engine.open(seed=seed))
        speaks = {session_id: place % 2 == 0 for place, session_id in enumerate(ids)}
        for index in range(NUM_WARM + NUM_TICKS):
            sound = rng.standard_normal((num_sessions, INPUT_SAMPLES), dtype=np.float32)
            turns = [
                (session_id, MicroTurnInput(index, audio))
                for session_id, audio in zip(ids, sound * NOISE_LEVEL, strict=True)
            ]
            began_s = time.perf_counter()
            results = engine.step_many(turns, speaks)
            took_ms.append(1000 * (time.perf_counter() - began_s))
            for result in results:
                if isinstance(result, Exception):
                    raise result
    finally:
        for session_id in ids:
            engine.close(session_id)
    return median(took_ms[NUM_WARM:])
