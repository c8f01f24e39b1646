"""Words cut out of clips of one voice and put together anew: no sentence, so that what is heard can
only be told by its sound.

A small model that hears a few thousand sentences learns the sentences (docs/log.md). Recognisers of
little data are known to gain from such speech (Lam et al., 2021, "On-the-Fly Aligned Data
Augmentation for Sequence-to-Sequence ASR"; there some words of a sentence are replaced).
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from microturn.data.bank import Bank, Clip, Utterance, Word
from microturn.signal.text import normalise
from microturn.turns import FloatArray

MIN_CLIPS = 8  # of a voice: from fewer the same words come again and again
RUN_WORDS = (1, 1, 2, 2, 3)  # how many words stay together
OWN_RUN_WORDS = (2, 2, 3, 3, 4, 5)  # in the model's own voice, which should not learn to be choppy
EDGE_MS = 30  # kept before and after a run, up to the middle of the gap to its neighbour
FADE_MS = 5
MAX_GAP_MS = 120  # of silence put between runs
PUNCTUATION = ".,?!;:-\"'()"


@dataclass(frozen=True)
class Part:
    """Words `first` up to `last`, itself excluded, of a clip; silence after them."""

    clip: Clip
    first: int
    last: int
    gap_ms: int


@dataclass(frozen=True)
class Splice(Clip):
    """A clip that lies in no file: `parts` one after the other."""

    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Stock:
    """Clips of one voice; where runs may begin in them, (clip, word), with cumulated weights."""

    clips: tuple[Clip, ...]
    places: tuple[tuple[Clip, int], ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, clips: Sequence[Clip]) -> Stock:
        """Each word of a vocabulary comes as often as the root of its count: common words are
        known soon, and most of what is misheard is rare."""
        places = [(clip, place) for clip in clips for place in range(len(clip.words))]
        words = [spelled(clip.words[place].text) for clip, place in places]
        counts = Counter(words)
        weights = accumulate(counts[word] ** -0.5 for word in words)
        return cls(tuple(clips), tuple(places), tuple(weights))


def spelled(word: str) -> str:
    """A word as it is counted and looked up."""
    return plain(normalise(word))


def by_voice(clips: Mapping[str, Sequence[Clip]], texts: Sequence[str]) -> tuple[Stock, ...]:
    """A side's clips of these texts by voice, in their order; voices with few clips are left
    out."""
    found: dict[str, list[Clip]] = defaultdict(list)
    for text in texts:
        for clip in clips[text]:
            if clip.words:
                found[clip.voice].append(clip)
    return tuple(Stock.of(clips) for clips in found.values() if len(clips) >= MIN_CLIPS)


def splice(
    stock: Stock,
    num_words: int,
    rng: random.Random,
    bank: Bank,
    run_words: Sequence[int] = RUN_WORDS,
) -> Splice:
    """At least `num_words` words of one voice, in runs of so many.

    Raises DamagedClip where a clip's sound cannot be read.
    """
    parts: list[Part] = []
    while sum(part.last - part.first for part in parts) < num_words:
        clip, first = rng.choices(stock.places, cum_weights=stock.weights)[0]
        last = min(len(clip.words), first + rng.choice(run_words))
        parts.append(Part(clip, first, last, rng.randrange(MAX_GAP_MS)))
    return clip_of(parts, bank)


def clip_of(parts: Sequence[Part], bank: Bank, written: Sequence[str] | None = None) -> Splice:
    """The clip that parts make. written: its words as they are to be written, with punctuation;
    None leaves it away.

    Raises DamagedClip where a clip's sound cannot be read.
    """
    words = joined(parts, bank)[1]
    if written is not None:
        words = tuple(replace(word, text=text) for word, text in zip(words, written, strict=True))
    key = "+".join(f"{part.clip.key}:{part.first}" for part in parts)
    clip, text = parts[0].clip, " ".join(word.text for word in words)
    return Splice(key, clip.voice, text, words, clip.place, engine=clip.engine, parts=tuple(parts))


def spoken(clip: Splice, bank: Bank) -> Utterance:
    """The sound of a splice."""
    return Utterance(clip, joined(clip.parts, bank)[0], clip.words)


def joined(parts: Sequence[Part], bank: Bank) -> tuple[FloatArray, tuple[Word, ...]]:
    """Sound at one level, the mean of that of the clips, and words without punctuation at their new
    times."""
    sounds: list[FloatArray] = []
    words: list[Word] = []
    peaks: list[float] = []
    length = 0
    for part in parts:
        utterance = bank.utterance(part.clip)
        per_ms = utterance.clip.rate_hz // 1000
        start_ms, end_ms = edges(utterance, part.first, part.last)
        audio = faded(utterance.audio[start_ms * per_ms : end_ms * per_ms], FADE_MS * per_ms)
        peaks.append(max(1e-3, float(np.abs(utterance.audio).max(initial=0.0))))
        audio /= peaks[-1]
        shift_ms = length // per_ms - start_ms
        words += [
            Word(plain(word.text), word.start_ms + shift_ms, word.end_ms + shift_ms)
            for word in utterance.words[part.first : part.last]
        ]
        sounds += [audio, np.zeros(part.gap_ms * per_ms, dtype=np.float32)]
        length += sum(len(sound) for sound in sounds[-2:])
    return np.concatenate(sounds[:-1]) * np.float32(np.mean(peaks)), tuple(words)


def edges(utterance: Utterance, first: int, last: int) -> tuple[int, int]:
    """From when to when a run of words sounds, in ms."""
    words = utterance.words
    start_ms, end_ms = words[first].start_ms, words[last - 1].end_ms
    before_ms = (words[first - 1].end_ms + start_ms) // 2 if first else 0
    after_ms = utterance.duration_ms
    if last < len(words):
        after_ms = (end_ms + words[last].start_ms + 1) // 2
    return max(before_ms, start_ms - EDGE_MS), min(after_ms, end_ms + EDGE_MS)


def faded(audio: FloatArray, num_fade: int) -> FloatArray:
    """A copy that begins and ends softly."""
    audio = audio.copy()
    num_fade = min(num_fade, len(audio) // 2)
    if num_fade:
        ramp = np.linspace(0.0, 1.0, num_fade, dtype=np.float32)
        audio[:num_fade] *= ramp
        audio[-num_fade:] *= ramp[::-1]
    return audio


def plain(word: str) -> str:
    """A word as it stands amid others; as it was where nothing would be left of it."""
    return word.strip(PUNCTUATION) or word
