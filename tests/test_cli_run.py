"""`microturn run`: lengths to the sample, places of the output, the trace, the same bits again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from microturn.cli import main
from microturn.cli_run import lockstep, num_micro_turns, num_output_samples, place_output
from microturn.engine.sampler import SamplingConfig
from microturn.trace import read_trace, voiced_ms
from microturn.turns import OUTPUT_SAMPLES, MicroTurnOutput
from tests.tiny import tiny_engine

RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)


def write_input(path: Path, num_samples: int, rate_hz: int, seed: int = 0) -> Path:
    audio = np.random.default_rng(seed).standard_normal(num_samples) * 0.05
    soundfile.write(path, audio, rate_hz, subtype="PCM_16")
    return path


def run(folder: Path, model: Path, name: str, *options: object) -> tuple[np.ndarray, Path]:
    wav, trace = folder / f"{name}.wav", folder / f"{name}.jsonl"
    args = ["run", folder / "in.wav", "--out", wav, "--trace", trace, "--model", model, *options]
    assert main([str(arg) for arg in args]) == 0
    audio, rate_hz = soundfile.read(wav)
    assert rate_hz == 24_000
    return audio, trace


@pytest.mark.parametrize(
    ("num_samples", "rate_hz"),
    [(16_000, 16_000), (3_201, 16_000), (24_001, 24_000), (7_000, 8_000), (5, 44_100)],
)
def test_output_is_as_long_as_the_input(
    num_samples: int, rate_hz: int, tmp_path: Path, model_folder: Path
) -> None:
    write_input(tmp_path / "in.wav", num_samples, rate_hz)
    audio, trace = run(tmp_path, model_folder, "out", "--eagerness", 50)
    assert len(audio) == round(num_samples * 24_000 / rate_hz)
    lines = read_trace(trace)
    assert len(lines) == -(-num_samples * 5 // rate_hz)
    assert [line.index for line in lines] == list(range(len(lines)))
    assert not audio[:OUTPUT_SAMPLES].any()  # nothing can be said before something was heard


def test_the_trace_tells_what_is_in_the_sound(tmp_path: Path, model_folder: Path) -> None:
    write_input(tmp_path / "in.wav", 24_000, 16_000)
    audio, trace = run(tmp_path, model_folder, "out", "--eagerness", 50)
    lines = read_trace(trace)
    assert all(line.speaks and line.p_speak > 0.5 for line in lines)
    for line in lines[:-2]:  # the last ones end after the file, or play after it
        start = (line.index + 1) * OUTPUT_SAMPLES
        part = audio[start : start + OUTPUT_SAMPLES].astype(np.float32)
        assert abs(voiced_ms(part) - line.voiced_ms) <= 10  # rounding to 16 bits
    silent, trace = run(tmp_path, model_folder, "silent", "--eagerness", -50)
    assert not silent.any()
    assert {line.voiced_ms for line in read_trace(trace)} == {0}


def test_same_seed_same_bits_other_seed_other_bits(tmp_path: Path, model_folder: Path) -> None:
    write_input(tmp_path / "in.wav", 16_000, 16_000)
    options = ("--eagerness", 50)
    first, trace = run(tmp_path, model_folder, "a", *options)
    again, trace_again = run(tmp_path, model_folder, "b", *options)
    other, _ = run(tmp_path, model_folder, "c", *options, "--seed", 1)
    assert np.array_equal(first, again) and not np.array_equal(first, other)

    def facts(path: Path) -> list[dict[str, object]]:
        return [vars(line) | {"compute_ms": 0} for line in read_trace(path)]

    assert facts(trace) == facts(trace_again)


def test_json_tells_the_outcome(
    tmp_path: Path, model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_input(tmp_path / "in.wav", 8_000, 16_000)
    args = ["run", tmp_path / "in.wav", "--out", tmp_path / "o.wav", "--model", model_folder]
    assert main([*map(str, args), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["seconds"] == 0.5 and result["micro_turns"] == 3 and result["trace"] is None


@given(st.integers(1, 10**7), st.sampled_from(RATES))
def test_lengths(num_samples: int, rate_hz: int) -> None:
    turns = num_micro_turns(num_samples, rate_hz)
    assert (turns - 1) * 0.2 * rate_hz < num_samples <= turns * 0.2 * rate_hz + 1e-6
    error_s = num_output_samples(num_samples, rate_hz) / 24_000 - num_samples / rate_hz
    assert abs(error_s) <= 1.0001 / 48_000


def test_output_plays_one_micro_turn_later() -> None:
    track = np.zeros(2 * OUTPUT_SAMPLES + 10, dtype=np.float32)
    for index in range(4):
        sound = np.full(OUTPUT_SAMPLES, index + 1.0, dtype=np.float32)
        place_output(track, MicroTurnOutput(index, sound, True, 1.0))
    assert [float(track[i]) for i in (0, 4_799, 4_800, 9_599, 9_600, 9_609)] == [0, 0, 1, 1, 2, 2]


def test_a_session_is_closed_even_when_the_run_is_cut_off() -> None:
    engine = tiny_engine(sampling=SamplingConfig(num_flow_steps=1))
    outputs = lockstep(engine, np.zeros(9_600, dtype=np.float32), 3, seed=0)
    next(outputs)
    outputs.close()
    assert engine.sessions == {}
