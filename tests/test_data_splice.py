"""Words put together anew: each sound at its time, all of one voice, nothing that is kept."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from microturn.data import assemble
from microturn.data.bank import Clip
from microturn.data.splice import (
    EDGE_MS,
    FADE_MS,
    MAX_GAP_MS,
    MIN_CLIPS,
    OWN_RUN_WORDS,
    RUN_WORDS,
    Part,
    Splice,
    Stock,
    by_voice,
    edges,
    faded,
    joined,
    plain,
    spelled,
    splice,
    spoken,
)
from microturn.data.split import split_of
from microturn.data.talk import Talk
from microturn.data.timeline import Event, utterance_of
from microturn.data.voices import OWN_VOICE
from microturn.scenarios import listening, reading
from microturn.scenarios import texts as all_texts
from microturn.signal.text import normalise
from tests.tones import SENTENCES, USER_VOICES, ToneBank, tone_bank

BANK = tone_bank()
CLIPS = [BANK.choices("user", text)[0] for text in SENTENCES]
STOCK = Stock.of(CLIPS)


def pitch_hz(audio: np.ndarray) -> float:
    """The strongest tone."""
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 32_768))
    return float(power.argmax() * 16_000 / 32_768)


@pytest.mark.parametrize("seed", range(5))
def test_each_word_has_its_own_sound_where_it_says(seed):
    clip = splice(STOCK, 9, random.Random(seed), BANK)
    utterance = spoken(clip, BANK)
    assert clip.text == " ".join(word.text for word in utterance.words)
    assert utterance.words == clip.words and 9 <= len(clip.words) <= 11
    assert {part.clip.voice for part in clip.parts} == {clip.voice}
    originals = [
        BANK.utterance(part.clip).words[place]
        for part in clip.parts
        for place in range(part.first, part.last)
    ]
    sources = [part.clip for part in clip.parts for _ in range(part.first, part.last)]
    for word, original, source in zip(utterance.words, originals, sources, strict=True):
        assert word.text == plain(original.text)
        assert word.end_ms - word.start_ms == original.end_ms - original.start_ms
        heard = utterance.audio[word.start_ms * 16 : word.end_ms * 16]
        audio = BANK.utterance(source).audio[original.start_ms * 16 : original.end_ms * 16]
        assert pitch_hz(heard) == pytest.approx(pitch_hz(audio), abs=2.0)
    ends = [0, *(word.end_ms for word in utterance.words)]
    assert all(a <= word.start_ms for a, word in zip(ends, utterance.words, strict=False))
    assert utterance.duration_ms >= ends[-1]


def test_it_is_no_sentence_and_the_same_seed_gives_the_same():
    one, again, other = (splice(STOCK, 9, random.Random(seed), BANK) for seed in (1, 1, 2))
    assert one == again and one != other
    assert all(one.text not in plain(text) for text in SENTENCES)


def test_an_event_of_a_splice_sounds():
    clip = splice(STOCK, 6, random.Random(4), BANK)
    event = Event("user", clip.text, clip, 0, 5000, pauses=((2, 300),))
    plainly = spoken(clip, BANK)
    utterance = utterance_of(event, BANK)
    assert utterance.duration_ms == pytest.approx(plainly.duration_ms + 300, abs=1)
    assert utterance.words[-1].start_ms == plainly.words[-1].start_ms + 300


def test_a_run_is_cut_between_words():
    utterance = BANK.utterance(CLIPS[0])
    words = utterance.words
    start_ms, end_ms = edges(utterance, 2, 4)
    middle_ms = (words[1].end_ms + words[2].start_ms) // 2
    assert start_ms == max(middle_ms, words[2].start_ms - EDGE_MS)
    assert words[3].end_ms < end_ms <= words[4].start_ms
    assert edges(utterance, 0, len(words))[0] == max(0, words[0].start_ms - EDGE_MS)
    assert edges(utterance, 0, len(words))[1] <= utterance.duration_ms


def test_cuts_are_soft_and_gaps_silent():
    parts = (Part(CLIPS[0], 1, 2, MAX_GAP_MS), Part(CLIPS[1], 3, 5, 50))
    audio, _ = joined(parts, BANK)
    first = edges(BANK.utterance(CLIPS[0]), 1, 2)
    end = (first[1] - first[0]) * 16
    assert not audio[end : end + MAX_GAP_MS * 16].any()
    assert abs(audio[0]) < 1e-3 and abs(audio[-1]) < 1e-3  # none after the last
    loud = np.ones(1000, dtype=np.float32)
    soft = faded(loud, FADE_MS * 16)
    assert soft[0] == soft[-1] == 0 and (soft[200:800] == 1).all() and loud.all()


def test_the_whole_is_as_loud_as_its_clips():
    """A bank's clip is quieter than its loudest can be; the model's own voice is not levelled."""
    audio, _ = joined((Part(CLIPS[0], 0, 4, 20), Part(CLIPS[1], 3, 8, 0)), BANK)
    assert np.abs(audio).max() == pytest.approx(0.5, abs=0.02)  # that of all tones


def test_runs_are_as_long_as_asked_for():
    lengths = {
        words: [
            part.last - part.first
            for seed in range(40)
            for part in splice(STOCK, 12, random.Random(seed), BANK, words).parts
        ]
        for words in (RUN_WORDS, OWN_RUN_WORDS)
    }
    assert max(lengths[RUN_WORDS]) == 3 and max(lengths[OWN_RUN_WORDS]) == 5
    assert np.mean(lengths[OWN_RUN_WORDS]) > np.mean(lengths[RUN_WORDS]) + 1


def test_words_lose_their_punctuation_only():
    assert [plain(word) for word in ("hats.", '"it', "it's", "--")] == ["hats", "it", "it's", "--"]


def test_voices_with_few_clips_are_left_out():
    texts = [normalise(text) for text in SENTENCES]
    voices = by_voice(BANK.user, texts)
    assert [stock.clips[0].voice for stock in voices] == list(USER_VOICES)
    assert all(len({clip.voice for clip in stock.clips}) == 1 for stock in voices)
    assert by_voice(BANK.user, texts[: MIN_CLIPS - 1]) == ()


def test_rare_words_come_more_often_than_they_are_said():
    rng = random.Random(5)
    found = Counter(
        spelled(word.text) for _ in range(300) for word in splice(STOCK, 8, rng, BANK).words
    )
    said = Counter(spelled(word.text) for clip in CLIPS for word in clip.words)
    assert said["the"] == 2 * len(CLIPS) and said["boat"] == len(CLIPS) / 4
    assert found["the"] / found["boat"] < 0.75 * said["the"] / said["boat"]
    assert found["the"] > found["boat"]


@pytest.fixture
def kept(monkeypatch):
    """The user's texts of skills, half of them kept, without letting all skills play."""
    listed = sorted({normalise(text) for text in all_texts("user")})
    found = frozenset(listed[::2])
    monkeypatch.setattr(assemble, "kept_texts", lambda: found)
    monkeypatch.setitem(BANK.__dict__, "_found", {})
    return found


