"""A speech bank of tones, in memory: every text of the scenarios, one tone a word, exact times."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np

from microturn.data.bank import Bank, Clip, Spoken, Word
from microturn.data.voices import OWN_VOICE
from microturn.scenarios import texts
from microturn.signal.text import Text
from microturn.turns import INPUT_RATE_HZ, OUTPUT_RATE_HZ

WORD_MS, PAUSE_MS, EDGE_MS = 180, 40, 230
USER_VOICES = ("af_alloy", "bm_daniel", "zm_yunjian")
SENTENCES = tuple(  # open sentences, of both splits
    f"The {size} {thing} stood near the old {place} and nobody had moved it for a year."
    for size in ("small", "large", "broken", "yellow")
    for thing in ("table", "cart", "boat", "piano")
    for place in ("house", "river", "church", "bridge")
)
TOKENIZER = Path(__file__).parent.parent / "microturn" / "weights" / "nano" / "tokenizer.json"


def tones(text: str, rate_hz: int, pitch_hz: float) -> Spoken:
    """One tone a word between two edges of silence."""
    words, parts = [], [np.zeros(EDGE_MS * rate_hz // 1000)]
    start_ms = EDGE_MS
    for number, word in enumerate(text.split()):
        time = np.arange(WORD_MS * rate_hz // 1000) / rate_hz
        parts.append(0.5 * np.sin(2 * np.pi * pitch_hz * (1 + number % 5 / 4) * time))
        parts.append(np.zeros(PAUSE_MS * rate_hz // 1000))
        words.append(Word(word, start_ms, start_ms + WORD_MS))
        start_ms += WORD_MS + PAUSE_MS
    parts.append(np.zeros(EDGE_MS * rate_hz // 1000))
    return Spoken(np.concatenate(parts).astype(np.float32), rate_hz, tuple(words))


class ToneSpeaker:
    """A speech engine for tests."""

    name = "tones"

    def __init__(self, *names: str) -> None:
        self.names = names or (OWN_VOICE, *USER_VOICES)

    def voices(self) -> list[str]:
        return list(self.names)

    def speak(self, text: str, voice: str, speed: float) -> Spoken:
        spoken = tones(text, OUTPUT_RATE_HZ, 200.0 + 20 * len(voice))
        return replace(spoken, words=None) if text == "Okay." else spoken


@functools.lru_cache(maxsize=500)
def tone_samples(text: str, rate_hz: int, pitch_hz: float) -> np.ndarray:
    return (tones(text, rate_hz, pitch_hz).audio * 32767).astype(np.int16)


class ToneBank(Bank):
    """Sounds are made when they are asked for: there are thousands of texts."""

    def samples(self, clip: Clip) -> np.ndarray:
        return tone_samples(clip.text, clip.rate_hz, 200.0 + 20 * len(clip.voice))


@functools.cache
def tone_bank() -> Bank:
    """The bank, without a file."""
    clips = []
    for side, rate_hz, voices in (
        ("own", OUTPUT_RATE_HZ, (OWN_VOICE,)),
        ("user", INPUT_RATE_HZ, USER_VOICES),
    ):
        for number, text in enumerate((*texts(side), *SENTENCES)):
            words = tones(text, rate_hz, 200.0).words
            for voice in voices:
                key = f"{side}_{voice}_{number}"
                place = (Path("memory"), key)
                clips.append(Clip(key, voice, text, words or (), place, side == "own"))
    return ToneBank(clips)


@functools.cache
def shipped_text() -> Text:
    """The tokenizer of the shipped model."""
    return Text.load(TOKENIZER)
