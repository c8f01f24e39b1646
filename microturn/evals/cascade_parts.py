"""The cascade put together of what is installed, by a line of settings.

`cascade`, `cascade:clock=wallclock`, `cascade:model=gpt-5-mini&url=https://...&key=NAME`
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from microturn.evals.cascade import STEP_MS, Cascade, CascadeConfig
from microturn.evals.endpoints import settings_of
from microturn.evals.recogniser import Whisper
from microturn.evals.record import SystemFacts
from microturn.evals.reply import LanguageModel, MakeAgent
from microturn.evals.rule_agent import Rules
from microturn.evals.synthesiser import load_synthesiser
from microturn.evals.turn_detector import DetectorConfig, load_ears
from microturn.evals.vad import Vad

SETTINGS = ("clock", "synthesiser", "voice", "whisper", "model", "url", "key", "hangover_ms")


def cascade_of(text: str, sounds: Path | None, vad: Vad) -> Cascade:
    """The cascade; `ckpt` of its facts names its parts with their versions.

    clock: `lockstep` (default) or `wallclock`. synthesiser, voice: default the best that is
    installed. whisper: a folder with a faster-whisper model. model: of an OpenAI-compatible server
    at `url`, with the key in the environment variable `key`; without it rules answer.
    hangover_ms: silence that ends a turn. Raises ValueError naming what is wrong or missing.
    """
    given = settings_of(text, SETTINGS, "cascade")
    clock = given.get("clock", "lockstep")
    if clock not in ("lockstep", "wallclock"):
        raise ValueError(f"no clock {clock!r}: choose lockstep or wallclock")
    hangover = given.get("hangover_ms", str(DetectorConfig().hangover_ms))
    if not hangover.isdigit():
        raise ValueError(f"hangover_ms must be a number of ms, got {hangover!r}")
    minds: MakeAgent = Rules()
    if "model" in given:
        key = given.get("key", "OPENAI_API_KEY")
        minds = LanguageModel(given["model"], given.get("url"), key)
    elif "url" in given or "key" in given:
        raise ValueError("cascade has url or key without model: name the model")
    config = CascadeConfig(replace(DetectorConfig(), hangover_ms=int(hangover)))
    recogniser = Whisper(Path(given["whisper"]) if "whisper" in given else None)
    ears, voice = (
        load_ears(),
        load_synthesiser(given.get("synthesiser", "auto"), given.get("voice")),
    )
    parts = " + ".join((ears.name, recogniser.name, minds.name, voice.name))
    facts = SystemFacts("cascade", parts, STEP_MS)
    if clock == "wallclock":
        facts = replace(facts, clock="wallclock")
    return Cascade(ears, recogniser, minds, voice, config, facts, vad, sounds)
