"""OpenAI's Realtime API (GA) as a system under test: GPT-realtime, vLLM-Omni and others.

The server tells when the user begins to speak; then, as clients do, what has not played is thrown
away and the server is told how much of it was heard.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from microturn.evals.dialect import (
    Called,
    Event,
    Fault,
    Interrupted,
    Ready,
    Said,
    Sound,
    Wrote,
    decoded,
    encoded,
)
from microturn.evals.episode import Setup
from microturn.evals.live_system import message
from microturn.turns import OUTPUT_RATE_HZ

SOUND = ("response.output_audio.delta", "response.audio.delta")  # GA, and the beta's old names
SAID = (
    "response.output_audio_transcript.delta",
    "response.audio_transcript.delta",
)
NO_TOOL = "There is nothing behind this tool here; go on without its result."


@dataclass(frozen=True)
class RealtimeDialect:
    """turns: `server_vad` or `semantic_vad`; empty leaves it to the server."""

    model: str = "gpt-realtime"
    voice: str = ""
    turns: str = ""
    kind: str = "realtime"
    input_rate_hz: int = OUTPUT_RATE_HZ

    def __post_init__(self) -> None:
        if self.turns not in ("", "server_vad", "semantic_vad"):
            raise ValueError(f"no turns={self.turns!r}: choose server_vad or semantic_vad")

    def address(self, url: str) -> str:
        """With the model, where the URL names none."""
        parts = urlsplit(url)
        if "model" in parse_qs(parts.query):
            return url
        query = "&".join(part for part in (parts.query, urlencode({"model": self.model})) if part)
        return urlunsplit(parts._replace(query=query))

    def headers(self, key: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}

    def open(self, setup: Setup) -> list[str]:
        form = {"type": "audio/pcm", "rate": self.input_rate_hz}
        into: dict[str, Any] = {"format": form}
        out: dict[str, Any] = {"format": form}
        if self.turns:
            into["turn_detection"] = {"type": self.turns}
        if self.voice:
            out["voice"] = self.voice
        session: dict[str, Any] = {
            "type": "realtime",
            "output_modalities": ["audio"],
            "audio": {"input": into, "output": out},
        }
        if setup.instructions:
            session["instructions"] = setup.instructions
        if setup.tools:
            session["tools"] = [{"type": "function", **function(tool)} for tool in setup.tools]
        return [message("session.update", session=session)]

    def history(self, setup: Setup) -> list[str]:
        roles = {"user": ("user", "input_text"), "agent": ("assistant", "output_text")}
        turns = [(*roles[turn.role], turn.text) for turn in setup.seed_turns]
        return [item(role, {"type": kind, "text": text}) for role, kind, text in turns]

    def read(self, message: dict[str, Any]) -> list[Event]:
        kind = message["type"]
        if kind in SOUND:
            return [Sound(decoded(message["delta"]), str(message["item_id"]))]
        if kind in SAID:
            return [Said(str(message["delta"]), str(message["item_id"]))]
        match kind:
            case "session.updated":
                return [Ready()]
            case "input_audio_buffer.speech_started":
                return [Interrupted()]
            case "conversation.item.input_audio_transcription.completed":
                return [Wrote(f"{message['transcript']} ")]
            case "response.output_item.done":
                return calls(message["item"])
            case "error":
                return [Fault(str(message["error"]["message"]))]
            case _:
                return []

    def sound(self, data: bytes) -> list[str]:
        return [message("input_audio_buffer.append", audio=encoded(data))]

    def text(self, text: str) -> list[str]:
        return [item("user", {"type": "input_text", "text": text}), message("response.create")]

    def update(self, text: str, delegation: str | None) -> list[str]:
        return [item("system", {"type": "input_text", "text": text}), message("response.create")]

    def image(self, jpeg: bytes) -> list[str]:
        url = f"data:image/jpeg;base64,{encoded(jpeg)}"
        return [item("user", {"type": "input_image", "image_url": url})]

    def cut(self, played: Sequence[tuple[str, int]]) -> list[str]:
        return [
            message(
                "conversation.item.truncate", item_id=name, content_index=0, audio_end_ms=played_ms
            )
            for name, played_ms in played
        ]

    def answer(self, call: Called) -> list[str]:
        output = {"type": "function_call_output", "call_id": call.id, "output": NO_TOOL}
        return [message("conversation.item.create", item=output), message("response.create")]

    def close(self) -> list[str]:
        return []


def item(role: str, content: dict[str, Any]) -> str:
    """One message of the conversation."""
    said = {"type": "message", "role": role, "content": [content]}
    return message("conversation.item.create", item=said)


def function(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool of an episode: name, description, parameters; also wrapped as chat models have it."""
    inner = tool.get("function", tool)
    return {key: inner[key] for key in ("name", "description", "parameters") if key in inner}


def calls(done: dict[str, Any]) -> list[Event]:
    """The call that an item is, if it is one. Arguments that are no object are a fault."""
    if done.get("type") != "function_call":
        return []
    args = json.loads(done.get("arguments") or "{}")
    if not isinstance(args, dict):
        raise ValueError("arguments of a call must be an object")
    return [Called(str(done["call_id"]), str(done["name"]), args)]
