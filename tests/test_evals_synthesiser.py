"""The voice and the ears of the cascade: what they need, and what they make of an engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from microturn.data.bank import Spoken, Word
from microturn.evals.cascade_parts import cascade_of
from microturn.evals.recogniser import FOLDER_VARIABLE, find_whisper
from microturn.evals.synthesiser import LEAD_MS, Voice, load_synthesiser
from microturn.evals.systems import open_system
from microturn.evals.vad import EnergyVad


class Engine:
    """200 ms of silence, then 100 ms of sound a word; at 16 kHz."""

    name = "engine"

    def __init__(self, has_times: bool = True) -> None:
        self.has_times = has_times

    def voices(self) -> list[str]:
        return ["v"]

    def speak(self, text: str, voice: str, speed: float) -> Spoken:
        names = text.split()
        sound = np.full(1600 * len(names), 0.3, np.float32)
        words = tuple(Word(n, 200 + 100 * k, 300 + 100 * k) for k, n in enumerate(names))
        audio = np.concatenate([np.zeros(3200, np.float32), sound])
        return Spoken(audio, 16_000, words if self.has_times else None)


def test_a_reply_begins_with_its_first_sound() -> None:
    said = Voice(Engine(), "v")("one two. three")
    texts, onsets = zip(*said.words, strict=True)
    assert texts == ("one", "two.", "three")
    lead = onsets[0]
    assert 0 < lead <= LEAD_MS + 5, "the silence before the first sound is cut off"
    assert onsets[1] - lead == 100
    assert onsets[2] == pytest.approx(lead + 200 + 200, abs=2), "silence between sentences stays"
    assert len(said.audio) == pytest.approx((lead + 200 + 200 + 100) * 24, abs=100)


def test_words_without_times_are_spread_by_letters() -> None:
    said = Voice(Engine(has_times=False), "v")("a bbb")
    first, second = (onset for _, onset in said.words)
    assert first == 0
    assert second == pytest.approx((200 + LEAD_MS) / 4, abs=3), "a quarter of the letters"


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="no voice 'w'"):
        Voice(Engine(), "w")
    with pytest.raises(ValueError, match="choose auto, kokoro"):
        load_synthesiser("singer")
    with pytest.raises(ValueError, match=r"no model\.bin in"):
        find_whisper(tmp_path)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(ValueError, match="microturn\\[cascade\\]"):
        find_whisper()
    (tmp_path / "model.bin").write_bytes(b"")
    assert find_whisper() == tmp_path
    monkeypatch.delenv(FOLDER_VARIABLE)
    monkeypatch.setattr("microturn.evals.recogniser.PACKAGE", "no_such_package_here")
    with pytest.raises(ValueError, match="needs a recogniser"):
        find_whisper()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("clock=mine", "choose lockstep or wallclock"),
        ("hangover_ms=long", "must be a number of ms"),
        ("url=http://x", "name the model"),
        ("speed=2", "cascade has no speed; there are clock"),
        ("wallclock", "want name=value"),
        ("hangover_ms=20", "gap_ms <= hangover_ms"),
        ("whisper=/no/such/folder", r"no model\.bin in"),
    ],
)
def test_a_cascade_is_named_with_known_settings(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        cascade_of(text, None, EnergyVad())


def test_systems_know_the_cascade_and_the_endpoints() -> None:
    with pytest.raises(ValueError, match="choose lockstep or wallclock"):
        open_system("cascade:clock=mine", vad="energy")
    assert open_system("live:ws://host/x", vad="energy").name == "live:host"
    assert open_system("realtime:wss://host/x#key=K", vad="energy").name == "realtime:host"
    assert open_system("gemini:", vad="energy").name == "gemini:generativelanguage.googleapis.com"
