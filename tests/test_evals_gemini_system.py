"""The Gemini wire, as its public reference has it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from microturn.evals.dialect import Fault, read_message
from microturn.evals.episode import Episode, SeedTurn, Setup
from microturn.evals.gemini_system import GeminiDialect
from microturn.evals.realtime_system import NO_TOOL
from tests.fake_link import FakeLink, speech, talk
from tests.test_evals_endpoint import heard


def turn(num_ms: int) -> dict[str, Any]:
    data = {"mimeType": "audio/pcm;rate=24000", "data": speech(num_ms)}
    return {"serverContent": {"modelTurn": {"parts": [{"text": "thought"}, {"inlineData": data}]}}}


def said(text: str) -> dict[str, Any]:
    return {"serverContent": {"outputTranscription": {"text": text}}}


def server(*lines: tuple[float, Any]) -> Any:
    """Says each line at a time of the episode, in bytes as the real one does."""

    def serve(link: FakeLink, message: dict[str, Any]) -> None:
        if "setup" in message:
            link.later(50, b'{"setupComplete": {}}')
        audio = ["audio" in sent.get("realtimeInput", {}) for _, sent in link.sent]
        if audio[-1] and sum(audio) == 1:
            for at_ms, line in lines:
                link.later(at_ms - 20, json.dumps(line).encode())

    return serve


def test_an_interrupted_turn_stops_and_the_next_is_heard() -> None:
    lines = [
        (1000, turn(1600)),
        (1010, said("one two three four ")),
        (1400, {"serverContent": {"interrupted": True}}),
        (1410, {"serverContent": {"turnComplete": True}}),
        (2400, turn(400)),
        (2410, said("five")),
    ]
    trace, session, _ = talk(GeminiDialect(), server(*lines))
    assert heard(session) == [(1000, 1400), (2400, 2800)]
    assert [u.text for u in trace.utterances] == ["one t", "five"]


def test_turns_play_one_after_the_other() -> None:
    over = {"serverContent": {"turnComplete": True}}
    lines = [(1000, turn(600)), (1000, said("first")), (1000, over), (1000, turn(600))]
    trace, session, _ = talk(GeminiDialect(), server(*lines, (1000, said(" second"))))
    assert heard(session) == [(1000, 2200)]
    (utterance,) = trace.utterances
    onsets = {word: onset for word, onset, _ in utterance.words}
    assert set(onsets) == {"first", "second"} and onsets["second"] >= 1600


def test_other_rates_are_taken() -> None:
    data = {"mimeType": "audio/pcm;rate=48000", "data": speech(800)}
    line = {"serverContent": {"modelTurn": {"parts": [{"inlineData": data}]}}}
    _, session, _ = talk(GeminiDialect(), server((1000, line)))
    assert heard(session)[0][0] == 1000 and heard(session)[-1][1] in range(1398, 1402)


def test_it_tells_what_it_was_given() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    call = {"toolCall": {"functionCalls": [{"id": "1", "name": "f", "args": {"a": 2}}]}}
    heard_text = {"serverContent": {"inputTranscription": {"text": "hello"}}}
    trace, session, link = talk(
        GeminiDialect("m", "v"),
        server((300, call), (500, heard_text), (600, {"goAway": {"timeLeft": "60s"}})),
        Episode("e", "t", 1000, system=Setup("Be brief.", (tool,), (SeedTurn("agent", "hi"),))),
        text={0: ("typed",)},
        updates={1: ("news",)},
        frames={2: (np.zeros((8, 8, 3), np.uint8),)},
    )
    setup = link.sent[0][1]["setup"]
    assert setup["model"] == "models/m"
    assert setup["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert setup["tools"] == [{"functionDeclarations": [{"name": "f", "parameters": {}}]}]
    voice = setup["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]
    assert voice == {"voiceName": "v"}
    history = link.sent[1][1]["clientContent"]
    assert history == {
        "turns": [{"role": "model", "parts": [{"text": "hi"}]}],
        "turnComplete": False,
    }
    inputs = [message["realtimeInput"] for _, message in link.sent if "realtimeInput" in message]
    assert inputs[0] == {"text": "typed"}
    sounds = [one["audio"] for one in inputs if "audio" in one]
    assert {sound["mimeType"] for sound in sounds} == {"audio/pcm;rate=16000"}
    assert [one["video"]["mimeType"] for one in inputs if "video" in one] == ["image/jpeg"]
    (use,) = trace.tools
    assert (use.t_call, use.args) == (300, {"a": 2})
    answers = [m["toolResponse"] for _, m in link.sent if "toolResponse" in m]
    response = {"id": "1", "name": "f", "response": {"result": NO_TOOL}}
    assert answers == [{"functionResponses": [response]}]
    assert [tick.heard for tick in trace.ticks] == ["", "", "hello", "", ""]
    assert session.faults == [
        "gemini takes no background updates; left out",
        "the server is about to close: {'timeLeft': '60s'}",
    ]


def test_what_lacks_its_form_is_a_fault() -> None:
    for bad in (
        '{"serverContent": []}',
        '{"serverContent": {"modelTurn": 5}}',
        '{"serverContent": {"modelTurn": {"parts": [7]}}}',
        '{"toolCall": {"functionCalls": [{"name": "f"}]}}',
        '{"serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm"}}]}}}',
    ):
        found = read_message(GeminiDialect(), bad)
        assert not found or all(isinstance(event, Fault) for event in found), bad
    assert read_message(GeminiDialect(), "{}") == []
