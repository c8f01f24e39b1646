"""Draws a conversation that `microturn synth` wrote as a picture, and plays it as one sound file.

Lanes, from the top: images, the user's sound and words, the model's sound and words, who has the
floor, typed text and updates, what is handed over and written, timers, what happens, and what is
expected of a good listener. In the sound file the user is left and the model right.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from microturn.data.drawing import Color, lighter
from microturn.data.look_chart import (
    GREY,
    LEFT_PX,
    Box,
    Canvas,
    Lane,
    boxes_lane,
    chart,
    shortened,
    text_width,
    words_lane,
)
from microturn.data.synth import SHEET, SHEET_COLUMNS
from microturn.data.timeline import IMAGE_HEIGHT, IMAGE_WIDTH
from microturn.signal.wav import read_wav, to_rate, write_wav
from microturn.turns import OUTPUT_RATE_HZ, FloatArray

USER: Color = (42, 104, 184)
OWN: Color = (30, 140, 84)
OTHER: Color = (140, 140, 146)
TYPED: Color = (120, 74, 180)
HANDED: Color = (196, 92, 24)
HAPPENS: Color = (176, 140, 20)
QUIET: Color = (126, 132, 142)
COLORS_OF_DOING = {
    "silent": QUIET, "wait": QUIET, "ignore": QUIET, "continue": USER,
    "yield_then_respond": HANDED, "delegate": HANDED, "refuse": (196, 44, 52),
}  # fmt: skip
WAVE_PX, FLOOR_PX = 44, 15
THUMB_WIDTH, THUMB_HEIGHT = 96, 72
PX_PER_S, WIDEST_PX = 84.0, 2500
TAIL_MS = 800  # shown after the last thing that happens
ROLES = {"system": "instructions", "user": "typed", "tool": "update"}
Facts = Mapping[str, Any]
Tracks = Mapping[str, tuple[FloatArray, int]]  # of "user" and "own": samples, rate


def read_facts(folder: Path) -> dict[str, Any]:
    """timeline.json of an episode folder. Raises ValueError where it is none of ours."""
    path = folder / "timeline.json"
    if not path.is_file():
        raise ValueError(f"no conversation in {folder}: it needs timeline.json (microturn synth)")
    try:
        facts: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from error
    if not isinstance(facts, dict) or "expects" not in facts:
        raise ValueError(f"{path} is of an older version; write it again with microturn synth")
    return cast("dict[str, Any]", facts)


def read_tracks(folder: Path) -> dict[str, tuple[FloatArray, int]]:
    """Both sides' sound. Raises ValueError where one is missing."""
    return {side: read_wav(folder / f"{side}.wav") for side in ("user", "own")}


