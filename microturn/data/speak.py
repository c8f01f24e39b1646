"""What a speech bank shall hold, and one clip of it.

The first pass speaks every text once, so that a bank that was interrupted early is usable; then
come further texts, then more speeds and voices. `build.py` does the work.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, cast

import numpy as np
import soundfile  # pyright: ignore[reportMissingTypeStubs]

from microturn.data.align import Aligner, Spread
from microturn.data.bank import Spoken, Word
from microturn.data.corpus import sentences
from microturn.data.everyday import many
from microturn.data.speakers import LICENCES, PROGRAM_VOICES, Speaker
from microturn.data.spoken_forms import fold, to_spoken
from microturn.data.voices import FOREIGN_TRAINING, made_of
from microturn.scenarios import foreign_texts, texts
from microturn.signal.wav import to_rate
from microturn.turns import INPUT_RATE_HZ, OUTPUT_RATE_HZ

OWN_SPEEDS = (1.0, 0.95, 1.08)
USER_SPEEDS = (0.9, 1.15)
VOICES_PER_TEXT = 10
PROGRAM_SHARE = 0.05  # of the clips of a bank with neural voices
LONGEST_SENTENCE = 20  # words
EVERYDAY_SHARE = 0.25  # of the open sentences: names, numbers, dates, spelled words
FOREIGN_VOICES = frozenset(voice for voices in FOREIGN_TRAINING.values() for voice in voices)
SOUNDS = {"flac": ("FLAC", "PCM_16"), "opus": ("OGG", "OPUS")}


@dataclass(frozen=True)
class Job:
    """One clip to make."""

    side: str
    text: str
    voice: str
    speed: float

    @property
    def key(self) -> str:
        return f"{self.voice}_{hashlib.sha1(f'{self.text}/{self.speed}'.encode()).hexdigest()[:10]}"


@dataclass(frozen=True)
class Extra:
    """A text beyond those of the scenarios. voices: by name; none: any `num_voices`."""

    side: str
    text: str
    voices: tuple[str, ...] = ()
    num_voices: int = 1


def read_texts(path: Path) -> list[Extra]:
    """Further texts, one JSON object a line: side ("own" or "user"), text, and for the user's side
    voices (names, or how many; else 1). Written numbers become words.

    Raises ValueError naming a bad line.
    """
    found: list[Extra] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entry: dict[str, Any] = json.loads(line)
            side, text, voices = entry["side"], " ".join(entry["text"].split()), entry.get("voices")
            if side not in ("own", "user") or not text:
                raise ValueError(f'want side "own" or "user" and a text, got {side!r}, {text!r}')
            if any(letter.isdigit() for letter in text):
                text = to_spoken(text)
            names = tuple(map(str, cast(list[Any], voices))) if isinstance(voices, list) else ()
            count = voices if isinstance(voices, int) else 1
            found.append(Extra(side, text, names, count))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"{path} line {number} is not a text: {error}") from error
    return found


def open_sentences(count: int, split: str = "train", seed: int = 0) -> list[Extra]:
    """So many sentences of the corpus and of everyday talk, each for both sides.

    Raises ValueError where the corpus has fewer.
    """
    if count == 0:
        return []
    num_everyday = round(count * EVERYDAY_SHARE)
    known = [s.text for s in sentences(split) if s.num_words <= LONGEST_SENTENCE]
    if count - num_everyday > len(known):
        most = round(len(known) / (1 - EVERYDAY_SHARE))
        raise ValueError(f"the corpus has sentences for {most} texts, {count} were asked for")
    rng = random.Random(f"open sentences/{seed}/{split}")
    chosen = rng.sample(known, count - num_everyday) + many(num_everyday, seed, split=split)
    rng.shuffle(chosen)
    return [Extra(side, text) for text in chosen for side in ("own", "user")]


def user_orders(
    rng: random.Random,
    user_voices: Sequence[str],
    foreign_voices: Mapping[str, Sequence[str]],
    voices_per_text: int,
    families: Sequence[str] = (),
) -> dict[str, list[str]]:
    """Voices of each text of the scenarios, as it is spelled for a voice. What is not English is
    said by voices of its language, or left out."""
    foreign, orders = foreign_texts(), dict[str, list[str]]()
    for text in texts("user", families):
        if text in foreign:
            language, spelled = foreign[text]
            orders[spelled] = list(foreign_voices.get(language, ()))
        else:
            orders[text] = drawn(rng, user_voices, voices_per_text)
    return {text: voices for text, voices in orders.items() if voices}


def drawn(rng: random.Random, voices: Sequence[str], count: int) -> list[str]:
    """Different voices; of programs only a few where there are others."""
    main = [voice for voice in voices if voice not in PROGRAM_VOICES]
    programs = [voice for voice in voices if voice in PROGRAM_VOICES]
    order = rng.sample(main or programs, min(count, len(main or programs)))
    if main and programs:
        order = [rng.choice(programs) if rng.random() < PROGRAM_SHARE else v for v in order]
    return list(dict.fromkeys(order))


def plan(
    own_voice: str,
    user_voices: Sequence[str],
    seed: int,
    extras: Sequence[Extra] = (),
    voices_per_text: int = VOICES_PER_TEXT,
    are_scenarios_wanted: bool = True,
    foreign_voices: Mapping[str, Sequence[str]] | None = None,
    families: Sequence[str] = (),
) -> list[Job]:
    """All jobs in order; the first pass holds every text once, both sides in turn.

    families: whose texts; all where none is named. Raises ValueError for an unknown one.
    """
    rng = random.Random(seed)
    own_texts = texts("own", families) if are_scenarios_wanted else []
    orders = dict[str, list[str]]()
    if are_scenarios_wanted:
        foreign = foreign_voices or {}
        orders = user_orders(rng, user_voices, foreign, voices_per_text, families)
    own = [Job("own", text, own_voice, speed) for speed in OWN_SPEEDS for text in own_texts]
    turns = zip_longest(*orders.values())
    user = [
        Job("user", text, voice, round(rng.uniform(*USER_SPEEDS), 2))
        for turn in turns
        for text, voice in zip(orders, turn, strict=True)
        if voice is not None
    ]
    more: list[Job] = []
    for extra in extras:
        if extra.side == "own":
            more.append(Job("own", extra.text, own_voice, OWN_SPEEDS[0]))
            continue
        names = extra.voices or drawn(rng, user_voices, extra.num_voices)
        speeds = (round(rng.uniform(*USER_SPEEDS), 2) for _ in names)
        more += [Job("user", extra.text, *how) for how in zip(names, speeds, strict=True)]
    first_own, first_user = len(own_texts), len(orders)
    pairs = chain.from_iterable(zip_longest(own[:first_own], user[:first_user]))
    first: Iterable[Job] = (job for job in pairs if job is not None)
    every = [*first, *more, *own[first_own:], *user[first_user:]]
    return list({job.key: job for job in every}.values())


def spoken_by(speaker: Speaker, text: str, voice: str, speed: float) -> Spoken:
    """Speak with a voice or a warp of one: its samples are said to be of another rate, and the pace
    is made up for before."""
    name, _, _ = voice.partition("~")
    warp = made_of(voice).warp
    spoken = speaker.speak(text, name, speed / warp)
    if warp == 1.0:
        return spoken
    words = spoken.words and tuple(
        Word(word.text, round(word.start_ms / warp), round(word.end_ms / warp))
        for word in spoken.words
    )
    return replace(spoken, rate_hz=round(spoken.rate_hz * warp), words=words)


def make(job: Job, speaker: Speaker, aligner: Aligner, out: Path, sound: str) -> dict[str, Any]:
    """Speak one clip into the folder; its manifest line. Words without times are aligned.

    Raises ValueError for what cannot be spoken, OSError where the disk is full.
    """
    rate_hz = OUTPUT_RATE_HZ if job.side == "own" else INPUT_RATE_HZ
    spoken = spoken_by(speaker, job.text, job.voice, job.speed)
    audio = np.clip(to_rate(spoken.audio, spoken.rate_hz, rate_hz), -1.0, 1.0)
    if not len(audio) or not np.isfinite(audio).all():
        raise ValueError(f"{speaker.name} gave no sound for {job.text!r}")
    written = job.text  # the model knows neither accents nor marks before a sentence
    if not written.isascii():
        written = fold(written).replace("\u00bf", "").replace("\u00a1", "")
    words, words_by = spoken.words, "engine"
    aligners = (Spread(),) if job.voice in FOREIGN_VOICES else (aligner, Spread())
    for other in aligners:  # espeak-ng is too far from people for forced alignment
        if words is None:
            words, words_by = other.align(written.split(), audio, rate_hz), other.name
    container, subtype = SOUNDS[sound]
    content = io.BytesIO()
    soundfile.write(content, audio, rate_hz, format=container, subtype=subtype)
    file_name = re.sub(r"[^\w.+-]", "_", job.key)  # not every system takes ":"
    name = f"clips/{file_name}.{sound}"
    partial = out / f"{name}.part"
    try:
        partial.write_bytes(content.getvalue())
        partial.replace(out / name)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    return {
        "key": job.key,
        "file": name,
        "side": job.side,
        "engine": speaker.name,
        "licence": LICENCES.get(speaker.name, "not stated"),
        "voice": job.voice,
        "text": written,
        "speed": job.speed,
        "seconds": round(len(audio) / rate_hz, 3),
        "rate_hz": rate_hz,
        "phonemes": spoken.phonemes,
        "words_by": words_by,
        "words_ms": [[word.text, word.start_ms, word.end_ms] for word in words] if words else None,
    }
