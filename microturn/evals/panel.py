"""The judge-free interaction panel of tau-Voice: response, yield, interruption, selectivity.

Events are (kind, start, end) of the user side in ms; spans are when the agent speaks.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from microturn.evals.episode import Span
from microturn.evals.timing import YIELD_MS, stopping

WRONG_YIELD_MS = 1000
WRONG_RESPONSE_MS = 2000
MIN_EVENTS = 10  # rates over fewer events are hidden

Kind = Literal["turn", "interruption", "backchannel", "tic", "non_directed"]
SELECTIVE: tuple[Kind, ...] = ("backchannel", "tic", "non_directed")


@dataclass
class Panel:
    """Counts over episodes; `summary` makes rates of them."""

    right: dict[str, int] = field(default_factory=dict[str, int])
    events: dict[str, int] = field(default_factory=dict[str, int])
    response_ms: list[int] = field(default_factory=list[int])
    yield_ms: list[int] = field(default_factory=list[int])
    num_censored: int = 0

    def count(self, name: str, is_right: bool) -> None:
        self.events[name] = self.events.get(name, 0) + 1
        self.right[name] = self.right.get(name, 0) + is_right

    def add(self, kind: Kind, event: Span, agent: Sequence[Span], end_ms: int) -> None:
        """Count one event of the user side."""
        if kind == "turn":
            self._turn(event, agent, end_ms)
        elif kind == "interruption":
            stop = stopping(event, agent, end_ms, YIELD_MS)
            if stop.outcome == "censored":
                self.num_censored += 1
            elif stop.outcome != "was_quiet":
                self.count("yield", stop.outcome == "stopped")
                if stop.latency_ms is not None:
                    self.yield_ms.append(stop.latency_ms)
        else:
            self.count(kind, not is_wrong(event, agent, end_ms))

    def _turn(self, event: Span, agent: Sequence[Span], end_ms: int) -> None:
        self.count("agent_interruption", any(event[0] < start < event[1] for start, _ in agent))
        starts = [start for start, _ in agent if start >= event[1]]
        if starts:
            self.response_ms.append(starts[0] - event[1])
        elif end_ms - event[1] < WRONG_RESPONSE_MS:
            self.num_censored += 1
            return
        self.count("response", bool(starts))

    def summary(self) -> dict[str, float | int | None]:
        """Rates (None where hidden), median latencies, overall selectivity, counts."""
        rates = {name: self.rate(name) for name in ("response", "yield", "agent_interruption")}
        selective = {kind: self.rate(kind) for kind in SELECTIVE}
        shown = [rate for rate in selective.values() if rate is not None]
        return {
            **{f"{name}_rate": rate for name, rate in rates.items()},
            **{f"{kind}_selectivity": rate for kind, rate in selective.items()},
            "selectivity": sum(shown) / len(shown) if len(shown) == len(SELECTIVE) else None,
            "response_median_ms": statistics.median(self.response_ms) if self.response_ms else None,
            "yield_median_ms": statistics.median(self.yield_ms) if self.yield_ms else None,
            "num_events": sum(self.events.values()),
            "num_censored": self.num_censored,
        }

    def rate(self, name: str) -> float | None:
        """Share of events that went right; None with fewer than ten events."""
        num_events = self.events.get(name, 0)
        return self.right[name] / num_events if num_events >= MIN_EVENTS else None


def is_wrong(event: Span, agent: Sequence[Span], end_ms: int) -> bool:
    """Whether the agent let itself be stopped, or answered, by what was not meant for it."""
    stop = stopping(event, agent, end_ms, WRONG_YIELD_MS)
    if stop.outcome == "was_quiet":
        return any(event[0] < start <= event[0] + WRONG_RESPONSE_MS for start, _ in agent)
    return stop.outcome == "stopped"
