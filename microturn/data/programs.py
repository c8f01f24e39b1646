"""Speech programs of the operating system, for variety among voices or without Kokoro: espeak-ng
and flite.

flite says when each phone ends; its words are found by the phones that they have when they are
alone. espeak-ng says nothing without MBROLA voices, so its words are spread over the clip: a rough
guess.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import chain, groupby, pairwise
from pathlib import Path

from microturn.data.bank import Spoken, Word
from microturn.data.voices import ESPEAK_TRAINING, FOREIGN_TRAINING
from microturn.signal.wav import read_wav
from microturn.turns import FloatArray

ESPEAK_WORDS_PER_MINUTE = 175  # its normal speed
TIMEOUT_S = 60
PAUSES = frozenset({"pau", "h#", "brth", "ssil"})


def run(command: Sequence[str]) -> str:
    """Run a program; its output. Raises ValueError with what it complained about."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise ValueError(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[:300]}")
    return done.stdout


def words_by_phones(
    words: Sequence[str], alone: Sequence[Sequence[str]], spoken: Sequence[tuple[str, int]]
) -> tuple[Word, ...] | None:
    """Words of a sentence whose phones and their ends (ms) are known, pauses included.

    alone: the phones of each word by itself; in the sentence a few may differ. None where a word
    has no phone in common with what is spoken.
    """
    starts = [0, *(end_ms for _, end_ms in spoken)]
    sounds = [(name, starts[at], end) for at, (name, end) in enumerate(spoken)]
    sounds = [sound for sound in sounds if sound[0] not in PAUSES]
    owner = [place for place, phones in enumerate(alone) for _ in phones]
    expected = [phone for phones in alone for phone in phones]
    found: list[int | None] = [None] * len(sounds)
    matcher = SequenceMatcher(None, expected, [sound[0] for sound in sounds], autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag == "equal" or (tag == "replace" and last - first == end - start):
            found[start:end] = owner[first:last]
    spans: dict[int, tuple[int, int]] = {}
    word = 0
    for mine, (_, start_ms, end_ms) in zip(found, sounds, strict=True):
        word = word if mine is None else max(word, mine)
        spans[word] = (spans.get(word, (start_ms, end_ms))[0], end_ms)
    if sorted(spans) != list(range(len(words))):
        return None
    return tuple(Word(text, *spans[place]) for place, text in enumerate(words))


def on_one_clock(phones: Sequence[tuple[str, int]], length_ms: int) -> list[tuple[str, int]]:
    """flite counts anew with each sentence: phones and their ends from the start of the clip.

    What the clip is shorter than its sentences together was cut off their ends, alike off each.
    """
    restarts = [at for at, (a, b) in enumerate(pairwise(phones), 1) if b[1] < a[1]]
    edges = [0, *restarts, len(phones)]
    parts = [phones[first:last] for first, last in pairwise(edges)]
    total_ms = sum(part[-1][1] for part in parts if part)
    missing_ms = max(0, total_ms - length_ms) / len(parts)
    found: list[tuple[str, int]] = []
    start_ms = 0.0
    for part in parts:
        found += [(name, round(start_ms + end_ms)) for name, end_ms in part]
        start_ms += part[-1][1] - missing_ms if part else 0.0
    return found


class Espeak:
    """espeak-ng: formant synthesis."""

    name = "espeak-ng"

    def voices(self) -> list[str]:
        """The variants that recognisers understand, and those of other languages; empty when the
        program is missing."""
        foreign = [voice for voices in FOREIGN_TRAINING.values() for voice in voices]
        return [*ESPEAK_TRAINING, *foreign] if shutil.which(self.name) else []

    def command(self, voice: str, speed: float, source: Path, target: Path) -> list[str]:
        rate = str(round(ESPEAK_WORDS_PER_MINUTE * speed))
        return [self.name, "-v", voice, "-s", rate, "-f", str(source), "-w", str(target)]

    def speak(self, text: str, voice: str, speed: float) -> Spoken:
        """Speak a text; its words have no times."""
        audio, rate_hz, _ = speak_through(self, text, voice, speed)
        return Spoken(audio, rate_hz, None)


class Flite:
    """flite: statistical and diphone voices."""

    name = "flite"

    def __init__(self) -> None:
        self.known: dict[str, dict[str, tuple[str, ...]]] = {}  # by voice, phones of a word alone

    def voices(self) -> list[str]:
        """The voices built into the program; empty when it is missing."""
        if not shutil.which(self.name):
            return []
        return sorted(set(run([self.name, "-lv"]).partition(":")[2].split()))

    def command(self, voice: str, speed: float, source: Path, target: Path) -> list[str]:
        stretch = f"duration_stretch={1 / speed:.3f}"
        what = ["-voice", voice, "--setf", stretch, "-psdur"]
        return [self.name, *what, "-f", str(source), "-o", str(target)]

    def speak(self, text: str, voice: str, speed: float) -> Spoken:
        """Speak a text, with word times where its phones are those of its words."""
        audio, rate_hz, told = speak_through(self, text, voice, speed)
        pairs = [pair.rpartition(":") for pair in told.split()]
        phones = [(name, round(1000 * float(end))) for name, _, end in pairs if name]
        spoken = on_one_clock(phones, len(audio) * 1000 // rate_hz)
        words = text.split()
        alone = self.alone(voice, [re.sub(r"[^\w']", " ", word).strip() for word in words])
        return Spoken(audio, rate_hz, words_by_phones(words, alone, spoken))

    def alone(self, voice: str, words: Sequence[str]) -> list[tuple[str, ...]]:
        """flite's phones of each word by itself, without pauses. Words not met before are told in
        one run, with pauses between: a start of the program takes as long as a short sentence."""
        known = self.known.setdefault(voice, {"": ()})
        unknown = sorted(set(words) - known.keys())
        if len(told := phones_between_pauses(voice, ", ".join(unknown))) == len(unknown):
            known.update(zip(unknown, told, strict=True))
        for word in unknown:
            if word not in known:
                known[word] = tuple(chain(*phones_between_pauses(voice, f" {word} ")))
        return [known[word] for word in words]


def phones_between_pauses(voice: str, text: str) -> list[tuple[str, ...]]:
    """flite's phones of a text, parted where it pauses."""
    if not text.strip():
        return []
    told = run([Flite.name, "-voice", voice, "-ps", "-t", text, "-o", "none"]).split()
    parts = groupby(told, lambda phone: phone in PAUSES)
    return [tuple(phones) for is_pause, phones in parts if not is_pause]


def speak_through(
    program: Espeak | Flite, text: str, voice: str, speed: float
) -> tuple[FloatArray, int, str]:
    """Text to a file, through the program: samples, rate, and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "text.txt"), Path(folder, "speech.wav")
        source.write_text(text + "\n", encoding="utf-8")
        told = run(program.command(voice, speed, source, target))
        return (*read_wav(target), told)
