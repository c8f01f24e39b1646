"""The outbox: in order, audio lossy, control durable."""

from __future__ import annotations

import asyncio

import pytest

from microturn.server.outbox import Outbox, OutboxFull
from microturn.server.protocol import Notice, OutputAudio, Span


def audio(index: int) -> OutputAudio:
    return OutputAudio(bytes([index]), Span.of_output(index))


def notice(index: int) -> Notice:
    return Notice("n", str(index))


def test_order_is_kept() -> None:
    outbox = Outbox()
    events = [notice(0), audio(1), notice(2), audio(3)]
    for event in events:
        outbox.put(event)
    assert outbox.drain() == events
    assert outbox.drain() == []


def test_the_oldest_audio_goes_first_and_nothing_else_does() -> None:
    outbox = Outbox(max_audio=2)
    for event in (audio(0), notice(0), audio(1), audio(2), notice(1), audio(3)):
        outbox.put(event)
    assert outbox.drain() == [notice(0), audio(2), notice(1), audio(3)]
    assert outbox.num_dropped == 2


def test_too_much_control_is_an_error_but_audio_never_is() -> None:
    outbox = Outbox(max_audio=1, max_control=2)
    outbox.put(notice(0))
    outbox.put(notice(1))
    for index in range(5):
        outbox.put(audio(index))
    with pytest.raises(OutboxFull):
        outbox.put(notice(2))
    assert outbox.drain() == [notice(0), notice(1), audio(4)]


def test_get_waits_for_an_event() -> None:
    async def scene() -> None:
        outbox = Outbox()
        getting = asyncio.create_task(outbox.get())
        await asyncio.sleep(0)
        assert not getting.done()
        outbox.put(notice(0))
        assert await getting == notice(0)
        outbox.put(notice(1))
        assert await outbox.get() == notice(1)

    asyncio.run(scene())
