"""Older text is summed up beside the clock: what comes back goes in once, and a summariser that is
slow, fails or outlives its session holds up nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from fixtures.server import EchoEngine

from microturn.server.engine_thread import EngineThread
from microturn.server.summaries import Summaries, summaries_of
from microturn.server.ticker import Ticker
from microturn.turns import BackgroundUpdate
from tests.test_server_ticker import Clock, Listener, attend
from tests.tiny import TinyText, tiny_config

WORDS = dict.fromkeys(range(40), "word")  # 7 positions each, with the marks of a message


def talk(
    summarise: Callable[[str], str | None], num_turns: int = 20, num_sessions: int = 1
) -> tuple[EchoEngine, Summaries, list[BaseException | None]]:
    """Typed words in every micro-turn, through a ticker that sums them up."""
    engine = EchoEngine()
    summaries = Summaries(TinyText(), summarise, num_text=40)  # type: ignore[arg-type]

    async def play() -> list[BaseException | None]:
        thread, clock = EngineThread(engine, max_sessions=8), Clock()

        async def sleep(seconds: float) -> None:  # a summary is always there by the next tick
            await clock.sleep(seconds)
            await asyncio.gather(*(m.writing for m in summaries._memories.values() if m.writing))

        ticker = Ticker(thread, clock=clock, sleep=sleep, summaries=summaries)
        ids = [await thread.open() for _ in range(num_sessions)]
        members = [
            Listener(one, num_turns, texts=WORDS if place == 0 else {})
            for place, one in enumerate(ids)
        ]
        ended = await attend(ticker, *members)
        thread.shutdown()
        return ended

    return engine, summaries, asyncio.run(play())


def given(engine: EchoEngine, session_id: str) -> list[BackgroundUpdate]:
    return [update for turn in engine.inputs[session_id] for update in turn.updates]


def test_a_summary_comes_back_once_and_to_its_session_only() -> None:
    seen: list[str] = []
    engine, summaries, _ = talk(lambda old: seen.append(old) or "a talk", num_sessions=2)
    updates = given(engine, "s0")
    assert updates and len({update.id for update in updates}) == len(updates)
    assert all(update.mode == "silent" and update.text for update in updates)
    assert seen[0].startswith("user (typed): word\nmodel: word\nuser (typed): word")
    assert "background: a talk" in seen[-1]  # a summary is text itself
    assert len(seen) == summaries.num_written >= len(updates) > 1
    assert given(engine, "s1") == []
    assert summaries._memories == {}


def test_a_summary_does_not_fill_the_budget_by_itself() -> None:
    engine, _, _ = talk(lambda old: "x" * 10_000)
    assert {len(update.text) for update in given(engine, "s0")} == {10}


def test_one_that_fails_or_says_nothing_leaves_the_session_as_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(old: str) -> str:
        raise RuntimeError("no model")

    engine, summaries, ended = talk(broken)
    assert given(engine, "s0") == [] and len(engine.inputs["s0"]) == 20
    assert summaries.num_failed and type(ended[0]).__name__ == "Over"
    assert "a summary failed" in caplog.text
    engine, summaries, _ = talk(lambda old: None)
    assert given(engine, "s0") == [] and not summaries.num_failed


def test_nobody_waits_for_a_slow_one_and_it_may_outlive_its_session() -> None:
    free = threading.Event()
    began: list[str] = []

    def slow(old: str) -> str:
        began.append(old)
        assert free.wait(10)
        return "too late"

    engine = EchoEngine()
    summaries = Summaries(TinyText(), slow, num_text=40)  # type: ignore[arg-type]

    async def play() -> None:
        thread, clock = EngineThread(engine), Clock()
        ticker = Ticker(thread, clock=clock, sleep=clock.sleep, summaries=summaries)
        await attend(ticker, Listener(await thread.open(), 30, texts=WORDS))
        assert summaries._memories == {}
        free.set()
        thread.shutdown()

    asyncio.run(play())
    assert len(engine.inputs["s0"]) == 30 and len(began) <= 1
    assert given(engine, "s0") == []


def shorter(old: str) -> str:
    return old[:8]


def test_a_function_by_name_and_the_budget_of_the_model() -> None:
    config, text = tiny_config(), TinyText()
    summaries = summaries_of("tests.test_server_summaries:shorter", config, text)  # type: ignore[arg-type]
    assert summaries.summarise("a long talk") == "a long t"
    assert summaries.fresh.num_text == 128
    for wrong in ("tests.test_server_summaries:longer", "no.such:thing", ":"):
        with pytest.raises(ValueError, match=r"want package\.module:function"):
            summaries_of(wrong, config, text)  # type: ignore[arg-type]
