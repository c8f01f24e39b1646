"""The engine's thread: one thread, slots that always come back, errors that reach the right one."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest
from fixtures.server import EchoEngine

from microturn.server.engine_thread import EngineThread, TooManySessions
from microturn.turns import INPUT_SAMPLES, MicroTurnInput


def turn(index: int, text: str | None = None) -> MicroTurnInput:
    return MicroTurnInput(index, np.zeros(INPUT_SAMPLES, np.float32), text=text)


def test_one_thread_steps_all_sessions() -> None:
    async def scene() -> None:
        engine = EchoEngine()
        thread = EngineThread(engine, max_sessions=2)
        ids = [await thread.open(), await thread.open(instructions="be kind")]
        ticks = [await thread.step_many([(s, turn(i)) for s in ids]) for i in range(3)]
        assert [[output.index for output in tick] for tick in ticks] == [[0, 0], [1, 1], [2, 2]]
        assert engine.ticks == [ids] * 3
        assert engine.instructions == {"s0": None, "s1": "be kind"}
        assert len(engine.threads) == 1
        assert threading.current_thread().name not in engine.threads
        for session_id in ids:
            thread.close(session_id)
        thread.shutdown()
        assert engine.closed == ids
        assert thread.num_sessions == 0

    asyncio.run(scene())


def test_no_slot_is_refused_and_a_free_one_taken() -> None:
    async def scene() -> None:
        thread = EngineThread(EchoEngine(), max_sessions=1)
        first = await thread.open()
        with pytest.raises(TooManySessions, match="All 1 sessions"):
            await thread.open()
        thread.close(first)
        thread.close(await thread.open())
        thread.shutdown()

    asyncio.run(scene())


def test_a_failed_open_gives_the_slot_back() -> None:
    class Broken(EchoEngine):
        def open(self, seed: int | None = None, instructions: str | None = None) -> str:
            raise ValueError("no weights")

    async def scene() -> None:
        thread = EngineThread(Broken())
        with pytest.raises(ValueError, match="no weights"):
            await thread.open()
        assert thread.num_sessions == 0
        thread.shutdown()

    asyncio.run(scene())


def test_a_cancelled_open_leaves_no_session() -> None:
    class Slow(EchoEngine):
        may_open = threading.Event()

        def open(self, seed: int | None = None, instructions: str | None = None) -> str:
            assert self.may_open.wait(5)
            return super().open(seed, instructions)

    async def scene() -> None:
        engine = Slow()
        thread = EngineThread(engine)
        opening = asyncio.create_task(thread.open())
        await asyncio.sleep(0.05)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert thread.num_sessions == 0
        engine.may_open.set()
        thread.shutdown()
        assert engine.closed == list(engine.inputs) == ["s0"]

    asyncio.run(scene())


def test_an_error_of_a_step_reaches_its_caller_only() -> None:
    async def scene() -> None:
        thread = EngineThread(EchoEngine())
        bad, good = await thread.open(), await thread.open()
        results = await thread.step_many([(bad, turn(0, "fail")), (good, turn(0))])
        assert isinstance(results[0], RuntimeError)
        assert results[1].index == 0
        thread.shutdown()

    asyncio.run(scene())


def test_no_slots_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="max_sessions must be at least 1"):
        EngineThread(EchoEngine(), max_sessions=0)
