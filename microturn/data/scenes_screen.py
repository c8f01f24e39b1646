"""A screen with code: lines are typed, some have bugs; a build runs, breaks, and is mended."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from PIL import Image, ImageDraw

from microturn.data.drawing import COLORS, Color, Drawn, Pen, blank, mixed

GOOD_LINES = (
    "def area(w, h):", "    return w * h", "total = 0", "for n in items:", "    total += n",
    "print(total)", "if ready:", "    start()", "else:", "    wait(5)", "x = y + 1",
    "import math", "while i < 10:", "    i += 1", "names.sort()", "return total",
    "data = read(f)", "with open(f) as g:", "    pass", "count = len(names)", "try:",
    "    save(data)", "size = 3 * width", "color = 'red'", "node = node.next",
)  # fmt: skip
BUG_LINES = (  # every fifth is kept for evaluation
    "x = 1 / 0", "retrun total", "fro n in items:", "pritn(total)", "if x = 1:",
    "def area(w, h)", "whlie i < 10:", "print(total", "i = i +", "imprt math",
    "lenght = 3", "name = 'Ann", "esle:", "items[)", "Flase = 1",
)  # fmt: skip
THEMES: tuple[tuple[Color, Color], ...] = (
    ((30, 32, 40), (214, 218, 226)),
    ((250, 250, 246), (34, 36, 42)),
    ((24, 44, 60), (224, 232, 236)),
    ((44, 40, 34), (238, 226, 200)),
)
STATES: dict[str, tuple[str, Color]] = {  # what the bar says, its colour
    "idle": ("READY", (96, 100, 110)),
    "running": ("BUILD RUNNING", (196, 150, 30)),
    "failed": ("BUILD FAILED", (206, 34, 34)),
    "passing": ("TESTS PASSING", (30, 140, 56)),
}
LINE_HEIGHT, TEXT_SIZE, TOP_Y, BAR_Y = 11.0, 9.5, 4.0, 104.0
ROWS = 9
CHARS_MS = 110  # typing a letter


@dataclass(frozen=True)
class Line:
    """A line that begins to be typed at a time; one of `is_bug` has a bug, underlined in red where
    the editor knows it."""

    number: int
    text: str
    from_ms: int
    is_bug: bool = False
    is_underlined: bool = False

    @property
    def end_ms(self) -> int:
        return self.from_ms + CHARS_MS * len(self.text.strip())

    def shown(self, time_ms: int) -> str:
        """What is typed so far."""
        indent = len(self.text) - len(self.text.lstrip())
        num = max(0, (time_ms - self.from_ms) // CHARS_MS)
        return self.text[: indent + num] if num else ""


@functools.lru_cache(maxsize=256)
def screen_image(
    theme: tuple[Color, Color], rows: tuple[tuple[int, str, bool], ...], state: str, spin: int
) -> Image.Image:
    """A screen, drawn once: rows of (number, text, whether underlined)."""
    back, ink = theme
    drawing = blank(back)
    pen = Pen(ImageDraw.Draw(drawing))
    pen.box(-8, -8, 26, 136, mixed(back, ink, 0.12))
    for place, (number, text, is_underlined) in enumerate(rows):
        y = TOP_Y + LINE_HEIGHT * place
        pen.text(15, y + 5, str(number), 8, mixed(back, ink, 0.55), "rm")
        indent = len(text) - len(text.lstrip())
        x = 22 + 4.0 * indent
        pen.text(x, y + 5, text.strip(), TEXT_SIZE, ink, "lm")
        if is_underlined:
            wide = 5.0 * len(text.strip())
            wave = [(x + n * 3, y + 10 + (n % 2) * 1.6) for n in range(int(wide / 3) + 1)]
            pen.line(wave, 1.2, (236, 40, 40))
    words, color = STATES[state]
    pen.box(-8, BAR_Y, 176, 32, color)
    pen.text(8, BAR_Y + 8, words, 10, (255, 255, 255), "lm")
    if state == "running":
        for n in range(4):
            tone = COLORS["white"] if n == spin else mixed(color, COLORS["white"], 0.4)
            pen.disc(118 + 9 * n, BAR_Y + 8, 2.6, tone)
    if state == "failed":
        pen.disc(146, BAR_Y + 8, 6, COLORS["white"])
        pen.line(((143, BAR_Y + 5), (149, BAR_Y + 11)), 2, color)
        pen.line(((149, BAR_Y + 5), (143, BAR_Y + 11)), 2, color)
    return drawing


@dataclass(frozen=True)
class Screen(Drawn):
    """An editor over a bar that tells the state of the build: (from ms, state), in order."""

    lines: tuple[Line, ...]
    builds: tuple[tuple[int, str], ...] = ((0, "idle"),)
    theme: int = 0

    def backdrop(self) -> Image.Image:
        return screen_image(THEMES[self.theme], (), "idle", 0)

    def paint(self, pen: Pen, time_ms: int) -> None:
        """Nothing: every state is drawn once, as a whole."""

    def drawing(self, time_ms: int) -> Image.Image:
        rows = [
            (line.number, text, line.is_underlined and time_ms >= line.end_ms)
            for line in self.lines
            if (text := line.shown(time_ms))
        ]
        state = next(state for from_ms, state in reversed(self.builds) if from_ms <= time_ms)
        spin = time_ms // 200 % 4 if state == "running" else 0
        return screen_image(THEMES[self.theme], tuple(rows[-ROWS:]), state, spin)
