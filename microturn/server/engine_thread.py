"""One thread owns the engine; the event loop awaits it. So a slow step never stops a socket, and no
engine is ever entered twice at once."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from microturn.turns import MicroTurnInput, MicroTurnOutput


class Engine(Protocol):
    """What the server needs of an engine."""

    def open(self, seed: int | None = None, instructions: str | None = None) -> str:
        """Start a session and return its id."""
        ...

    def step(self, session_id: str, turn: MicroTurnInput) -> MicroTurnOutput:
        """Take in 200 ms, give out 200 ms. Indices count up from 0."""
        ...

    def close(self, session_id: str) -> None:
        """Free the session's state."""
        ...


class TooManySessions(RuntimeError):
    """Every slot is taken; the others must not suffer for one more."""


class EngineThread:
    """Runs jobs first come, first served. A session has at most one step waiting, so sessions take
    turns.

    num_sessions: slots taken now, of `max_sessions`.
    """

    def __init__(self, engine: Engine, max_sessions: int = 4) -> None:
        if max_sessions < 1:
            raise ValueError(f"max_sessions must be at least 1, got {max_sessions}")
        self.engine = engine
        self.max_sessions = max_sessions
        self.num_sessions = 0
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")

    async def open(self, seed: int | None = None, instructions: str | None = None) -> str:
        """Take a slot and open a session. Raises TooManySessions; whatever fails gives the slot
        back."""
        if self.num_sessions >= self.max_sessions:
            raise TooManySessions(
                f"All {self.max_sessions} sessions of this server are in use; try again later."
            )
        self.num_sessions += 1
        future = self._pool.submit(self.engine.open, seed, instructions)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            # The caller is gone, but the thread may have opened the session already or may be doing
            # so.
            self.num_sessions -= 1
            future.add_done_callback(self._discard)
            raise
        except BaseException:
            self.num_sessions -= 1
            raise

    async def step(self, session_id: str, turn: MicroTurnInput) -> MicroTurnOutput:
        """One micro-turn. Raises what the engine raises."""
        return await asyncio.wrap_future(self._pool.submit(self.engine.step, session_id, turn))

    def close(self, session_id: str) -> None:
        """Give the slot back and free the state after the jobs that already wait. Does not wait
        itself."""
        self.num_sessions -= 1
        self._pool.submit(self.engine.close, session_id)

    def shutdown(self) -> None:
        """Finish what waits and end the thread."""
        self._pool.shutdown(wait=True)

    def _discard(self, future: Future[str]) -> None:
        if not future.cancelled() and future.exception() is None:
            self.engine.close(future.result())  # runs on the engine's thread, right after the open
