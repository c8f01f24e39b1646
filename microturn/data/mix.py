"""How the user's side sounds: gain, distance and room, noise of any colour, the model's own echo, a
browser's gain control and noise suppression, a telephone, clipping, late and lost packets.

All on the waveform, before features are taken. Everything but gain and noise is off unless asked
for.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import soxr  # pyright: ignore[reportMissingTypeStubs]

from microturn.data.rooms import Room, convolve, draw_room, responses
from microturn.signal import g711
from microturn.signal.tract import Tract
from microturn.turns import INPUT_RATE_HZ, OUTPUT_RATE_HZ, FloatArray

PACKET_MS = 20
TELEPHONE_HZ = (300.0, 3400.0)
TELEPHONE_RATE_HZ = 8_000
ROOM_SHARE = 0.4  # energy of a plain tail beside the direct sound, at one second of reverberation
CONTROL_TARGET = 0.1  # level that gain control aims at, root mean square
CONTROL_RANGE = (0.3, 12.0)
CONTROL_FLOOR = 0.003  # below this level gain control holds still
SUPPRESSION_FRAME = 320  # 20 ms
SUPPRESSION_MARGIN = 8.0  # above the noise floor in power: what is louder is kept whole


@dataclass(frozen=True)
class Sound:
    """One recording situation.

    gain: peak of the voice. noise: standard deviation of the noise floor; tilt: its colour, as the
    exponent of 1/f power (0 white, 1 pink, 2 brown). room_s: reverberation time of a plain tail, 0
    for none; room: a real room instead. echo: gain at which the model's own sound comes back,
    echo_ms later. lost: share of 20 ms packets that are silence; late_ms: a gap that the network
    makes, caught up later. has_control, has_suppression: what browsers do to microphones. clip: the
    level at which the microphone clips. law: the telephone's G.711 law. tract: another vocal tract,
    which is no matter of the waveform but of the mel filters (`signal/tract.py`).
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
    late_ms: int = 0
    has_control: bool = False
    has_suppression: bool = False
    clip: float = 1.0
    law: g711.Law = "pcmu"
    room: Room | None = None
    tract: Tract | None = None


def rough(sound: Sound, rng: random.Random, has_rooms: bool = False) -> Sound:
    """The same voice in a harder situation; `has_rooms` takes shoebox rooms for the plain tails."""
    harder = Sound(
        sound.gain,
        rng.choice((sound.noise, rng.uniform(0.002, 0.02))),
        sound.seed,
        tilt=rng.choice((0.0, 1.0, 2.0)),
        room_s=0.0 if has_rooms else rng.choice((0.0, rng.uniform(0.1, 0.6))),
        echo=rng.choice((0.0, rng.uniform(0.01, 0.15))),
        echo_ms=rng.randrange(20, 250),
        is_telephone=rng.random() < 0.15,
        lost=rng.choice((0.0, 0.0, rng.uniform(0.0, 0.05))),
        late_ms=rng.choice((0, 0, 0, rng.randrange(20, 100, 20))),
        has_control=rng.random() < 0.35,
        has_suppression=rng.random() < 0.2,
        clip=rng.choice((1.0, 1.0, 1.0, rng.uniform(0.3, 0.8) * sound.gain)),
        law=rng.choice(("pcmu", "pcma")),
    )
    return replace(harder, room=draw_room(rng)) if has_rooms and rng.random() < 0.7 else harder


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
    """Add a plain tail: noise that has decayed by 60 dB after `room_s`. No delay of the direct
    sound."""
    length = max(2, int(room_s * INPUT_RATE_HZ))
    decay = 10 ** (-3 * np.arange(length) / length)
    response = rng.standard_normal(length) * decay
    response *= np.sqrt(ROOM_SHARE * min(1.0, room_s) / max(1e-9, float((response**2).sum())))
    response[0] = 1.0
    return convolve(track, response.astype(np.float32))


def by_telephone(track: FloatArray, law: g711.Law | None = None) -> FloatArray:
    """Only the band of a telephone line; with a law, also its 8-bit samples at 8 kHz."""
    frequencies = np.fft.rfftfreq(len(track), 1 / INPUT_RATE_HZ)
    low, high = TELEPHONE_HZ
    pass_band = 1 / np.sqrt(1 + (low / np.maximum(frequencies, 1.0)) ** 8)
    pass_band /= np.sqrt(1 + (frequencies / high) ** 16)
    narrow = np.fft.irfft(np.fft.rfft(track) * pass_band, len(track)).astype(np.float32)
    if law is None:
        return narrow
    coarse = soxr.resample(narrow, INPUT_RATE_HZ, TELEPHONE_RATE_HZ).astype(np.float32)
    coarse = g711.decode(g711.encode(coarse, law), law)
    wide = soxr.resample(coarse, TELEPHONE_RATE_HZ, INPUT_RATE_HZ).astype(np.float32)
    return np.pad(wide, (0, max(0, len(track) - len(wide))))[: len(track)]


