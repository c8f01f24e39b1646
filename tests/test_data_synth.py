"""Conversations on disk say what they hold."""

from __future__ import annotations

import json
from itertools import islice

import numpy as np
import pytest
import soundfile

from microturn.data import synth
from microturn.data.loader import episodes
from microturn.data.synth import synthesize
from tests.tones import shipped_text, tone_bank


@pytest.fixture
def banked(monkeypatch):
    monkeypatch.setattr(synth.Bank, "load", lambda paths, for_training=True: tone_bank())


def test_files_agree(tmp_path, banked):
    result = synthesize(tmp_path / "out", [tmp_path], count=3, seed=5, duration_ms=10_000)
    assert (result["count"], result["minutes"]) == (3, 0.5)
    stream = episodes(5, 0, tone_bank(), shipped_text(), duration_ms=10_000)
    lines = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
    for line, episode in zip(lines, islice(stream, 3), strict=True):
        entry = json.loads(line)
        folder = tmp_path / "out" / entry["folder"]
        facts = json.loads((folder / "timeline.json").read_text())
        assert [event["text"] for event in facts["events"]] == [
            event.text for event in episode.timeline.events
        ]
        user, user_hz = soundfile.read(folder / "user.wav")
        own, own_hz = soundfile.read(folder / "own.wav")
        assert len(user) / user_hz == len(own) / own_hz == 10.0
        stored = np.load(folder / "episode.npz")
        assert stored["heard"].shape == stored["said"].shape == (50, 4, 80)
        assert stored["fine"].shape == (50, 4, 8, 80) and stored["fine"].max() > 0
        assert stored["mel"].shape == (50, 20, 80)
        assert stored["speaks"].tolist() == [decision.speaks for _, decision in episode.turns]
        assert stored["is_said"].tolist() == [f.said_AM is not None for f, _ in episode.turns]
        for ids, (_, decision) in zip(stored["text_ids"], episode.turns, strict=True):
            assert tuple(ids[ids >= 0]) == decision.text_ids
        for lane, index in (("heard", 0), ("said", 1)):
            assert all(0 <= at < 50 and text for at, text in facts["lanes"][lane]), index


def test_bad_input(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no family singing"):
        synthesize(tmp_path, [tmp_path], families=("singing",))
    with pytest.raises(ValueError, match="no speech bank at"):
        synthesize(tmp_path, [tmp_path / "none"])
    (tmp_path / "manifest.jsonl").write_text("")
    with pytest.raises(ValueError, match="no user clips"):
        synthesize(tmp_path / "out", [tmp_path])
