"""The ticker: all sessions together, one that fails fails alone, clocks may jump."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from fixtures.server import EchoEngine

from microturn.engine.limits import Notice
from microturn.server.engine_thread import EngineThread
from microturn.server.ticker import Ticker
from microturn.turns import INPUT_SAMPLES, MicroTurnInput, MicroTurnOutput


class Over(Exception):
    """The member has had enough."""


class Listener:
    """A member that stays for some micro-turns; `texts` by index go in."""

    def __init__(self, session_id: str, num_turns: int, **options: Any) -> None:
        self.session_id, self.num_turns = session_id, num_turns
        self.texts: dict[int, str] = options.get("texts", {})
        self.images = options.get("images")
        self.outputs: list[MicroTurnOutput] = []
        self.slipped: list[int] = []
        self.notices: list[Notice] = []

    def next_turn(self, num_slipped: int) -> MicroTurnInput:
        if len(self.outputs) == self.num_turns:
            raise Over
        index = len(self.outputs)
        self.slipped.append(num_slipped)
        sound = np.zeros(INPUT_SAMPLES, np.float32)
        return MicroTurnInput(index, sound, self.images, self.texts.get(index))

    def deliver(self, output: MicroTurnOutput, tick_ms: float) -> None:
        self.outputs.append(output)

    def take_notice(self, notice: Notice) -> None:
        self.notices.append(notice)
        if not notice.num_left:
            raise Over


class Clock:
    """Time that passes only when somebody sleeps, or jumps."""

    def __init__(self, jumps_s: dict[int, float] | None = None) -> None:
        self.now_s, self.num_sleeps, self.jumps_s = 1_000.0, 0, jumps_s or {}

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        assert 0 <= seconds <= 0.2 + 1e-9
        self.num_sleeps += 1
        self.now_s += seconds + self.jumps_s.get(self.num_sleeps, 0.0)
        await asyncio.sleep(0)


async def attend(ticker: Ticker, *members: Listener) -> list[BaseException | None]:
    """What each attendance ended with."""
    waiting = [asyncio.wait_for(ticker.attend(member), 10) for member in members]
    return await asyncio.gather(*waiting, return_exceptions=True)


def scene(num_sessions: int, num_turns: int, engine: EchoEngine | None = None, **options: Any):
    """Members over an engine on a clock of their own."""
    clock = Clock(options.pop("jumps_s", None))
    thread = EngineThread(engine or EchoEngine(), max_sessions=8)
    ticker = Ticker(thread, clock=clock, sleep=clock.sleep)

    async def play() -> tuple[list[Listener], list[BaseException | None]]:
        ids = [await thread.open() for _ in range(num_sessions)]
        members = [Listener(session_id, num_turns, **options) for session_id in ids]
        return members, await attend(ticker, *members)

    members, ends = asyncio.run(play())
    thread.shutdown()
    return ticker, members, ends


def test_all_that_are_due_step_together() -> None:
    ticker, members, ends = scene(3, 4)
    assert [type(end) for end in ends] == [Over] * 3
    assert ticker.engine.engine.ticks == [["s0", "s1", "s2"]] * 4
    assert all([o.index for o in member.outputs] == [0, 1, 2, 3] for member in members)
    assert ticker.metrics.num_micro_turns == 12
    assert ticker.metrics.num_ticks_late == 0


def test_who_comes_later_joins_the_tick_of_the_others() -> None:
    async def play() -> None:
        clock, engine = Clock(), EchoEngine()
        thread = EngineThread(engine)
        ticker = Ticker(thread, clock=clock, sleep=clock.sleep)
        first, second = Listener(await thread.open(), 8), Listener(await thread.open(), 2)
        waiting = asyncio.create_task(ticker.attend(first))
        while len(first.outputs) < 3:
            await asyncio.sleep(0)
        assert isinstance((await attend(ticker, second))[0], Over)
        with pytest.raises(Over):
            await waiting
        assert engine.ticks.count(["s0", "s1"]) == 2
        assert engine.ticks.count(["s0"]) == 6
        # The clock stops when nobody is there, and starts again.
        assert isinstance((await attend(ticker, Listener(await thread.open(), 1)))[0], Over)
        thread.shutdown()

    asyncio.run(play())


def test_one_that_fails_fails_alone() -> None:
    async def play() -> None:
        clock, engine = Clock(), EchoEngine()
        thread = EngineThread(engine)
        ticker = Ticker(thread, clock=clock, sleep=clock.sleep)
        bad = Listener(await thread.open(), 4, texts={1: "fail"})
        good = Listener(await thread.open(), 4)
        ends = await attend(ticker, bad, good)
        assert isinstance(ends[0], RuntimeError) and isinstance(ends[1], Over)
        assert len(bad.outputs) == 1 and len(good.outputs) == 4
        thread.shutdown()

    asyncio.run(play())


@pytest.mark.parametrize(("jump_s", "num_slipped"), [(3_600.0, 18_000), (-3_600.0, 0), (0.19, 0)])
def test_a_clock_that_jumps(jump_s: float, num_slipped: int) -> None:
    """Time that was lost is not made up for; time that comes again is not waited for."""
    ticker, members, ends = scene(2, 6, jumps_s={3: jump_s})
    assert [type(end) for end in ends] == [Over] * 2
    assert members[0].slipped == [0, 0, num_slipped, 0, 0, 0]
    assert ticker.metrics.num_ticks_slipped == num_slipped
    assert ticker.clock.num_sleeps <= 8, "no tick was made up for"


def test_pictures_go_first_when_time_is_short() -> None:
    class Slow(EchoEngine):
        clock: Clock | None = None

        def step(self, session_id: str, turn: MicroTurnInput) -> MicroTurnOutput:
            assert self.clock is not None
            self.clock.now_s += 0.16 if 2 <= turn.index < 4 else 0.05
            return super().step(session_id, turn)

    async def play() -> None:
        clock, engine = Clock(), Slow()
        engine.clock = clock
        thread = EngineThread(engine)
        ticker = Ticker(thread, clock=clock, sleep=clock.sleep)
        pair = np.zeros((2, 120, 160, 3), np.uint8)
        member = Listener(await thread.open(), 7, images=pair)
        assert isinstance((await attend(ticker, member))[0], Over)
        seen = [turn.images is not None for turn in engine.inputs["s0"]]
        assert seen == [True, True, True, False, False, True, True]
        assert ticker.metrics.num_images_dropped == 4
        thread.shutdown()

    asyncio.run(play())


def test_the_engine_says_when_a_session_ends() -> None:
    class Ending(EchoEngine):
        def expire(self, tick: int) -> list[Notice]:
            left = {2: 3, 5: 0}.get(tick)
            return [] if left is None else [Notice("s0", "length", left), Notice("gone", "idle", 0)]

    _, (member,), (end,) = scene(1, 9, Ending())
    assert isinstance(end, Over)
    assert [notice.num_left for notice in member.notices] == [3, 0]
    assert len(member.outputs) == 5


def test_our_own_mistake_lets_nobody_wait_for_ever() -> None:
    class Wrong(EchoEngine):
        def expire(self, tick: int) -> list[Notice]:
            return [None]  # type: ignore[list-item]

    _, members, ends = scene(2, 9, Wrong())
    assert [type(end) for end in ends] == [AttributeError] * 2
    assert [len(member.outputs) for member in members] == [1, 1]
