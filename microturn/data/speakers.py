"""The speech engines and which of their voices serve for what.

An engine that is missing says which package to install. Recommended is Kokoro; the programs are for
variety, a few per cent of a bank.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from microturn.data import voices as split
from microturn.data.bank import Spoken
from microturn.data.festival import MISSING as NO_FESTIVAL
from microturn.data.festival import Festival
from microturn.data.kokoro import MISSING as NO_KOKORO
from microturn.data.kokoro import Kokoro, find_kokoro
from microturn.data.piper import Piper, find_piper
from microturn.data.programs import Espeak, Flite

PROGRAM_VOICES = (*split.FLITE_TRAINING, *split.ESPEAK_TRAINING, *split.FESTIVAL_TRAINING)
LICENCES = {  # of the voices, for the bank's manifest
    "kokoro": "Apache-2.0",
    "flite": "BSD-like (CMU)",
    "espeak-ng": "GPL-3.0 (the program)",
    "festival": "BSD-like (CMU)",
    "piper": "MIT (weights), CC0 (recordings)",
}


class Speaker(Protocol):
    """An engine that speaks."""

    name: str

    def voices(self) -> list[str]: ...

    def speak(self, text: str, voice: str, speed: float) -> Spoken: ...


def with_voices(speaker: Speaker, missing: str) -> Speaker:
    """The speaker. Raises ValueError where it has no voice."""
    if not speaker.voices():
        raise ValueError(missing)
    return speaker


ENGINES: dict[str, Callable[[], Speaker]] = {  # best first; each raises ValueError where missing
    "kokoro": lambda: Kokoro(find_kokoro()),
    "flite": lambda: with_voices(Flite(), "flite is missing: apt install flite"),
    "espeak-ng": lambda: with_voices(Espeak(), "espeak-ng is missing: apt install espeak-ng"),
    "festival": lambda: with_voices(Festival(), NO_FESTIVAL),
    "piper": lambda: Piper(find_piper()),
}


def find_speakers(
    names: Sequence[str] = (), is_missing_fine: bool = False
) -> tuple[list[Speaker], dict[str, str]]:
    """(engines that can speak here, what to install for the others). No names: all there are.

    Raises ValueError for an unknown engine, for a named one that is missing unless that is fine,
    and where none is left.
    """
    unknown = sorted(set(names) - set(ENGINES))
    if unknown:
        raise ValueError(f"no engine {', '.join(unknown)}; there are {', '.join(ENGINES)}")
    found: list[Speaker] = []
    missing: dict[str, str] = {}
    for name in names or ENGINES:
        try:
            found.append(ENGINES[name]())
        except ValueError as error:
            if names and not is_missing_fine:
                raise
            missing[name] = str(error)
    if not found:
        reason = missing.get("kokoro", NO_KOKORO)
        raise ValueError(f"no speech engine found: apt install espeak-ng flite. Better: {reason}")
    return found, missing


def speaker_of(voice: str, speakers: Sequence[Speaker]) -> Speaker:
    """The first engine that has a voice, or all that it is made of.

    Raises ValueError naming a voice that none has.
    """
    parents = split.made_of(voice).parents
    for speaker in speakers:
        can_blend = len(parents) == 1 or hasattr(speaker, "style")
        if can_blend and set(parents) <= set(speaker.voices()):
            return speaker
    known = sorted({name for speaker in speakers for name in speaker.voices()})
    raise ValueError(f"no voice {voice} here; there are {', '.join(known)}")


def foreign_voices(speakers: Sequence[Speaker]) -> dict[str, list[str]]:
    """By language, the voices that are installed; languages without one are left out."""
    available = {name for speaker in speakers for name in speaker.voices()}
    found = {
        language: [voice for voice in voices if voice in available]
        for language, voices in split.FOREIGN_TRAINING.items()
    }
    return {language: voices for language, voices in found.items() if voices}


def choose_voices(
    speakers: Sequence[Speaker],
    asked: Sequence[str] = (),
    own_voice: str | None = None,
    num_made: int = 0,
    are_programs_wanted: bool = False,
) -> tuple[str, list[str]]:
    """(the model's voice, the users' voices). Without wishes: the training voices of the best
    engine, those of programs too where they are wanted, and `num_made` made of the former.

    Raises ValueError for a voice that is not installed, that is the model's, that may not speak for
    it, or where the wishes mix training and evaluation.
    """
    available = {name for speaker in speakers for name in speaker.voices()}
    own = own_voice or next((voice for voice in split.OWN_VOICES if voice in available), None)
    if own is None:
        raise ValueError(
            f"none of the model's voices is installed: {', '.join(split.OWN_VOICES)}; name one "
            "with --own-voice"
        )
    if own not in available or not split.may_train(own):
        why = "is kept for evaluation" if own in available else "is not installed"
        raise ValueError(f"{own} cannot speak for the model: it {why}")
    main = [voice for voice in split.TRAINING if voice in available and voice != own]
    programs = [voice for voice in PROGRAM_VOICES if voice in available and voice != own]
    users = list(asked) or (main or programs) + (programs if main and are_programs_wanted else [])
    users += split.more_voices(main, num_made) if num_made else []
    for voice in users:
        speaker_of(voice, speakers)
        if own in split.made_of(voice).parents:
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
