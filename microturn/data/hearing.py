"""How well a recogniser understands what is rendered, voice by voice: `microturn data hear`.

Each clip is laid down alone and rendered as for training, once clean and once in the hard acoustics
that `roughness` draws; the model's own lane is taken as it is. (Several clips in one call are
cheaper, and tell less: Whisper often stops at a pause.) What is heard is compared in spoken forms,
so that "7:30" and "seven thirty" are the same.
"""

from __future__ import annotations

import importlib
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tqdm import tqdm

from microturn.data.bank import HUMAN, Bank, Clip, DamagedClip
from microturn.data.corpus import words_of
from microturn.data.loader import NOISE_LEVELS, Skipped
from microturn.data.mix import Sound, rough
from microturn.data.render import own_track, user_track
from microturn.data.spoken_forms import to_spoken
from microturn.data.timeline import Event, Timeline
from microturn.data.voices import engine_of
from microturn.signal.text import normalise
from microturn.signal.wav import to_rate
from microturn.turns import INPUT_RATE_HZ, OUTPUT_RATE_HZ, FloatArray

EDGE_MS = 500  # before and after a clip
SURE_GAIN = 0.5  # peak of a clean voice
MISSING = "hearing needs a recogniser: pip install pocketsphinx, or name a Whisper's folder"
Recognise = Callable[[FloatArray], str]  # [N] float32 at 16 kHz -> text
# What is written in two ways and said in one.
# fmt: off
SAME = (
    (r"\bok\b", "okay"), (r"\bcan't\b", "can not"), (r"\bcannot\b", "can not"),
    (r"\bwon't\b", "will not"), (r"n't\b", " not"), (r"'re\b", " are"), (r"'m\b", " am"),
    (r"'ll\b", " will"), (r"'ve\b", " have"), (r"\balright\b", "all right"), (r"-", " "),
    (r"\b(it|that|what|there|he|she|who|where)'s\b", r"\1 is"),
)
# fmt: on


class SphinxHearing:
    """pocketsphinx with the American English model that comes with it: small, old, often wrong.

    Raises ValueError where it is not installed.
    """

    name = "pocketsphinx"

    def __init__(self) -> None:
        try:
            sphinx: Any = importlib.import_module("pocketsphinx")
        except ImportError as error:
            raise ValueError(MISSING) from error
        self.decoder = sphinx.Decoder(loglevel="FATAL", samprate=float(INPUT_RATE_HZ))

    def __call__(self, audio: FloatArray) -> str:
        peak = max(1e-4, float(np.abs(audio).max(initial=0.0)))
        self.decoder.start_utt()
        self.decoder.process_raw((audio / peak * 16_000).astype(np.int16).tobytes(), full_utt=True)
        self.decoder.end_utt()
        found = self.decoder.hyp()
        return "" if found is None else str(found.hypstr)


@dataclass(frozen=True)
class HearConfig:
    """voices: by name; none means all. clips: of each voice, at most."""

    voices: tuple[str, ...] = ()
    clips: int = 12
    seed: int = 0


@dataclass
class Heard:
    """Errors and reference words, by condition."""

    engine: str
    clips: int = 0
    errors: dict[str, int] = field(default_factory=dict[str, int])
    words: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, condition: str, errors: int, words: int) -> None:
        """Count one call of the recogniser."""
        self.errors[condition] = self.errors.get(condition, 0) + errors
        self.words[condition] = self.words.get(condition, 0) + words

    def join(self, other: Heard) -> None:
        """Count what another counted."""
        self.clips += other.clips
        for condition, errors in other.errors.items():
            self.add(condition, errors, other.words[condition])

    def numbers(self) -> dict[str, Any]:
        """Error rates; words are those that were said in one condition."""
        rates = {f"wer_{c}": round(e / max(1, self.words[c]), 4) for c, e in self.errors.items()}
        most = max(self.words.values(), default=0)
        return {"engine": self.engine, "clips": self.clips, "words": most} | rates


def spoken_words(text: str) -> list[str]:
    """Words as they are said, without punctuation, contractions written out."""
    plain = normalise(to_spoken(text))
    for written, same in SAME:
        plain = re.sub(written, same, plain)
    return words_of(plain)


