"""Sound files: read, write, change the rate. Each fault gets one line that names the file and the
remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from microturn.turns import FloatArray

MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 192_000


def read_wav(path: Path | str) -> tuple[FloatArray, int]:
    """Mono samples in [-1, 1] and the sample rate in Hz. Raises ValueError for every file it cannot
    use."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"no sound file at {path}")
    try:
        audio, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise ValueError(
            f"{path} is damaged or no sound file: {error}; save it as PCM WAV"
        ) from error
    if audio.shape[1] != 1:
        raise ValueError(
            f"{path} has {audio.shape[1]} channels, want one; "
            f"convert it: sox {path.name} -c 1 mono.wav"
        )
    if len(audio) == 0:
        raise ValueError(f"{path} is empty: it holds no samples")
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise ValueError(
            f"{path} has a rate of {rate_hz} Hz, want {MIN_RATE_HZ} to {MAX_RATE_HZ}; "
            f"convert it: sox {path.name} -r 16000 out.wav"
        )
    if not np.isfinite(audio).all():
        raise ValueError(f"{path} holds samples that are not numbers; save it as 16-bit PCM WAV")
    return np.ascontiguousarray(audio[:, 0], dtype=np.float32), rate_hz


def write_wav(path: Path | str, audio: FloatArray, rate_hz: int) -> None:
    """Write 16-bit PCM. Raises ValueError when the folder does not exist."""
    path = Path(path)
    if not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: there is no folder {path.parent}")
    soundfile.write(path, np.clip(audio, -1.0, 1.0), rate_hz, subtype="PCM_16")


def to_rate(audio: FloatArray, from_hz: int, to_hz: int) -> FloatArray:
    """Resample a whole waveform."""
    if from_hz == to_hz:
        return audio
    return soxr.resample(audio, from_hz, to_hz).astype(np.float32)
