"""Our own model as a `System`: the engine in this process, in audio time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from microturn.engine.engine import Engine
from microturn.evals.capture import CapturedSession
from microturn.evals.episode import Episode
from microturn.evals.interfaces import InputTick, OutputTick
from microturn.evals.record import SystemFacts, Trace
from microturn.evals.vad import Vad, load_vad
from microturn.turns import BackgroundUpdate, MicroTurnInput


@dataclass(frozen=True)
class ModelSystem:
    """Each episode gets a fresh session of the engine, with the same seed.

    Two images that fall into one micro-turn are a pair; an image alone waits for the next.
    """

    engine: Engine
    facts: SystemFacts = field(default_factory=lambda: SystemFacts("microturn"))
    vad: Vad = field(default_factory=load_vad)
    seed: int = 0
    out: Path | None = None

    @property
    def name(self) -> str:
        return self.facts.name

    def open(self, episode: Episode) -> ModelSession:
        """Raises ValueError for what the engine cannot be given."""
        if episode.system.seed_turns:
            raise ValueError(f"episode {episode.id!r} has seed turns; this system cannot take them")
        instructions = episode.system.instructions or None
        session_id = self.engine.open(seed=self.seed, instructions=instructions)
        return ModelSession(self, episode, session_id)


class ModelSession:
    """One episode; closing it closes the engine's session."""

    def __init__(self, system: ModelSystem, episode: Episode, session_id: str) -> None:
        self.engine, self.session_id = system.engine, session_id
        self.waiting: list[np.ndarray] = []
        self.captured = CapturedSession(
            episode, system.facts, self._micro_turn, system.vad, system.out
        )

    def step(self, inp: InputTick) -> OutputTick:
        return self.captured.step(inp)

    def close(self) -> Trace:
        self.engine.close(self.session_id)
        return self.captured.close()

    def _micro_turn(self, inp: InputTick) -> OutputTick:
        self.waiting += inp.frames
        pair = np.stack(self.waiting[-2:]) if len(self.waiting) >= 2 else None
        if pair is not None:
            self.waiting.clear()
        text = " ".join(inp.text) or None
        updates = tuple(
            BackgroundUpdate(f"{inp.index}.{number}", update)
            for number, update in enumerate(inp.updates)
        )
        turn = MicroTurnInput(inp.index, inp.audio, images=pair, text=text, updates=updates)
        given = self.engine.step(self.session_id, turn)
        return OutputTick(
            given.audio,
            given.said_text,
            delegate=None if given.delegation is None else given.delegation.text,
            compute_ms=given.timings.total_ms,
            heard=given.heard_text,
        )
