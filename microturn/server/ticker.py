"""One clock for all sessions: every 200 ms whoever is there gives a micro-turn, and all of them go
through the engine together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from microturn.engine.limits import Notice
from microturn.server.engine_thread import EngineThread
from microturn.server.pacer import Schedule
from microturn.server.summaries import Summaries
from microturn.turns import MICRO_TURN_MS, MicroTurnInput, MicroTurnOutput


class Member(Protocol):
    """A session as the clock sees it. Whatever it raises ends its attendance, and only its."""

    @property
    def session_id(self) -> str: ...

    def next_turn(self, num_slipped: int) -> MicroTurnInput:
        """What came in. `num_slipped` ticks were left out before this one."""
        ...

    def deliver(self, output: MicroTurnOutput, tick_ms: float) -> None:
        """What goes out; the whole tick took `tick_ms`."""
        ...

    def take_notice(self, notice: Notice) -> None:
        """The engine ends this session soon, or has just ended it."""
        ...


class Ticker:
    """Runs while anybody attends. Ticks do not overlap; one that is late by more than a whole one
    slips for all.

    When a tick comes near its deadline, those after it go without images until there is time again:
    sound and text never wait for pictures. summaries: sums up older text of the sessions. `clock`
    and `sleep` are for tests.
    """

    def __init__(
        self,
        engine: EngineThread,
        tick_ms: float = float(MICRO_TURN_MS),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        summaries: Summaries | None = None,
    ) -> None:
        self.engine, self.admission, self.metrics = engine, engine.admission, engine.metrics
        self.tick_s = tick_ms / 1000
        self.clock, self.sleep, self.summaries = clock, sleep, summaries
        self.num_ticks = 0
        self.is_relieved = False
        self._members: dict[Member, asyncio.Future[None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def attend(self, member: Member) -> None:
        """Take part in every tick until `member` raises; then raise it."""
        ended = asyncio.get_running_loop().create_future()
        self._members[member] = ended
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="ticker")
        try:
            await ended
        finally:
            del self._members[member]
            if self.summaries is not None:
                self.summaries.forget(member)

    async def _run(self) -> None:
        schedule = Schedule(self.clock(), self.tick_s)
        try:
            while self._members:
                await self.sleep(schedule.wait_s(self.clock()))
                await self._tick(schedule)
        except Exception as error:  # our own mistake: nobody may wait for ever
            for member in list(self._members):
                self._end(member, error)

    async def _tick(self, schedule: Schedule) -> None:
        begun_s = self.clock()
        num_slipped = schedule.advance(begun_s)
        self.metrics.num_ticks_slipped += num_slipped
        due = self._due(num_slipped)
        if not due:
            return
        results = await self.engine.step_many([(m.session_id, turn) for m, turn in due])
        took_s = max(0.0, self.clock() - begun_s)
        self._count([turn for _, turn in due], took_s, self.clock() > schedule.due_s)
        for (member, turn), result in zip(due, results, strict=True):
            if member in self._members:  # it may have left while the engine worked
                self._hand_over(member, turn, result, 1000 * took_s)
        await self._expire()

    def _due(self, num_slipped: int) -> list[tuple[Member, MicroTurnInput]]:
        """Who gives a micro-turn now."""
        due: list[tuple[Member, MicroTurnInput]] = []
        for member in list(self._members):
            try:
                turn = member.next_turn(num_slipped)
            except Exception as error:
                self._end(member, error)
                continue
            if self.is_relieved and turn.images is not None:
                self.metrics.num_images_dropped += len(turn.images)
                turn = replace(turn, images=None)
            if self.summaries is not None:
                turn = self.summaries.before(member, turn)
            due.append((member, turn))
        return due

    def _count(self, turns: list[MicroTurnInput], took_s: float, is_late: bool) -> None:
        metrics, share = self.metrics, took_s / self.tick_s
        self.num_ticks += 1
        # In milliseconds of a real tick, however fast the clock of a test runs.
        self.admission.seen(len(turns), share * MICRO_TURN_MS)
        self.is_relieved = share * MICRO_TURN_MS > self.admission.config.relief_ms
        metrics.tick_s.observe(took_s)
        metrics.num_micro_turns += len(turns)
        metrics.num_inputs_late += sum(turn.is_late for turn in turns)
        metrics.num_ticks_late += is_late
        metrics.num_micro_turns_late += is_late * len(turns)

    def _hand_over(
        self,
        member: Member,
        turn: MicroTurnInput,
        result: MicroTurnOutput | Exception,
        tick_ms: float,
    ) -> None:
        if isinstance(result, Exception):
            self._end(member, result)
            return
        if self.summaries is not None:
            self.summaries.after(member, turn, result)
        try:
            member.deliver(result, tick_ms)
        except Exception as error:
            self._end(member, error)

    async def _expire(self) -> None:
        """Tell members what the engine says of their ends."""
        for notice in await self.engine.expire(self.num_ticks):
            members = (m for m in self._members if m.session_id == notice.session_id)
            member = next(members, None)
            try:
                if member is not None:
                    member.take_notice(notice)
            except Exception as error:
                self._end(member, error)

    def _end(self, member: Member | None, error: Exception) -> None:
        ended = None if member is None else self._members.get(member)
        if ended is not None and not ended.done():
            ended.set_exception(error)
