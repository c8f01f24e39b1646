"""OpenAI's Live API as a system under test: GPT-Live, and our own server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from microturn.evals.dialect import (
    Called,
    Event,
    Fault,
    HandedOver,
    Over,
    Ready,
    Said,
    Sound,
    Wrote,
    decoded,
    encoded,
)
from microturn.evals.episode import Setup
from microturn.turns import OUTPUT_RATE_HZ


def message(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)


@dataclass(frozen=True)
class LiveDialect:
    """There are no turns on this wire and no interruptions: sound just stops. Work that the server
    hands over is noted and not done."""

    model: str = "gpt-live-1"
    voice: str = ""
    kind: str = "live"
    input_rate_hz: int = OUTPUT_RATE_HZ  # the format holds both ways

    def address(self, url: str) -> str:
        return url

    def headers(self, key: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}

    def open(self, setup: Setup) -> list[str]:
        audio: dict[str, Any] = {"format": {"type": "audio/pcm", "rate": self.input_rate_hz}}
        if self.voice:
            audio["output"] = {"voice": self.voice}
        session: dict[str, Any] = {"model": self.model, "audio": audio}
        if setup.instructions:
            session["instructions"] = setup.instructions
        roles = {"user": ("user", "input_text"), "agent": ("assistant", "output_text")}
        turns = [(*roles[turn.role], turn.text) for turn in setup.seed_turns]
        if turns:
            session["input"] = [
                {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
                for role, kind, text in turns
            ]
        return [message("session.start", session=session)]

    def history(self, setup: Setup) -> list[str]:
        return []  # stands in the start of the session

    def read(self, message: dict[str, Any]) -> list[Event]:
        match message["type"]:
            case "session.started":
                return [Ready()]
            case "session.output_audio.delta":
                return [Sound(decoded(message["delta"]), server_ms=start_of(message))]
            case "session.output_transcript.delta":
                return [Said(str(message["delta"]), server_ms=start_of(message))]
            case "session.input_transcript.delta":
                return [Wrote(str(message["delta"]))]
            case "session.delegation.created":
                return [HandedOver(str(message["delegation"]["id"]))]
            case "session.closed":
                return [Over(str(message.get("reason")))]
            case "error":
                return [Fault(str(message["error"]["message"]))]
            case _:
                return []

    def sound(self, data: bytes) -> list[str]:
        return [message("session.input_audio.append", audio=encoded(data))]

    def text(self, text: str) -> list[str]:
        """Silent context is what comes nearest to text that is typed."""
        return [message("session.thinking.append", content=text, delegation_id=None)]

    def update(self, text: str, delegation: str | None) -> list[str]:
        return [message("session.commentary.append", content=text, delegation_id=delegation)]

    def image(self, jpeg: bytes) -> list[str]:
        return []

    def cut(self, played: Sequence[tuple[str, int]]) -> list[str]:
        return []

    def answer(self, call: Called) -> list[str]:
        return []

    def close(self) -> list[str]:
        return [message("session.close")]


def start_of(delta: dict[str, Any]) -> float | None:
    """When it begins on the server's clock, where that is said."""
    start_ms = delta.get("start_ms")
    return None if start_ms is None else float(start_ms)
