"""The Realtime wire: a client throws away what the user talks over, and says what was heard."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from microturn.evals.dialect import Fault, read_message
from microturn.evals.episode import Episode, SeedTurn, Setup
from microturn.evals.realtime_system import NO_TOOL, RealtimeDialect
from tests.fake_link import FakeLink, speech, talk
from tests.test_evals_endpoint import heard

TOOL = {"name": "look_up", "description": "d", "parameters": {"type": "object"}}


def sound(num_ms: int, item: str, kind: str = "response.output_audio.delta") -> dict[str, Any]:
    return {"type": kind, "item_id": item, "delta": speech(num_ms)}


def text(delta: str, item: str) -> dict[str, Any]:
    return {"type": "response.output_audio_transcript.delta", "item_id": item, "delta": delta}


STARTED = {"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": "u"}


def server(*lines: tuple[float, Any]) -> Any:
    """Says each line at a time of the episode (the first packet is sent at 20 ms)."""

    def serve(link: FakeLink, message: dict[str, Any]) -> None:
        if len(link.sent) == 1:
            link.later(0, {"type": "session.created"})
            link.later(50, {"type": "session.updated"})
        if len(link.of_kind("input_audio_buffer.append")) == 1 and "audio" in message:
            for at_ms, line in lines:
                link.later(at_ms - 20, line)

    return serve


def test_a_reply_that_comes_at_once_is_heard_in_time() -> None:
    lines = [(1000, text("one two three four", "a")), *[(1000, sound(400, "a"))] * 3]
    trace, session, link = talk(RealtimeDialect(), server(*lines))
    assert heard(session) == [(1000, 2200)], "sent in no time, heard at the pace of life"
    (said,) = trace.utterances
    assert said.text == "one two three four"
    onsets = [word[1] for word in said.words]
    assert np.allclose(onsets, [1000, 1267, 1533, 1933], atol=100), "text is spread over its sound"
    assert link.of_kind("conversation.item.truncate") == []


def test_what_the_user_talks_over_is_thrown_away() -> None:
    lines = [
        (1000, text("one two three four ", "a")),
        (1000, sound(1600, "a")),
        (1400, STARTED),
        (1420, sound(400, "a")),  # was under way
        (1430, text("five", "a")),
        (2400, sound(300, "b")),
    ]
    trace, session, link = talk(RealtimeDialect(), server(*lines))
    assert heard(session) == [(1000, 1400), (2400, 2700)]
    ((at_ms, cut),) = link.of_kind("conversation.item.truncate")
    assert (cut["item_id"], cut["content_index"], cut["audio_end_ms"]) == ("a", 0, 400)
    assert at_ms == 1400
    assert trace.utterances[0].text == "one t", "what was heard of it"


def test_who_ignores_the_interruption_is_heard_on() -> None:
    """The negative control: without the event nothing is thrown away."""
    lines = [(1000, sound(1600, "a")), (1420, sound(400, "a"))]
    _, session, _ = talk(RealtimeDialect(), server(*lines))
    assert heard(session) == [(1000, 3000)]


def test_an_interruption_of_silence_cuts_nothing() -> None:
    lines = [(500, STARTED), (1000, sound(300, "a")), (2000, STARTED), (2100, sound(300, "a"))]
    _, session, link = talk(RealtimeDialect(), server(*lines))
    assert heard(session) == [(1000, 1300), (2100, 2400)]
    assert link.of_kind("conversation.item.truncate") == []


def test_items_that_wait_are_thrown_away_too() -> None:
    lines = [(1000, sound(800, "a")), (1000, sound(800, "b")), (1500, STARTED)]
    _, session, link = talk(RealtimeDialect(), server(*lines))
    cut = [(m["item_id"], m["audio_end_ms"]) for _, m in link.of_kind("conversation.item.truncate")]
    assert cut == [("a", 500), ("b", 0)]
    assert heard(session) == [(1000, 1500)]


def test_tools_are_noted_and_answered_with_nothing() -> None:
    item = {"type": "function_call", "call_id": "c", "name": "look_up", "arguments": '{"q": 1}'}
    done = {"type": "response.output_item.done", "item": item}
    trace, _, link = talk(
        RealtimeDialect(turns="semantic_vad", voice="v"),
        server(
            (700, done), (800, {"type": "response.output_item.done", "item": {"type": "message"}})
        ),
        Episode("e", "t", 1000, system=Setup("Be brief.", (TOOL,), (SeedTurn("agent", "hello"),))),
        text={1: ("typed",)},
        updates={2: ("news",)},
        frames={3: (np.zeros((8, 8, 3), np.uint8),)},
    )
    ((_, update),) = link.of_kind("session.update")
    session = update["session"]
    assert session["tools"] == [{"type": "function", **TOOL}]
    assert session["audio"]["input"]["turn_detection"] == {"type": "semantic_vad"}
    assert session["audio"]["output"]["voice"] == "v"
    (use,) = trace.tools
    assert (use.t_call, use.function, use.args) == (700, "look_up", {"q": 1})
    items = [message["item"] for _, message in link.of_kind("conversation.item.create")]
    roles = [item.get("role") for item in items]
    assert roles == ["assistant", "user", "system", "user", None]
    assert items[3]["content"][0]["image_url"].startswith("data:image/jpeg;base64,/9j/")
    assert items[4] == {"type": "function_call_output", "call_id": "c", "output": NO_TOOL}


def test_the_old_names_of_the_beta_are_heard() -> None:
    lines = [(1000, sound(400, "a", "response.audio.delta"))]
    _, session, _ = talk(RealtimeDialect(), server(*lines))
    assert heard(session) == [(1000, 1400)]


@pytest.mark.parametrize(
    "message",
    [
        {"type": "response.output_audio.delta", "delta": "AAAA"},
        {"type": "response.output_item.done"},
        {
            "type": "response.output_item.done",
            "item": {"type": "function_call", "call_id": "c", "name": "f", "arguments": "[1"},
        },
        {
            "type": "response.output_item.done",
            "item": {"type": "function_call", "call_id": "c", "name": "f", "arguments": "[1]"},
        },
        {"type": "error", "error": None},
    ],
)
def test_what_lacks_its_form_is_a_fault(message: dict[str, Any]) -> None:
    (found,) = read_message(RealtimeDialect(), json.dumps(message))
    assert isinstance(found, Fault) and found.text.startswith("cannot read a message of")
