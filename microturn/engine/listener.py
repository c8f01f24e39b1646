"""A model as a recogniser: what it writes of one sound in a session that only listens."""

from __future__ import annotations

import numpy as np

from microturn.engine.engine import Engine
from microturn.turns import INPUT_SAMPLES, FloatArray, MicroTurnInput

INSTRUCTIONS = "listen only."  # one of those that `scenarios/listening.py` trains
LEAD_TURNS, TRAIL_TURNS = 2, 6  # silence around the sound: words are written after they were heard


class Listener:
    """Sounds to the words that the model writes as heard, each in a session of its own."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine, self.name = engine, name

    def __call__(self, audio: FloatArray) -> str:
        """[N] float32 at 16 kHz -> text."""
        num_turns = LEAD_TURNS + -(-len(audio) // INPUT_SAMPLES) + TRAIL_TURNS
        heard = np.zeros(num_turns * INPUT_SAMPLES, np.float32)
        heard[LEAD_TURNS * INPUT_SAMPLES :][: len(audio)] = audio
        session_id = self.engine.open(seed=0, instructions=INSTRUCTIONS)
        try:
            return "".join(
                self.engine.step(session_id, MicroTurnInput(index, turn_N)).heard_text
                for index, turn_N in enumerate(heard.reshape(num_turns, INPUT_SAMPLES))
            )
        finally:
            self.engine.close(session_id)
