"""Pictures of a report as SVG text: bars with intervals, latency histograms, floor timelines, a
radar. No dependencies; colours come from the page's style sheet by class.
"""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from microturn.evals.episode import Episode
from microturn.evals.record import Trace
from microturn.turns import FloatArray

WIDTH = 920
ROW = 26
LEFT = 64
COLUMNS = 460  # of a waveform
NUM_COLOURS = 8
FEW = 3  # areas of a radar that can be told apart


def esc(text: object) -> str:
    return html.escape(str(text), quote=True)


def svg(width: float, height: float, parts: Sequence[str], label: str) -> str:
    """One picture that shrinks with the page."""
    inside = "".join(parts)
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{esc(label)}" '
        f'style="max-width:{width:g}px">{inside}</svg>'
    )


def text(x: float, y: float, what: object, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{esc(what)}</text>'


def rect(x: float, y: float, width: float, height: float, kind: str, title: str = "") -> str:
    tip = f"<title>{esc(title)}</title>" if title else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.5, width):.1f}" height="{height:.1f}" '
        f'class="{kind}">{tip}</rect>'
    )


def line(x0: float, y0: float, x1: float, y1: float, kind: str) -> str:
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" class="{kind}"/>'


# ---- scores


def interval_bar(
    value: float, low: float | None, high: float | None, most: float, colour: int = 0
) -> str:
    """A value as a bar with its interval as a whisker, on a scale from 0 to `most`."""
    width, height = 180, 16
    scale = (width - 4) / (most or 1)
    parts = [rect(0, 4, width - 4, 8, "track"), rect(0, 4, value * scale, 8, f"c{colour}")]
    if low is not None and high is not None:
        at, to = min(low, most) * scale, min(high, most) * scale
        parts += [line(at, 8, to, 8, "whisker")]
        parts += [line(x, 4.5, x, 11.5, "whisker") for x in (at, to)]
    return svg(width, height, parts, f"{value:g}")


