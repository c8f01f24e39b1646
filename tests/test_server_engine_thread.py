"""The engine's thread: one thread, slots that always come back, errors that reach the right one."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest
from fixtures.server import EchoEngine

from microturn.engine import engine as engine_module
from microturn.server.engine_thread import EngineThread, TooManySessions
from microturn.turns import INPUT_SAMPLES, MicroTurnInput, MicroTurnOutput
from tests.test_engine_engine import same, turns
from tests.tiny import tiny_engine


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
        def open(self, *arguments) -> str:
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

        def open(self, *arguments) -> str:
            assert self.may_open.wait(5)
            return super().open(*arguments)

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


def test_ticks_go_between_the_parts_of_an_opening() -> None:
    """Long instructions of a newcomer do not stop those who talk."""

    async def scene() -> None:
        engine = EchoEngine()
        thread = EngineThread(engine)
        first = await thread.open()
        done: list[str] = []

        class Watched(EchoEngine):
            def opening(self, *arguments):
                for part in super().opening(*arguments):
                    done.append("part")
                    yield part

        thread.engine = Watched(inputs=engine.inputs)
        opening = asyncio.create_task(thread.open(instructions="word " * 40))
        while len(done) < 3:
            await asyncio.sleep(0)
        await thread.step_many([(first, turn(0))])
        num_before = len(done)
        assert await opening == "s1"
        assert num_before < len(done) == 41
        thread.shutdown()

    asyncio.run(scene())


def test_an_opening_in_parts_has_the_bits_of_one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def session_after(positions: int) -> MicroTurnOutput:
        monkeypatch.setattr(engine_module, "OPENING_POSITIONS", positions)
        engine = tiny_engine()
        session_id = engine.open(instructions="you are kind and you speak when you are spoken to")
        assert engine.sessions[session_id].prefix_ids
        return [engine.step(session_id, one) for one in turns(0, 2)][-1]

    whole = session_after(10_000)
    assert same(session_after(7), whole)
    other = tiny_engine()
    session_id = other.open(instructions="you are silent")
    assert not same([other.step(session_id, one) for one in turns(0, 2)][-1], whole)


def test_a_dropped_opening_leaves_nothing() -> None:
    engine = tiny_engine()
    parts = engine.opening(instructions="a" * 200)
    assert next(parts) is None
    del parts
    assert engine.sessions == {}


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
