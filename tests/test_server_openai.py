"""The unmodified `openai` client talks to the server; only the base URL is ours."""

from __future__ import annotations

import asyncio
import base64

import pytest
from fixtures.server import EchoEngine, energy, running, tone_bytes

openai = pytest.importorskip("openai")


def test_async_client_hears_and_is_heard() -> None:
    asyncio.run(talk())


async def talk() -> None:
    with running() as server:
        client = openai.AsyncOpenAI(base_url=f"{server.http}/v1", api_key="any")
        heard, said, sound_bytes, asked, closed = "", "", 0, False, None
        async with client.live.connect() as connection:
            await connection.session.start(
                session={
                    "model": "gpt-live-1",
                    "instructions": "Be brief.",
                    "audio": {"format": {"type": "audio/pcm", "rate": 24000}},
                }
            )
            async for event in connection:
                if event.type == "session.started":
                    assert event.session.id == "s0"
                    assert event.session.instructions == "Be brief."
                    audio = base64.b64encode(tone_bytes(400)).decode()
                    await connection.session.input_audio.append(audio=audio)
                elif event.type == "session.input_transcript.delta":
                    heard += event.delta
                    assert event.end_ms - event.start_ms == 200
                elif event.type == "session.output_transcript.delta":
                    said += event.delta
                elif event.type == "session.output_audio.delta":
                    sound_bytes += len(base64.b64decode(event.delta))
                    if sound_bytes >= 2 * 9600 and not asked:
                        asked = True  # once: a second request may meet a closed socket
                        await connection.session.close()
                elif event.type == "session.closed":
                    closed = event
        assert "sound" in heard
        assert "I hear you" in said
        assert sound_bytes % 9600 == 0
        assert closed is not None and closed.reason == "close_requested"
        assert closed.usage.seconds > 0
    assert max(energy(turn.audio) for turn in server.engine.inputs["s0"]) > 0.1
    assert server.engine.instructions["s0"] == "Be brief."
    assert server.engine.closed == ["s0"]


def test_sync_client_mutes_and_types() -> None:
    with running(EchoEngine()) as server:
        client = openai.OpenAI(base_url=f"{server.http}/v1", api_key="any")
        assert [model.id for model in client.models.list()] == ["microturn"]
        kinds = []
        with client.live.connect() as connection:
            connection.session.start(session={"model": "gpt-live-1"})
            connection.session.input_audio.mute(event_id="m1")
            connection.session.commentary.append(
                content="Hello there.", delegation_id=None, event_id="c1"
            )
            for event in connection:
                kinds.append(event.type)
                if event.type == "session.input_audio.muted":
                    assert event.client_event_id == "m1"
                if event.type == "session.commentary.appended":
                    assert event.client_event_id == "c1"
                if event.type == "session.output_transcript.delta":
                    assert event.delta == "Hello there."
                    connection.session.close()
        assert kinds[0] == "session.started"
        assert kinds[-1] == "session.closed"
        assert kinds.index("session.commentary.appended") < kinds.index(
            "session.output_transcript.delta"
        )