def histogram(
    latencies_ms: Sequence[float], colour: int = 0, low_ms: int = -1000, high_ms: int = 3000
) -> str:
    """How long replies took: 20 bins of 200 ms, what lies outside in the outer ones."""
    edges = list(range(low_ms, high_ms + 1, 200))
    counts = [0] * (len(edges) - 1)
    for latency in latencies_ms:
        place = int((latency - low_ms) // 200)
        counts[min(max(place, 0), len(counts) - 1)] += 1
    width, height, base = 460, 120, 96
    step = (width - 20) / len(counts)
    top = max(counts) or 1
    parts: list[str] = []
    for place, count in enumerate(counts):
        tall = 78 * count / top
        tip = f"{edges[place]} to {edges[place + 1]} ms: {count}"
        kind = "c3" if edges[place] < 0 else f"c{colour % NUM_COLOURS}"
        parts.append(rect(10 + place * step + 1, base - tall, step - 2, tall, kind, tip))
    for edge in range(low_ms, high_ms + 1, 1000):
        x = 10 + (edge - low_ms) / 200 * step
        parts += [
            line(x, base, x, base + 4, "axis"),
            text(x, base + 17, f"{edge / 1000:g} s", "tick", "middle"),
        ]
    zero = 10 - low_ms / 200 * step
    parts += [line(10, base, width - 10, base, "axis"), line(zero, 10, zero, base, "dash")]
    return svg(width, height, parts, f"{len(latencies_ms)} latencies")


def radar(axes: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> str:
    """A value from 0 to 1 on each axis, a polygon a system; an axis without a value is at 0."""
    width, size, reach = 640, 400, 150
    middle, centre = width / 2, size / 2
    num = max(3, len(axes))

    def point(place: int, value: float) -> tuple[float, float]:
        angle = 2 * math.pi * place / num - math.pi / 2
        return middle + reach * value * math.cos(angle), centre + reach * value * math.sin(angle)

    def polygon(values: Sequence[float], kind: str) -> str:
        dots = " ".join("{:.1f},{:.1f}".format(*point(i, v)) for i, v in enumerate(values))
        return f'<polygon points="{dots}" class="{kind}"/>'

    parts = [polygon([ring] * num, "grid") for ring in (0.25, 0.5, 0.75, 1.0)]
    for place, name in enumerate(axes):
        x, y = point(place, 1.0)
        parts.append(line(middle, centre, x, y, "grid"))
        x, y = point(place, 1.12)
        anchor = "middle" if abs(x - middle) < 12 else "start" if x > middle else "end"
        parts.append(text(x, y + 4, name, "tick", anchor))
    for number, values in enumerate(series.values()):
        filled = [value or 0.0 for value in values]
        kind = "area" if len(series) <= FEW else "area open"
        parts.append(polygon(filled, f"{kind} s{number % NUM_COLOURS}"))
    return svg(width, size, parts, "one axis a group of skills")


# ---- one episode


def envelope(audio: FloatArray, columns: int = COLUMNS) -> list[float]:
    """Peak of each column, 0 to 1, of the loudest."""
    if not len(audio):
        return [0.0] * columns
    edges = np.linspace(0, len(audio), columns + 1).astype(int)
    peaks = [float(np.abs(audio[a : max(b, a + 1)]).max()) for a, b in itertools.pairwise(edges)]
    top = max(max(peaks), 0.02)
    return [peak / top for peak in peaks]


def waveform(audio: FloatArray, y: float, kind: str, width: float) -> str:
    """A waveform as one mirrored shape."""
    peaks = envelope(audio)
    step = width / len(peaks)
    up = [f"{LEFT + i * step:.1f},{y - 1 - 20 * peak:.1f}" for i, peak in enumerate(peaks)]
    down = [f"{LEFT + i * step:.1f},{y + 1 + 20 * peak:.1f}" for i, peak in enumerate(peaks)]
    return f'<polygon points="{" ".join(up + down[::-1])}" class="{kind}"/>'


def fitting(what: str, width: float) -> str:
    """As much of a text as fits into a box."""
    letters = int((width - 8) / 6.1)
    return (
        what if len(what) <= letters else what[: max(0, letters - 1)] + "…" if letters > 3 else ""
    )


def floor_timeline(episode: Episode, trace: Trace, user: FloatArray, system: FloatArray) -> str:
    """Who had the floor: what came in, what was expected, what the system said; both waveforms."""
    width, end_ms = WIDTH - LEFT - 8, episode.end_ms
    scale = width / end_ms

    def box(start: int, end: int, y: float, kind: str, what: str, tip: str = "") -> list[str]:
        x, wide = LEFT + start * scale, (end - start) * scale
        shown = fitting(what, wide)
        title = tip or f"{start} to {end} ms: {what}"
        return [rect(x, y, wide, 18, kind, title), text(x + 3, y + 13, shown, "in")]

    parts = [text(0, 30, "user", "lane"), waveform(user, 26, "wave-user", width)]
    for segment in episode.segments:
        if segment.kind == "pause" or (segment.label == "unwritten" and segment.role == "user"):
            continue
        start, end = segment.t0, max(segment.t1, segment.t0 + 60)
        what = segment.text or segment.label or segment.kind
        parts += box(start, end, 52, f"seg {segment.kind}", what,
                     f"{segment.kind} {segment.t0} to {segment.t1} ms: {what}")  # fmt: skip
    parts.append(text(0, 92, "wanted", "lane"))
    ends = [0, 0, 0]  # of what stands in each of three rows
    windows = [(e.window, e) for e in episode.expect if e.window is not None]
    for (start, end), expect in sorted(windows, key=lambda pair: pair[0]):
        if end <= start:
            continue
        row = next((r for r, taken in enumerate(ends) if taken <= start), ends.index(min(ends)))
        ends[row] = end
        wanted = f"{expect.do} {' / '.join(map(str, expect.accept[:2]))}"
        tip = f"{wanted}: {start} to {end} ms"
        kind = f"want {expect.do}"
        parts += box(start, min(end, end_ms), 78 + 20 * row, kind, wanted, tip)
    below = 20 * max(0, sum(taken > 0 for taken in ends) - 1)
    parts += [text(0, 126 + below, "system", "lane")]
    parts += [waveform(system, 122 + below, "wave-own", width)]
    for utterance in trace.utterances:
        parts += box(utterance.t0, utterance.t1, 148 + below, "said", utterance.text)
    return svg(WIDTH, 190 + below, [*seconds(end_ms, scale, below), *parts], episode.id)


def seconds(end_ms: int, scale: float, below: int) -> list[str]:
    """A line a second, or every other, behind a timeline."""
    parts: list[str] = []
    for time_ms in range(0, end_ms + 1, 1000 if end_ms <= 16_000 else 2000):
        x = LEFT + time_ms * scale
        parts.append(line(x, 4, x, 170 + below, "second"))
        parts.append(text(x, 184 + below, f"{time_ms // 1000}", "tick", "middle"))
    return parts


def legend(names: Sequence[str]) -> str:
    """Names of systems with their colours."""
    items = [
        f'<span><i class="dot s{number % NUM_COLOURS}"></i>{esc(name)}</span>'
        for number, name in enumerate(names)
    ]
    return f'<p class="legend">{"".join(items)}</p>'


def most_of(cells: Sequence[Mapping[str, Any]]) -> float:
    """The end of the scale for cells of one kind."""
    kinds = {cell["kind"] for cell in cells}
    if kinds <= {"share"}:
        return 1.0
    return max([cell["high"] or cell["value"] for cell in cells] + [1e-9]) * 1.05