def played(seed: int, split: str) -> Talk:
    talk = Talk(BANK, random.Random(seed), USER_VOICES[0], split=split)
    listening.play(talk)
    return talk


def engines_heard(split: str) -> dict[str, float]:
    """Shares of 3,000 sentences, of a bank in which one engine has 20 of 21 clips."""
    users = [clip for clips in BANK.user.values() for clip in clips]
    engines = ["program" if number % 21 else "people" for number in range(len(users))]
    pairs = zip(users, engines, strict=True)
    bank = ToneBank([replace(clip, engine=engine) for clip, engine in pairs])
    talk = Talk(bank, random.Random(1), USER_VOICES[0], split=split)
    texts = tuple(bank.user)
    heard = Counter(listening.sentence_of(talk, texts).engine for _ in range(3_000))
    return {engine: number / 3_000 for engine, number in heard.items()}


def test_training_hears_an_engine_as_often_as_the_root_of_its_clips():
    assert engines_heard("train")["people"] == pytest.approx(1 / (1 + 20**0.5), abs=0.03)
    assert engines_heard("eval")["people"] == pytest.approx(1 / 21, abs=0.02)


def test_training_hears_splices_after_an_order_to_listen_only(kept):
    talks = [played(seed, "train") for seed in range(60)]
    spliced = [talk for talk in talks if isinstance(talk.events[0].clip, Splice)]
    share = listening.INSTRUCTED["train"] * listening.SPLICED
    assert len(spliced) / len(talks) == pytest.approx(share, abs=0.15)
    for talk in spliced:
        assert talk.instructions is not None and talk.instructions.startswith(listening.ORDERS)
        assert len({event.clip.voice for event in talk.events}) == 1
        parts: list[Clip] = [p.clip for e in talk.events for p in e.clip.parts]
        assert not {normalise(clip.text) for clip in parts} & kept
        accepted = [e.accept for e in talk.expects if e.do == "transcribe"]
        assert accepted == [(event.text,) for event in talk.events]
    texts = {normalise(p.clip.text) for t in spliced for e in t.events for p in e.clip.parts}
    assert texts & {normalise(text) for text in all_texts("user")}  # control


def test_evaluation_hears_sentences(kept):
    events = [event for seed in range(30) for event in played(seed, "eval").events]
    assert events and not any(isinstance(event.clip, Splice) for event in events)


@pytest.mark.parametrize("split", ["train", "eval"])
def test_splices_are_read_aloud_in_training_only(kept, split):
    clips: list[Clip] = []
    for seed in range(30):
        talk = Talk(BANK, random.Random(seed), USER_VOICES[0], split=split)
        reading.play(talk)
        clips += [event.clip for event in talk.events]
        for typed, event in zip(talk.typed, talk.events, strict=True):
            assert typed.text.endswith(event.text)
    found = [clip for clip in clips if isinstance(clip, Splice)]
    if split == "eval":
        assert clips and not found
        return
    assert len(found) / len(clips) == pytest.approx(reading.SPLICED, abs=0.12)
    parts = [part.clip for clip in found for part in clip.parts]
    assert {clip.voice for clip in parts} == {OWN_VOICE}
    assert not {normalise(clip.text) for clip in parts} & kept
    assert all(split_of(clip.text) == "train" for clip in found)
