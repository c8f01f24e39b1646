"""Builds a speech bank: every text of the scenarios in the model's voice and in many user voices.

    microturn bank build --out DIR [--voices af_alloy bm_daniel ...] [--limit 40]

The first pass speaks every text once, so that a bank that was interrupted early is usable; later
passes add speeds and voices. Calling it again goes on where it stopped. A folder holds training
voices or voices kept for evaluation, never both.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile  # pyright: ignore[reportMissingTypeStubs]
from tqdm import tqdm

from microturn.data import voices as split
from microturn.data.bank import Spoken
from microturn.data.kokoro import MISSING, Kokoro, find_kokoro
from microturn.data.programs import Espeak, Flite
from microturn.scenarios import texts
from microturn.signal.wav import to_rate
from microturn.turns import INPUT_RATE_HZ, OUTPUT_RATE_HZ

OWN_SPEEDS = (1.0, 0.95, 1.08)
USER_SPEEDS = (0.9, 1.15)
VOICES_PER_TEXT = 10


class Speaker(Protocol):
    """An engine that speaks."""

    name: str

    def voices(self) -> list[str]: ...

    def speak(self, text: str, voice: str, speed: float) -> Spoken: ...


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


def installed_speakers() -> list[Speaker]:
    """Engines that can speak here, best first.

    Raises ValueError saying what to install when there is none.
    """
    found: list[Speaker] = []
    reason = ""
    try:
        found.append(Kokoro(find_kokoro()))
    except ValueError as error:
        reason = str(error)
    found += [program for program in (Flite(), Espeak()) if program.voices()]
    if not found:
        raise ValueError(
            f"no speech engine found: apt install espeak-ng flite. Better: {reason or MISSING}"
        )
    return found


def choose_voices(available: Sequence[str], asked: Sequence[str]) -> tuple[str, list[str]]:
    """(the model's voice, the users' voices). Without wishes: the training voices of the best
    engine.

    Raises ValueError for a voice that is not installed, that is the model's, or where the wishes
    mix training and evaluation.
    """
    own = next((voice for voice in split.OWN_VOICES if voice in available), None)
    if own is None:
        raise ValueError(f"none of the model's voices is installed: {', '.join(split.OWN_VOICES)}")
    programs = [*split.FLITE_TRAINING, *split.ESPEAK_TRAINING]
    usual = split.TRAINING if own == split.OWN_VOICE else programs
    users = list(asked) or [voice for voice in usual if voice in available and voice != own]
    for voice in users:
        if voice not in available:
            raise ValueError(f"no voice {voice} here; there are {', '.join(sorted(available))}")
        if voice == own:
            raise ValueError(f"{voice} is the model's own voice; take others for the users")
    kept = [voice for voice in users if not split.may_train(voice)]
    if kept and len(kept) < len(users):
        raise ValueError(
            f"{', '.join(kept)} are kept for evaluation and the others train; build two folders"
        )
    if not users:
        raise ValueError(
            f"only {own} is installed, the model's own voice; apt install espeak-ng for users"
        )
    return own, users


def plan(own_voice: str, user_voices: Sequence[str], seed: int) -> list[Job]:
    """All jobs in order; the first pass holds every text once, both sides in turn."""
    rng = random.Random(seed)
    own_texts, user_texts = texts("own"), texts("user")
    own = [Job("own", text, own_voice, speed) for speed in OWN_SPEEDS for text in own_texts]
    orders = {text: rng.sample(list(user_voices), len(user_voices)) for text in user_texts}
    user = [
        Job("user", text, orders[text][turn], round(rng.uniform(*USER_SPEEDS), 2))
        for turn in range(min(VOICES_PER_TEXT, len(user_voices)))
        for text in user_texts
    ]
    first_own, first_user = len(own_texts), len(user_texts)
    pairs = chain.from_iterable(zip_longest(own[:first_own], user[:first_user]))
    first: Iterable[Job] = (job for job in pairs if job is not None)
    return [*first, *own[first_own:], *user[first_user:]]


def read_done(manifest: Path, own_voice: str) -> dict[str, float]:
    """Seconds of each clip made so far; a torn last line is cut off.

    Raises ValueError for another own voice.
    """
    if not manifest.is_file():
        return {}
    content = manifest.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        manifest.write_bytes(whole)
    entries = [json.loads(line) for line in whole.decode().splitlines()]
    other = {str(entry["voice"]) for entry in entries if entry.get("side") == "own"} - {own_voice}
    if other:
        raise ValueError(
            f"{manifest.parent} speaks for the model with {', '.join(sorted(other))}, "
            f"not {own_voice}; build into a new folder"
        )
    return {str(entry["key"]): float(entry["seconds"]) for entry in entries}


def make(job: Job, speaker: Speaker, out: Path) -> dict[str, Any]:
    """Speak one clip into the folder; its manifest line."""
    rate_hz = OUTPUT_RATE_HZ if job.side == "own" else INPUT_RATE_HZ
    spoken = speaker.speak(job.text, job.voice, job.speed)
    audio = np.clip(to_rate(spoken.audio, spoken.rate_hz, rate_hz), -1.0, 1.0)
    soundfile.write(out / "clips" / f"{job.key}.flac", audio, rate_hz, subtype="PCM_16")
    words = spoken.words and [[word.text, word.start_ms, word.end_ms] for word in spoken.words]
    return {
        "key": job.key,
        "file": f"clips/{job.key}.flac",
        "side": job.side,
        "engine": speaker.name,
        "voice": job.voice,
        "text": job.text,
        "speed": job.speed,
        "seconds": round(len(audio) / rate_hz, 3),
        "rate_hz": rate_hz,
        "phonemes": spoken.phonemes,
        "words_ms": words or None,
    }


def speak_bank(
    out: Path,
    voices: Sequence[str] = (),
    limit: int | None = None,
    seed: int = 0,
    speakers: Sequence[Speaker] | None = None,
) -> dict[str, Any]:
    """Build or continue a bank in `out`; `limit` clips at most. Returns what the folder holds.

    Raises ValueError for an unusable wish, and where no engine is installed.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit}")
    speakers = installed_speakers() if speakers is None else speakers
    speaker_of = {voice: speaker for speaker in reversed(speakers) for voice in speaker.voices()}
    own_voice, user_voices = choose_voices(list(speaker_of), voices)
    (out / "clips").mkdir(parents=True, exist_ok=True)
    manifest = out / "manifest.jsonl"
    done = read_done(manifest, own_voice)
    jobs = [job for job in plan(own_voice, user_voices, seed)[:limit] if job.key not in done]
    with manifest.open("a", encoding="utf-8") as lines:
        for job in tqdm(jobs, desc="speaking", unit="clip", disable=None):
            entry = make(job, speaker_of[job.voice], out)
            lines.write(json.dumps(entry) + "\n")
            lines.flush()
            done[job.key] = entry["seconds"]
    return {
        "out": str(out),
        "count": len(done),
        "made": len(jobs),
        "minutes": round(sum(done.values()) / 60, 2),
        "own_voice": own_voice,
        "voices": user_voices,
        "engines": sorted({speaker_of[voice].name for voice in (own_voice, *user_voices)}),
    }
