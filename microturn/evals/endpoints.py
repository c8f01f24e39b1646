"""Endpoints by name: `live:URL`, `realtime:URL`, `gemini:`; settings stand behind `#`.

`realtime:wss://api.openai.com/v1/realtime#model=gpt-realtime&turns=semantic_vad`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from microturn.evals import gemini_system
from microturn.evals.dialect import Dialect
from microturn.evals.endpoint import Endpoint, EndpointConfig, named
from microturn.evals.gemini_system import GeminiDialect
from microturn.evals.live_system import LiveDialect
from microturn.evals.realtime_system import RealtimeDialect
from microturn.evals.record import SystemFacts
from microturn.evals.vad import Vad

DIALECTS: dict[str, Callable[..., Dialect]] = {
    "live": LiveDialect,
    "realtime": RealtimeDialect,
    "gemini": GeminiDialect,
}
USUAL_URLS = {"gemini": gemini_system.HOST}
USUAL_KEYS = {
    "wss://api.openai.com/": "OPENAI_API_KEY",
    "wss://generativelanguage.googleapis.com/": "GEMINI_API_KEY",
}
SETTINGS = ("model", "voice", "turns")


def settings_of(text: str, known: tuple[str, ...], where: str) -> dict[str, str]:
    """`a=1&b=2` -> its values. Raises ValueError for a name that is not known, or without value."""
    try:
        found = dict(parse_qsl(text, strict_parsing=True)) if text else {}
    except ValueError as error:
        raise ValueError(f"{where} cannot read {text!r}: want name=value&name=value") from error
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise ValueError(f"{where} has no {', '.join(unknown)}; there are {', '.join(known)}")
    return found


def endpoint_of(kind: str, argument: str, sounds: Path | None, vad: Vad) -> Endpoint:
    """The endpoint of a name. `key=NAME` names the environment variable with the key; without it
    the usual one of the known services, none for others. Raises ValueError for what is wrong."""
    url, _, behind = argument.partition("#")
    url = url or USUAL_URLS.get(kind, "")
    make = DIALECTS[kind]
    known = tuple(f.name for f in fields(make) if f.name in SETTINGS)  # pyright: ignore
    given: dict[str, Any] = settings_of(behind, (*known, "key", "speed"), f"{kind}:{url}")
    usual = next((key for start, key in USUAL_KEYS.items() if url.startswith(start)), "")
    config = EndpointConfig(url, given.pop("key", usual), speed=float(given.pop("speed", "1")))
    dialect = make(**given)
    facts = SystemFacts(kind, given.get("model", ""))
    return Endpoint(dialect, config, named(facts, dialect, url), vad, sounds)
