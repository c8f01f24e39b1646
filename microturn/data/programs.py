"""Speech programs of the operating system, for machines without Kokoro: espeak-ng and flite.

They give no word times, so words are spread over what is audible by their letters: a rough guess,
good enough for trying things out and for variety among listeners' voices, not for teaching a model
to speak.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from microturn.data.bank import LEAD_MS, TRAIL_MS, Spoken, Word, span_of
from microturn.data.voices import ESPEAK_TRAINING
from microturn.signal.wav import read_wav
from microturn.turns import FloatArray

ESPEAK_WORDS_PER_MINUTE = 175  # its normal speed
TIMEOUT_S = 60


def spread_words(text: str, audio: FloatArray, rate_hz: int) -> tuple[Word, ...]:
    """Words over the audible part of a clip, in proportion to their letters and one for the gap."""
    first, last = span_of((np.clip(audio, -1, 1) * 32767).astype(np.int16), rate_hz // 1000)
    start_ms = first * 1000 / rate_hz + LEAD_MS
    end_ms = max(start_ms, last * 1000 / rate_hz - TRAIL_MS)
    words = text.split()
    total = max(1, sum(len(word) + 1 for word in words))
    found: list[Word] = []
    done = 0
    for word in words:
        edges = [start_ms + (end_ms - start_ms) * at / total for at in (done, done + len(word) + 1)]
        found.append(Word(word, round(edges[0]), round(edges[1])))
        done += len(word) + 1
    return tuple(found)


def run(command: Sequence[str]) -> str:
    """Run a program; its output. Raises ValueError with what it complained about."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise ValueError(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[:300]}")
    return done.stdout


class Espeak:
    """espeak-ng: formant synthesis."""

    name = "espeak-ng"

    def voices(self) -> list[str]:
        """The variants that recognisers understand; empty when the program is missing."""
        return list(ESPEAK_TRAINING) if shutil.which(self.name) else []

    def command(self, voice: str, speed: float, source: Path, target: Path) -> list[str]:
        rate = str(round(ESPEAK_WORDS_PER_MINUTE * speed))
        return [self.name, "-v", voice, "-s", rate, "-f", str(source), "-w", str(target)]

    def speak(self, text: str, voice: str, speed: float) -> Spoken:
        return speak_through(self, text, voice, speed)


class Flite:
    """flite: statistical and diphone voices."""

    name = "flite"

    def voices(self) -> list[str]:
        """The voices built into the program; empty when it is missing."""
        if not shutil.which(self.name):
            return []
        return sorted(set(run([self.name, "-lv"]).partition(":")[2].split()))

    def command(self, voice: str, speed: float, source: Path, target: Path) -> list[str]:
        stretch = f"duration_stretch={1 / speed:.3f}"
        return [self.name, "-voice", voice, "--setf", stretch, "-f", str(source), "-o", str(target)]

    def speak(self, text: str, voice: str, speed: float) -> Spoken:
        return speak_through(self, text, voice, speed)


def speak_through(program: Espeak | Flite, text: str, voice: str, speed: float) -> Spoken:
    """Text to a file, through the program, samples back.

    Raises ValueError where nothing was spoken.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "text.txt"), Path(folder, "speech.wav")
        source.write_text(text + "\n", encoding="utf-8")
        run(program.command(voice, speed, source, target))
        audio, rate_hz = read_wav(target)
    return Spoken(audio, rate_hz, spread_words(text, audio, rate_hz))
