"""What hides something until it is opened: a curtain, a door, the dark, the back of a card; and
people who come to the door, and somebody on a chair."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from microturn.data.drawing import COLORS, Color, Drawn, Pen, darker, lighter, mixed
from microturn.data.scenes import Room, room_image
from microturn.data.scenes_people import (
    HEAD_Y,
    SHOULDER_Y,
    Look,
    Pose,
    idle,
    paint_person,
    sitting,
    walk,
)
from microturn.data.scenes_things import INK, PAPER, THINGS, Sign, paint_card

OPENING_MS = 600
TURNING_MS = 500
SLOUCHING_MS = 500
WOOD: Color = (140, 96, 58)


def share(time_ms: int, from_ms: int, length_ms: int) -> float:
    """How much of something that begins then is done, 0 to 1."""
    return min(1.0, max(0.0, (time_ms - from_ms) / length_ms))


@dataclass(frozen=True)
class Hidden(Drawn):
    """A thing behind a "curtain" or a "door" that opens, or in the dark until a "lamp" goes on;
    whoever looks at the picture knows it from `opens_ms` + OPENING_MS on, with a lamp at once.
    opens_ms None: it stays hidden; thing None: nothing is there."""

    room: Room
    cover: str
    color: str  # of the curtain or the door
    thing: tuple[str, str] | None
    opens_ms: int | None
    size: float = 30.0

    def backdrop(self) -> Image.Image:
        return room_image(self.room)

    def paint(self, pen: Pen, time_ms: int) -> None:
        open_ = 0.0 if self.opens_ms is None else share(time_ms, self.opens_ms, OPENING_MS)
        if self.cover == "lamp":
            self.paint_dark(pen, open_ > 0)
            return
        inside = (60, 54, 60) if self.cover == "door" else darker(self.room.wall, 0.25)
        pen.box(32, 6, 96, 108, inside)
        if self.thing is not None and open_ > 0:
            THINGS[self.thing[0]](pen.at(80, 66, self.size), COLORS[self.thing[1]])
        if self.cover == "door":
            self.paint_door(pen, open_)
        else:
            self.paint_curtain(pen, open_)

    def paint_door(self, pen: Pen, open_: float) -> None:
        """A door that swings to the left."""
        color = mixed(COLORS[self.color], WOOD, 0.4)
        edge_x, out = 128 - 92 * open_, 10 * open_
        pen.poly(((32, 6), (edge_x, 6 - out), (edge_x, 114 + out), (32, 114)), color)
        pen.poly(((32 + (edge_x - 32) * 0.15, 16), (32 + (edge_x - 32) * 0.85, 16 - out * 0.7),
                  (32 + (edge_x - 32) * 0.85, 56), (32 + (edge_x - 32) * 0.15, 54)),
                 darker(color, 0.15))  # fmt: skip
        pen.disc(edge_x - 6 * (1 - 0.6 * open_), 64, 3, COLORS["gold"])
        for x in (27, 128):
            pen.box(x, 1, 5, 114, darker(color, 0.45))
        pen.box(27, 1, 106, 5, darker(color, 0.45))

    def paint_curtain(self, pen: Pen, open_: float) -> None:
        """Two halves that are drawn aside."""
        color = COLORS[self.color]
        pen.box(22, 2, 116, 4, INK)
        for side in (-1, 1):
            near, far = 80 + side * 48 * open_ * 0.82, 80 + side * 52
            for fold in range(5):
                a, b = near + (far - near) * fold / 5, near + (far - near) * (fold + 1) / 5
                tone = color if fold % 2 else darker(color, 0.18)
                pen.poly(((a, 6), (b, 6), (b, 116), (a, 116)), tone)

    def paint_dark(self, pen: Pen, is_lit: bool) -> None:
        """A table with a lamp; without it there is nothing to see."""
        if not is_lit:
            pen.box(-8, -8, 176, 136, (14, 14, 20))
            pen.poly(((118, 40), (134, 40), (142, 62), (110, 62)), (30, 28, 34))
            return
        pen.disc(126, 52, 44, lighter(self.room.wall, 0.5))
        pen.box(8, 92, 144, 6, WOOD)
        pen.box(16, 98, 7, 30, darker(WOOD))
        pen.box(136, 98, 7, 30, darker(WOOD))
        THINGS["lamp"](pen.at(126, 66, 27), (255, 240, 170))
        if self.thing is not None:
            size = min(self.size, 28.0)
            THINGS[self.thing[0]](pen.at(60, 92 - size * 0.95, size), COLORS[self.thing[1]])


@dataclass(frozen=True)
class Card(Drawn):
    """A card on a table, its back up; it is turned at `turns_ms` (None: never) and can be read
    after TURNING_MS."""

    room: Room
    sign: Sign
    turns_ms: int | None
    size: float = 36.0

    def backdrop(self) -> Image.Image:
        return room_image(self.room)

    def paint(self, pen: Pen, time_ms: int) -> None:
        done = 0.0 if self.turns_ms is None else share(time_ms, self.turns_ms, TURNING_MS)
        paint_card(pen.at(80, 60, self.size), self.sign, 2 * done - 1)


@dataclass(frozen=True)
class Visit:
    """Somebody comes to the door: who, when, and with what on the name tag."""

    look: Look
    from_ms: int
    to_ms: int
    tag: str | None = None


@dataclass(frozen=True)
class Entrance(Drawn):
    """An open door in which visitors appear, one after the other; `passers` only walk by far
    behind it."""

    room: Room
    visits: tuple[Visit, ...]
    passers: tuple[Visit, ...] = ()
    x: float = 80.0
    is_light: bool = True

    def backdrop(self) -> Image.Image:
        return room_image(self.room)

    def paint(self, pen: Pen, time_ms: int) -> None:
        x = self.x
        pen.box(x - 42, 4, 84, 124, (206, 204, 196) if self.is_light else (96, 98, 108))
        pen.box(x - 42, 96, 84, 32, (150, 146, 140))
        for visit in self.passers:
            if visit.from_ms <= time_ms < visit.to_ms:
                way = -1.0 if visit.look.is_mirrored else 1.0
                at = (time_ms - visit.from_ms) / (visit.to_ms - visit.from_ms)
                where = x + way * (64 * at - 32)
                pose = walk((time_ms - visit.from_ms) / 900)
                paint_person(pen.at(where, 98, 26, narrow=way), visit.look, pose)
        for visit in self.visits:
            if visit.from_ms <= time_ms < visit.to_ms:
                self.paint_visitor(pen, visit, time_ms)
        for left in (x - 48, x + 42):
            pen.box(left, -8, 6, 136, WOOD)
        pen.box(x - 48, -8, 96, 8, WOOD)

    def paint_visitor(self, pen: Pen, visit: Visit, time_ms: int) -> None:
        """Near enough to be known, from the head to the knees."""
        stature = 1.75 * visit.look.height
        stand_y = 26 - HEAD_Y * stature
        paint_person(
            pen.at(self.x, stand_y, stature), visit.look, idle(Pose(), time_ms, visit.from_ms)
        )
        if visit.tag is not None:
            y = stand_y + (SHOULDER_Y + 0.12) * stature
            pen.box(self.x - 24, y - 8, 48, 17, INK)
            pen.box(self.x - 23, y - 7, 46, 15, PAPER)
            pen.text(self.x, y, visit.tag, 13, INK, "mm")


@dataclass(frozen=True)
class Desk(Drawn):
    """Somebody sits at a desk, upright, and slouches in the spans; the lamp is on until
    `dark_ms`."""

    room: Room
    look: Look
    slouches: tuple[tuple[int, int], ...] = ()
    dark_ms: int | None = None

    def backdrop(self) -> Image.Image:
        return room_image(self.room)

    def slouch(self, time_ms: int) -> float:
        """0 upright, 1 with a round back."""
        into = (share(time_ms, start, SLOUCHING_MS) for start, _ in self.slouches)
        back = (share(time_ms, end, SLOUCHING_MS) for _, end in self.slouches)
        return sum(into) - sum(back)

    def paint(self, pen: Pen, time_ms: int) -> None:
        is_dark = self.dark_ms is not None and time_ms >= self.dark_ms
        if is_dark:
            pen.box(-8, -8, 176, 136, mixed(self.room.wall, (10, 10, 24), 0.86))
        else:
            pen.disc(134, 40, 30, lighter(self.room.wall, 0.6))
        shade = (70, 66, 60) if is_dark else (255, 240, 170)
        look = self.look if not is_dark else dark(self.look)
        pen.box(40, 78, 30, 5, WOOD)
        pen.box(36, 36, 5, 76, darker(WOOD))
        paint_person(pen.at(66, 110, 112), look, sitting(self.slouch(time_ms)))
        pen.box(84, 74, 72, 5, darker(WOOD, 0.6 if is_dark else 0.0))
        pen.box(148, 79, 5, 34, darker(WOOD))
        pen.poly(((98, 50), (102, 50), (96, 74), (92, 74)), INK)
        THINGS["lamp"](pen.at(136, 56, 19), shade)


def dark(look: Look) -> Look:
    """Somebody in a room without light."""
    night = (10, 10, 24)
    return Look(
        look.height, look.is_mirrored, mixed(look.skin, night, 0.8), mixed(look.shirt, night, 0.8),
        mixed(look.trousers, night, 0.8), mixed(look.hair, night, 0.8), look.has_long_hair,
        look.has_long_sleeves, look.thickness,
    )  # fmt: skip
