"""Speech for evaluation, made when it is asked for: only the texts that episodes need are spoken.

The users speak with voices that never train: those of flite, or of espeak-ng where flite is
missing, or Kokoro's where that is asked for; kept on disk once made. Or those of a bank that is
given. The model's own side is never
heard here. It only says how long an answer would last, so it is silence of the length that the
text would take.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from microturn.data.bank import LEAD_MS, TRAIL_MS, Bank, Clip, Spoken, Word, span_of
from microturn.data.corpus import sentences
from microturn.data.kokoro import Kokoro, KokoroFiles, find_kokoro
from microturn.data.programs import Espeak, Flite
from microturn.data.split import split_of
from microturn.data.voices import FOREIGN_KEPT, HELD_OUT, KOKORO, may_train
from microturn.scenarios import foreign_texts
from microturn.signal.text import normalise
from microturn.signal.wav import to_rate
from microturn.turns import INPUT_RATE_HZ, OUTPUT_RATE_HZ

FLITE_VOICES = ("rms", "slt")  # kept for evaluation (data/voices.py)
ESPEAK_VOICES = ("en-gb-scotland", "en-us+f3", "en-029")  # in no list of training voices
KOKORO_VOICES = tuple(sorted(HELD_OUT & KOKORO))
OWN = "estimated"
OWN_START_MS, OWN_LETTER_MS = 400, 56  # of the model's own training voice; fitted on 1,383 clips
OPEN_WORDS = (5, 18)
NO_ENGINE = (
    "no speech program to make evaluation voices with: apt install flite (or espeak-ng), "
    "or give a bank of held-out voices with --bank"
)


def cache_folder() -> Path:
    """Where evaluation keeps its speech: `MICROTURN_CACHE`, else the user's cache folder."""
    named = os.environ.get("MICROTURN_CACHE")
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "microturn"
    return (Path(named) if named else usual) / "eval"


