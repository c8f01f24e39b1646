"""What an engine and a crew of engines have in common: one session is a case of many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from microturn.engine.limits import SessionLimits
from microturn.turns import MicroTurnInput, MicroTurnOutput

Result = MicroTurnOutput | Exception
Turns = Sequence[tuple[str, MicroTurnInput]]


class SessionEngine(ABC):
    """Sessions are opened in parts and stepped together; `open` and `step` follow from that."""

    limits: SessionLimits

    @abstractmethod
    def opening(
        self,
        seed: int | None = None,
        instructions: str | None = None,
        eagerness: float | str | None = None,
    ) -> Iterator[str | None]:
        """`open` in parts: None after each, the id after the last."""

    @abstractmethod
    def step_many(self, turns: Turns, force_speak: dict[str, bool] | None = None) -> list[Result]:
        """One tick: take in 200 ms of each session, give out 200 ms of each, in the same order."""

    @abstractmethod
    def close(self, session_id: str) -> None:
        """End a session and free its state. Closing twice is no error."""

    def open(
        self,
        seed: int | None = None,
        instructions: str | None = None,
        eagerness: float | str | None = None,
    ) -> str:
        """Start a session; `instructions` stand before the first micro-turn. Returns its id.

        eagerness: a number or a name of `EAGERNESS`; None takes the engine's. Raises EngineFull
        when there is no slot or no room, ValueError for an unknown eagerness.
        """
        *_, session_id = self.opening(seed, instructions, eagerness)
        assert session_id is not None
        return session_id

    def step(
        self, session_id: str, turn: MicroTurnInput, force_speak: bool | None = None
    ) -> MicroTurnOutput:
        """Take in 200 ms, give out 200 ms: `step_many` of one session, which raises what failed."""
        force = None if force_speak is None else {session_id: force_speak}
        (result,) = self.step_many([(session_id, turn)], force)
        if isinstance(result, Exception):
            raise result
        return result


def refuse_twice(turns: Turns) -> None:
    """Raises ValueError for a session that is given twice in one tick."""
    if len({session_id for session_id, _ in turns}) < len(turns):
        raise ValueError("a session was given twice in one tick: one micro-turn each")
