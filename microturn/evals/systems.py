"""Who can be measured, by name: `model:nano`, `oracle`, `files:DIR`, `python:package.module:make`.

A new system is one function and one line in `SYSTEMS`. It is opened in every worker process, so
that models are loaded there.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from microturn.evals import scripted
from microturn.evals.episode import Episode
from microturn.evals.interfaces import InputTick, OutputTick, System
from microturn.evals.output_files import SOUND, read_output
from microturn.evals.record import SystemFacts, Trace
from microturn.evals.vad import Vad, load_vad
from microturn.model.narrow import Weights
from microturn.turns import MICRO_TURN_MS, OUTPUT_RATE_HZ


@dataclass(frozen=True)
class Opening:
    """What every system is opened with.

    argument: what stands behind the colon of its name. sounds: folder that the output sound is
    written to, or None. vad: `auto`, `silero` or `energy`.
    """

    argument: str = ""
    sounds: Path | None = None
    seed: int = 0
    vad: str = "auto"


Open = Callable[[Opening], System]


def model_and_weights(argument: str) -> tuple[str, Weights]:
    """What stands behind `model:`, taken apart; a name alone is a model in fp32."""
    name, _, weights = argument.rpartition(":")
    if name and weights in get_args(Weights):
        return name, cast(Weights, weights)
    return argument or "nano", "fp32"


def open_model(opening: Opening) -> System:
    """A shipped model or a folder of weights, in this process. Behind the name may stand what its
    matrices are kept in: `model:nano:int8`."""
    from microturn.engine.load import load
    from microturn.evals.model_system import ModelSystem

    name, weights = model_and_weights(opening.argument)
    suffix = "" if weights == "fp32" else f":{weights}"
    facts = SystemFacts(f"model:{name}{suffix}", ckpt=name)
    engine = load(name, weights=weights)
    return ModelSystem(engine, facts, load_vad(opening.vad), opening.seed, opening.sounds)


def scripted_as(make: Callable[[], scripted.Scripted]) -> Open:
    """A scripted agent; its buzz is no speech to Silero, so its times rest on energy."""

    def open_scripted(opening: Opening) -> System:
        agent = make()
        return scripted.Scripted(agent.name, agent.make, agent.vad, agent.facts, opening.sounds)

    return open_scripted


@dataclass(frozen=True)
class FileSystem:
    """Answers that were made elsewhere: a folder for each episode, named by its id with `_` for
    `/` (or by the id as a path), with `output.wav` and perhaps `output.json` in it."""

    folder: Path
    vad: Vad

    @property
    def name(self) -> str:
        return f"files:{self.folder.name}"

    def open(self, episode: Episode) -> FileSession:
        return FileSession(self, episode)


@dataclass
class FileSession:
    """Plays nothing; the trace is read when the episode is over."""

    system: FileSystem
    episode: Episode

    def step(self, inp: InputTick) -> OutputTick:
        return OutputTick(np.zeros(MICRO_TURN_MS * OUTPUT_RATE_HZ // 1000, dtype=np.float32))

    def close(self) -> Trace:
        """Raises ValueError where the answer is not there."""
        id = self.episode.id
        places = [self.system.folder / id.replace("/", "_"), self.system.folder / id]
        found = next((place for place in places if (place / SOUND).is_file()), None)
        if found is None:
            raise ValueError(f"no answer to {id}: want {places[0] / SOUND}")
        facts = SystemFacts(self.system.name)
        return read_output(self.episode, found, facts, self.system.vad)


def open_files(opening: Opening) -> System:
    """Answers in files."""
    folder = Path(opening.argument)
    if not opening.argument or not folder.is_dir():
        raise ValueError(f"files:DIR needs a folder with answers, got {opening.argument!r}")
    return FileSystem(folder, load_vad(opening.vad))


def of_python(named: str) -> Any:
    """The function `package.module:function`. Raises ValueError where there is none."""
    module, _, name = named.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"cannot open python:{named}: want python:package.module:function ({error})"
        ) from error


def open_python(opening: Opening) -> System:
    """A function of the user's own: `python:package.module:function`, called with the opening."""
    make: Open = of_python(opening.argument)
    return make(opening)


def open_cascade(opening: Opening) -> System:
    """The cascade of what is installed; settings stand behind the colon (`cascade_of`)."""
    from microturn.evals.cascade_parts import cascade_of

    return cascade_of(opening.argument, opening.sounds, load_vad(opening.vad))


def endpoint_as(kind: str) -> Open:
    """A server by URL."""

    def open_endpoint(opening: Opening) -> System:
        from microturn.evals.endpoints import endpoint_of

        return endpoint_of(kind, opening.argument, opening.sounds, load_vad(opening.vad))

    return open_endpoint


SYSTEMS: dict[str, Open] = {
    "model": open_model,
    "silent": scripted_as(scripted.silent),
    "always_talks": scripted_as(scripted.always_talks),
    "oracle": scripted_as(scripted.oracle),
    "echo": scripted_as(scripted.echo),
    "vad_endpointer": scripted_as(scripted.vad_endpointer),
    "cascade": open_cascade,
    "live": endpoint_as("live"),
    "realtime": endpoint_as("realtime"),
    "gemini": endpoint_as("gemini"),
    "files": open_files,
    "python": open_python,
}


def check_name(name: str) -> None:
    """Raises ValueError listing the systems where there is none of that name."""
    if name.partition(":")[0] not in SYSTEMS:
        raise ValueError(f"no system {name!r}; there are {', '.join(SYSTEMS)}")


def open_system(name: str, sounds: Path | None = None, seed: int = 0, vad: str = "auto") -> System:
    """Open a system by name. Raises ValueError for an unknown name and for what it says itself."""
    check_name(name)
    kind, _, argument = name.partition(":")
    if sounds is not None:
        sounds.mkdir(parents=True, exist_ok=True)
    return SYSTEMS[kind](Opening(argument, sounds, seed, vad))