def spread(text: str, start_ms: int, end_ms: int) -> tuple[Word, ...]:
    """Words over a stretch of time, by their letters."""
    words = text.split()
    total = max(1, sum(len(word) + 1 for word in words))
    found: list[Word] = []
    done = 0
    for word in words:
        ends = (done, done + len(word) + 1)
        first, last = (start_ms + (end_ms - start_ms) * at // total for at in ends)
        found.append(Word(word, first, last))
        done = ends[1]
    return tuple(found)


def own_ms(text: str) -> int:
    """How long the model takes to say a text."""
    return OWN_START_MS + OWN_LETTER_MS * len(text)


class KeptKokoro:
    """Kokoro, loaded when something is to be spoken that was never spoken before."""

    name = "kokoro"

    def __init__(self) -> None:
        """Raises ValueError saying what of Kokoro is missing."""
        self.files: KokoroFiles = find_kokoro()

    @functools.cached_property
    def engine(self) -> Kokoro:
        return Kokoro(self.files)

    def voices(self) -> list[str]:
        return self.files.voices()

    def speak(self, text: str, voice: str, speed: float) -> Spoken:
        return self.engine.speak(text, voice, speed)


Program = Flite | Espeak | KeptKokoro
ENGINES: dict[str, tuple[type[Program], tuple[str, ...]]] = {
    "flite": (Flite, FLITE_VOICES),
    "espeak-ng": (Espeak, ESPEAK_VOICES),
    "kokoro": (KeptKokoro, KOKORO_VOICES),
}


def voices_here(name: str = "auto") -> tuple[Program, tuple[str, ...]]:
    """A speech program and its voices kept for evaluation. auto: flite, else espeak-ng, so that
    numbers compare whether Kokoro is installed or not.

    Raises ValueError for another name, and where none is here.
    """
    if name not in ("auto", *ENGINES):
        raise ValueError(f"no voices {name!r}; there are auto, {', '.join(ENGINES)}")
    for each in ("flite", "espeak-ng") if name == "auto" else (name,):
        make, kept = ENGINES[each]
        program = make()
        here = set(program.voices())
        found = tuple(v for v in kept if v in here or (here and each == "espeak-ng"))
        if found:
            return program, found
    raise ValueError(NO_ENGINE if name == "auto" else f"{name} has no voice kept for evaluation")


class Speech:
    """Clips of one speech program, made once and kept in a folder; processes may share it."""

    def __init__(self, folder: Path, voices: str = "auto") -> None:
        self.program, self.voices = voices_here(voices)
        self.foreign = Espeak() if Espeak().voices() else None
        self.spellings = foreign_texts()
        self.folder = folder / self.program.name
        self.folder.mkdir(parents=True, exist_ok=True)

    def clips(self, text: str, voices: Sequence[str]) -> list[Clip]:
        """Clips of a text in these voices; what is not English in a voice of its language.

        Raises KeyError for a language where nothing speaks it.
        """
        if text not in self.spellings:
            return [self.clip(text, voice) for voice in voices]
        language, _ = self.spellings[text]
        if self.foreign is None:
            raise KeyError(f"no {language} voice is here: apt install espeak-ng")
        return [self.clip(text, FOREIGN_KEPT[language])]

    def clip(self, text: str, voice: str) -> Clip:
        """The clip of a text, spoken now where it was never spoken before."""
        key = f"{voice}_{hashlib.sha1(text.encode()).hexdigest()[:16]}"
        facts = self.folder / f"{key}.json"
        if not facts.is_file():
            self.make(text, voice, key)
        words = json.loads(facts.read_text(encoding="utf-8"))["words_ms"]
        times = tuple(Word(str(word), int(start), int(end)) for word, start, end in words)
        place = (self.folder, f"{key}.flac")
        return Clip(key, voice, text, times, place, split="eval", engine=self.program.name)

    def make(self, text: str, voice: str, key: str) -> None:
        """Speak a text into the folder. The facts come last: what has them is whole."""
        is_foreign = voice in FOREIGN_KEPT.values()
        program = self.foreign if is_foreign and self.foreign else self.program
        _, spelled = self.spellings.get(text, ("", text))
        spoken = program.speak(spelled, voice, 1.0)
        audio = np.clip(to_rate(spoken.audio, spoken.rate_hz, INPUT_RATE_HZ), -1.0, 1.0)
        words = [[w.text, w.start_ms, w.end_ms] for w in spoken.words or words_of(text, spoken)]
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            sound, facts = Path(folder, "a.flac"), Path(folder, "a.json")
            soundfile.write(sound, audio, INPUT_RATE_HZ, subtype="PCM_16")
            facts.write_text(json.dumps({"text": text, "words_ms": words}), encoding="utf-8")
            sound.replace(self.folder / f"{key}.flac")
            facts.replace(self.folder / f"{key}.json")


def words_of(text: str, spoken: Spoken) -> tuple[Word, ...]:
    """Words over what is audible of a clip, where their times are not known."""
    samples = (np.clip(spoken.audio, -1, 1) * 32767).astype(np.int16)
    first, last = (at * 1000 // spoken.rate_hz for at in span_of(samples, spoken.rate_hz // 1000))
    return spread(text, first + LEAD_MS, max(first + LEAD_MS, last - TRAIL_MS))


class Lazily(Mapping[str, list[Clip]]):
    """Open sentences by text, whose clips are made when they are looked up."""

    def __init__(self, texts: Iterable[str], bank: EvalBank, side: str) -> None:
        self.texts = {normalise(text): text for text in texts}
        self.bank, self.side = bank, side

    def __getitem__(self, text: str) -> list[Clip]:
        return self.bank.choices(self.side, self.texts[text])

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)


class EvalBank(Bank):
    """Any text in voices kept for evaluation; own texts as silence of their length.

    given: a bank whose user clips are taken instead of a speech program's; own clips of it are
    taken where it has them. voices: as in `voices_here`. Raises ValueError where nothing can speak.
    """

    def __init__(
        self, folder: Path | None = None, given: Bank | None = None, voices: str = "auto"
    ) -> None:
        super().__init__([], for_training=False)
        self.given, self.only = given, ""
        self.speech = None if given is not None else Speech(folder or cache_folder(), voices)
        texts = open_sentences()
        self.user: Any = Lazily(texts, self, "user") if given is None else given.user
        self.own: Any = Lazily(texts, self, "own")

    @classmethod
    def load(cls, paths: Sequence[Path | str], for_training: bool = False) -> EvalBank:
        """Of banks on disk the clips that never trained. Raises ValueError where there are none."""
        bank = Bank.load(paths, for_training=False)
        for side in (bank.user, bank.own):
            for text in list(side):
                side[text] = [c for c in side[text] if c.split != "train" or not may_train(c.voice)]
                if not side[text]:
                    del side[text]
        if not bank.user:
            named = ", ".join(map(str, paths))
            raise ValueError(f"{named} holds no user voice that is kept for evaluation")
        return cls(given=bank)

    def in_voice(self, voice: str) -> EvalBank:
        """The same bank, in which the users have this voice only: half of the work."""
        bank = copy.copy(self)
        bank.only = voice
        if self.given is None:
            bank.user = Lazily(self.user.texts.values(), bank, "user")
        return bank

    @property
    def name(self) -> str:
        """Who speaks, for the report."""
        engine = "bank" if self.speech is None else self.speech.program.name
        return f"{engine}: {', '.join(self.voices[:6])}"

    @property
    def voices(self) -> list[str]:
        if self.given is not None:
            return self.given.voices
        assert self.speech is not None
        return list(self.speech.voices)

    def choices(self, side: str, text: str) -> list[Clip]:
        """Clips of a text. Raises KeyError where a given bank has no user clip of it."""
        if side == "own":
            length_ms = own_ms(text)
            words = spread(text, 0, length_ms)
            return [Clip(f"own_{normalise(text)}", OWN, text, words, (Path(), ""), is_own=True)]
        if self.speech is None:
            assert self.given is not None
            return self.given.choices(side, text)
        return self.speech.clips(text, [self.only] if self.only else self.voices)

    def samples(self, clip: Clip) -> Any:
        if clip.is_own:
            return np.zeros(own_ms(clip.text) * OUTPUT_RATE_HZ // 1000, dtype=np.int16)
        return super().samples(clip)


@functools.cache
def open_sentences() -> tuple[str, ...]:
    """The open sentences that are kept for evaluation by their place and by their letters."""
    low, high = OPEN_WORDS
    found = [s.text for s in sentences("eval") if low <= s.num_words <= high]
    return tuple(text for text in found if split_of(text) == "eval")
