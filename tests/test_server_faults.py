"""What breaks: the engine's thread, a session's numbers, a client. One session suffers at most."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from fixtures.server import EchoEngine, client, running

from microturn.engine.engine import Engine
from microturn.engine.limits import SessionEnded, SessionLimits
from microturn.server.admission import Admission, AdmissionConfig
from microturn.server.engine_thread import EngineInterrupted, EngineThread, TooManySessions
from microturn.turns import INPUT_SAMPLES, MicroTurnInput, MicroTurnOutput
from tests.test_engine_engine import run, same, turns
from tests.tiny import tiny_engine


def kill(thread: threading.Thread) -> None:
    """Throw SystemExit into a thread: as near as Python comes to killing one."""
    assert thread.ident is not None
    exception = ctypes.py_object(SystemExit)
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), exception) == 1


def tiny_thread(limits: SessionLimits | None = None, **options: Any) -> EngineThread:
    tiny = tiny_engine()
    engine = Engine(tiny.model, tiny.vocoder, tiny.text, tiny.sampling, limits)
    return EngineThread(engine, max_sessions=8, **options)


class Breaking(Engine):
    """Its thread is told to die in the middle of the tick with this number."""

    dies_at = -1
    num_ticks = 0

    def step_many(self, turns: Sequence[tuple[str, MicroTurnInput]], *rest: Any) -> Any:
        self.num_ticks += 1
        if self.num_ticks == self.dies_at:
            kill(threading.current_thread())
        return super().step_many(turns, *rest)


def test_the_engine_thread_dies_in_the_middle_of_a_tick(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody suffers: the tick is done again, and all outputs are those of a quiet run."""
    heard = [turns(seed, 3) for seed in range(2)]

    async def scene() -> list[list[MicroTurnOutput]]:
        tiny = tiny_engine()
        engine = Breaking(tiny.model, tiny.vocoder, tiny.text, tiny.sampling)
        engine.dies_at = 2
        thread = EngineThread(engine, max_sessions=8)
        ids = [await thread.open(seed=seed) for seed in range(2)]
        ticks = [
            await thread.step_many([(s, heard[place][i]) for place, s in enumerate(ids)])
            for i in range(3)
        ]
        assert thread.metrics.num_ticks_repeated == 1
        thread.shutdown()
        return [list(outputs) for outputs in zip(*ticks, strict=True)]  # type: ignore[arg-type]

    for place, outputs in enumerate(asyncio.run(scene())):
        quiet = run(tiny_engine(), heard[place], seed=place)[1]
        assert all(map(same, outputs, quiet))
    assert "a tick failed" in caplog.text


