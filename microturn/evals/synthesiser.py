"""Text to sound for the cascade: Kokoro where it is installed, else flite, else espeak-ng."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from microturn.data.bank import Spoken
from microturn.data.kokoro import Kokoro, find_kokoro
from microturn.data.programs import Espeak, Flite
from microturn.data.voices import OWN_VOICE
from microturn.signal.wav import to_rate
from microturn.turns import OUTPUT_RATE_HZ, FloatArray

VOICES = {"kokoro": OWN_VOICE, "flite": "awb", "espeak-ng": "en-us"}
ENGINES: dict[str, Callable[[], SpeechEngine]] = {
    "kokoro": lambda: Kokoro(find_kokoro()),
    "flite": Flite,
    "espeak-ng": Espeak,
}
QUIET = 10 ** (-50 / 20)  # what is softer than that before the first sound is cut off
LEAD_MS = 20  # kept before the first sound
SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class SaidWords:
    """Sound at 24 kHz and the words in it, each with its onset in ms."""

    audio: FloatArray
    words: tuple[tuple[str, int], ...]

    def without_lead(self) -> SaidWords:
        """Without the silence before the first sound."""
        first = first_sound(self.audio)
        cut_ms = first * 1000 // OUTPUT_RATE_HZ
        words = tuple((text, max(0, onset - cut_ms)) for text, onset in self.words)
        return SaidWords(self.audio[first:], words)


class Synthesiser(Protocol):
    """Says a text. Raises ValueError for one that it cannot say."""

    @property
    def name(self) -> str: ...

    def __call__(self, text: str) -> SaidWords: ...


class SpeechEngine(Protocol):
    """An engine of the speech bank."""

    name: str

    def voices(self) -> list[str]: ...

    def speak(self, text: str, voice: str, speed: float) -> Spoken: ...


class Voice:
    """An engine with one voice, sentence by sentence; silence before the first sound is cut off,
    so that a reply begins when it is played."""

    def __init__(self, engine: SpeechEngine, voice: str) -> None:
        """Raises ValueError where the engine lacks the voice."""
        if voice not in engine.voices():
            raise ValueError(f"{engine.name} has no voice {voice!r}")
        self.engine, self.voice = engine, voice
        self.name = f"{engine.name}({voice})"

    def __call__(self, text: str) -> SaidWords:
        sounds: list[FloatArray] = []
        words: list[tuple[str, int]] = []
        num = 0
        for sentence in SENTENCE.split(text.strip()):
            said = spoken_words(self.engine.speak(sentence, self.voice, 1.0), sentence)
            said = said if sounds else said.without_lead()
            words += [(word, onset + num * 1000 // OUTPUT_RATE_HZ) for word, onset in said.words]
            sounds.append(said.audio)
            num += len(said.audio)
        return SaidWords(np.concatenate(sounds), tuple(words))


def spoken_words(spoken: Spoken, text: str) -> SaidWords:
    """At our rate; words without times are spread evenly."""
    audio = np.asarray(to_rate(spoken.audio, spoken.rate_hz, OUTPUT_RATE_HZ), dtype=np.float32)
    if spoken.words is not None:
        return SaidWords(audio, tuple((word.text, word.start_ms) for word in spoken.words))
    lead = first_sound(audio) if len(audio) else 0
    return SaidWords(audio, spread(text.split(), lead, len(audio)))


def spread(texts: list[str], first: int, last: int) -> tuple[tuple[str, int], ...]:
    """Words over a stretch of samples, by their share of the letters."""
    total = sum(len(text) for text in texts)
    onsets: list[tuple[str, int]] = []
    before = 0
    for text in texts:
        at = first + (last - first) * before // total
        onsets.append((text, at * 1000 // OUTPUT_RATE_HZ))
        before += len(text)
    return tuple(onsets)


def first_sound(audio: FloatArray) -> int:
    """First sample to play."""
    loud = np.flatnonzero(np.abs(audio) > QUIET)
    first = int(loud[0]) if len(loud) else 0
    return max(0, first - LEAD_MS * OUTPUT_RATE_HZ // 1000)


def load_synthesiser(name: str = "auto", voice: str | None = None) -> Voice:
    """`kokoro`, `flite`, `espeak-ng`, or the first of them that is installed.

    Raises ValueError where it is not, or for another name.
    """
    if name not in ("auto", *VOICES):
        raise ValueError(f"no synthesiser {name!r}: choose auto, {', '.join(VOICES)}")
    reasons: list[str] = []
    for each in VOICES if name == "auto" else (name,):
        try:
            return Voice(ENGINES[each](), voice or VOICES[each])
        except ValueError as error:
            reasons.append(str(error))
    raise ValueError("; ".join(reasons) + "; the simplest: apt install flite")
