"""Human recordings join the speech bank by path, on the user's side.

Four shapes of folders are known by what they hold:

* `manifest.jsonl` with one `<corpus>.tar` a corpus (keys `corpus/file`; `text`, or a recogniser's
  `text_asr`, `words_ms_asr` and `asr_logprob`; `speaker` or null; `split`),
* LibriSpeech: `*.trans.txt` beside the recordings of a chapter,
* LJSpeech: `metadata.csv` and `wavs/`,
* Common Voice: `train.tsv`, `dev.tsv`, `test.tsv` (or `validated.tsv`) and `clips/`.

Each gives `Recording`s; `recorded.py` finds their word times and cuts long ones at a pause. What a
corpus keeps for validation is marked and never trains.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microturn.data.bank import Word
from microturn.data.split import split_of

MIN_LOGPROB = -0.6  # a recogniser's text below it is doubtful
KEPT_SPEAKERS = 20  # of a corpus without a split, one speaker in twenty is kept
SOUNDS = (".flac", ".wav", ".opus", ".ogg", ".mp3")
LICENCES = {
    "kathleen": "CC0",
    "s2i": "Apache-2.0",
    "lj": "public domain",
    "libri": "CC BY 4.0",
    "librispeech": "CC BY 4.0",
    "ljspeech": "public domain",
    "commonvoice": "CC0",
}


@dataclass(frozen=True)
class Recording:
    """One file of a corpus. `times` are a recogniser's, used where alignment fails.

    Raises nothing: what cannot be used is left out by the reader.
    """

    key: str
    corpus: str
    voice: str
    text: str
    place: tuple[Path, str]
    split: str = "train"
    times: tuple[Word, ...] = ()
    licence: str = ""


def hashed_split(name: str) -> str:
    """The split of a speaker in a corpus that has none."""
    digest = hashlib.sha1(name.encode()).digest()
    return "validation" if int.from_bytes(digest[:4]) % KEPT_SPEAKERS == 0 else "train"


# ---- the four shapes


def is_tars(folder: Path) -> bool:
    return (folder / "manifest.jsonl").is_file()


def read_tars(folder: Path, min_logprob: float = MIN_LOGPROB) -> Iterator[Recording]:
    """`manifest.jsonl` and tars; doubtful transcripts are left out.

    Raises ValueError naming a line that cannot be read.
    """
    path = folder / "manifest.jsonl"
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entry: dict[str, Any] = json.loads(line)
            key, corpus = str(entry["key"]), str(entry["dataset"])
            text = entry.get("text") or entry.get("text_asr")
            if not text or float(entry.get("asr_logprob") or 0.0) < min_logprob:
                continue
            times = [
                Word(str(word), int(start), int(end))
                for word, start, end in (entry.get("words_ms_asr") or ())
            ]
            yield Recording(
                key.rpartition(".")[0],
                corpus,
                str(entry.get("speaker") or f"{corpus}-unknown"),
                str(text),
                (folder / f"{corpus}.tar", key.partition("/")[2]),
                str(entry.get("split", "train")),
                tuple(times),
                str(entry.get("licence") or LICENCES.get(corpus, "not stated")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} line {number} is not a recording: {error}") from error


def is_librispeech(folder: Path) -> bool:
    return next(folder.rglob("*.trans.txt"), None) is not None


def read_librispeech(folder: Path) -> Iterator[Recording]:
    """speaker/chapter/*.flac with *.trans.txt; subsets named dev or test are for validation."""
    for transcript in sorted(folder.rglob("*.trans.txt")):
        parts = transcript.relative_to(folder.parent).parts
        is_kept = any(part.startswith(("dev-", "test-")) for part in parts)
        for line in transcript.read_text(encoding="utf-8").splitlines():
            name, _, text = line.partition(" ")
            sound = sound_of(transcript.parent / name)
            if text.strip() and sound is not None:
                yield Recording(
                    f"librispeech/{name}",
                    "librispeech",
                    f"libri-{name.partition('-')[0]}",
                    text.strip().lower(),
                    (transcript.parent, sound.name),
                    "validation" if is_kept else "train",
                    (),
                    LICENCES["librispeech"],
                )


def is_ljspeech(folder: Path) -> bool:
    return (folder / "metadata.csv").is_file() and (folder / "wavs").is_dir()


def read_ljspeech(folder: Path) -> Iterator[Recording]:
    """metadata.csv (name|text|text with numbers as words) and wavs/; one voice.

    Sentences are split as the open sentences of the scenarios are.
    """
    lines = (folder / "metadata.csv").read_text(encoding="utf-8").splitlines()
    for line in lines:
        fields = [field.strip() for field in line.split("|")]
        sound = sound_of(folder / "wavs" / fields[0])
        if len(fields) < 2 or not fields[-1] or sound is None:
            continue
        yield Recording(
            f"ljspeech/{fields[0]}",
            "ljspeech",
            "lj",
            fields[-1],
            (folder / "wavs", sound.name),
            "train" if split_of(fields[-1]) == "train" else "validation",
            (),
            LICENCES["ljspeech"],
        )


def is_common_voice(folder: Path) -> bool:
    return (folder / "clips").is_dir() and any(folder.glob("*.tsv"))


def read_common_voice(folder: Path) -> Iterator[Recording]:
    """train.tsv, dev.tsv and test.tsv, or validated.tsv split by speaker; clips/.

    Raises ValueError for a folder without any of them.
    """
    tables = [folder / f"{name}.tsv" for name in ("train", "dev", "test")]
    tables = [table for table in tables if table.is_file()] or [folder / "validated.tsv"]
    if not tables[0].is_file():
        raise ValueError(f"{folder} has clips/ but no train.tsv and no validated.tsv")
    for table in tables:
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                sound = sound_of(folder / "clips" / (row.get("path") or ""))
                text, speaker = row.get("sentence") or "", (row.get("client_id") or "")[:12]
                if not text or sound is None:
                    continue
                split = "train" if table.stem == "train" else "validation"
                yield Recording(
                    f"commonvoice/{sound.stem}",
                    "commonvoice",
                    f"cv-{speaker or 'unknown'}",
                    text,
                    (folder / "clips", sound.name),
                    hashed_split(speaker) if table.stem == "validated" else split,
                    (),
                    LICENCES["commonvoice"],
                )


def sound_of(path: Path) -> Path | None:
    """The recording of this name, with or without its ending."""
    if path.suffix in SOUNDS and path.is_file():
        return path
    found = (path.with_name(path.name + ending) for ending in SOUNDS)
    return next((sound for sound in found if sound.is_file()), None)


def recordings(
    folder: Path, for_training: bool = True, min_logprob: float = MIN_LOGPROB
) -> list[Recording]:
    """All usable recordings of a corpus; for training, those of its training split only.

    Raises ValueError for a folder of no known shape.
    """
    found: Iterable[Recording]
    if is_tars(folder):
        found = read_tars(folder, min_logprob)
    elif is_ljspeech(folder):
        found = read_ljspeech(folder)
    elif is_common_voice(folder):
        found = read_common_voice(folder)
    elif folder.is_dir() and is_librispeech(folder):
        found = read_librispeech(folder)
    else:
        raise ValueError(
            f"no recordings at {folder}: want manifest.jsonl with tars, LibriSpeech's *.trans.txt, "
            "LJSpeech's metadata.csv and wavs/, or Common Voice's *.tsv and clips/"
        )
    return [one for one in found if one.split == "train" or not for_training]