def end_ms_of(facts: Facts) -> int:
    """Until when there is something to look at."""
    ends = [min(event["end_ms"], event["cut_ms"] or event["end_ms"]) for event in facts["events"]]
    ends += [mark["end_ms"] for mark in facts["marks"]]
    ends += [expect["window_ms"][1] for expect in facts["expects"]]
    ends += [item["onset_ms"] + 1500 for kind in ("typed", "delegated", "written")
             for item in facts[kind]]  # fmt: skip
    ends += [ms + 400 for ms in facts["image_times_ms"][-1:]]
    last_ms = max(ends, default=facts["duration_ms"]) + TAIL_MS
    return min(facts["duration_ms"], -(-last_ms // 1000) * 1000)


# ---- lanes


def images_lane(facts: Facts, folder: Path, px_per_s: float) -> Lane | None:
    """Images at their times, as many as fit beside each other."""
    times_ms: Sequence[int] = facts["image_times_ms"]
    if not times_ms or not (folder / SHEET).is_file():
        return None
    with Image.open(folder / SHEET) as stored:
        sheet = stored.convert("RGB")

    def paint(canvas: Canvas) -> None:
        free_x = 0.0
        for number, time_ms in enumerate(times_ms):
            x = canvas.x(time_ms)
            if x < free_x or x + THUMB_WIDTH > canvas.image.width or time_ms > canvas.end_ms:
                continue
            row, column = divmod(number, SHEET_COLUMNS)
            left, top = column * IMAGE_WIDTH, row * IMAGE_HEIGHT
            picture = sheet.crop((left, top, left + IMAGE_WIDTH, top + IMAGE_HEIGHT))
            picture = picture.resize((THUMB_WIDTH, THUMB_HEIGHT), Image.Resampling.LANCZOS)
            canvas.image.paste(picture, (round(x), canvas.top))
            canvas.draw.line((x, canvas.top, x, canvas.top + THUMB_HEIGHT + 5), fill=GREY)
            free_x = x + THUMB_WIDTH + 3

    return Lane("images", THUMB_HEIGHT + 5, paint)


def wave_lane(name: str, audio: FloatArray, rate_hz: int, color: Color) -> Lane:
    """A waveform."""
    return Lane(name, WAVE_PX, lambda canvas: canvas.wave(audio, rate_hz, WAVE_PX, color), color)


def words_of(facts: Facts, side: str, end_ms: int) -> list[tuple[str, float, float]]:
    """Words of one side in order of time, up to `end_ms`."""
    words = [tuple(word) for event in facts["events"] if event["side"] == side
             for word in event["words"] if word[1] < end_ms]  # fmt: skip
    return sorted(words, key=lambda word: word[1])


def floor_lane(facts: Facts) -> Lane:
    """Who speaks: the user above, others in the middle, the model below; small words and asides
    are pale."""
    colors = {"user": USER, "other": OTHER, "own": OWN}
    rows = [side for side in colors if any(e["side"] == side for e in facts["events"])]

    def paint(canvas: Canvas) -> None:
        for event in facts["events"]:
            color, y = colors[event["side"]], rows.index(event["side"]) * (FLOOR_PX + 2)
            end_ms = min(event["end_ms"], event["cut_ms"] or event["end_ms"])
            is_speech = event["kind"] == "speech"
            fill = color if is_speech else lighter(color, 0.55)
            canvas.bar(event["onset_ms"], end_ms, y, FLOOR_PX, fill, color)
            if not is_speech:
                left, right = canvas.x(event["onset_ms"]), canvas.x(end_ms)
                is_inside = text_width(event["kind"], 11) < right - left - 6
                canvas.text(left + 4 if is_inside else right + 4, y + 1, event["kind"], size=11)
            if end_ms < event["end_ms"]:  # cut short
                x = canvas.x(end_ms)
                top = canvas.top + y
                canvas.draw.line((x, top - 2, x, top + FLOOR_PX + 2), fill=(200, 30, 30), width=3)

    return Lane("floor", max(1, len(rows)) * (FLOOR_PX + 2), paint)


def point_boxes(items: Sequence[Facts], color: Color, name: str | None = None) -> list[Box]:
    """Things that happen at one time."""
    return [
        Box(
            item["onset_ms"],
            item["onset_ms"] + 60,
            f"{name or ROLES.get(item.get('role', ''), '')}: {item['text']}",
            color,
        )
        for item in items
    ]


def timer_boxes(expects: Sequence[Facts]) -> list[Box]:
    """What runs: from what set it to the time at which it is due."""
    found: list[Box] = []
    for expect in expects:
        detail, start_ms = expect["detail"], expect["on_ms"]
        seconds = detail.get("seconds") or detail.get("span_ms", 0) / 1000
        if seconds and start_ms is not None and expect["window_ms"][0] > start_ms:
            due_ms = expect["window_ms"][0]
            found.append(Box(start_ms, due_ms, f"{seconds:g} s", HAPPENS))
    return found


def mark_boxes(marks: Sequence[Facts]) -> list[Box]:
    """What happens and is neither speech nor text."""
    return [
        Box(mark["onset_ms"], mark["end_ms"], f"{mark['kind']}: {mark['label']}", HAPPENS)
        for mark in marks
    ]


def expect_boxes(expects: Sequence[Facts]) -> list[Box]:
    """What a good listener does, when, and with which words."""
    found: list[Box] = []
    for expect in expects:
        label = expect["do"].replace("_", " ")
        if expect["accept"]:
            more = len(expect["accept"]) - 1
            label += f": {shortened(expect['accept'][0], 260)}" + (f" (+{more})" if more else "")
        color = COLORS_OF_DOING.get(expect["do"], OWN)
        start_ms, end_ms = expect["window_ms"]
        found.append(Box(start_ms, end_ms, label, color))
    return found


def title_of(facts: Facts) -> list[str]:
    """What stands above the chart."""
    lines = [", ".join(facts["families"]) or "silence"]
    if facts["instructions"]:
        lines.append(f"instructions: {facts['instructions']}")
    return lines


def picture(
    facts: Facts, folder: Path, tracks: Mapping[str, tuple[FloatArray, int]]
) -> Image.Image:
    """The chart of one conversation."""
    end_ms = end_ms_of(facts)
    px_per_s = min(PX_PER_S, (WIDEST_PX - LEFT_PX) / (end_ms / 1000))
    handed = point_boxes(facts["delegated"], HANDED, "delegate")
    handed += point_boxes(facts["written"], OWN, "write")
    lanes = [
        images_lane(facts, folder, px_per_s),
        wave_lane("user", *tracks["user"], USER),
        words_lane(words_of(facts, "user", end_ms), px_per_s, USER),
        wave_lane("model", *tracks["own"], OWN),
        words_lane(words_of(facts, "own", end_ms), px_per_s, OWN),
        floor_lane(facts),
        boxes_lane("typed", point_boxes(facts["typed"], TYPED), px_per_s),
        boxes_lane("handed over", handed, px_per_s),
        boxes_lane("timers", timer_boxes(facts["expects"]), px_per_s),
        boxes_lane("happens", mark_boxes(facts["marks"]), px_per_s),
        boxes_lane("expected", expect_boxes(facts["expects"]), px_per_s),
    ]
    present = [lane for lane in lanes if lane is not None]
    return chart(present, title_of(facts), px_per_s, end_ms)


def stereo(tracks: Tracks) -> FloatArray:
    """User left, model right, [samples, 2] at OUTPUT_RATE_HZ."""
    sides = [to_rate(audio, rate_hz, OUTPUT_RATE_HZ) for audio, rate_hz in
             (tracks["user"], tracks["own"])]  # fmt: skip
    sound = np.zeros((max(map(len, sides)), 2), dtype=np.float32)
    for column, side in enumerate(sides):
        sound[: len(side), column] = side
    return sound


def look(folder: Path, out: Path | None = None, wav: Path | None = None) -> dict[str, Any]:
    """Draw an episode folder; write a picture (default: look.png in it) and a stereo sound file
    (default: look.wav). Raises ValueError for a folder that is none."""
    facts, tracks = read_facts(folder), read_tracks(folder)
    out, wav = out or folder / "look.png", wav or folder / "look.wav"
    for path in (out, wav):
        if not path.parent.is_dir():
            raise ValueError(f"cannot write {path}: there is no folder {path.parent}")
    drawn = picture(facts, folder, tracks)
    drawn.save(out)
    write_wav(wav, stereo(tracks), OUTPUT_RATE_HZ)
    return {
        "out": str(out),
        "wav": str(wav),
        "families": list(facts["families"]),
        "seconds": facts["duration_ms"] / 1000,
        "size": [drawn.width, drawn.height],
    }
