"""What the server counts, in the text form that Prometheus reads (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

TICK_EDGES_S = (0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3, 0.5, 1.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class Histogram:
    """Observations by upper edge; the last place of `counts` is for what lies above all edges."""

    edges: Sequence[float]
    counts: list[int] = field(default_factory=list[int])
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.edges) + 1)

    def observe(self, value: float) -> None:
        place = next((i for i, edge in enumerate(self.edges) if value <= edge), len(self.edges))
        self.counts[place] += 1
        self.total += value

    def lines(self, name: str) -> list[str]:
        """Cumulative, as the format wants it."""
        lines: list[str] = []
        num_seen = 0
        for edge, count in zip((*self.edges, "+Inf"), self.counts, strict=True):
            num_seen += count
            lines.append(f'{name}_bucket{{le="{edge}"}} {num_seen}')
        return [*lines, f"{name}_sum {self.total:.6f}", f"{name}_count {num_seen}"]


@dataclass
class Metrics:
    """Counters of one server since its start. A tick is one round of all sessions that are due."""

    tick_s: Histogram = field(default_factory=lambda: Histogram(TICK_EDGES_S))
    num_ticks_late: int = 0
    num_ticks_slipped: int = 0
    num_ticks_repeated: int = 0
    num_micro_turns: int = 0
    num_micro_turns_late: int = 0
    num_inputs_late: int = 0
    num_images_dropped: int = 0
    num_opened: int = 0
    num_failed: int = 0
    num_resumed: int = 0
    num_refused: dict[str, int] = field(default_factory=dict[str, int])

    def refused(self, reason: str) -> None:
        self.num_refused[reason] = self.num_refused.get(reason, 0) + 1

    def text(self, num_sessions: int, max_sessions: int) -> str:
        """Everything, for `/metrics`."""
        lines = [
            *self._one("sessions", "gauge", num_sessions, "Sessions that are open now."),
            *self._one("sessions_max", "gauge", max_sessions, "Slots for sessions."),
        ]
        for name, value, meaning in (
            ("sessions_opened", self.num_opened, "Sessions opened."),
            ("sessions_failed", self.num_failed, "Sessions ended by a mistake of the server."),
            ("sessions_resumed", self.num_resumed, "Sessions that went on over another socket."),
            ("ticks_late", self.num_ticks_late, "Ticks whose results came after their deadline."),
            ("ticks_slipped", self.num_ticks_slipped, "Ticks left out: the engine was behind."),
            ("ticks_repeated", self.num_ticks_repeated, "Ticks run again after a failure."),
            ("micro_turns", self.num_micro_turns, "Micro-turns of all sessions."),
            ("micro_turns_late", self.num_micro_turns_late, "Micro-turns after their deadline."),
            ("inputs_late", self.num_inputs_late, "Micro-turns that missed sound of the client."),
            ("images_dropped", self.num_images_dropped, "Images not looked at, to be in time."),
        ):
            lines += self._one(f"{name}_total", "counter", value, meaning)
        name = "microturn_sessions_refused_total"
        lines += [f"# HELP {name} Sessions refused, by reason.", f"# TYPE {name} counter"]
        lines += [f'{name}{{reason="{reason}"}} {n}' for reason, n in self.num_refused.items()]
        name = "microturn_tick_seconds"
        lines += [f"# HELP {name} Time of one tick.", f"# TYPE {name} histogram"]
        return "\n".join([*lines, *self.tick_s.lines(name)]) + "\n"

    def _one(self, name: str, kind: str, value: int, meaning: str) -> list[str]:
        name = f"microturn_{name}"
        return [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", f"{name} {value}"]
