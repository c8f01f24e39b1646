"""The shipped model: it is there, small enough for a clone, loads, and takes part in a talk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from microturn.cli import main
from microturn.engine.load import SHIPPED, load
from microturn.model.model import count_parameters
from microturn.signal.wav import write_wav
from microturn.trace import read_trace
from microturn.turns import INPUT_SAMPLES, MicroTurnInput

NANO = SHIPPED / "nano"
MAX_FILES_MB = 32
MAX_PARAMETERS = 32_000_000


def test_the_folder_is_whole_and_small() -> None:
    files = {path.name: path.stat().st_size for path in NANO.iterdir()}
    wanted = {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "vocoder.json",
        "vocoder.safetensors",
    }
    assert wanted <= set(files)
    assert sum(files.values()) <= MAX_FILES_MB * 1_000_000


def test_it_speaks_finite_sound() -> None:
    engine = load("nano")
    assert count_parameters(engine.model) + count_parameters(engine.vocoder) <= MAX_PARAMETERS
    session_id = engine.open(seed=0)
    silence = np.zeros(INPUT_SAMPLES, dtype=np.float32)
    outputs = [
        engine.step(session_id, MicroTurnInput(index, silence), force_speak=index > 0)
        for index in range(3)
    ]
    assert [output.speaks for output in outputs] == [False, True, True]
    assert all(np.isfinite(output.audio).all() for output in outputs)
    assert outputs[2].audio.any()


def test_run_uses_it_by_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_wav(tmp_path / "in.wav", np.zeros(16_000, dtype=np.float32), 16_000)
    out, trace = tmp_path / "out.wav", tmp_path / "trace.jsonl"
    code = main(["run", f"{tmp_path}/in.wav", "--out", f"{out}", "--trace", f"{trace}", "--json"])
    assert code == 0
    assert json.loads(capsys.readouterr().out)["micro_turns"] == 5
    assert soundfile.info(out).frames == 24_000
    assert len(read_trace(trace)) == 5
