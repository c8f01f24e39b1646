"""Rooms to draw in, the camera that looks at them, and when the model has seen something.

A scene gives [120, 160, 3] uint8 at a time in ms, always the same at the same time. The other
`scenes_*` files hold people, things, motions and screens.
"""

from __future__ import annotations

import functools
import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from microturn.data.drawing import (
    COLORS,
    MARGIN,
    Color,
    Drawn,
    Pen,
    blank,
    cropped,
    darker,
    lighter,
    mixed,
)
from microturn.data.timeline import IMAGE_HEIGHT, IMAGE_PERIOD_MS, IMAGE_WIDTH, Scene, to_grid
from microturn.turns import MICRO_TURN_MS, ByteArray, FloatArray

WALLS: tuple[Color, ...] = (
    (222, 214, 198), (196, 210, 220), (206, 220, 200), (232, 226, 220), (214, 200, 210),
    (178, 186, 196), (236, 222, 190), (160, 172, 160),
)  # fmt: skip
FLOORS: tuple[Color, ...] = (
    (150, 116, 82), (120, 120, 124), (96, 128, 88), (176, 150, 120), (90, 84, 92), (188, 180, 170),
)  # fmt: skip
NOISE_TILES, NOISE_MARGIN = 4, 40
UNFILMED = 0.1  # of scenes are shown as they were drawn


def seen_ms(change_ms: int) -> int:
    """When the model may first be heard about something that changed: the first picture that shows
    it, the end of its pair, and one micro-turn to answer in."""
    index = to_grid(change_ms) // IMAGE_PERIOD_MS
    closes = index if index % 2 else index + 1
    return (closes + 1) * MICRO_TURN_MS


# ---- rooms


@dataclass(frozen=True)
class Room:
    """What stands still behind everything."""

    wall: Color = WALLS[0]
    floor: Color = FLOORS[0]
    floor_y: float = 92.0
    extras: tuple[tuple[str, float], ...] = ()  # (what, x)


EXTRAS = ("window", "picture", "plant", "shelf", "stripes")


def some_room(rng: random.Random) -> Room:
    """Any room."""
    extras = tuple(
        (what, rng.uniform(8, 150)) for what in rng.sample(EXTRAS, rng.choice((0, 1, 1, 2, 3)))
    )
    return Room(rng.choice(WALLS), rng.choice(FLOORS), round(rng.uniform(84, 104), 1), extras)


def paint_extra(pen: Pen, room: Room, what: str, x: float) -> None:
    """One thing in the background."""
    edge = darker(room.wall, 0.25)
    if what == "window":
        pen.box(x - 14, 14, 28, 34, lighter(room.wall, 0.6))
        pen.box(x - 12, 16, 24, 30, (170, 206, 236))
        pen.line(((x, 16), (x, 46)), 1.5, edge)
        pen.line(((x - 12, 30), (x + 12, 30)), 1.5, edge)
    elif what == "picture":
        pen.box(x - 10, 22, 20, 15, edge)
        pen.box(x - 8, 24, 16, 11, mixed(room.floor, room.wall, 0.4))
    elif what == "plant":
        pen.box(x - 4, room.floor_y - 6, 8, 10, (150, 96, 70))
        for tip in (-9, -3, 4, 9):
            pen.line(((x, room.floor_y - 6), (x + tip, room.floor_y - 24)), 3, (74, 122, 72))
    elif what == "shelf":
        pen.box(x - 16, 40, 32, 3, darker(room.floor, 0.1))
        for n, height in enumerate((9, 12, 8, 11)):
            tone = mixed(room.wall, COLORS[("brown", "grey", "blue", "red")[n]], 0.45)
            pen.box(x - 13 + 6 * n, 40 - height, 5, height, tone)
    else:
        for stripe in range(-20, IMAGE_WIDTH + 20, 20):
            pen.box(stripe, -MARGIN, 10, room.floor_y + MARGIN, mixed(room.wall, edge, 0.3))


@functools.lru_cache(maxsize=64)
def room_image(room: Room) -> Image.Image:
    """A room, drawn once."""
    drawing = blank(room.wall)
    pen = Pen(ImageDraw.Draw(drawing))
    ordered = sorted(room.extras, key=lambda extra: extra[0] != "stripes")
    for what, x in ordered:
        if what != "plant":
            paint_extra(pen, room, what, x)
    wide = IMAGE_WIDTH + 2 * MARGIN
    pen.box(-MARGIN, room.floor_y, wide, IMAGE_HEIGHT + MARGIN - room.floor_y, room.floor)
    pen.box(-MARGIN, room.floor_y - 1.5, wide, 1.5, darker(room.wall, 0.3))
    for what, x in ordered:
        if what == "plant":
            paint_extra(pen, room, what, x)
    return drawing


