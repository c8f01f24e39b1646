"""Things that move: a ball, a pendulum, water from a tap, a fan, hands that type or stir."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image

from microturn.data.drawing import COLORS, Color, Drawn, Pen, darker, lighter
from microturn.data.scenes import Room, room_image
from microturn.data.scenes_people import SKINS, in_span
from microturn.data.scenes_things import INK, THINGS

Spans = tuple[tuple[int, int], ...]
STEEL: Color = (176, 182, 190)
WATER: Color = (110, 176, 236)


@dataclass(frozen=True)
class Ball(Drawn):
    """A ball that lies on the floor, and in each beat (from ms, to ms) is thrown up and comes down
    again: it hits the floor where a beat ends."""

    room: Room
    color: str
    beats: Spans
    x: float = 80.0
    radius: float = 11.0
    height: float = 70.0

    def backdrop(self) -> Image.Image:
        return room_image(self.room)

    def paint(self, pen: Pen, time_ms: int) -> None:
        beat = in_span(self.beats, time_ms)
        phase = 0.0 if beat is None else (time_ms - beat[0]) / (beat[1] - beat[0])
        ground_y = self.room.floor_y + 12
        y = ground_y - self.radius - self.height * 4 * phase * (1 - phase)
        pen.oval(self.x, ground_y, self.radius * 0.9, 2.5, darker(self.room.floor, 0.3))
        THINGS["ball"](pen.at(self.x, y, self.radius, 200 * phase), COLORS[self.color])


@dataclass(frozen=True)
class Pendulum(Drawn):
    """A weight on a string that swings over and back once in each beat, and hangs aside at rest."""

    room: Room
    color: str
    beats: Spans
    x: float = 80.0
    length: float = 74.0
    swing_deg: float = 34.0
    radius: float = 10.0

    def backdrop(self) -> Image.Image:
        return room_image(self.room)

    def paint(self, pen: Pen, time_ms: int) -> None:
        beat = in_span(self.beats, time_ms)
        phase = 0.0 if beat is None else (time_ms - beat[0]) / (beat[1] - beat[0])
        hung = pen.at(self.x, 8, 1.0, self.swing_deg * math.cos(2 * math.pi * phase))
        pen.box(self.x - 22, 3, 44, 5, darker(self.room.wall, 0.5))
        hung.line(((0, 0), (0, self.length)), 1.6, INK)
        hung.disc(0, self.length, self.radius, darker(COLORS[self.color], 0.2))
        hung.disc(-1, self.length - 1, self.radius * 0.85, COLORS[self.color])


@dataclass(frozen=True)
class Tap(Drawn):
    """A tap over a basin; water runs in the spans."""

    room: Room
    spans: Spans
    x: float = 80.0

    def backdrop(self) -> Image.Image:
        return room_image(self.room)

    def paint(self, pen: Pen, time_ms: int) -> None:
        x, is_running = self.x, in_span(self.spans, time_ms) is not None
        pen.box(x - 46, 84, 92, 26, (236, 238, 240))
        pen.box(x - 40, 88, 80, 16, (206, 210, 216))
        pen.line(((x + 26, 84), (x + 26, 34), (x - 2, 34), (x - 2, 46)), 8, STEEL)
        pen.box(x + 20, 22, 12, 9, darker(STEEL))
        if is_running:
            pen.box(x - 6, 48, 9, 46, WATER)
            for n in range(4):
                y = 50 + (time_ms // 9 + 13 * n) % 40
                pen.box(x - 5 + 2 * (n % 3), y, 1.5, 8, lighter(WATER, 0.6))
            pen.oval(x - 2, 97, 22 + (time_ms // 200) % 2 * 4, 5, lighter(WATER, 0.3))


@dataclass(frozen=True)
class Fan(Drawn):
    """A fan with coloured blades that turns in the spans."""

    room: Room
    color: str
    spans: Spans
    x: float = 80.0
    turns_hz: float = 0.6

    def backdrop(self) -> Image.Image:
        return room_image(self.room)

    def paint(self, pen: Pen, time_ms: int) -> None:
        turned_ms = sum(max(0, min(time_ms, end) - start) for start, end in self.spans)
        pen.line(((self.x, 52), (self.x, 108)), 6, darker(STEEL))
        pen.oval(self.x, 108, 24, 5, darker(STEEL))
        pen.disc(self.x, 52, 38, darker(STEEL, 0.2))
        pen.disc(self.x, 52, 35, lighter(STEEL, 0.7))
        for blade in range(3):
            turn_deg = 360 * self.turns_hz * turned_ms / 1000 + 120 * blade
            turned = pen.at(self.x, 52, 1.0, turn_deg)
            turned.poly(((-3, 0), (-11, -30), (4, -33), (4, 0)), COLORS[self.color])
        pen.disc(self.x, 52, 6, INK)


@dataclass(frozen=True)
class Typing(Drawn):
    """Hands on a keyboard, from above; in the spans they type."""

    room: Room
    spans: Spans
    skin: Color = SKINS[1]
    sleeve: str = "blue"

    def backdrop(self) -> Image.Image:
        return room_image(self.room)

    def paint(self, pen: Pen, time_ms: int) -> None:
        is_typing = in_span(self.spans, time_ms) is not None
        tick = time_ms // 100 if is_typing else 0
        pen.poly(((20, 30), (140, 30), (150, 84), (10, 84)), (58, 60, 66))
        for row in range(4):
            for column in range(11):
                is_pressed = is_typing and (row * 11 + column * 3 + tick * 7) % 13 == 0
                tone = (255, 250, 160) if is_pressed else (206, 208, 212)
                left = 24 + 10.2 * column - 2.0 * row
                pen.box(left, 34 + 12 * row, 8.2, 9, tone)
        for hand in (0, 1):
            lift = 9 * math.sin(tick * 2.1 + 2.5 * hand) if is_typing else 0.0
            x = 52 + 56 * hand + (3 * math.cos(tick * 1.7 + hand) if is_typing else 0.0)
            y = 78 + lift
            pen.limb(((x, y + 8), (x + 26 * (hand - 0.5), 140)), 20, COLORS[self.sleeve])
            for finger in range(4):
                pen.limb(((x - 8 + 5.4 * finger, y), (x - 9 + 6 * finger, y - 14)), 4.6, self.skin)
            pen.oval(x, y + 4, 11, 10, self.skin)


@dataclass(frozen=True)
class Stirring(Drawn):
    """A pot with soup and a spoon that goes round in the spans."""

    room: Room
    spans: Spans
    skin: Color = SKINS[1]
    sleeve: str = "red"
    soup: str = "orange"
    period_ms: int = 1300

    def backdrop(self) -> Image.Image:
        return room_image(self.room)

    def paint(self, pen: Pen, time_ms: int) -> None:
        turned_ms = sum(max(0, min(time_ms, end) - start) for start, end in self.spans)
        angle = 2 * math.pi * turned_ms / self.period_ms
        pen.box(34, 66, 92, 46, darker(STEEL, 0.25))
        pen.oval(80, 66, 46, 14, STEEL)
        pen.oval(80, 67, 42, 12, COLORS[self.soup])
        for n in range(3):
            turn = angle + 2.1 * n
            pen.oval(80 + 26 * math.cos(turn), 67 + 7 * math.sin(turn), 4, 1.6,
                     lighter(COLORS[self.soup]))  # fmt: skip
        end = (80 + 26 * math.cos(angle), 67 + 7 * math.sin(angle))
        top = (88 + 24 * math.cos(angle), 24 + 5 * math.sin(angle))
        pen.limb((end, top), 4, (150, 104, 60))
        pen.limb((top, (150, -4)), 13, COLORS[self.sleeve])
        pen.disc(*top, 8, self.skin)
