"""What a bank shall hold: order, further texts, one clip."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import soundfile

from microturn.data import speak
from microturn.data.align import Spread
from microturn.data.corpus import sentences
from microturn.data.speak import (
    Extra,
    Job,
    drawn,
    make,
    open_sentences,
    plan,
    read_texts,
    spoken_by,
)
from microturn.data.voices import FOREIGN_TRAINING, OWN_VOICE, TRAINING
from microturn.scenarios import foreign_texts, texts
from microturn.signal.text import normalise
from tests.tones import EDGE_MS, ToneSpeaker


def test_first_pass_holds_every_text_once():
    jobs = plan(OWN_VOICE, TRAINING, 0)
    num_texts = len(set(texts("own"))) + len(set(texts("user")) - set(foreign_texts()))
    first = jobs[:num_texts]
    assert {job.text for job in first if job.side == "own"} == set(texts("own"))
    english = set(texts("user")) - set(foreign_texts())
    assert {job.text for job in first if job.side == "user"} == english
    assert {job.side for job in jobs[:2]} == {"own", "user"}
    assert len({job.key for job in jobs}) == len(jobs)
    assert len({job.voice for job in jobs}) == 1 + len(TRAINING)
    assert plan(OWN_VOICE, TRAINING, 0) == jobs != plan(OWN_VOICE, TRAINING, 1)
    some = plan(OWN_VOICE, TRAINING, 0, families=("sums", "quiet"))
    assert {job.text for job in some if job.side == "own"} == set(texts("own", ("sums", "quiet")))
    assert {job.text for job in some} < {job.text for job in jobs}
    with pytest.raises(ValueError, match=r"no skill dancing; there are action_span, aside"):
        plan(OWN_VOICE, TRAINING, 0, families=("sums", "dancing"))
    for text in texts("user")[:5]:
        voices = [job.voice for job in jobs if job.side == "user" and job.text == text]
        assert len(voices) == len(set(voices)) == speak.VOICES_PER_TEXT


def test_further_texts_come_before_further_voices():
    extras = [
        Extra("own", "Read me."),
        Extra("user", "Hear me.", num_voices=3),
        Extra("user", "Hear us.", ("af_sky",)),
    ]
    jobs = plan(OWN_VOICE, TRAINING, 0, extras)
    places = [number for number, job in enumerate(jobs) if job.text.endswith(("me.", "us."))]
    mine = [jobs[place] for place in places if jobs[place].text in {e.text for e in extras}]
    assert Counter(job.text for job in mine) == {"Read me.": 1, "Hear me.": 3, "Hear us.": 1}
    assert next(job for job in mine if job.side == "own").voice == OWN_VOICE
    assert next(job for job in mine if job.text == "Hear us.").voice == "af_sky"
    last_first_pass = len(set(texts("own"))) + len(set(texts("user")) - set(foreign_texts()))
    assert {job.text for job in jobs[last_first_pass : last_first_pass + 5]} == {
        extra.text for extra in extras
    }
    alone = plan(OWN_VOICE, TRAINING, 0, extras, are_scenarios_wanted=False)
    assert len(alone) == 5


def test_programs_are_few_among_neural_voices():
    import random

    rng = random.Random(0)
    voices = [*TRAINING, "kal16", "awb", "en-us"]
    counted = Counter(voice for _ in range(500) for voice in drawn(rng, voices, 4))
    programs = sum(counted[voice] for voice in ("kal16", "awb", "en-us"))
    assert 0.02 < programs / counted.total() < 0.08
    assert set(drawn(rng, ["kal16", "awb"], 2)) == {"kal16", "awb"}


def test_texts_from_a_file(tmp_path):
    path = tmp_path / "texts.jsonl"
    lines = [
        {"side": "own", "text": "It is  7:30."},
        {"side": "user", "text": "Hello.", "voices": ["af_sky"]},
        {"side": "user", "text": "Bye.", "voices": 4},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    assert read_texts(path) == [
        Extra("own", "it is seven thirty."),
        Extra("user", "Hello.", ("af_sky",)),
        Extra("user", "Bye.", (), 4),
    ]


@pytest.mark.parametrize(
    "line", ["{", '{"side": "own"}', '{"side": "me", "text": "a"}', '{"side": "own", "text": ""}']
)
def test_bad_texts_are_named(tmp_path, line):
    path = tmp_path / "texts.jsonl"
    path.write_text('{"side": "own", "text": "Fine."}\n' + line)
    with pytest.raises(ValueError, match=r"texts\.jsonl line 2 is not a text"):
        read_texts(path)


class Paced(ToneSpeaker):
    """Remembers what it was asked for."""

    def speak(self, text, voice, speed):
        self.asked = (voice, speed)
        return super().speak(text, voice, speed)


def test_a_warp_moves_pitch_and_keeps_pace():
    speaker = Paced("a")
    plain = spoken_by(speaker, "one two", "a", 1.0)
    high = spoken_by(speaker, "one two", "a~1.08", 1.0)
    assert speaker.asked == ("a", pytest.approx(1 / 1.08))
    assert high.rate_hz == round(plain.rate_hz * 1.08)
    assert high.words is not None
    assert high.words[0].start_ms == round(EDGE_MS / 1.08)


@pytest.mark.parametrize("sound", ["flac", "opus"])
def test_one_clip(tmp_path, sound):
    (tmp_path / "clips").mkdir()
    job = Job("user", "one two", "a", 1.0)
    line = make(job, ToneSpeaker("a"), Spread(), tmp_path, sound)
    audio, rate_hz = soundfile.read(tmp_path / line["file"])
    assert abs(len(audio) / 16_000 - line["seconds"]) < 0.01
    assert (line["engine"], line["voice"], line["words_by"]) == ("tones", "a", "engine")
    assert line["licence"] == "not stated"
    assert not list(tmp_path.rglob("*.part"))
    assert rate_hz in (16_000, 48_000)
    untimed = make(Job("own", "Okay.", "a", 1.0), ToneSpeaker("a"), Spread(), tmp_path, sound)
    assert untimed["words_by"] == "spread"
    assert untimed["words_ms"][0][0] == "Okay."


def test_no_sound_is_an_error(tmp_path):
    class Mute(ToneSpeaker):
        def speak(self, text, voice, speed):
            spoken = super().speak(text, voice, speed)
            return type(spoken)(np.full(100, np.nan, np.float32), 16_000, None)

    with pytest.raises(ValueError, match="tones gave no sound for 'Hi'"):
        make(Job("user", "Hi", "a", 1.0), Mute("a"), Spread(), tmp_path, "flac")


def test_what_cannot_be_aligned_is_spread(tmp_path):
    class Deaf:
        name = "deaf"

        def align(self, words, audio, rate_hz):
            return None

    (tmp_path / "clips").mkdir()
    job = Job("user", "Okay.", "blend:a+b@0.5~1.08", 1.0)
    line = make(job, ToneSpeaker("a"), Deaf(), tmp_path, "flac")
    assert line["words_by"] == "spread"
    assert line["words_ms"]
    assert line["key"] == job.key
    assert ":" not in line["file"]
    assert (tmp_path / line["file"]).is_file()


def test_what_is_not_english_is_said_by_its_own_voices():
    """In its right spelling; a language without a voice is left out, not mispronounced."""
    voices = {"spanish": ["es"], "french": ["fr-fr", "fr-fr+m3"]}
    jobs = plan(OWN_VOICE, TRAINING, 0, foreign_voices=voices)
    foreign = {spelled: language for language, spelled in foreign_texts().values()}
    said = [job for job in jobs if job.side == "user" and job.text in foreign]
    assert said
    assert {job.voice for job in said} == {"es", "fr-fr", "fr-fr+m3"}
    assert all(job.voice in voices[foreign[job.text]] for job in said)
    assert any(not job.text.isascii() for job in said)
    none = plan(OWN_VOICE, TRAINING, 0)
    assert not [job for job in none if job.side == "user" and job.text in foreign]


def test_accents_are_for_the_voice_only(tmp_path):
    (tmp_path / "clips").mkdir()

    class Listening(ToneSpeaker):
        def speak(self, text, voice, speed):
            self.read = text
            return type(super().speak(text, voice, speed))(
                np.ones(16_000, np.float32), 16_000, None
            )

    class Wrong:
        name = "wrong"

        def align(self, words, audio, rate_hz):
            raise AssertionError("an English aligner knows nothing of it")

    voice = FOREIGN_TRAINING["spanish"][0]
    speaker = Listening(voice)
    line = make(
        Job("user", "\u00a1Adi\u00f3s, se\u00f1or!", voice, 1.0), speaker, Wrong(), tmp_path, "flac"
    )
    assert speaker.read == "\u00a1Adi\u00f3s, se\u00f1or!"
    assert line["text"] == "Adios, senor!"
    assert [word for word, _, _ in line["words_ms"]] == ["Adios,", "senor!"]


@pytest.mark.parametrize("split", ["train", "eval"])
def test_open_sentences(split):
    found = open_sentences(200, split)
    assert found == open_sentences(200, split) != open_sentences(200, split, seed=1)
    assert Counter(extra.side for extra in found) == {"own": 200, "user": 200}
    kept = {s.text for s in sentences(split)}
    known = {extra.text for extra in found}
    assert len(known) == 200 and 0.7 < len(known & kept) / 200 < 0.8
    other = {normalise(s.text) for s in sentences("eval" if split == "train" else "train")}
    assert not {normalise(text) for text in known} & other
    assert all(len(text.split()) <= 40 for text in known)
    with pytest.raises(ValueError, match=r"the corpus has sentences for \d+ texts"):
        open_sentences(10**6)
