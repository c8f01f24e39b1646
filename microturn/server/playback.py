"""What of the model's voice its listener really heard. Pure.

A client that plays sound can tell how much it has played and dropped since the session began. What
it did not play is not fed back to the model as said. A client that tells nothing is taken to play
all that it gets.
"""

from __future__ import annotations

from microturn.turns import MICRO_TURN_MS

MAX_LEAD_MS = 800  # what may lie between sending and playing: network, cushion, buffers


class Playback:
    """Positions in ms of voice. unheard_ms: what of the sent voice is known to be lost."""

    def __init__(self) -> None:
        self.sent_ms = 0.0
        self.played_ms: float | None = None
        self.unheard_ms = 0.0
        self._dropped_ms = 0.0
        self._owed_ms = 0.0  # known to be unheard, not yet told to the model

    def sent(self, duration_ms: float) -> None:
        """So much went to the client."""
        self.sent_ms += duration_ms

    def lost(self, duration_ms: float) -> None:
        """So much never reached the client."""
        self.unheard_ms += duration_ms
        self._owed_ms += duration_ms

    def acknowledge(self, played_ms: float, dropped_ms: float) -> None:
        """The client's positions since the start. Clamped: they never go back, nor beyond what was
        sent."""
        dropped_ms = min(max(dropped_ms, self._dropped_ms), self.sent_ms)
        self.played_ms = min(max(played_ms, self.played_ms or 0.0), self.sent_ms - dropped_ms)
        self.lost(dropped_ms - self._dropped_ms)
        self._dropped_ms = dropped_ms

    def heard_of_last(self) -> int:
        """Milliseconds of the last micro-turn's voice that count as heard; for the next input.

        A listener reports a loss after it happened: it is taken off the voice that is at hand.
        Where more waits at the client than any buffer explains, its sound stands still, and the
        last micro-turn is not heard either.
        """
        taken_ms = min(self._owed_ms, MICRO_TURN_MS)
        self._owed_ms -= taken_ms
        if self.played_ms is not None:
            waiting_ms = self.sent_ms - self.played_ms - self._dropped_ms
            if waiting_ms > MAX_LEAD_MS:
                return 0
        return MICRO_TURN_MS - round(taken_ms)
