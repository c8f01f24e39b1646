"""A stand for evaluation tests: a source of conversations in tones, and systems that misbehave."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from microturn.evals.groups import Group, chosen
from microturn.evals.interfaces import InputTick, OutputTick
from microturn.evals.scripted import Scripted, tick_of
from microturn.evals.sources import SourceConfig, SyntheticSource
from microturn.evals.synthetic import Synthetic
from microturn.evals.systems import Opening
from microturn.turns import OUTPUT_SAMPLES
from tests.tones import tone_bank

HANGS_S = 600


def tone_source(config: SourceConfig) -> SyntheticSource:
    """The synthetic set in tones; needs no speech program."""
    groups: tuple[Group, ...] = chosen(config.groups)
    data = Synthetic(Path(config.root or "."), tone_bank(), groups, config.seed)
    return SyntheticSource(data, dict(config.counts))


@dataclass
class Misbehaving:
    """Does what is wrong with it in the third tick of the episode of that number."""

    fault: str

    def __call__(self, inp: InputTick) -> OutputTick:
        if inp.index == 2:
            if self.fault == "hangs":
                time.sleep(HANGS_S)
            if self.fault == "dies":
                os._exit(7)
            if self.fault == "raises":
                raise RuntimeError("out of\nmemory")
            if self.fault in ("less", "more"):
                length = OUTPUT_SAMPLES + (-1 if self.fault == "less" else 1)
                return OutputTick(np.zeros(length, dtype=np.float32))
        return tick_of((), 0, 200)


FAULTS = ("fine", "less", "more", "raises", "hangs", "dies")


def misbehaving(opening: Opening) -> Scripted:
    """The fault of an episode is that of its number."""
    return Scripted("bad", lambda e: Misbehaving(FAULTS[int(e.id.split("/")[2])]))


def unopenable(opening: Opening) -> Scripted:
    raise ValueError("no weights here")