def word_errors(heard: Sequence[str], wanted: Sequence[str]) -> int:
    """Insertions, deletions and substitutions."""
    row = list(range(len(wanted) + 1))
    for place, word in enumerate(heard, 1):
        diagonal, row[0] = row[0], place
        for at, other in enumerate(wanted, 1):
            cheapest = min(row[at] + 1, row[at - 1] + 1, diagonal + (word != other))
            diagonal, row[at] = row[at], cheapest
    return row[-1]


def name_of(clip: Clip) -> str:
    """The voice; people of one corpus count as one, since each said a few sentences."""
    return clip.voice.partition("-")[0] if clip.engine == HUMAN else clip.voice


def by_voice(clips: Mapping[str, Sequence[Clip]]) -> dict[str, list[Clip]]:
    """Clips with words, by the name of their voice, in the bank's order."""
    found: dict[str, list[Clip]] = {}
    for same in clips.values():
        for clip in same:
            if clip.words:
                found.setdefault(name_of(clip), []).append(clip)
    return found


def laid_out(clip: Clip, bank: Bank) -> Timeline:
    """A clip alone. Raises DamagedClip."""
    end_ms = EDGE_MS + bank.utterance(clip).duration_ms
    event = Event("own" if clip.is_own else "user", clip.text, clip, EDGE_MS, end_ms)
    return Timeline(end_ms + EDGE_MS, (event,))


def sounds_of(timeline: Timeline, bank: Bank, rng: random.Random) -> dict[str, FloatArray]:
    """What is heard of a timeline at 16 kHz, by condition: clean and noisy, or the own lane."""
    if timeline.events[0].side == "own":
        return {"clean": to_rate(own_track(timeline, bank), OUTPUT_RATE_HZ, INPUT_RATE_HZ)}
    seed = rng.randrange(2**31)
    plain = Sound(rng.uniform(0.15, 0.9), rng.choice(NOISE_LEVELS), seed)
    return {
        "clean": user_track(timeline, bank, Sound(SURE_GAIN)),
        "noisy": user_track(timeline, bank, rough(plain, rng)),
    }


def hear(bank: Bank, recognise: Recognise, name: str, config: HearConfig) -> dict[str, Any]:
    """Word error rates by voice of the user's lane, and of the model's; then by engine.

    Raises ValueError for an unknown voice, a count below 1, and a bank too damaged to use.
    """
    if config.clips < 1:
        raise ValueError(f"clips must be at least 1, got {config.clips}")
    lanes = {"user": by_voice(bank.user), "own": by_voice(bank.own)}
    known = {voice for voices in lanes.values() for voice in voices}
    if set(config.voices) - known:
        unknown = ", ".join(sorted(set(config.voices) - known))
        raise ValueError(f"the bank has no clip of {unknown}; it has {', '.join(sorted(known))}")
    found: dict[str, dict[str, Heard]] = {"user": {}, "own": {}}
    skipped = Skipped()
    todo = [
        (lane, voice)
        for lane, voices in lanes.items()
        for voice in voices
        if not config.voices or voice in config.voices
    ]
    for lane, voice in tqdm(todo, desc="hearing", unit="voice", disable=None):
        rng = random.Random(f"hear/{config.seed}/{lane}/{voice}")
        clips = lanes[lane][voice]
        chosen = rng.sample(clips, min(config.clips, len(clips)))
        heard = found[lane][voice] = Heard(engine_of(clips[0].voice, clips[0].engine))
        for clip in chosen:
            skipped.num_tried += 1
            try:
                timeline = laid_out(clip, bank)
            except DamagedClip as error:
                skipped.note(error)
                continue
            wanted = spoken_words(clip.text)
            heard.clips += 1
            for condition, audio in sounds_of(timeline, bank, rng).items():
                errors = word_errors(spoken_words(recognise(audio)), wanted)
                heard.add(condition, errors, len(wanted))
    return {
        "recogniser": name,
        "user": {voice: heard.numbers() for voice, heard in found["user"].items()},
        "own": {voice: heard.numbers() for voice, heard in found["own"].items()},
        "by_engine": {
            lane: {name: one.numbers() for name, one in sums(voices.values()).items()}
            for lane, voices in found.items()
        },
        "skipped": skipped.clips,
    }


def sums(voices: Any) -> dict[str, Heard]:
    """Voices together by their engine."""
    found: dict[str, Heard] = {}
    for heard in voices:
        found.setdefault(heard.engine, Heard(heard.engine)).join(heard)
    return found
