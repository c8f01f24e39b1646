"""A session travels as bytes: it goes on with the same bits; what is wrong with the bytes is
said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from microturn.engine.engine import Engine
from microturn.engine.limits import EngineFull, SessionLimits
from microturn.engine.sampler import SamplingConfig
from microturn.engine.snapshot import MAGIC
from tests.test_engine_engine import run, same, turns
from tests.tiny import tiny_engine

NUM_BEFORE, NUM_TURNS = 22, 40
SAMPLING = SamplingConfig(text_temperature=2.0, num_flow_steps=1)

ELSEWHERE = """
import sys, numpy as np
from tests.test_engine_snapshot import NUM_BEFORE, NUM_TURNS, SAMPLING
from tests.test_engine_engine import turns
from tests.tiny import tiny_engine
engine = tiny_engine(sampling=SAMPLING)
session_id = engine.restore(open(sys.argv[1], "rb").read())
outputs = [engine.step(session_id, turn) for turn in turns(1, NUM_TURNS)[NUM_BEFORE:]]
np.savez(sys.argv[2], audio=[o.audio for o in outputs], p_speak=[o.p_speak for o in outputs])
"""


@pytest.fixture(scope="module")
def taken() -> tuple[bytes, list]:
    """A snapshot after some micro-turns, and the outputs of all when nothing happens between."""
    engine, heard = tiny_engine(sampling=SAMPLING), turns(1, NUM_TURNS)
    session_id, outputs = run(engine, heard[:NUM_BEFORE], seed=5)
    blob = engine.snapshot(session_id)
    outputs += [engine.step(session_id, turn) for turn in heard[NUM_BEFORE:]]
    return blob, outputs


def test_it_goes_on_with_the_same_bits(taken):
    blob, outputs = taken
    engine = tiny_engine(sampling=SAMPLING)
    session_id = engine.restore(blob)
    assert same(engine.step(session_id, turns(1)[NUM_BEFORE - 1]), outputs[NUM_BEFORE - 1])
    for turn, right in zip(turns(1, NUM_TURNS)[NUM_BEFORE:], outputs[NUM_BEFORE:], strict=True):
        assert same(engine.step(session_id, turn), right)


def test_two_copies_do_not_touch_each_other(taken):
    blob, outputs = taken
    engine = tiny_engine(sampling=SAMPLING)
    first, second = engine.restore(blob), engine.restore(blob)
    assert first != second
    other = turns(2, NUM_TURNS)
    for turn, right in zip(turns(1, NUM_TURNS)[NUM_BEFORE:], outputs[NUM_BEFORE:], strict=True):
        assert not same(engine.step(second, other[turn.index]), right) or turn.index < 25
        assert same(engine.step(first, turn), right)


def test_it_goes_on_in_another_process(taken, tmp_path):
    blob, outputs = taken
    (tmp_path / "session").write_bytes(blob)
    arguments = [str(tmp_path / "session"), str(tmp_path / "out.npz")]
    root = Path(__file__).parent.parent
    subprocess.run([sys.executable, "-c", ELSEWHERE, *arguments], cwd=root, check=True)
    there = np.load(tmp_path / "out.npz")
    assert np.array_equal(there["audio"], [o.audio for o in outputs[NUM_BEFORE:]])
    assert np.array_equal(there["p_speak"], [o.p_speak for o in outputs[NUM_BEFORE:]])


def test_a_snapshot_of_a_restored_session_is_the_same(taken):
    engine = tiny_engine(sampling=SAMPLING)
    assert engine.snapshot(engine.restore(taken[0])) == taken[0]


def test_an_empty_session_travels_too():
    engine = tiny_engine(sampling=SAMPLING)
    restored = engine.restore(engine.snapshot(engine.open(seed=7)))
    heard = turns(3, 3)
    _, expected = run(engine, heard, seed=7)
    assert all(same(engine.step(restored, t), r) for t, r in zip(heard, expected, strict=True))


def test_damaged_ones_are_refused_in_one_line(taken):
    blob, engine = taken[0], tiny_engine(sampling=SAMPLING)
    flipped = bytearray(blob)
    flipped[-9] ^= 1
    for wrong, message in (
        (blob[: len(blob) // 2], "damaged or cut off"),
        (blob[: len(MAGIC) + 3], "damaged or cut off"),
        (bytes(flipped), "damaged or cut off"),
        (blob + b"x", "damaged or cut off"),
        (b"", "no snapshot"),
        (b"PK" + blob, "no snapshot"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            engine.restore(wrong)
        assert "\n" not in str(caught.value)
    assert engine.sessions == {}


def test_another_model_or_sampling_is_refused(taken):
    for engine in (
        tiny_engine(seed=1, sampling=SAMPLING),
        tiny_engine(sampling=SamplingConfig(text_temperature=1.0)),
    ):
        with pytest.raises(ValueError, match="another model"):
            engine.restore(taken[0])


def test_another_version_is_refused(taken, monkeypatch):
    monkeypatch.setattr("microturn.engine.snapshot.VERSION", 2)
    with pytest.raises(ValueError, match="has version 1, this program reads 2"):
        tiny_engine(sampling=SAMPLING).restore(taken[0])


def test_a_full_engine_restores_nothing(taken):
    tiny = tiny_engine(sampling=SAMPLING)
    engine = Engine(tiny.model, tiny.vocoder, tiny.text, SAMPLING, SessionLimits(max_sessions=1))
    engine.open()
    with pytest.raises(EngineFull, match="all 1 sessions"):
        engine.restore(taken[0])
