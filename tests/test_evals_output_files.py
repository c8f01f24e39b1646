"""Output files: what we write is what we read, and what is no such file says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from microturn.evals import scripted
from microturn.evals.episode import Episode, Expect, Segment
from microturn.evals.metrics import score_all
from microturn.evals.output_files import read_output, write_output
from microturn.evals.play import play
from microturn.evals.record import SystemFacts
from microturn.evals.vad import EnergyVad
from microturn.signal.wav import read_wav

EPISODE = Episode(
    "e",
    "t",
    8000,
    segments=(Segment("u0", "user", 500, 2000, "speech"),),
    expect=(Expect("x", "respond", on="u0", window=(2000, 7000)),),
)


def test_exported_output_gets_the_scores_of_the_trace(tmp_path: Path) -> None:
    trace = play(replace(scripted.oracle(), out=tmp_path), EPISODE)
    assert trace.audio is not None
    audio, rate_hz = read_wav(tmp_path / trace.audio.uri)
    write_output(trace, audio, rate_hz, tmp_path / "item")
    sound, sound_hz = read_wav(tmp_path / "item" / "output.wav")
    assert sound_hz == 16_000 and len(sound) == 8000 * 16
    again = read_output(EPISODE, tmp_path / "item", SystemFacts("files"), EnergyVad())
    assert again.utterances[0].text == trace.utterances[0].text
    assert again.utterances[0].word_source == "asr"
    (score,), (same,) = score_all(EPISODE, trace), score_all(EPISODE, again)
    assert score.value == same.value == 1.0
    assert score.latency_ms is not None and same.latency_ms is not None
    assert abs(score.latency_ms - same.latency_ms) <= 2


def test_sound_without_words_is_scored_by_its_length(tmp_path: Path) -> None:
    trace = play(replace(scripted.always_talks(), out=tmp_path), EPISODE)
    assert trace.audio is not None
    (tmp_path / trace.audio.uri).rename(tmp_path / "output.wav")
    again = read_output(EPISODE, tmp_path, SystemFacts("files"), EnergyVad())
    assert again.utterances[0].word_source == "vad"
    (score,) = score_all(EPISODE, again)
    assert score.outcome == "cut_in"


def test_what_is_no_output_is_named(tmp_path: Path) -> None:
    facts, vad = SystemFacts("files"), EnergyVad()
    with pytest.raises(ValueError, match=r"no sound file at .*output.wav"):
        read_output(EPISODE, tmp_path, facts, vad)
    trace = play(replace(scripted.silent(), out=tmp_path), EPISODE)
    assert trace.audio is not None
    (tmp_path / trace.audio.uri).rename(tmp_path / "output.wav")
    (tmp_path / "output.json").write_text('{"chunks": [{"text": "a"}]}')
    with pytest.raises(ValueError, match=r"output.json is no word file"):
        read_output(EPISODE, tmp_path, facts, vad)