# ---- camera


@dataclass(frozen=True)
class Camera:
    """How a scene comes out of a camera: held in a hand, in some light, with some noise.

    jitter_px: how far the picture moves, up to MARGIN; noise: standard deviation of a value; gain
    by colour; slope: light that falls from one side, as a share; blur_px: radius.
    """

    scene: Drawn
    seed: int = 0
    jitter_px: float = 0.0
    noise: float = 0.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    slope: tuple[float, float] = (0.0, 0.0)
    blur_px: float = 0.0

    def image(self, time_ms: int) -> ByteArray:
        """[120, 160, 3] uint8."""
        picture = cropped(self.scene.drawing(time_ms), *self.shake(time_ms))
        if self.blur_px:
            picture = picture.filter(ImageFilter.BoxBlur(self.blur_px))
        lit = np.asarray(picture) * light(self.gain, self.slope)
        if self.noise:
            lit += self.noise * self.grain(time_ms)
        return np.clip(lit, 0, 255, out=lit).astype(np.uint8)

    def shake(self, time_ms: int) -> tuple[float, float]:
        """Where the hand has moved the picture."""
        slow, fast = time_ms / 1000 * 2.1 + self.seed, time_ms / 1000 * 7.3 + 2 * self.seed
        return (
            self.jitter_px * (0.7 * math.sin(slow) + 0.3 * math.sin(fast)),
            self.jitter_px * (0.7 * math.cos(1.3 * slow) + 0.3 * math.sin(1.7 * fast)),
        )

    def grain(self, time_ms: int) -> FloatArray:
        """Noise of this moment, [120, 160, 3]: a place in a tile of noise."""
        rng = random.Random(self.seed * 1_000_003 + time_ms)
        top, left = rng.randrange(NOISE_MARGIN), rng.randrange(NOISE_MARGIN)
        tile = noise_tile(self.seed % NOISE_TILES)
        return tile[top : top + IMAGE_HEIGHT, left : left + IMAGE_WIDTH]


@functools.cache
def noise_tile(seed: int) -> FloatArray:
    """Noise of standard deviation 1, a little larger than a picture."""
    shape = (IMAGE_HEIGHT + NOISE_MARGIN, IMAGE_WIDTH + NOISE_MARGIN, 3)
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


@functools.lru_cache(maxsize=64)
def light(gain: tuple[float, float, float], slope: tuple[float, float]) -> FloatArray:
    """How bright each place is, [120, 160, 3]."""
    x = np.linspace(-1, 1, IMAGE_WIDTH, dtype=np.float32)[None, :, None]
    y = np.linspace(-1, 1, IMAGE_HEIGHT, dtype=np.float32)[:, None, None]
    lit = (1 + slope[0] * x + slope[1] * y) * np.asarray(gain, dtype=np.float32)
    return lit.astype(np.float32)


def filmed(rng: random.Random, scene: Drawn) -> Scene:
    """A scene through some camera."""
    if rng.random() < UNFILMED:
        return scene
    gain = rng.uniform(0.6, 1.06)
    warm = rng.uniform(-0.08, 0.08)
    return Camera(
        scene,
        seed=rng.randrange(1000),
        jitter_px=rng.choice((0.0, rng.uniform(0.3, 1.5), rng.uniform(1.0, 5.0))),
        noise=rng.choice((0.0, rng.uniform(1, 5), rng.uniform(3, 12))),
        gain=(gain * (1 + warm), gain, gain * (1 - warm)),
        slope=(rng.uniform(-0.2, 0.2), rng.uniform(-0.15, 0.15)),
        blur_px=rng.choice((0.0, 0.0, 0.0, rng.uniform(0.3, 0.9))),
    )


def screen_shared(rng: random.Random, scene: Drawn) -> Scene:
    """A scene as a shared screen comes over: still, a little noisy at most."""
    return Camera(scene, seed=rng.randrange(1000), noise=rng.choice((0.0, rng.uniform(0.5, 2.5))))


@dataclass(frozen=True)
class Steps(Drawn):
    """One scene after the other: (from ms, scene), in order."""

    steps: tuple[tuple[int, Drawn], ...]

    def at(self, time_ms: int) -> Drawn:
        """The scene of a time."""
        due = [scene for from_ms, scene in self.steps if from_ms <= time_ms]
        return due[-1] if due else self.steps[0][1]

    def backdrop(self) -> Image.Image:
        return self.steps[0][1].backdrop()

    def paint(self, pen: Pen, time_ms: int) -> None:
        self.at(time_ms).paint(pen, time_ms)

    def drawing(self, time_ms: int) -> Image.Image:
        return self.at(time_ms).drawing(time_ms)
