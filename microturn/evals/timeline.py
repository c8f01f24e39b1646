"""The two clocks: when the output of a tick plays, and the output waveform that follows from it.

lockstep: the output of a tick plays as soon as its input is over; compute costs nothing.
wallclock: a tick is computed after its input is over and the one before it is computed; it plays
`playback_ms` later, and never before the one ahead of it has played out. Both are functions of the
recorded compute times: nothing here reads a clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from microturn.evals.record import SystemFacts, Tick
from microturn.turns import OUTPUT_RATE_HZ, FloatArray


def play_times(ticks: Sequence[Tick], system: SystemFacts) -> list[int]:
    """When each tick's output begins to play, in ms."""
    if system.clock == "lockstep":
        return [tick.in_ms[1] for tick in ticks]
    plays: list[int] = []
    done_ms, free_ms = 0.0, 0
    for tick in ticks:
        done_ms = max(float(tick.in_ms[1]), done_ms) + tick.compute_ms
        plays.append(max(math.ceil(done_ms) + system.playback_ms, free_ms))
        free_ms = plays[-1] + tick.in_ms[1] - tick.in_ms[0]
    return plays


def output_track(outputs: Sequence[FloatArray], plays_ms: Sequence[int], end_ms: int) -> FloatArray:
    """The output waveform at 24 kHz, as long as the input timeline; what lies behind is cut."""
    audio = np.zeros(end_ms * OUTPUT_RATE_HZ // 1000, dtype=np.float32)
    for part, play_ms in zip(outputs, plays_ms, strict=True):
        first = play_ms * OUTPUT_RATE_HZ // 1000
        room = max(0, len(audio) - first)
        audio[first : first + len(part)] = part[:room]
    return audio
