"""Gemini's Live API (BidiGenerateContent, JSON) as a system under test.

Written from its public reference and tried only against a server of our tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from microturn.evals.dialect import (
    Called,
    Event,
    Fault,
    Interrupted,
    Ready,
    Said,
    Sound,
    TurnOver,
    Wrote,
    decoded,
    encoded,
)
from microturn.evals.episode import Setup
from microturn.evals.realtime_system import NO_TOOL, function
from microturn.turns import INPUT_RATE_HZ, OUTPUT_RATE_HZ

SERVICE = "google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
HOST = f"wss://generativelanguage.googleapis.com/ws/{SERVICE}"
RATE = re.compile(r"rate=(\d+)")


def tell(**fields: Any) -> str:
    return json.dumps(fields, ensure_ascii=False)


def content(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"text": text}]}


@dataclass(frozen=True)
class GeminiDialect:
    """Turns have no names here: they are counted."""

    model: str = "models/gemini-2.5-flash-native-audio-preview-12-2025"
    voice: str = ""
    kind: str = "gemini"
    input_rate_hz: int = INPUT_RATE_HZ

    def address(self, url: str) -> str:
        return url

    def headers(self, key: str | None) -> dict[str, str]:
        """In a header, so that no log of addresses holds it."""
        return {"x-goog-api-key": key} if key else {}

    def open(self, setup: Setup) -> list[str]:
        name = self.model if self.model.startswith("models/") else f"models/{self.model}"
        generation: dict[str, Any] = {"responseModalities": ["AUDIO"]}
        if self.voice:
            voice = {"prebuiltVoiceConfig": {"voiceName": self.voice}}
            generation["speechConfig"] = {"voiceConfig": voice}
        given: dict[str, Any] = {
            "model": name,
            "generationConfig": generation,
            "inputAudioTranscription": {},
            "outputAudioTranscription": {},
        }
        if setup.instructions:
            given["systemInstruction"] = {"parts": [{"text": setup.instructions}]}
        if setup.tools:
            given["tools"] = [{"functionDeclarations": [function(tool) for tool in setup.tools]}]
        return [tell(setup=given)]

    def history(self, setup: Setup) -> list[str]:
        roles = {"user": "user", "agent": "model"}
        turns = [content(roles[turn.role], turn.text) for turn in setup.seed_turns]
        return [tell(clientContent={"turns": turns, "turnComplete": False})] if turns else []

    def read(self, message: dict[str, Any]) -> list[Event]:
        found: list[Event] = []
        if "setupComplete" in message:
            found.append(Ready())
        said = message.get("serverContent") or {}
        if said.get("interrupted"):
            found += [Interrupted(), TurnOver()]
        for part in (said.get("modelTurn") or {}).get("parts") or ():
            found += sounds(part)
        if text := (said.get("outputTranscription") or {}).get("text"):
            found.append(Said(str(text)))
        if text := (said.get("inputTranscription") or {}).get("text"):
            found.append(Wrote(str(text)))
        if said.get("turnComplete"):
            found.append(TurnOver())
        for call in (message.get("toolCall") or {}).get("functionCalls") or ():
            found.append(Called(str(call["id"]), str(call["name"]), dict(call.get("args") or {})))
        if "goAway" in message:
            found.append(Fault(f"the server is about to close: {message['goAway']}"))
        if "error" in message:
            found.append(Fault(str(message["error"])))
        return found

    def sound(self, data: bytes) -> list[str]:
        kind = f"audio/pcm;rate={self.input_rate_hz}"
        return [tell(realtimeInput={"audio": {"data": encoded(data), "mimeType": kind}})]

    def text(self, text: str) -> list[str]:
        return [tell(realtimeInput={"text": text})]

    def update(self, text: str, delegation: str | None) -> list[str]:
        return []

    def image(self, jpeg: bytes) -> list[str]:
        return [tell(realtimeInput={"video": {"data": encoded(jpeg), "mimeType": "image/jpeg"}})]

    def cut(self, played: Sequence[tuple[str, int]]) -> list[str]:
        return []

    def answer(self, call: Called) -> list[str]:
        response = {"id": call.id, "name": call.function, "response": {"result": NO_TOOL}}
        return [tell(toolResponse={"functionResponses": [response]})]

    def close(self) -> list[str]:
        return []


def sounds(part: dict[str, Any]) -> list[Event]:
    """Sound of one part of a turn; other parts (thoughts) are not heard."""
    inline = part.get("inlineData") or {}
    kind = str(inline.get("mimeType", ""))
    if not kind.startswith("audio/pcm"):
        return []
    rate = RATE.search(kind)
    return [Sound(decoded(inline["data"], int(rate[1]) if rate else OUTPUT_RATE_HZ))]
