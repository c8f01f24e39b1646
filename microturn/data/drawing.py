"""A pen that draws in its own coordinates on a picture of 160 by 120.

Pictures are drawn twice as large and halved, so that edges are smooth. Positions are units of the
pen: of the whole picture these are pixels; `Pen.at` gives a pen with another origin, size and
turn, so that a thing is drawn once and shown anywhere.
"""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from microturn.data.timeline import IMAGE_HEIGHT, IMAGE_WIDTH
from microturn.turns import ByteArray

OVERSAMPLING = 2
MARGIN = 8  # around the picture, into which a camera may look when it shakes
ROUND_CORNERS = 20  # of the polygon that stands for an ellipse
Color = tuple[int, int, int]
Point = tuple[float, float]
CIRCLE = tuple(
    (math.cos(2 * math.pi * n / ROUND_CORNERS), math.sin(2 * math.pi * n / ROUND_CORNERS))
    for n in range(ROUND_CORNERS)
)
COLORS: dict[str, Color] = {
    "red": (214, 38, 38),
    "green": (34, 150, 58),
    "blue": (38, 78, 212),
    "yellow": (242, 214, 40),
    "black": (24, 24, 26),
    "white": (244, 244, 242),
    "orange": (242, 134, 22),
    "purple": (128, 48, 168),
    "pink": (246, 140, 184),
    "brown": (122, 74, 36),
    "grey": (132, 134, 138),
    "silver": (186, 192, 200),
    "gold": (206, 166, 44),
}


def mixed(a: Color, b: Color, share: float) -> Color:
    """A colour between two; `share` is that of the second."""
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )


def darker(color: Color, share: float = 0.35) -> Color:
    return mixed(color, (0, 0, 0), share)


def lighter(color: Color, share: float = 0.45) -> Color:
    return mixed(color, (255, 255, 255), share)


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own letters."""
    return ImageFont.load_default(size)


@dataclass(frozen=True)
class Pen:
    """Draws with an origin, and where its units of x and y lead, in pixels of the drawing."""

    draw: ImageDraw.ImageDraw
    origin: Point = (float(MARGIN * OVERSAMPLING), float(MARGIN * OVERSAMPLING))
    unit_x: Point = (float(OVERSAMPLING), 0.0)
    unit_y: Point = (0.0, float(OVERSAMPLING))

    @property
    def scale(self) -> float:
        """Pixels a unit."""
        return math.hypot(*self.unit_y)

    def to(self, x: float, y: float) -> Point:
        """A place in pixels of the drawing."""
        return (
            self.origin[0] + x * self.unit_x[0] + y * self.unit_y[0],
            self.origin[1] + x * self.unit_x[1] + y * self.unit_y[1],
        )

    def at(
        self, x: float, y: float, size: float = 1.0, turn_deg: float = 0.0, narrow: float = 1.0
    ) -> Pen:
        """A pen whose origin is here; `narrow` scales its x (negative: mirrored)."""
        c, s = math.cos(math.radians(turn_deg)) * size, math.sin(math.radians(turn_deg)) * size
        ax, ay = self.unit_x, self.unit_y
        unit_x = (narrow * (c * ax[0] + s * ay[0]), narrow * (c * ax[1] + s * ay[1]))
        unit_y = (-s * ax[0] + c * ay[0], -s * ax[1] + c * ay[1])
        return Pen(self.draw, self.to(x, y), unit_x, unit_y)

    def poly(self, points: Sequence[Point], fill: Color) -> None:
        self.draw.polygon([self.to(x, y) for x, y in points], fill=fill)

    def box(self, x: float, y: float, width: float, height: float, fill: Color) -> None:
        """A rectangle by its corner and size."""
        self.poly(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), fill)

    def oval(self, x: float, y: float, radius_x: float, radius_y: float, fill: Color) -> None:
        """An ellipse by its centre."""
        self.poly([(x + radius_x * c, y + radius_y * s) for c, s in CIRCLE], fill)

    def disc(self, x: float, y: float, radius: float, fill: Color) -> None:
        self.oval(x, y, radius, radius, fill)

    def line(self, points: Sequence[Point], width: float, fill: Color) -> None:
        pixels = max(1, round(width * self.scale))
        self.draw.line([self.to(x, y) for x, y in points], fill=fill, width=pixels, joint="curve")

    def limb(self, points: Sequence[Point], width: float, fill: Color) -> None:
        """A line with round ends."""
        self.line(points, width, fill)
        for x, y in (points[0], points[-1]):
            px, py = self.to(x, y)
            radius = width * self.scale / 2
            self.draw.ellipse((px - radius, py - radius, px + radius, py + radius), fill=fill)

    def text(self, x: float, y: float, text: str, size: float, fill: Color, anchor: str) -> None:
        """Letters of a height in units; `anchor` as Pillow names it ("mm": by the middle)."""
        letters = font(max(6, round(size * self.scale)))
        self.draw.text(self.to(x, y), text, fill=fill, font=letters, anchor=anchor)


def blank(color: Color) -> Image.Image:
    """An empty drawing, with its margin."""
    size = (IMAGE_WIDTH + 2 * MARGIN, IMAGE_HEIGHT + 2 * MARGIN)
    return Image.new("RGB", (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING), color)


def cropped(drawing: Image.Image, x: float = 0.0, y: float = 0.0) -> Image.Image:
    """A drawing as the picture of 160 by 120 that it becomes, looked at from (x, y), at most the
    margin away."""
    left, top = round((MARGIN + x) * OVERSAMPLING), round((MARGIN + y) * OVERSAMPLING)
    right, bottom = left + IMAGE_WIDTH * OVERSAMPLING, top + IMAGE_HEIGHT * OVERSAMPLING
    return drawing.reduce(OVERSAMPLING, box=(left, top, right, bottom))


class Drawn(ABC):
    """A scene that is painted anew at each time, on a backdrop that stays."""

    @abstractmethod
    def backdrop(self) -> Image.Image:
        """What stays; it is copied, not painted on."""

    @abstractmethod
    def paint(self, pen: Pen, time_ms: int) -> None:
        """What changes."""

    def drawing(self, time_ms: int) -> Image.Image:
        """The drawing, twice as large and with a margin."""
        drawing = self.backdrop().copy()
        self.paint(Pen(ImageDraw.Draw(drawing)), time_ms)
        return drawing

    def image(self, time_ms: int) -> ByteArray:
        """[120, 160, 3] uint8."""
        return np.asarray(cropped(self.drawing(time_ms)), dtype=np.uint8)
