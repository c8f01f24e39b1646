"""Several engines, each in a process with a core of its own, behind the methods of one.

A tick of many sessions is some thousand small operations, and threads of one process would wait for
each other. So sessions are spread over processes: each session lives in one of them, a tick of all
sessions is a tick in each process at the same time, and nothing is shared but the clock. As results
depend on no company, it does not matter for them who sits where.

If a process dies, its sessions end, the others go on, and another process takes its place.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from microturn.engine.crew_process import ENDED, EngineProcess
from microturn.engine.engine import Engine
from microturn.engine.limits import EngineFull, Notice, SessionEnded, SessionLimits
from microturn.engine.session_engine import Result, SessionEngine, Turns, refuse_twice
from microturn.turns import MicroTurnInput

GONE = "the engine process of session {} has died: the session is closed; open another"


@dataclass(eq=False)
class Member:
    """One process and the sessions in it; not `is_ready` while it loads its weights."""

    process: EngineProcess
    session_ids: set[str] = field(default_factory=set[str])
    num_opening: int = 0
    is_ready: bool = False

    @property
    def load(self) -> int:
        return len(self.session_ids) + self.num_opening


class Crew(SessionEngine):
    """The methods of `Engine` that a server needs, over several processes. One caller at a time, as
    with an engine."""

    def __init__(
        self, make: Callable[[], Engine], num_processes: int, num_threads: int = 1
    ) -> None:
        """`make` is called in each process and must travel there (a function of a module, or a
        `functools.partial` of one).

        Returns when all have loaded. Raises ValueError for less than one process, and what `make`
        raises.
        """
        if num_processes < 1:
            raise ValueError(f"a crew needs at least 1 process, got {num_processes}")
        self.make, self.num_processes, self.num_threads = make, num_processes, num_threads
        self.num_died = 0
        self._numbers = itertools.count()
        self._gone: set[str] = set()  # sessions of processes that died, until they are told
        self._dropped: list[tuple[Member, int]] = []  # openings that nobody waits for any more
        self.members = [self._hire() for _ in range(num_processes)]
        try:
            each = [self._welcome(member) for member in self.members]
        except BaseException:
            self.shutdown()
            raise
        room = each[0].max_state_bytes
        self.limits: SessionLimits = replace(
            each[0],
            max_sessions=sum(limits.max_sessions for limits in each),
            max_state_bytes=None if room is None else room * num_processes,
        )

    def _hire(self) -> Member:
        return Member(EngineProcess(self.make, self.num_threads))

    def _welcome(self, member: Member) -> SessionLimits:
        """Wait until it has loaded."""
        try:
            limits = member.process.take()
        except ENDED as error:
            raise RuntimeError("an engine process died while it loaded its weights") from error
        member.is_ready = True
        return limits

    def shutdown(self) -> None:
        """End all processes, and the sessions with them."""
        for member in self.members:
            member.process.end()

    def numerics(self) -> str:
        """Whether results depend on no company here, in one line; asked of one process."""
        return self._ask(self._least_loaded(), "numerics")

    # ---- sessions come and go

    def opening(
        self,
        seed: int | None = None,
        instructions: str | None = None,
        eagerness: float | str | None = None,
    ) -> Iterator[str | None]:
        """`Engine.opening` where the fewest sessions are. Raises EngineFull where that process has
        no room, or all are being started again."""
        member, number = self._least_loaded(), next(self._numbers)
        member.num_opening += 1
        session_id = None
        try:
            self._ask(member, "begin_opening", number, seed, instructions, eagerness)
            while session_id is None:
                session_id = self._ask(member, "next_part", number)
                if session_id is None:
                    yield None
            member.session_ids.add(session_id)
        except SessionEnded as error:
            raise EngineFull("the engine process has died while it opened the session") from error
        finally:
            member.num_opening -= 1
            if session_id is None:  # whoever drops us may be another thread: no request from here
                self._dropped.append((member, number))
        yield session_id

    def restore(self, blob: bytes) -> str:
        """`Engine.restore` where the fewest sessions are."""
        member = self._least_loaded()
        session_id = self._ask(member, "restore", blob)
        member.session_ids.add(session_id)
        return session_id

    def snapshot(self, session_id: str) -> bytes:
        """`Engine.snapshot`."""
        return self._ask(self._home(session_id), "snapshot", session_id)

    def rollback(self, session_id: str, index: int) -> None:
        """`Engine.rollback`."""
        self._ask(self._home(session_id), "rollback", session_id, index)

    def lean(self, session_id: str, eagerness: float | str) -> None:
        """`Engine.lean`."""
        self._ask(self._home(session_id), "lean", session_id, eagerness)

    def close(self, session_id: str) -> None:
        """`Engine.close`: twice is no error."""
        self._gone.discard(session_id)
        for member in self.members:
            if session_id in member.session_ids:
                member.session_ids.discard(session_id)
                with suppress(SessionEnded):
                    self._ask(member, "close", session_id)
                return

    def expire(self, tick: int) -> list[Notice]:
        """`Engine.expire` of all."""
        notices: list[Notice] = []
        for _, found in self._ask_all(dict.fromkeys(self._ready(), (tick,)), "expire"):
            for notice in found:
                notices.append(notice)
                if notice.num_left == 0:
                    self._forget(notice.session_id)
        return notices

    # ---- steps

    def step_many(
        self,
        turns: Turns,
        force_speak: dict[str, bool] | None = None,
    ) -> list[Result]:
        """`Engine.step_many`, in all processes at the same time."""
        refuse_twice(turns)
        results: dict[str, Result] = {}
        shares: dict[Member, list[tuple[str, MicroTurnInput]]] = {}
        for session_id, turn in turns:
            if session_id in self._gone:
                continue
            try:
                shares.setdefault(self._home(session_id), []).append((session_id, turn))
            except KeyError as error:
                results[session_id] = error
        asked = {member: (share, force_speak) for member, share in shares.items()}
        for member, found in self._ask_all(asked, "step_many"):
            mine = [session_id for session_id, _ in shares[member]]
            results |= dict(zip(mine, found, strict=True))
        for session_id, _ in turns:
            result = results.setdefault(session_id, SessionEnded(GONE.format(session_id)))
            if isinstance(result, SessionEnded):
                self._forget(session_id)
        return [results[session_id] for session_id, _ in turns]

    # ---- processes

    def _ready(self) -> list[Member]:
        """Those that can be asked; whoever has loaded meanwhile belongs to them. Openings that
        were dropped are dropped there too."""
        for member in list(self.members):
            if not member.is_ready and member.process.has_answer():
                try:
                    self._welcome(member)
                except Exception:  # it could once: it may be able to again
                    self._replace(member)
        while self._dropped:
            member, number = self._dropped.pop()
            if member in self.members:
                with suppress(SessionEnded):
                    self._ask(member, "drop_opening", number)
        return [member for member in self.members if member.is_ready]

    def _least_loaded(self) -> Member:
        ready = self._ready()
        if not ready:
            raise EngineFull("the engine processes are being started again; try again later")
        return min(ready, key=lambda member: member.load)

    def _home(self, session_id: str) -> Member:
        for member in self.members:
            if session_id in member.session_ids:
                return member
        raise KeyError(f"no session {session_id}: it was never opened or is closed")

    def _forget(self, session_id: str) -> None:
        self._gone.discard(session_id)
        for member in self.members:
            member.session_ids.discard(session_id)

    def _ask(self, member: Member, name: str, *arguments: Any) -> Any:
        """One request. Raises SessionEnded where the process is gone, else what the engine
        raises."""
        try:
            member.process.ask(name, *arguments)
            return member.process.take()
        except ENDED as error:
            self._replace(member)
            raise SessionEnded("the engine process has died; open another session") from error

    def _ask_all(
        self, requests: dict[Member, tuple[Any, ...]], name: str
    ) -> list[tuple[Member, Any]]:
        """A request to each at the same time; the answers of those that live. Raises what one of
        the engines raises, after all have answered."""
        asked: list[Member] = []
        for member, arguments in requests.items():
            try:
                member.process.ask(name, *arguments)
                asked.append(member)
            except ENDED:
                self._replace(member)
        answers: list[tuple[Member, Any]] = []
        failed: Exception | None = None
        for member in asked:
            try:
                answers.append((member, member.process.take()))
            except ENDED:
                self._replace(member)
            except Exception as error:
                failed = error
        if failed is not None:
            raise failed
        return answers

    def _replace(self, member: Member) -> None:
        """It has died: its sessions are over, and another one starts."""
        if member not in self.members:
            return
        self.num_died += 1
        member.process.end()
        self._gone |= member.session_ids
        self.members[self.members.index(member)] = self._hire()
