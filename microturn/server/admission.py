"""Whether one more session fits into a tick, from the ticks that were measured. Pure; no clock.

Ticks are kept by number of sessions, in classes 1, 2, 3 to 4, 5 to 8, ...; a number of sessions
that was never seen is expected to cost in proportion to the largest smaller one that was. That is
too much rather than too little: sessions of a tick share the reading of the weights.

What was measured at the start may be of a busy moment, and a number of sessions that is refused is
never measured again. So after a while such a measurement alone refuses nobody any more: live ticks
of fewer sessions, in proportion, may say otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from microturn.turns import MICRO_TURN_MS


@dataclass(frozen=True)
class AdmissionConfig:
    """budget_ms: what a tick may be expected to take with one session more. percentile: of the
    ticks of a class. num_kept: ticks kept in a class; num_enough: before it is believed.
    num_trusted: live ticks after which what was measured at the start refuses nobody by itself.
    relief_ms: a tick that takes longer goes without images until ticks are shorter again."""

    budget_ms: float = 0.8 * MICRO_TURN_MS
    percentile: float = 0.95
    num_kept: int = 150
    num_enough: int = 10
    num_trusted: int = 300
    relief_ms: float = 0.75 * MICRO_TURN_MS


class Admission:
    """What ticks took, and what they would take with more sessions."""

    def __init__(self, config: AdmissionConfig | None = None) -> None:
        self.config = config or AdmissionConfig()
        self._classes: dict[int, deque[tuple[int, float]]] = {}
        self._live: dict[int, int] = {}  # ticks of each class that were not of the start

    def seen(self, num_sessions: int, tick_ms: float) -> None:
        """One live tick of that many sessions took so long."""
        upper = size_class(num_sessions)
        self._live[upper] = self._live.get(upper, 0) + 1
        self._keep(num_sessions, tick_ms)

    def _keep(self, num_sessions: int, tick_ms: float) -> None:
        kept = self._classes.setdefault(
            size_class(num_sessions), deque(maxlen=self.config.num_kept)
        )
        kept.append((num_sessions, tick_ms))

    def seed(self, measured: Mapping[int, float]) -> None:
        """Ticks measured at the start: number of sessions -> ms. Live ones push them out."""
        for num_sessions, tick_ms in measured.items():
            for _ in range(self.config.num_enough):
                self._keep(num_sessions, tick_ms)

    def expected_ms(self, num_sessions: int) -> float:
        """A tick of that many sessions; 0 where nothing was measured that says anything."""
        enough = self.config.num_enough
        known = [
            upper
            for upper, kept in self._classes.items()
            if len(kept) >= enough and upper <= size_class(num_sessions)
        ]
        if not known:
            return 0.0
        expected_ms = self._scaled_ms(max(known), num_sessions)
        live = [upper for upper in known if self._live.get(upper, 0) >= enough]
        if live and max(known) not in live and sum(self._live.values()) > self.config.num_trusted:
            expected_ms = min(expected_ms, self._scaled_ms(max(live), num_sessions))
        return expected_ms

    def _scaled_ms(self, upper: int, num_sessions: int) -> float:
        """By what is kept of one class."""
        kept = self._classes[upper]
        by_time = sorted(kept, key=lambda one: one[1])
        num_seen, tick_ms = by_time[
            min(len(by_time) - 1, int(len(by_time) * self.config.percentile))
        ]
        return tick_ms * max(1.0, num_sessions / num_seen)

    def has_room(self, num_sessions: int) -> bool:
        """May so many sessions share a tick? One always may: there is nobody to suffer."""
        return num_sessions <= 1 or self.expected_ms(num_sessions) <= self.config.budget_ms


def size_class(num_sessions: int) -> int:
    """The power of two that it is not above."""
    return 1 << max(0, num_sessions - 1).bit_length()
