"""The bank builder: order, resumption, the split of voices."""

from __future__ import annotations

import json

import pytest

from microturn.data import speak
from microturn.data.bank import Bank
from microturn.data.speak import choose_voices, installed_speakers, plan, speak_bank
from microturn.data.voices import HELD_OUT, OWN_VOICE, TRAINING, VALIDATION
from microturn.scenarios import texts
from tests.tones import USER_VOICES, ToneSpeaker

AVAILABLE = [OWN_VOICE, *TRAINING, *sorted(HELD_OUT | VALIDATION), "awb", "kal16", "en-us", "en-gb"]


def test_first_pass_holds_every_text_once():
    jobs = plan(OWN_VOICE, TRAINING, 0)
    num_texts = len(texts("own")) + len(texts("user"))
    first = jobs[:num_texts]
    assert {job.text for job in first if job.side == "own"} == set(texts("own"))
    assert {job.text for job in first if job.side == "user"} == set(texts("user"))
    assert {job.side for job in jobs[:2]} == {"own", "user"}
    assert len({job.key for job in jobs}) == len(jobs)
    assert len({job.voice for job in jobs}) == 1 + len(TRAINING)
    assert plan(OWN_VOICE, TRAINING, 0) == jobs != plan(OWN_VOICE, TRAINING, 1)
    for text in texts("user")[:5]:
        voices = [job.voice for job in jobs if job.side == "user" and job.text == text]
        assert len(voices) == len(set(voices)) == speak.VOICES_PER_TEXT


def test_usual_voices_train():
    assert choose_voices(AVAILABLE, ()) == (OWN_VOICE, list(TRAINING))
    assert choose_voices(["awb", "kal16", "rms", "en-gb"], ()) == ("awb", ["kal16", "en-gb"])
    assert choose_voices(["en-us", "en-gb"], ()) == ("en-us", ["en-gb"])


def test_kept_voices_go_into_a_folder_of_their_own():
    assert choose_voices(AVAILABLE, ["am_adam", "joe"])[1] == ["am_adam", "joe"]
    with pytest.raises(ValueError, match="am_adam are kept for evaluation"):
        choose_voices(AVAILABLE, ["am_adam", "af_sky"])


@pytest.mark.parametrize(
    ("available", "asked", "complaint"),
    [
        (AVAILABLE, ["af_nobody"], "no voice af_nobody here"),
        (AVAILABLE, [OWN_VOICE], "the model's own voice; take others"),
        (["kal16"], [], "none of the model's voices is installed"),
        (["awb"], [], "only awb is installed"),
    ],
)
def test_bad_wishes(available, asked, complaint):
    with pytest.raises(ValueError, match=complaint):
        choose_voices(available, asked)


def test_builds_and_goes_on(tmp_path):
    speakers = [ToneSpeaker()]
    made = speak_bank(tmp_path, limit=6, speakers=speakers)
    assert (made["count"], made["made"], made["own_voice"]) == (6, 6, OWN_VOICE)
    assert sorted(made["voices"]) == sorted(USER_VOICES)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "clips").iterdir()}
    with (tmp_path / "manifest.jsonl").open("a") as file:
        file.write('{"key": "torn')
    again = speak_bank(tmp_path, limit=10, speakers=speakers)
    assert (again["count"], again["made"]) == (10, 4)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    entries = [json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text().splitlines()]
    assert {entry["rate_hz"] for entry in entries if entry["side"] == "own"} == {24_000}
    assert {entry["rate_hz"] for entry in entries if entry["side"] == "user"} == {16_000}
    bank = Bank.load([tmp_path])
    clips = [clip for side in (bank.own, bank.user) for found in side.values() for clip in found]
    assert len(clips) == sum(entry["words_ms"] is not None for entry in entries)
    assert all(bank.utterance(clip).duration_ms > 100 for clip in clips)


def test_one_voice_speaks_for_the_model(tmp_path):
    speak_bank(tmp_path, limit=2, speakers=[ToneSpeaker()])
    with pytest.raises(ValueError, match="speaks for the model with af_heart, not awb"):
        speak_bank(tmp_path, limit=4, speakers=[ToneSpeaker("awb", "kal16")])


def test_no_engine_says_what_to_install(monkeypatch):
    def missing(folder=None):
        raise ValueError("Kokoro needs this and that")

    monkeypatch.setattr(speak, "find_kokoro", missing)
    monkeypatch.setattr(speak.Flite, "voices", lambda self: [])
    monkeypatch.setattr(speak.Espeak, "voices", lambda self: [])
    with pytest.raises(ValueError, match=r"apt install espeak-ng flite.*this and that"):
        installed_speakers()


def test_limit_is_checked(tmp_path):
    with pytest.raises(ValueError, match="limit must be at least 1, got 0"):
        speak_bank(tmp_path, limit=0, speakers=[ToneSpeaker()])
