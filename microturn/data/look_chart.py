"""A chart over time: lanes under each other, drawn with Pillow.

A lane knows its name, its height and how it paints itself; `Chart` puts them on one picture. x is
time, y counts from the top of the lane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from microturn.data.drawing import Color, font, lighter
from microturn.turns import FloatArray

LEFT_PX, RIGHT_PX = 104, 24
GAP_PX = 10  # between lanes
ROW_PX = 17  # of small text
TEXT_PX, SMALL_PX = 13, 12
PAPER: Color = (255, 255, 255)
INK: Color = (34, 36, 42)
FAINT: Color = (228, 230, 235)
GREY: Color = (120, 124, 132)


def text_width(text: str, size: int = SMALL_PX) -> int:
    """Pixels that a text takes."""
    left, _, right, _ = font(size).getbbox(text)
    return int(right - left) + 1


def shortened(text: str, width: float, size: int = SMALL_PX) -> str:
    """The text, cut where it is wider than that; empty where there is no room at all."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "...", size) > width:
        text = text[:-1]
    return f"{text.rstrip()}..." if text else ""


def packed(spans: Sequence[tuple[float, float]], gap: float = 4.0) -> list[int]:
    """For each span the first row in which it touches no earlier one."""
    ends: list[float] = []
    rows: list[int] = []
    for start, end in spans:
        row = next((n for n, taken in enumerate(ends) if taken + gap <= start), len(ends))
        if row == len(ends):
            ends.append(end)
        ends[row] = end
        rows.append(row)
    return rows


@dataclass(frozen=True)
class Canvas:
    """Where a lane paints: below `top`, with `px_per_s` pixels a second."""

    draw: ImageDraw.ImageDraw
    image: Image.Image
    top: int
    px_per_s: float
    end_ms: int

    def x(self, time_ms: float) -> float:
        return LEFT_PX + min(time_ms, self.end_ms) / 1000 * self.px_per_s

    def text(self, x: float, y: float, text: str, fill: Color = INK, size: int = SMALL_PX) -> None:
        """Text whose upper left corner is at (x, y) of the lane."""
        self.draw.text((x, self.top + y), text, fill=fill, font=font(size), anchor="la")

    def bar(
        self, start_ms: float, end_ms: float, y: float, height: float, fill: Color,
        edge: Color | None = None,
    ) -> None:  # fmt: skip
        """A box from one time to another."""
        left, right = self.x(start_ms), max(self.x(end_ms), self.x(start_ms) + 2)
        box = (left, self.top + y, right, self.top + y + height)
        self.draw.rounded_rectangle(box, 3, fill=fill, outline=edge)

    def wave(self, audio: FloatArray, rate_hz: int, height: float, color: Color) -> None:
        """A waveform: the loudest sample of each pixel, to both sides of the middle."""
        middle = self.top + height / 2
        self.draw.line((LEFT_PX, middle, self.x(self.end_ms), middle), fill=FAINT)
        num_pixels = int(self.end_ms / 1000 * self.px_per_s)
        edges = np.linspace(0, self.end_ms * rate_hz / 1000, num_pixels + 1).astype(int)
        loudest = max(1e-3, float(np.abs(audio).max(initial=0.0)))
        for pixel in range(num_pixels):
            part = audio[edges[pixel] : edges[pixel + 1]]
            half = float(np.abs(part).max(initial=0.0)) / loudest * (height / 2 - 1)
            if half >= 0.5:
                x = LEFT_PX + pixel
                self.draw.line((x, middle - half, x, middle + half), fill=color)


@dataclass(frozen=True)
class Lane:
    """One row of the chart."""

    name: str
    height: int
    paint: Callable[[Canvas], None]
    color: Color = INK


@dataclass(frozen=True)
class Box:
    """Something with a start, an end and a label that stands in a packed lane."""

    start_ms: float
    end_ms: float
    label: str
    color: Color


def boxes_lane(name: str, boxes: Sequence[Box], px_per_s: float) -> Lane | None:
    """Boxes with their labels, in as few rows as they need; None where there are none.

    A label that is wider than its box runs on to the right of it.
    """
    if not boxes:
        return None
    ordered = sorted(boxes, key=lambda box: (box.start_ms, box.end_ms))
    spans: list[tuple[float, float]] = []
    for box in ordered:
        start, end = (ms / 1000 * px_per_s for ms in (box.start_ms, box.end_ms))
        wide = text_width(box.label) + 10
        spans.append((start, max(end, start + wide)))
    rows = packed(spans)

    def paint(canvas: Canvas) -> None:
        for box, row in zip(ordered, rows, strict=True):
            y = row * (ROW_PX + 3)
            fill = lighter(box.color, 0.8)
            canvas.bar(box.start_ms, box.end_ms, y, ROW_PX, fill, box.color)
            x = canvas.x(box.start_ms) + 5
            canvas.text(x, y + 1, shortened(box.label, canvas.image.width - x - 4))

    return Lane(name, (max(rows) + 1) * (ROW_PX + 3), paint)


def words_lane(
    words: Sequence[tuple[str, float, float]], px_per_s: float, color: Color
) -> Lane | None:
    """Words at their times, each with a mark as long as it sounds; None where there are none."""
    if not words:
        return None
    spans = [
        (start / 1000 * px_per_s, start / 1000 * px_per_s + text_width(word))
        for word, start, _ in words
    ]
    rows = packed(spans, gap=5.0)

    def paint(canvas: Canvas) -> None:
        for (word, start_ms, end_ms), row in zip(words, rows, strict=True):
            canvas.bar(start_ms, end_ms, 0, 2, color)
            x, y = canvas.x(start_ms), 3 + row * 15
            if row:
                line = (x, canvas.top + 3, x, canvas.top + y + 8)
                canvas.draw.line(line, fill=lighter(color, 0.6))
            canvas.text(x + (2 if row else 0), y, word)

    return Lane("", 6 + 15 * (max(rows) + 1), paint)


def chart(lanes: Sequence[Lane], title: Sequence[str], px_per_s: float, end_ms: int) -> Image.Image:
    """All lanes on one picture, under a title and a scale of seconds."""
    width = LEFT_PX + int(end_ms / 1000 * px_per_s) + RIGHT_PX
    head = 10 + 19 * len(title) + 22
    height = head + sum(lane.height + GAP_PX for lane in lanes) + 6
    image = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(title):
        size = TEXT_PX + (3 if number == 0 else 0)
        draw.text((12, 8 + 20 * number), shortened(line, width - 24, size),
                  fill=INK if number == 0 else GREY, font=font(size), anchor="lt")  # fmt: skip
    for second in range(end_ms // 1000 + 1):
        x = LEFT_PX + second * px_per_s
        draw.line((x, head - 6, x, height - 6), fill=FAINT)
        if second % (1 if px_per_s > 40 else 5) == 0:
            draw.text((x, head - 18), f"{second} s", fill=GREY, font=font(11), anchor="mt")
    top = head
    for lane in lanes:
        lane.paint(Canvas(draw, image, top, px_per_s, end_ms))
        draw.text((12, top + 2), lane.name, fill=lane.color, font=font(TEXT_PX), anchor="lt")
        top += lane.height + GAP_PX
    return image
