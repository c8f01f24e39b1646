"""festival: statistical and diphone voices, with the times of its words.

    apt install festival festvox-us-slt-hts festvox-kdlpc16k

Speed is the stretch of its durations, or a parameter of the statistical voices. It says when each
of its words starts and ends.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from microturn.data.bank import Spoken, Word
from microturn.data.programs import run
from microturn.signal.wav import read_wav

FOLDER = Path("/usr/share/festival/voices")
# ours -> (festival's name, folder). slt is the speaker of flite's slt; kal is flite's kal16.
VOICES = {
    "slt_hts": ("cmu_us_slt_arctic_hts", "us/cmu_us_slt_arctic_hts"),
    "ked": ("ked_diphone", "english/ked_diphone"),
}
MISSING = "festival needs: apt install festival festvox-us-slt-hts festvox-kdlpc16k"
SCRIPT = """(voice_{voice})
(Parameter.set 'Duration_Stretch {stretch:.3f})
(if (boundp 'hts_engine_params)
  (set! hts_engine_params (append hts_engine_params (list (list "-r" {speed:.3f})))))
(set! utt (SynthText "{text}"))
(utt.save.wave utt "{target}" 'riff)
(mapcar (lambda (word) (format t "WORD %s %f %f\\n" (item.name word)
  (item.feat word "word_start") (item.feat word "word_end"))) (utt.relation.items utt 'Word))
"""


def letters(text: str) -> str:
    """A word's letters and digits."""
    return re.sub(r"\W|_", "", text.lower())


def words_told(text: str, told: str) -> tuple[Word, ...] | None:
    """The text's words from festival's report; a written word may be several of its words.

    None where they are not the same letters (a number was read out).
    """
    lines = [line.split() for line in told.splitlines() if line.startswith("WORD ")]
    spoken = [(letters(name), float(start), float(end)) for _, name, start, end in lines]
    found: list[Word] = []
    place = 0
    for word in text.split():
        wanted, got, first = letters(word), "", place
        while len(got) < len(wanted) and place < len(spoken):
            got += spoken[place][0]
            place += 1
        if not wanted or got != wanted:
            return None
        edges = round(1000 * spoken[first][1]), round(1000 * spoken[place - 1][2])
        found.append(Word(word, *edges))
    return tuple(found) if place == len(spoken) else None


class Festival:
    """The program, called once a clip."""

    name = "festival"

    def voices(self) -> list[str]:
        """Known voices that are installed; empty when the program is missing."""
        if not shutil.which(self.name):
            return []
        return [name for name, (_, folder) in VOICES.items() if (FOLDER / folder).is_dir()]

    def speak(self, text: str, voice: str, speed: float) -> Spoken:
        """Speak a text. Raises ValueError for an unknown voice and where nothing was spoken."""
        if voice not in VOICES:
            raise ValueError(f"festival has no voice {voice} here; there are {', '.join(VOICES)}")
        plain = text.replace("\\", " ").replace('"', " ").replace("\n", " ")
        with tempfile.TemporaryDirectory() as folder:
            script, target = Path(folder, "speak.scm"), Path(folder, "speech.wav")
            content = SCRIPT.format(
                voice=VOICES[voice][0], stretch=1 / speed, speed=speed, text=plain, target=target
            )
            script.write_text(content, encoding="latin-1", errors="replace")
            told = run([self.name, "-b", str(script)])
            if not target.is_file():
                raise ValueError(f"festival spoke nothing for {text!r}: {told.strip()[:200]}")
            audio, rate_hz = read_wav(target)
        return Spoken(audio, rate_hz, words_told(text, told))