def lose_packets(track: FloatArray, share: float, rng: np.random.Generator) -> FloatArray:
    """Silence in place of some packets."""
    size = INPUT_RATE_HZ * PACKET_MS // 1000
    is_lost = rng.random(-(-len(track) // size)) < share
    return np.where(np.repeat(is_lost, size)[: len(track)], np.float32(0), track)


def delay_packets(track: FloatArray, late_ms: int, rng: np.random.Generator) -> FloatArray:
    """A gap in the stream, after which everything is late, until as much of a quiet place is
    skipped."""
    gap = late_ms * INPUT_RATE_HZ // 1000
    if len(track) < 4 * gap:
        return track
    start = int(rng.integers(0, len(track) - 3 * gap))
    energy = np.convolve(track[start + gap :] ** 2, np.ones(gap, dtype=np.float32), "valid")
    quiet = start + gap + int(np.argmin(energy))
    silence = np.zeros(gap, dtype=np.float32)
    return np.concatenate([track[:start], silence, track[start:quiet], track[quiet + gap :]])


def control_gain(track: FloatArray) -> FloatArray:
    """A browser's automatic gain control: fast down, slow up, towards one level."""
    size = INPUT_RATE_HZ // 100
    blocks = track[: len(track) // size * size].reshape(-1, size)
    level = np.sqrt((blocks**2).mean(1))
    gains = np.empty(len(blocks), dtype=np.float32)
    gain = 1.0
    for index, now in enumerate(level.tolist()):
        if now > CONTROL_FLOOR:
            wanted = min(max(CONTROL_TARGET / now, CONTROL_RANGE[0]), CONTROL_RANGE[1])
            gain += (wanted - gain) * (0.2 if wanted < gain else 0.01)
        gains[index] = gain
    curve = np.repeat(gains, size)
    return track * np.pad(curve, (0, len(track) - len(curve)), mode="edge")


def suppress_noise(track: FloatArray) -> FloatArray:
    """A browser's noise suppression: bands that are near the noise floor are turned down by
    15 dB."""
    size, hop = SUPPRESSION_FRAME, SUPPRESSION_FRAME // 2
    window = np.sqrt(np.hanning(size + 1)[:-1])
    padded = np.pad(track, (size, 2 * size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * window
    spectrum = np.fft.rfft(frames)
    power = np.abs(spectrum) ** 2
    power[1:-1] = (power[:-2] + power[1:-1] + power[2:]) / 3
    floor = np.quantile(power, 0.3, axis=0) + 1e-9
    mask = np.clip(power / (SUPPRESSION_MARGIN * floor) - 0.3, 0.18, 1.0)
    frames = np.fft.irfft(spectrum * mask, size) * window
    out = np.zeros(len(padded), dtype=np.float64)
    even, odd = frames[0::2], frames[1::2]
    out[: even.size] += even.reshape(-1)[: len(out)]
    out[hop : hop + odd.size] += odd.reshape(-1)[: len(out) - hop]
    return out[size : size + len(track)].astype(np.float32)


def at_microphone(
    voice: FloatArray, own: FloatArray | None, sound: Sound, other: FloatArray | None = None
) -> FloatArray:
    """What a microphone gives of the user's voice and somebody else's (16 kHz), and the echo of the
    model's (24 kHz).

    Raises ValueError for an echo of nothing, and for a room where rooms are not installed.
    """
    rng = np.random.default_rng(sound.seed)
    paths = None if sound.room is None else responses(sound.room)
    track = voice.copy() if paths is None else convolve(voice, paths["user"])
    if other is not None:
        track += other if paths is None else convolve(other, paths["other"])
    if sound.echo:
        if own is None:
            raise ValueError("an echo needs the model's own track")
        echo = soxr.resample(own, OUTPUT_RATE_HZ, INPUT_RATE_HZ).astype(np.float32)
        if paths is not None:
            echo = convolve(echo, paths["own"])
        place(track, sound.echo * echo, sound.echo_ms * INPUT_RATE_HZ // 1000)
    if sound.room_s:
        track = in_room(track, sound.room_s, rng)
    if sound.noise:
        track += coloured_noise(len(track), sound.tilt, rng) * sound.noise
    return after_microphone(np.clip(track, -sound.clip, sound.clip), sound, rng)


def after_microphone(track: FloatArray, sound: Sound, rng: np.random.Generator) -> FloatArray:
    """What a device and a network make of it."""
    if sound.has_suppression:
        track = suppress_noise(track)
    if sound.has_control:
        track = control_gain(track)
    if sound.is_telephone:
        track = by_telephone(track, sound.law)
    if sound.lost:
        track = lose_packets(track, sound.lost, rng)
    if sound.late_ms:
        track = delay_packets(track, sound.late_ms, rng)
    return np.clip(track, -1.0, 1.0)
