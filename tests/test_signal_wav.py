"""Sound files: what can be read is read exactly; every fault names the file and the remedy."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from microturn.signal.wav import read_wav, to_rate, write_wav

TONE = (0.5 * np.sin(np.arange(16_000) * 0.1)).astype(np.float32)


def test_round_trip(tmp_path):
    write_wav(tmp_path / "a.wav", TONE, 16_000)
    audio, rate_hz = read_wav(tmp_path / "a.wav")
    assert rate_hz == 16_000
    assert np.abs(audio - TONE).max() < 1e-4


def test_resampling_keeps_the_length_in_time():
    assert len(to_rate(TONE, 16_000, 24_000)) == 24_000
    assert to_rate(TONE, 16_000, 16_000) is TONE


def faulty(folder, fault):
    path = folder / f"{fault}.wav"
    if fault == "stereo":
        soundfile.write(path, np.stack([TONE, TONE], 1), 16_000)
    elif fault == "slow":
        soundfile.write(path, TONE, 4_000)
    elif fault == "fast":
        soundfile.write(path, TONE, 200_000)
    elif fault == "folder":
        path.mkdir()
    elif fault == "empty":
        soundfile.write(path, TONE[:0], 16_000)
    elif fault == "damaged":
        path.write_bytes(b"RIFF but nothing else")
    elif fault == "not numbers":
        soundfile.write(path, np.full(100, np.nan), 16_000, subtype="FLOAT")
    return path


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("missing", "no sound file at"),
        ("stereo", "has 2 channels, want one; convert it: sox"),
        ("slow", "rate of 4000 Hz, want 8000 to 192000"),
        ("fast", "rate of 200000 Hz, want 8000 to 192000"),
        ("folder", "no sound file at"),
        ("empty", "holds no samples"),
        ("damaged", "is damaged or no sound file"),
        ("not numbers", "not numbers"),
    ],
)
def test_faults_are_named(tmp_path, fault, words):
    path = faulty(tmp_path, fault)
    with pytest.raises(ValueError, match=words) as error:
        read_wav(path)
    assert path.name in str(error.value)
    assert "\n" not in str(error.value)


def test_writing_into_nowhere_is_named(tmp_path):
    with pytest.raises(ValueError, match="there is no folder"):
        write_wav(tmp_path / "no" / "a.wav", TONE, 16_000)
