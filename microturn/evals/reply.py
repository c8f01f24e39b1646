"""What a cascade answers with: an agent turns the text of a turn into a reply."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from microturn.evals.episode import SeedTurn, Setup
from microturn.evals.text_rules import normal

HUMS = re.compile(
    r"(?:(?:mm+|m+ ?hm+|hm+|uh ?huh|aha|ah|oh|yeah|yes|right|okay|ok|sure|good|exactly|really|wow"
    r"|huh|nice|interesting|i see|i know|got it|makes sense|no way|thats true|thats right)\s*)+"
)


@dataclass(frozen=True)
class Later:
    """Something to say `after_ms` after the turn that asked for it, and again `every_ms`."""

    after_ms: int
    text: str
    every_ms: int | None = None


@dataclass(frozen=True)
class Reply:
    """What to say now, and later. An empty text says nothing. drops_later: what was planned before
    is dropped."""

    text: str = ""
    later: tuple[Later, ...] = ()
    drops_later: bool = False


class Agent(Protocol):
    """The mind of a cascade; one for each episode."""

    def reply(self, text: str) -> Reply:
        """Answer a turn of the user."""
        ...

    def was_cut(self, said: str) -> None:
        """Of its last reply only this was heard."""
        ...


class MakeAgent(Protocol):
    """Makes the agent of an episode."""

    @property
    def name(self) -> str: ...

    def __call__(self, setup: Setup) -> Agent: ...


def is_hum(text: str) -> bool:
    """Whether a text only says that someone listens ("Mm-hm.", "Yeah, right.")."""
    return HUMS.fullmatch(normal(text)) is not None


@dataclass(frozen=True)
class LanguageModel:
    """Agents that ask an OpenAI-compatible chat model. url: None for the client's own.

    key_from: the environment variable with the key. client: for tests.
    """

    model: str
    url: str | None = None
    key_from: str = "OPENAI_API_KEY"
    style: str = "You are on a call. Answer in one or two short spoken sentences, without lists."
    max_tokens: int = 120
    client: Any = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.model

    def __call__(self, setup: Setup) -> Agent:
        """Raises ValueError where there is no key."""
        client = self.client
        if client is None:
            from openai import OpenAI

            key = os.environ.get(self.key_from)
            if not key:
                raise ValueError(f"the language model needs a key: set {self.key_from}")
            client = OpenAI(base_url=self.url, api_key=key)
        return ChatAgent(self, client, setup)


class ChatAgent:
    """Keeps the conversation; of a reply that was cut, what was heard."""

    def __init__(self, config: LanguageModel, client: Any, setup: Setup) -> None:
        self.config, self.client = config, client
        system = f"{setup.instructions}\n{config.style}".strip()
        self.messages = [{"role": "system", "content": system}, *turns(setup.seed_turns)]

    def reply(self, text: str) -> Reply:
        self.messages.append({"role": "user", "content": text})
        given = self.client.chat.completions.create(
            model=self.config.model,
            messages=self.messages,
            max_tokens=self.config.max_tokens,
            temperature=0,
        )
        said = (given.choices[0].message.content or "").strip()
        self.messages.append({"role": "assistant", "content": said})
        return Reply(said)

    def was_cut(self, said: str) -> None:
        if self.messages[-1]["role"] == "assistant":
            self.messages[-1]["content"] = f"{said} ..." if said else "..."


def turns(seeds: Sequence[SeedTurn]) -> list[dict[str, str]]:
    """Turns before the episode as chat messages."""
    roles = {"user": "user", "agent": "assistant"}
    return [{"role": roles[seed.role], "content": seed.text} for seed in seeds]