def test_the_engine_thread_dies_while_it_waits(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        thread = EngineThread(EchoEngine())
        session_id = await thread.open()
        kill(thread._thread)
        # It dies when it wakes: with this job in hand, or before it has one.
        with contextlib.suppress(EngineInterrupted):
            await thread._run(1, lambda: time.sleep(0.01))
        silence = MicroTurnInput(0, np.zeros(INPUT_SAMPLES, np.float32))
        (output,) = await asyncio.wait_for(thread.step_many([(session_id, silence)]), 5)
        assert isinstance(output, MicroTurnOutput)
        thread.close(session_id)
        thread.shutdown()

    asyncio.run(scene())
    assert "it goes on" in caplog.text


def test_what_is_not_a_number_ends_one_session() -> None:
    async def scene() -> None:
        thread = tiny_thread()
        ids = [await thread.open(seed=seed) for seed in range(3)]
        heard = turns(0, 3)
        assert all(
            isinstance(result, MicroTurnOutput)
            for result in await thread.step_many([(s, heard[0]) for s in ids])
        )
        engine = thread.engine
        assert isinstance(engine, Engine)
        with torch.inference_mode():
            engine.sessions[ids[1]].backbone.layers[0].key_KNW.fill_(torch.nan)
        results = await thread.step_many([(s, heard[1]) for s in ids])
        assert isinstance(results[1], SessionEnded)
        assert [isinstance(r, MicroTurnOutput) for r in results] == [True, False, True]
        assert set(engine.sessions) == {ids[0], ids[2]}
        for session_id in (*ids, *ids):  # closing twice, and what is closed already, is no error
            engine.close(session_id)
        (late,) = await thread.step_many([(ids[0], heard[2])])
        assert isinstance(late, KeyError)
        thread.shutdown()

    asyncio.run(scene())


def test_a_weight_that_is_not_a_number_ends_who_meets_it() -> None:
    """The row of one letter is broken: who types it is closed, the other hears nothing of it."""
    heard = turns(0, 2)
    letter = "z"
    typed = MicroTurnInput(1, heard[1].audio, text=letter)

    def second_results(is_broken: bool) -> list[MicroTurnOutput | Exception]:
        engine = tiny_engine()
        ids = [engine.open(seed=seed) for seed in range(2)]
        engine.step_many([(s, heard[0]) for s in ids])
        if is_broken:
            with torch.no_grad():
                tables = [
                    p for n, p in engine.model.named_parameters() if n.endswith("embed.weight")
                ]
                assert len(tables) == 1
                tables[0][engine.text.encode(letter)[0]] = torch.nan
        return list(engine.step_many([(ids[0], typed), (ids[1], heard[1])]))

    quiet, broken = second_results(False), second_results(True)
    assert isinstance(broken[0], SessionEnded)
    assert same(quiet[1], broken[1])


def test_no_slot_and_no_room_are_refused_and_come_back() -> None:
    async def scene() -> None:
        thread = tiny_thread(SessionLimits(max_sessions=2))
        ids = [await thread.open(), await thread.open()]
        with pytest.raises(TooManySessions, match="all 2 sessions of this engine"):
            await thread.open()
        assert thread.num_sessions == 2
        assert thread.metrics.num_refused == {"memory": 1}
        thread.close(ids[0])
        ids[0] = await thread.open()
        thread.admission.seed({2: 150.0})
        with pytest.raises(TooManySessions, match="about 225 ms, and may take 160"):
            await thread.open()
        for session_id in ids:
            thread.close(session_id)
        thread.shutdown()
        assert thread.num_sessions == 0
        assert isinstance(thread.engine, Engine) and not thread.engine.sessions

    asyncio.run(scene())


def test_an_engine_that_hangs_is_seen_from_outside() -> None:
    free = threading.Event()

    class Hanging(EchoEngine):
        def step(self, session_id: str, turn: MicroTurnInput) -> MicroTurnOutput:
            assert free.wait(10)
            return super().step(session_id, turn)

    with running(Hanging()) as server, client(server) as talk:
        app = server.server.app
        talk.start()
        assert app.state.engine_thread.busy_s() < 5
        while not app.state.engine_thread.busy_s():
            time.sleep(0.005)
        app.state.engine_thread.busy_since_s -= 60.0
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(server.http + "/healthz", timeout=5)
        with caught.value as answer:
            assert answer.code == 503 and json.loads(answer.read())["status"] == "stuck"
        free.set()
        talk.wait_for("session.usage.updated")
        with urllib.request.urlopen(server.http + "/healthz", timeout=5) as answer:
            assert json.loads(answer.read())["status"] == "ok"


def test_a_busy_server_refuses_and_the_others_go_on() -> None:
    admission = Admission(AdmissionConfig(num_kept=10**6))
    admission.seed({1: 100.0, 2: 1e6})  # more than ticks of this test can make good
    with running(admission=admission) as server, client(server) as first, client(server) as second:
        first.start()
        second.send("session.start", session={"model": "m"})
        assert "busy" in second.wait_error("too_many_sessions")["message"]
        first.wait_for("session.usage.updated")


def test_a_client_vanishes_in_the_middle_of_an_append() -> None:
    with running(max_sessions=2) as server, client(server) as good:
        good.start()
        for _ in range(3):
            with client(server) as bad:
                bad.start()
                header = struct.pack("!BBH", 0x81, 0xFE, 20_000) + bytes(4)
                bad.socket.socket.sendall(header + b'{"type": "session.input_audio.append", "aud')
                bad.socket.socket.close()
            deadline_s = time.monotonic() + 5
            while server.server.app.state.engine_thread.num_sessions > 1:
                assert time.monotonic() < deadline_s
                time.sleep(0.01)
        good.wait_for("session.usage.updated")
    assert sorted(server.engine.closed) == ["s0", "s1", "s2", "s3"]


def test_positions_of_the_loudspeaker_reach_the_model() -> None:
    with running() as server, client(server) as talk:
        talk.start()
        for _ in range(12):
            talk.send("session.thinking.append", content="word")
        for _ in range(3):
            talk.wait_for("session.output_audio.delta")
        talk.send("session.playback.ack", played_ms=1e6, dropped_ms=250)  # all but what it dropped
        for _ in range(6):
            talk.wait_for("session.output_audio.delta")
    heard = [turn.played_ms for turn in server.engine.inputs["s0"]]
    place = next(i for i, played_ms in enumerate(heard) if played_ms < 200)
    assert heard[place : place + 3] == [0, 150, 200]
