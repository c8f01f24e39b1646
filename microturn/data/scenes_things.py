"""Things, signs and hands held into the camera, drawn so that one knows what they are.

A thing is drawn about 2 wide and high around the origin, in one colour and shades of it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from microturn.data.drawing import COLORS, Color, Drawn, Pen, blank, darker, lighter
from microturn.data.scenes import Room, room_image
from microturn.data.scenes_people import HEAD_Y, Look, Pose, paint_person

INK: Color = (26, 26, 30)
PAPER: Color = (246, 244, 236)
GLASS: Color = (196, 226, 240)


def bag(pen: Pen, c: Color) -> None:
    pen.line(((-0.4, -0.2), (-0.35, -0.85), (0.35, -0.85), (0.4, -0.2)), 0.14, darker(c))
    pen.poly(((-0.7, -0.3), (0.7, -0.3), (0.9, 1), (-0.9, 1)), c)
    pen.poly(((-0.7, -0.3), (0.7, -0.3), (0.74, 0), (-0.74, 0)), darker(c, 0.2))


def ball(pen: Pen, c: Color) -> None:
    pen.disc(0, 0, 0.95, darker(c, 0.2))
    pen.disc(-0.06, -0.06, 0.86, c)
    pen.line([(0.9 * math.sin(a / 5), 0.35 * math.cos(a / 5) - 0.1) for a in range(-8, 9)], 0.1,
             darker(c, 0.3))  # fmt: skip
    pen.disc(-0.35, -0.4, 0.18, lighter(c, 0.6))


def book(pen: Pen, c: Color) -> None:
    pen.poly(((-0.75, -0.9), (0.65, -0.9), (0.65, 0.85), (-0.75, 0.85)), c)
    pen.poly(((0.65, -0.9), (0.82, -0.78), (0.82, 0.98), (0.65, 0.85)), PAPER)
    pen.poly(((-0.75, 0.85), (0.65, 0.85), (0.82, 0.98), (-0.58, 0.98)), PAPER)
    pen.box(-0.75, -0.9, 0.2, 1.75, darker(c, 0.3))
    pen.box(-0.35, -0.6, 0.8, 0.14, lighter(c, 0.7))
    pen.box(-0.35, -0.36, 0.6, 0.1, lighter(c, 0.7))


def bottle(pen: Pen, c: Color) -> None:
    pen.poly(((-0.16, -0.8), (0.16, -0.8), (0.16, -0.4), (0.4, -0.1), (0.4, 1), (-0.4, 1),
              (-0.4, -0.1), (-0.16, -0.4)), c)  # fmt: skip
    pen.box(-0.2, -1.0, 0.4, 0.22, darker(c, 0.5))
    pen.box(-0.4, 0.2, 0.8, 0.45, PAPER)
    pen.box(-0.3, -0.05, 0.1, 1.0, lighter(c))


def box(pen: Pen, c: Color) -> None:
    pen.poly(((-0.9, -0.3), (0.35, -0.3), (0.35, 0.95), (-0.9, 0.95)), c)
    pen.poly(((-0.9, -0.3), (-0.4, -0.8), (0.9, -0.8), (0.35, -0.3)), lighter(c, 0.35))
    pen.poly(((0.35, -0.3), (0.9, -0.8), (0.9, 0.4), (0.35, 0.95)), darker(c, 0.3))
    pen.box(-0.4, -0.3, 0.2, 1.25, darker(c, 0.15))


def chair(pen: Pen, c: Color) -> None:
    for x, y in ((-0.5, 1.0), (0.62, 1.0), (-0.25, 0.75), (0.42, 0.75)):
        pen.line(((x, 0.1), (x, y)), 0.13, darker(c, 0.3))
    pen.poly(((-0.62, 0.05), (0.5, 0.05), (0.72, 0.32), (-0.6, 0.32)), c)
    pen.poly(((-0.66, -1.0), (-0.5, -1.0), (-0.45, 0.2), (-0.62, 0.2)), darker(c, 0.15))
    pen.poly(((-0.6, -0.95), (0.4, -1.0), (0.42, -0.35), (-0.58, -0.35)), c)
    pen.line(((0.4, -1.0), (0.46, 0.1)), 0.13, darker(c, 0.15))


def clock(pen: Pen, c: Color) -> None:
    pen.disc(0, 0, 0.98, c)
    pen.disc(0, 0, 0.74, PAPER)
    for hour in range(12):
        a = math.tau * hour / 12
        x, y = math.sin(a), -math.cos(a)
        pen.line(((0.58 * x, 0.58 * y), (0.7 * x, 0.7 * y)), 0.07, INK)
    pen.line(((0, 0), (0.0, -0.55)), 0.08, INK)
    pen.line(((0, 0), (0.36, 0.2)), 0.12, INK)


def cup(pen: Pen, c: Color) -> None:
    pen.disc(0.62, 0.1, 0.4, darker(c, 0.15))
    pen.disc(0.62, 0.1, 0.2, lighter(c, 0.75))
    pen.poly(((-0.75, -0.6), (0.6, -0.6), (0.45, 0.85), (-0.6, 0.85)), c)
    pen.oval(-0.08, -0.6, 0.68, 0.18, darker(c, 0.4))


def hat(pen: Pen, c: Color) -> None:
    pen.oval(0, 0.45, 1.0, 0.28, darker(c, 0.2))
    pen.poly(((-0.55, 0.45), (-0.45, -0.55), (-0.2, -0.72), (0.2, -0.72), (0.45, -0.55),
              (0.55, 0.45)), c)  # fmt: skip
    pen.poly(((-0.55, 0.4), (-0.52, 0.12), (0.52, 0.12), (0.55, 0.4)), darker(c, 0.5))


def key(pen: Pen, c: Color) -> None:
    pen.disc(-0.55, 0, 0.42, c)
    pen.disc(-0.62, 0, 0.17, darker(c, 0.75))
    pen.box(-0.2, -0.11, 1.2, 0.22, c)
    for x in (0.45, 0.7, 0.88):
        pen.box(x, 0.1, 0.13, 0.3, c)


def lamp(pen: Pen, c: Color) -> None:
    pen.box(-0.07, 0.0, 0.14, 0.85, (90, 84, 80))
    pen.oval(0, 0.88, 0.5, 0.13, (90, 84, 80))
    pen.poly(((-0.4, -0.95), (0.4, -0.95), (0.8, 0.1), (-0.8, 0.1)), c)
    pen.poly(((-0.4, -0.95), (-0.15, -0.95), (-0.4, 0.1), (-0.8, 0.1)), lighter(c, 0.35))


def leaf(pen: Pen, c: Color) -> None:
    side = [(0.62 * math.sin(math.pi * n / 10), -1 + 1.6 * n / 10) for n in range(11)]
    pen.poly(side + [(-x, y) for x, y in reversed(side)], c)
    pen.line(((0, -0.8), (0, 1.0)), 0.08, darker(c, 0.45))
    for y in (-0.45, -0.1, 0.25):
        pen.line(((0, y + 0.15), (0.38, y - 0.12)), 0.05, darker(c, 0.45))
        pen.line(((0, y + 0.15), (-0.38, y - 0.12)), 0.05, darker(c, 0.45))


def mirror(pen: Pen, c: Color) -> None:
    pen.box(-0.13, 0.4, 0.26, 0.62, darker(c, 0.2))
    pen.oval(0, -0.25, 0.72, 0.78, c)
    pen.oval(0, -0.25, 0.53, 0.6, GLASS)
    pen.line(((-0.25, 0.0), (0.1, -0.55)), 0.09, (250, 252, 255))
    pen.line(((-0.02, 0.05), (0.25, -0.35)), 0.06, (250, 252, 255))


def pen_(pen: Pen, c: Color) -> None:
    turned = pen.at(0, 0, 1.0, 35)
    turned.box(-0.16, -1.0, 0.32, 1.55, c)
    turned.poly(((-0.16, 0.55), (0.16, 0.55), (0, 1.05)), PAPER)
    turned.poly(((-0.05, 0.88), (0.05, 0.88), (0, 1.05)), INK)
    turned.box(0.16, -0.9, 0.09, 0.6, darker(c, 0.4))
    turned.box(-0.16, -0.35, 0.32, 0.1, darker(c, 0.4))


def phone(pen: Pen, c: Color) -> None:
    pen.box(-0.52, -1.0, 1.04, 2.0, c)
    pen.box(-0.42, -0.78, 0.84, 1.46, (40, 46, 60))
    for row in range(3):
        for column in range(3):
            pen.box(-0.32 + 0.24 * column, -0.62 + 0.3 * row, 0.16, 0.16,
                    ((90, 190, 250), (250, 180, 80), (120, 220, 130))[column])  # fmt: skip
    pen.disc(0, 0.84, 0.09, lighter(c, 0.6))


def plate(pen: Pen, c: Color) -> None:
    pen.oval(0, 0.04, 1.0, 0.8, darker(c, 0.25))
    pen.oval(0, 0, 0.98, 0.76, c)
    pen.oval(0, 0, 0.66, 0.5, darker(c, 0.14))
    pen.oval(0, 0.03, 0.62, 0.45, lighter(c, 0.2))


def shoe(pen: Pen, c: Color) -> None:
    pen.poly(((-0.9, -0.55), (-0.3, -0.6), (-0.15, -0.1), (0.5, 0.1), (0.95, 0.3), (0.98, 0.55),
              (-0.92, 0.55)), c)  # fmt: skip
    pen.box(-0.95, 0.5, 1.95, 0.18, darker(c, 0.65))
    for n in range(3):
        x, y = -0.12 + 0.2 * n, -0.2 + 0.1 * n
        pen.line(((x - 0.16, y + 0.2), (x + 0.06, y)), 0.07, lighter(c, 0.8))


def spoon(pen: Pen, c: Color) -> None:
    turned = pen.at(0, 0, 1.0, 30)
    turned.limb(((0, -0.2), (0, 1.0)), 0.17, darker(c, 0.1))
    turned.oval(0, -0.55, 0.36, 0.5, c)
    turned.oval(-0.03, -0.55, 0.22, 0.36, darker(c, 0.22))


def stone(pen: Pen, c: Color) -> None:
    pen.poly(((-0.95, 0.35), (-0.7, -0.3), (-0.2, -0.65), (0.45, -0.5), (0.9, 0.0), (0.95, 0.5),
              (0.4, 0.75), (-0.5, 0.72)), c)  # fmt: skip
    pen.poly(
        ((-0.7, -0.3), (-0.2, -0.65), (0.45, -0.5), (0.05, -0.1), (-0.4, 0.0)), lighter(c, 0.3)
    )
    pen.poly(((0.05, -0.1), (0.9, 0.0), (0.95, 0.5), (0.4, 0.75)), darker(c, 0.25))


def table(pen: Pen, c: Color) -> None:
    for x, y in ((-0.85, 0.95), (0.75, 0.95), (-0.5, 0.6), (0.5, 0.6)):
        pen.line(((x, -0.2), (x, y)), 0.14, darker(c, 0.35))
    pen.poly(((-0.65, -0.5), (0.65, -0.5), (1.0, -0.1), (-1.0, -0.1)), lighter(c, 0.15))
    pen.box(-1.0, -0.1, 2.0, 0.17, darker(c, 0.1))


THINGS: dict[str, Callable[[Pen, Color], None]] = {
    "bag": bag, "ball": ball, "book": book, "bottle": bottle, "box": box, "chair": chair,
    "clock": clock, "cup": cup, "hat": hat, "key": key, "lamp": lamp, "leaf": leaf,
    "mirror": mirror, "pen": pen_, "phone": phone, "plate": plate, "shoe": shoe, "spoon": spoon,
    "stone": stone, "table": table,
}  # fmt: skip


# ---- signs


def star_points(num_tips: int, inner: float) -> list[tuple[float, float]]:
    """Corners of a star."""
    turns = [math.pi * n / num_tips for n in range(2 * num_tips)]
    return [
        ((inner if n % 2 else 1.0) * math.sin(a), -(inner if n % 2 else 1.0) * math.cos(a))
        for n, a in enumerate(turns)
    ]


def heart_points() -> list[tuple[float, float]]:
    """Corners of a heart."""
    angles = [math.tau * n / 28 for n in range(28)]
    return [
        (math.sin(a) ** 3, -(13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a)) / 16)
        for a in angles
    ]


def paint_shape(pen: Pen, name: str, color: Color) -> None:
    """A shape of radius 1."""
    if name == "circle":
        pen.disc(0, 0, 1, color)
    elif name == "square":
        pen.box(-0.85, -0.85, 1.7, 1.7, color)
    elif name == "triangle":
        pen.poly(((0, -1), (0.95, 0.8), (-0.95, 0.8)), color)
    elif name == "star":
        pen.poly(star_points(5, 0.42), color)
    elif name == "heart":
        pen.poly(heart_points(), color)
    else:
        pen.box(-0.3, -1, 0.6, 2, color)
        pen.box(-1, -0.3, 2, 0.6, color)


@dataclass(frozen=True)
class Sign:
    """What is on a card: "number", "word", "shape", "color" or "dots" and its content."""

    kind: str
    content: str
    color: Color = INK
    places: tuple[tuple[float, float], ...] = ()  # of dots, within -1 to 1

    def paint(self, pen: Pen) -> None:
        """Fill a card that is 2.6 wide and 2 high around the origin."""
        if self.kind == "color":
            pen.box(-1.3, -1, 2.6, 2, self.color)
        elif self.kind == "shape":
            paint_shape(pen.at(0, 0, 0.75), self.content, self.color)
        elif self.kind == "dots":
            for x, y in self.places:
                pen.disc(1.05 * x, 0.78 * y, 0.15, self.color)
        else:
            size = 1.7 if self.kind == "number" else min(1.1, 4.0 / len(self.content))
            pen.text(0, 0, self.content, size, self.color, "mm")


def some_places(rng: random.Random, num: int) -> tuple[tuple[float, float], ...]:
    """Places for dots that do not touch."""
    cells = [(x, y) for x in (-0.9, -0.45, 0.0, 0.45, 0.9) for y in (-0.85, -0.28, 0.28, 0.85)]
    return tuple(
        (x + rng.uniform(-0.05, 0.05), y + rng.uniform(-0.05, 0.05))
        for x, y in rng.sample(cells, num)
    )


def paint_hand(pen: Pen, skin: Color, num_fingers: int) -> None:
    """An open hand of radius about 1 with some fingers up."""
    pen.limb(((0, 0.3), (0, 1.6)), 0.7, darker(skin, 0.1))
    pen.disc(0, 0, 0.62, skin)
    for n, (x, tip) in enumerate(((-0.42, -1.15), (-0.14, -1.4), (0.16, -1.35), (0.44, -1.05))):
        if n < num_fingers:
            pen.limb(((x, -0.3), (1.25 * x, tip)), 0.25, skin)
        else:
            pen.disc(x, -0.42, 0.17, darker(skin, 0.18))
    if num_fingers > 4:
        pen.limb(((-0.45, 0.15), (-1.1, -0.35)), 0.27, skin)
    else:
        pen.limb(((-0.45, 0.1), (0.15, 0.12)), 0.25, darker(skin, 0.15))


# ---- scenes


@dataclass(frozen=True)
class Held(Drawn):
    """Somebody near the camera holds something up: (from ms, to ms, what). What is a thing and its
    colour, a sign, or a number of fingers."""

    room: Room
    look: Look
    shown: tuple[tuple[int, int, tuple[str, str] | Sign | int], ...]
    x: float = 100.0
    y: float = 66.0
    size: float = 30.0
    turn_deg: float = 0.0
    body_x: float = 50.0

    def backdrop(self) -> Image.Image:
        return room_image(self.room)

    def paint(self, pen: Pen, time_ms: int) -> None:
        stature = 2.6 * self.look.height
        paint_person(pen.at(self.body_x, 40 - HEAD_Y * stature, stature), self.look, Pose())
        for from_ms, to_ms, what in self.shown:
            if not from_ms <= time_ms < to_ms:
                continue
            rise = max(0.0, 1 - (time_ms - from_ms) / 300, 1 - (to_ms - time_ms) / 300)
            held = pen.at(self.x, self.y + 70 * rise, self.size, self.turn_deg)
            if isinstance(what, int):
                paint_hand(held.at(0, 0.2, 0.85), self.look.skin, what)
                continue
            held.limb(((0.2, 0.9), (0.6, 2.6)), 0.55, darker(self.look.shirt, 0.1))
            if isinstance(what, Sign):
                paint_card(held, what)
            else:
                THINGS[what[0]](held, COLORS[what[1]])
            held.oval(0.1, 1.0, 0.34, 0.26, self.look.skin)


@dataclass(frozen=True)
class CloseUp(Drawn):
    """One thing, as large as the picture, before a plain wall; or the wall alone."""

    wall: Color
    shown: tuple[str, str] | None
    x: float = 80.0
    y: float = 60.0
    size: float = 54.0

    def backdrop(self) -> Image.Image:
        return blank(self.wall)

    def paint(self, pen: Pen, time_ms: int) -> None:
        if self.shown is not None:
            THINGS[self.shown[0]](pen.at(self.x, self.y, self.size), COLORS[self.shown[1]])


def paint_card(pen: Pen, sign: Sign | None, turn: float = 1.0) -> None:
    """A card; `turn` is 1 when its sign is seen, -1 when its back is, 0 on the edge."""
    wide = 1.4 * max(0.06, abs(turn))
    pen.box(-wide, -1.1, 2 * wide, 2.2, INK)
    pen.box(-wide + 0.06, -1.04, 2 * wide - 0.12, 2.08, PAPER if turn > 0 else (70, 84, 130))
    if turn <= 0:
        for n in range(5):
            pen.line(((-wide * 0.8, -0.8 + 0.4 * n), (wide * 0.8, -0.8 + 0.4 * n)), 0.08,
                     (150, 160, 200))  # fmt: skip
    elif sign is not None and turn > 0.95:
        sign.paint(pen)
