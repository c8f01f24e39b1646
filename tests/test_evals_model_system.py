"""The model as a system: played tick by tick, with a trace that says what it did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from microturn.engine.load import load
from microturn.evals.episode import Episode, Expect, SeedTurn, Segment, Setup, Track
from microturn.evals.kept import key_of
from microturn.evals.metrics import score_all
from microturn.evals.model_system import ModelSystem
from microturn.evals.play import play
from microturn.evals.record import SystemFacts
from microturn.evals.runner import RunConfig
from microturn.evals.systems import model_and_weights, open_system
from microturn.evals.vad import EnergyVad
from microturn.model.narrow import Narrow


def test_a_model_is_played_and_gives_a_trace(model_folder: Path) -> None:
    engine = load(model_folder)
    system = ModelSystem(engine, SystemFacts("tiny", "random"), EnergyVad(), seed=3)
    segments = (Segment("u0", "user", 0, 300, "speech"),)
    expect = (Expect("e", "respond", on="u0", window=(300, 900)),)
    tracks = (Track("text", at_ms=250, text="the quick fox"), Track("video", "x.mp4", fps=5))
    episode = Episode("e", "t", 1100, tracks=tracks, segments=segments, expect=expect)
    image = np.zeros((80, 80, 3), dtype=np.uint8)
    frames = [(0, image), (200, image), (400, image)]
    trace = play(system, episode, Path(), frames_of=lambda path, track: frames)
    assert [tick.in_ms for tick in trace.ticks] == [(200 * i, 200 * i + 200) for i in range(6)]
    assert trace.system.ckpt == "random" and trace.vad == "energy"
    assert all(tick.compute_ms > 0 for tick in trace.ticks)
    assert engine.sessions == {}, "closing frees the session"
    (score,) = score_all(episode, trace)
    assert score.metric == "turn_taking"
    again = play(system, episode, Path(), frames_of=lambda path, track: frames)
    assert [tick.text for tick in again.ticks] == [tick.text for tick in trace.ticks]


def test_what_the_model_cannot_take_is_said(model_folder: Path) -> None:
    system = ModelSystem(load(model_folder), vad=EnergyVad())
    turns = (SeedTurn("agent", "hello"),)
    with pytest.raises(ValueError, match="seed turns"):
        play(system, Episode("e", "t", 1000, system=Setup(seed_turns=turns)))


def test_narrow_weights_by_name(model_folder: Path) -> None:
    systems = [open_system(f"model:{model_folder}{end}", vad="energy") for end in ("", ":int8")]
    wide, narrow = (system.engine.model for system in systems)  # type: ignore[attr-defined]
    assert not any(isinstance(part, Narrow) for part in wide.modules())
    assert any(isinstance(part, Narrow) for part in narrow.modules())
    assert systems[1].name == f"{systems[0].name}:int8"
    with pytest.raises(ValueError, match=r"no model '.*:int4'"):
        open_system(f"model:{model_folder}:int4")


def test_a_name_with_weights_is_taken_apart() -> None:
    assert model_and_weights("nano:int8") == ("nano", "int8")
    assert model_and_weights("nano") == ("nano", "fp32") == model_and_weights("")
    assert model_and_weights("a:b") == ("a:b", "fp32")
    config = RunConfig("model:nano:int8")
    other = RunConfig("model:nano")
    assert key_of(config)["weights"] == key_of(other)["weights"]
    assert key_of(config) != key_of(other)
