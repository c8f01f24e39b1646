"""Output files: score what was made elsewhere, and write ours as other people's scripts read it.

The layout is that of Full-Duplex-Bench: beside each input an `output.wav` as long as the input,
at 16 kHz, and `output.json` with the words: {"text", "chunks": [{"text", "timestamp": [s, s]}]}.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from microturn.evals.episode import Episode, Word
from microturn.evals.record import AudioFile, SystemFacts, Trace
from microturn.evals.utterances import utterances
from microturn.evals.vad import Vad
from microturn.signal.wav import read_wav, to_rate, write_wav
from microturn.turns import INPUT_RATE_HZ, FloatArray

SOUND, WORDS = "output.wav", "output.json"


def read_words(path: Path) -> list[Word]:
    """The timed words of an `output.json`. Raises ValueError for what is none."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        return [
            (
                str(chunk["text"]).strip(),
                round(chunk["timestamp"][0] * 1000),
                round(chunk["timestamp"][1] * 1000),
            )
            for chunk in found["chunks"]
        ]
    except (KeyError, TypeError, IndexError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} is no word file: want chunks of text and timestamp [start, end] in seconds"
        ) from error


def read_output(episode: Episode, folder: Path, system: SystemFacts, vad: Vad) -> Trace:
    """A trace from files; words are of a recogniser where `output.json` is there.

    Sound beyond the episode's end is left out. Raises ValueError naming the file it cannot use.
    """
    audio, rate_hz = read_wav(folder / SOUND)
    audio = audio[: episode.end_ms * rate_hz // 1000]
    path = folder / WORDS
    words = read_words(path) if path.is_file() else []
    return Trace(
        episode=episode.id,
        system=system,
        audio=AudioFile(SOUND, rate_hz),
        vad=vad.name,
        utterances=utterances(audio, rate_hz, vad, words=words),
    )


def write_output(trace: Trace, audio: FloatArray, rate_hz: int, folder: Path) -> None:
    """Write a trace's sound and words for other scripts; makes the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_wav(folder / SOUND, to_rate(audio, rate_hz, INPUT_RATE_HZ), INPUT_RATE_HZ)
    chunks = [
        {"text": text, "timestamp": [start / 1000, end / 1000]}
        for utterance in trace.utterances
        for text, start, end in utterance.words
    ]
    text = " ".join(chunk["text"] for chunk in chunks)
    found = json.dumps({"text": text, "chunks": chunks}, ensure_ascii=False, indent=1)
    (folder / WORDS).write_text(found + "\n", encoding="utf-8")
