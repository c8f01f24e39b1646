"""Rooms: impulse responses of shoebox rooms by the image method (pyroomacoustics, Allen & Berkley).

A room has one microphone and three places that sound: whom the model talks with, the loudspeaker
that plays the model's voice, and somebody else. The direct sound is not delayed, so that word times
stay true; its loss with distance is kept in the balance of direct sound and tail only, since gain
is set elsewhere.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from microturn.turns import INPUT_RATE_HZ, FloatArray

MISSING = "rooms need pyroomacoustics: pip install 'microturn[data]', or ask for plain tails"
MAX_ORDER = 12
WALL_M = 0.4  # nothing stands nearer to a wall
FRACTION = 81  # taps of the image method's fractional delay, half of them before the arrival


@dataclass(frozen=True)
class Room:
    """A shoebox: size and places in metres, reverberation time in seconds."""

    size_m: tuple[float, float, float]
    reverberation_s: float
    microphone_m: tuple[float, float, float]
    user_m: tuple[float, float, float]
    loudspeaker_m: tuple[float, float, float]
    other_m: tuple[float, float, float]


def draw_room(rng: random.Random) -> Room:
    """A room to live or work in, the user 0.3 to 3 m from the microphone (distance is skewed
    towards near)."""
    size = (rng.uniform(2.5, 8.0), rng.uniform(2.5, 7.0), rng.uniform(2.3, 3.2))

    def inside(place: tuple[float, ...]) -> tuple[float, float, float]:
        x, y, z = (
            min(max(at, WALL_M), side - WALL_M) for at, side in zip(place, size, strict=True)
        )
        return x, y, z

    def anywhere() -> tuple[float, float, float]:
        return inside(tuple(rng.uniform(0, side) for side in size))

    microphone = anywhere()

    def near(distance_m: float) -> tuple[float, float, float]:
        angle = rng.uniform(0, 2 * np.pi)
        step = (distance_m * np.cos(angle), distance_m * np.sin(angle), rng.uniform(-0.3, 0.5))
        return inside(tuple(float(a + b) for a, b in zip(microphone, step, strict=True)))

    return Room(
        size,
        rng.uniform(0.15, 0.7),
        microphone,
        near(0.3 + 2.7 * rng.random() ** 2),
        near(rng.uniform(0.15, 1.0)),
        anywhere(),
    )


def is_available() -> bool:
    """Whether the image method is installed."""
    return importlib.util.find_spec("pyroomacoustics") is not None


def responses(room: Room) -> dict[str, FloatArray]:
    """Impulse responses at INPUT_RATE_HZ of "user", "own" and "other", the direct sound at 1.0 and
    at sample 0.

    Raises ValueError where the package is missing.
    """
    try:
        acoustics: Any = importlib.import_module("pyroomacoustics")
    except ImportError as error:
        raise ValueError(MISSING) from error
    absorption, order = acoustics.inverse_sabine(room.reverberation_s, list(room.size_m))
    box = acoustics.ShoeBox(
        list(room.size_m),
        fs=INPUT_RATE_HZ,
        materials=acoustics.Material(absorption),
        max_order=min(order, MAX_ORDER),
    )
    for place in (room.user_m, room.loudspeaker_m, room.other_m):
        box.add_source(list(place))
    box.add_microphone(list(room.microphone_m))
    box.compute_rir()
    return {
        name: from_direct(np.asarray(response, dtype=np.float32))
        for name, response in zip(("user", "own", "other"), box.rir[0], strict=True)
    }


def from_direct(response: FloatArray) -> FloatArray:
    """Cut the way to the microphone off; the loudest of the first arrivals becomes 1."""
    first = int(np.argmax(np.abs(response) > 0.5 * np.abs(response).max()))
    search = response[first : first + FRACTION]
    peak = first + int(np.argmax(np.abs(search)))
    cut = response[peak:]
    return (cut / cut[0]).astype(np.float32)


def convolve(track: FloatArray, response: FloatArray) -> FloatArray:
    """A track as it sounds through a response; as long as before."""
    size = 1 << (len(track) + len(response) - 2).bit_length()
    wet = np.fft.irfft(np.fft.rfft(track, size) * np.fft.rfft(response, size), size)
    return wet[: len(track)].astype(np.float32)
