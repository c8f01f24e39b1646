"""One thread owns the engine; the event loop awaits it. So a slow step never stops a socket, and no
engine is ever entered twice at once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from microturn.engine.limits import EngineFull, Notice
from microturn.server.admission import Admission
from microturn.server.metrics import Metrics
from microturn.turns import MicroTurnInput, MicroTurnOutput

logger = logging.getLogger(__name__)
T = TypeVar("T")
Turns = Sequence[tuple[str, MicroTurnInput]]
Results = list[MicroTurnOutput | Exception]
TICK, REST = 0, 1  # a tick that is due goes before whatever else waits


class Engine(Protocol):
    """What the server needs of an engine."""

    def opening(
        self,
        seed: int | None = None,
        instructions: str | None = None,
        eagerness: float | None = None,
    ) -> Iterator[str | None]:
        """Start a session in parts that are short: None after each, its id last. Raises
        EngineFull."""
        ...

    def step_many(self, turns: Turns) -> Results:
        """One tick of these sessions, at most one micro-turn each, in the same order; what fails is
        in its place as an exception. Indices count up from 0; a repeated one gives the kept
        result."""
        ...

    def lean(self, session_id: str, eagerness: float) -> None:
        """Set a session's eagerness from its next micro-turn on. Raises KeyError for an unknown
        session."""
        ...

    def expire(self, tick: int) -> list[Notice]:
        """What ends soon or has just ended."""
        ...

    def close(self, session_id: str) -> None:
        """Free the session's state. Twice is no error."""
        ...


class TooManySessions(RuntimeError):
    """No slot, no room or no time; the others must not suffer for one more."""


class EngineInterrupted(RuntimeError):
    """The engine's thread was torn out of this job. It goes on with the next one."""


class Job:
    """A call that waits for the thread."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call = call
        self.future: Future[Any] = Future()

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.call()
        except Exception as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    def interrupted(self) -> None:
        if not self.future.done():
            self.future.set_exception(EngineInterrupted("the engine was interrupted"))


class EngineThread:
    """Runs jobs one after another: ticks first, then first come, first served.

    num_sessions: slots taken now, of `max_sessions`.
    """

    def __init__(
        self,
        engine: Engine,
        max_sessions: int = 4,
        admission: Admission | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        if max_sessions < 1:
            raise ValueError(f"max_sessions must be at least 1, got {max_sessions}")
        self.engine = engine
        self.max_sessions = max_sessions
        self.admission, self.metrics = admission or Admission(), metrics or Metrics()
        self.num_sessions = 0
        self.busy_since_s: float | None = None  # of the job under way
        self._jobs: queue.PriorityQueue[tuple[int, int, Job | None]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    async def open(
        self,
        seed: int | None = None,
        instructions: str | None = None,
        eagerness: float | None = None,
    ) -> str:
        """Take a slot and open a session. Raises TooManySessions; whatever fails gives the slot
        back."""
        self._admit()
        self.num_sessions += 1
        parts = self.engine.opening(seed, instructions, eagerness)
        future: Future[str | None] = Future()
        session_id = None
        try:
            while session_id is None:  # ticks of the others go in between
                future = self._submit(REST, lambda: next(parts))
                session_id = await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            # The caller is gone, but the thread may have opened the session already or may be doing
            # so.
            self.num_sessions -= 1
            future.add_done_callback(self._discard)
            raise
        except EngineFull as error:
            self.num_sessions -= 1
            self.metrics.refused("memory")
            raise TooManySessions(f"This server has no room: {error}.") from None
        except BaseException:
            self.num_sessions -= 1
            raise
        self.metrics.num_opened += 1
        return session_id

    def _admit(self) -> None:
        """Raises TooManySessions where no slot is free or a tick would take too long."""
        if self.num_sessions >= self.max_sessions:
            self.metrics.refused("slots")
            raise TooManySessions(
                f"All {self.max_sessions} sessions of this server are in use; try again later."
            )
        if not self.admission.has_room(self.num_sessions + 1):
            self.metrics.refused("time")
            expected_ms = self.admission.expected_ms(self.num_sessions + 1)
            raise TooManySessions(
                f"This server is busy: with one session more a micro-turn would take about "
                f"{expected_ms:.0f} ms, and may take {self.admission.config.budget_ms:.0f}; "
                "try again later."
            )

    async def step_many(self, turns: Turns) -> Results:
        """One tick. Where it fails as a whole, each session is asked again alone: micro-turns are
        numbered, so what was done is not done twice, and one that fails fails alone."""
        try:
            return await self._run(TICK, lambda: self.engine.step_many(turns))
        except Exception:
            logger.exception("a tick failed; its sessions are run one by one")
            self.metrics.num_ticks_repeated += 1
        return [await self._alone(turn) for turn in turns]

    async def _alone(self, turn: tuple[str, MicroTurnInput]) -> MicroTurnOutput | Exception:
        try:
            (result,) = await self._run(TICK, lambda: self.engine.step_many([turn]))
        except Exception as error:
            return error
        return result

    async def lean(self, session_id: str, eagerness: float) -> None:
        """In force when this returns. A session that the engine has ended keeps quiet: its end is
        on its way to the client."""
        with contextlib.suppress(KeyError):
            await self._run(REST, lambda: self.engine.lean(session_id, eagerness))

    async def expire(self, tick: int) -> list[Notice]:
        """Notices of the engine; none where asking failed: the next tick asks again."""
        try:
            return await self._run(TICK, lambda: self.engine.expire(tick))
        except Exception:
            logger.exception("the ends of sessions could not be looked up")
            return []

    def close(self, session_id: str) -> None:
        """Give the slot back and free the state after the jobs that already wait. Does not wait
        itself."""
        self.num_sessions -= 1
        self._submit(REST, lambda: self.engine.close(session_id))

    def shutdown(self) -> None:
        """Finish what waits and end the thread."""
        self._jobs.put((REST, next(self._numbers), None))
        self._thread.join()

    def busy_s(self) -> float:
        """How long the job under way has taken so far; 0 when there is none."""
        since_s = self.busy_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    async def _run(self, rank: int, call: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._submit(rank, call))

    def _submit(self, rank: int, call: Callable[[], T]) -> Future[T]:
        job = Job(call)
        self._jobs.put((rank, next(self._numbers), job))
        return job.future

    def _work(self) -> None:
        """The thread. Nothing ends it but `shutdown`: what is thrown into it fails one job."""
        job: Job | None = None
        while True:
            try:
                job = self._jobs.get()[-1]
                if job is None:
                    return
                self.busy_since_s = time.monotonic()
                job.run()
            except BaseException:
                logger.exception("the engine's thread was interrupted; it goes on")
                if job is not None:
                    job.interrupted()
            finally:
                self.busy_since_s = None

    def _discard(self, future: Future[str | None]) -> None:
        if future.cancelled() or future.exception() is not None:
            return
        session_id = future.result()
        if session_id is not None:
            self.engine.close(session_id)  # runs on the engine's thread, right after the open
