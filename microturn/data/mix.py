"""How the user's side sounds: gain, noise of any colour, a room, the model's own echo, a telephone,
lost packets.

All on the waveform, before features are taken. Everything but gain and noise is off unless asked
for.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import soxr  # pyright: ignore[reportMissingTypeStubs]

from microturn.turns import INPUT_RATE_HZ, OUTPUT_RATE_HZ, FloatArray

PACKET_MS = 20
TELEPHONE_HZ = (300.0, 3400.0)
ROOM_SHARE = 0.4  # energy of a room's tail beside the direct sound, at one second of reverberation


@dataclass(frozen=True)
class Sound:
    """One recording situation.

    gain: peak of the voice. noise: standard deviation of the noise floor; tilt: its colour, as the
    exponent of 1/f power (0 white, 1 pink, 2 brown). room_s: reverberation time, 0 for none. echo:
    gain at which the model's own sound comes back, echo_ms later. lost: share of 20 ms packets that
    are silence.
    """

    gain: float = 1.0
    noise: float = 0.0
    seed: int = 0
    tilt: float = 0.0
    room_s: float = 0.0
    echo: float = 0.0
    echo_ms: int = 80
    is_telephone: bool = False
    lost: float = 0.0


def rough(sound: Sound, rng: random.Random) -> Sound:
    """The same voice in a harder situation."""
    return Sound(
        sound.gain,
        sound.noise,
        sound.seed,
        tilt=rng.choice((0.0, 1.0, 2.0)),
        room_s=rng.choice((0.0, rng.uniform(0.1, 0.6))),
        echo=rng.choice((0.0, rng.uniform(0.01, 0.15))),
        echo_ms=rng.randrange(20, 250),
        is_telephone=rng.random() < 0.2,
        lost=rng.choice((0.0, 0.0, rng.uniform(0.0, 0.05))),
    )


def place(track: FloatArray, audio: FloatArray, onset: int) -> None:
    """Add a clip to a track at a sample; what does not fit is left out."""
    room = min(len(audio), len(track) - onset)
    if room > 0:
        track[onset : onset + room] += audio[:room]


def coloured_noise(num_samples: int, tilt: float, rng: np.random.Generator) -> FloatArray:
    """Noise of standard deviation 1 with power falling as 1/f^tilt."""
    white = rng.standard_normal(num_samples, dtype=np.float32)
    if tilt == 0 or num_samples < 2:
        return white
    spectrum = np.fft.rfft(white)
    spectrum[1:] *= np.arange(1, len(spectrum)) ** (-tilt / 2)
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, num_samples)
    return (noise / max(1e-9, float(noise.std()))).astype(np.float32)


def in_room(track: FloatArray, room_s: float, rng: np.random.Generator) -> FloatArray:
    """Add the tail of a room: noise that has decayed by 60 dB after `room_s`.

    No delay of the direct sound.
    """
    length = max(2, int(room_s * INPUT_RATE_HZ))
    decay = 10 ** (-3 * np.arange(length) / length)
    response = rng.standard_normal(length) * decay
    response *= np.sqrt(ROOM_SHARE * min(1.0, room_s) / max(1e-9, float((response**2).sum())))
    response[0] = 1.0
    size = len(track) + length - 1
    wet = np.fft.irfft(np.fft.rfft(track, size) * np.fft.rfft(response, size), size)
    return wet[: len(track)].astype(np.float32)


def by_telephone(track: FloatArray) -> FloatArray:
    """Only the band of a telephone line."""
    frequencies = np.fft.rfftfreq(len(track), 1 / INPUT_RATE_HZ)
    low, high = TELEPHONE_HZ
    pass_band = 1 / np.sqrt(1 + (low / np.maximum(frequencies, 1.0)) ** 8)
    pass_band /= np.sqrt(1 + (frequencies / high) ** 16)
    return np.fft.irfft(np.fft.rfft(track) * pass_band, len(track)).astype(np.float32)


def lose_packets(track: FloatArray, share: float, rng: np.random.Generator) -> FloatArray:
    """Silence in place of some packets."""
    size = INPUT_RATE_HZ * PACKET_MS // 1000
    is_lost = rng.random(-(-len(track) // size)) < share
    return np.where(np.repeat(is_lost, size)[: len(track)], np.float32(0), track)


def at_microphone(voice: FloatArray, own: FloatArray | None, sound: Sound) -> FloatArray:
    """What a microphone gives: the user's voice (16 kHz) and the echo of the model's (24 kHz).

    Raises ValueError for an echo of nothing.
    """
    rng = np.random.default_rng(sound.seed)
    track = voice.copy()
    if sound.echo:
        if own is None:
            raise ValueError("an echo needs the model's own track")
        echo = soxr.resample(own, OUTPUT_RATE_HZ, INPUT_RATE_HZ).astype(np.float32)
        place(track, sound.echo * echo, sound.echo_ms * INPUT_RATE_HZ // 1000)
    if sound.room_s:
        track = in_room(track, sound.room_s, rng)
    if sound.noise:
        track += coloured_noise(len(track), sound.tilt, rng) * sound.noise
    if sound.is_telephone:
        track = by_telephone(track)
    if sound.lost:
        track = lose_packets(track, sound.lost, rng)
    return np.clip(track, -1.0, 1.0)
