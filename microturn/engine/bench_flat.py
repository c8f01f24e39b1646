"""A session of a day: does a late micro-turn cost what an early one does, does memory grow, and are
the results still those of the window alone?

The session runs faster than life. At its end its twin is made: the same session, but what its
layers remember is computed anew from the last positions that any layer can still see. Both then go
on side by side, in turn. Equal outputs say that nothing older had an effect; the ratio of their
times is the price of age, measured under the same load.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from microturn.engine.bench import NOISE_LEVEL, ROUND, describe_machine, percentile, ratio
from microturn.engine.bench_flat_state import Series, Stand
from microturn.engine.bench_sessions import same
from microturn.engine.engine import Engine
from microturn.engine.session import Session, listen
from microturn.model.cache import KEY_BLOCK, BackboneState, LayerState
from microturn.model.config import BackboneConfig
from microturn.sequence import TurnDecision, TurnFeatures, whole
from microturn.signal.text import Text
from microturn.turns import AUDIO_FRAMES, INPUT_SAMPLES, MICRO_TURN_MS, MicroTurnInput
from microturn.turns import MicroTurnOutput as Output

DAY_MICRO_TURNS = 24 * 3600 * 1000 // MICRO_TURN_MS  # 432,000
NUM_PAIRS = 200
NUM_PARTS = 10
TALKS_EVERY = 4  # rounds; in the others it only listens
TYPES_EVERY, SHOWS_EVERY = 300, 100  # micro-turns: a text a minute, a pair of images in 20 s
TEXT = "Please say: the quick brown fox jumps over the lazy dog."
IMAGES_SHAPE = (2, 120, 160, 3)
MICRO_TURNS_AN_HOUR = 3600 * 1000 // MICRO_TURN_MS
Past = Sequence[tuple[MicroTurnInput, Output]]


def bench_flat(
    engine: Engine,
    num_turns: int = DAY_MICRO_TURNS,
    num_pairs: int = NUM_PAIRS,
    seed: int = 0,
    kept_at: Path | None = None,
) -> dict[str, Any]:
    """One session of quiet noise, listening and in every fourth round (`ROUND`) speaking too, with
    a typed text and a pair of images now and then; then it and its twin.

    kept_at: a file that keeps where the run stands; if it is there, the run goes on from it. Raises
    ValueError for too few micro-turns, for a model with layers that see everything, and for a file
    of another run.
    """
    if num_turns < len(ROUND) or num_pairs < 1:
        raise ValueError(f"measure at least {len(ROUND)} micro-turns and one pair")
    num_seen = sight(engine.model.config.backbone)
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    ids: list[str] = []
    try:
        num_recorded = (num_seen + 2 * KEY_BLOCK) // AUDIO_FRAMES + 2
        stand = Stand.found(engine, num_turns, num_recorded, seed, kept_at)
        ids.append(stand.session_id)
        past = live(engine, stand, num_recorded)
        twin = twin_of(engine, stand.session_id, past)
        ids.append(twin)
        pairs = side_by_side(engine, stand.session_id, twin, num_pairs, stand.rng)
    finally:
        for one in ids:
            engine.close(one)
        torch.set_num_threads(num_threads)
    series = stand.series
    return {
        "machine": describe_machine(),
        "threads": 1,
        "micro_turns": num_turns,
        "hours": round(num_turns / MICRO_TURNS_AN_HOUR, 3),
        "num_interruptions": stand.num_interruptions,
        "wall_minutes": round(stand.wall_s() / 60, 2),
        "cpu_minutes": round(float(series.cpu_ms.sum(dtype=np.float64)) / 60_000, 2),
        "cpu_median_ms_by_tenth": tenths(series.cpu_ms),
        "memory": memory(series),
        "window_positions": num_seen,
        **pairs,
    }


def sight(backbone: BackboneConfig) -> int:
    """How many positions back anything can have an effect: windows and convolutions of all layers.

    Raises ValueError where a layer sees everything.
    """
    attention = backbone.attention
    if attention.full_window is None and any(
        not backbone.is_sliding(layer) for layer in range(backbone.num_layers)
    ):
        raise ValueError(
            "this model has layers that see the whole session, so it cannot stay flat: set "
            "full_window in its config"
        )
    total = backbone.num_layers * 3 * (backbone.conv_kernel - 1)
    for layer in range(backbone.num_layers):
        window = attention.window if backbone.is_sliding(layer) else attention.full_window
        total += (window or 1) - 1
    return total


def live(engine: Engine, stand: Stand, num_recorded: int) -> Past:
    """All micro-turns that are left of the session; returns the last of them, as many as can
    matter."""
    past: list[tuple[MicroTurnInput, Output]] = []
    series, num_turns = stand.series, len(stand.series.cpu_ms)
    sample = int(np.searchsorted(series.at, stand.index))
    sees = engine.model.config.vision is not None
    for index in range(stand.index, num_turns):
        turn = given(index, stand.rng, sees)
        processor = time.thread_time()
        output = engine.step(stand.session_id, turn, force_speak=speaks(index))
        series.cpu_ms[index] = 1000 * (time.thread_time() - processor)
        stand.index = index + 1
        if index >= num_turns - num_recorded:
            past.append((turn, output))
        if sample < len(series.at) and index == series.at[sample]:
            series.rss_bytes[sample] = resident_bytes()
            series.state_bytes[sample] = engine.session(stand.session_id).num_bytes()
            sample += 1
        if not past and stand.is_due():
            stand.keep(engine)
    return past


def speaks(index: int) -> bool:
    """A day is mostly quiet."""
    num_rounds, place = divmod(index, len(ROUND))
    return num_rounds % TALKS_EVERY == 0 and ROUND[place]


def given(index: int, rng: np.random.Generator, sees: bool) -> MicroTurnInput:
    """Quiet noise; a typed text and a pair of images where they are due."""
    audio = rng.standard_normal(INPUT_SAMPLES, dtype=np.float32) * np.float32(NOISE_LEVEL)
    images = None
    if sees and index % SHOWS_EVERY == SHOWS_EVERY - 1:
        images = rng.integers(0, 256, IMAGES_SHAPE, np.uint8)
    text = TEXT if index % TYPES_EVERY == TYPES_EVERY - 1 else None
    return MicroTurnInput(index, audio, images, text)


def resident_bytes() -> int:
    """Memory of this process that is in use; 0 where the system does not tell."""
    path = Path("/proc/self/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if path.is_file() else 0


# ---- the twin: the same session, remembered anew


@torch.inference_mode()
def twin_of(engine: Engine, session_id: str, past: Past) -> str:
    """A second session that goes on like this one, its backbone computed from `past` alone."""
    session = engine.session(session_id)
    twin = engine.open(seed=session.seed)
    backbone = remembered(engine, session, past)
    engine.sessions[twin] = replace(session, id=twin, backbone=backbone, past=())
    return twin


def remembered(engine: Engine, session: Session, past: Past) -> BackboneState:
    """The state after the last micro-turns, and nothing before them."""
    model, markers = engine.model, engine.text.markers
    positions, _ = whole(heard_again(past, engine.text), markers)
    x_SD = model.embedder(positions)
    if session.pending_id is not None:  # the last `<|silent|>` opens the next micro-turn
        x_SD = x_SD[:-1]
    before = session.backbone.length - len(x_SD)
    first = -(-before // KEY_BLOCK) * KEY_BLOCK
    layers = [begun_at(layer, first) for layer in model.transformer.new_state().layers]
    state = BackboneState(layers, first)
    for part_SD in x_SD[first - before :].split(KEY_BLOCK):
        model.transformer.extend(part_SD, state)
    return state


def begun_at(layer: LayerState, first: int) -> LayerState:
    """An empty layer of a stream that begins at position `first`, zeros before it."""
    start = 0 if layer.reach is None else max(0, first - layer.reach * KEY_BLOCK)
    heads, _, width = layer.key_KNW.shape
    buffers = [
        empty.new_zeros(heads, first - start + KEY_BLOCK, width)
        for empty in (layer.key_KNW, layer.value_KNW)
    ]
    return replace(layer, key_KNW=buffers[0], value_KNW=buffers[1], start=start)


def heard_again(past: Past, text: Text) -> list[tuple[TurnFeatures, TurnDecision]]:
    """Features and decisions of recorded micro-turns. The first is dropped unless the session began
    with it: its own features need what was before."""
    ear = Session("ear", 0, BackboneState([]))
    turns: list[tuple[TurnFeatures, TurnDecision]] = []
    for turn, output in past:
        ear, features = listen(ear, turn, text)
        turns.append((features, TurnDecision(output.text_ids, output.speaks)))
        ear = replace(ear, said_audio_N=torch.as_tensor(output.audio) if output.speaks else None)
    return turns if past[0][0].index == 0 else turns[1:]


def side_by_side(
    engine: Engine, old: str, new: str, num_pairs: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Both go on with the same input; who goes first alternates."""
    cpu_ms: dict[str, list[float]] = {old: [], new: []}
    is_equal = True
    begin = engine.session(old).index
    sees = engine.model.config.vision is not None
    for index in range(begin, begin + num_pairs):
        turn = given(index, rng, sees)
        outputs: dict[str, Output] = {}
        for one in (old, new) if index % 2 else (new, old):
            processor = time.thread_time()
            outputs[one] = engine.step(one, turn, force_speak=speaks(index))
            cpu_ms[one].append(1000 * (time.thread_time() - processor))
        is_equal = is_equal and same(outputs[old], outputs[new])
    old_ms, new_ms = (percentile(cpu_ms[one], 50) for one in (old, new))
    each = [a / b for a, b in zip(cpu_ms[old], cpu_ms[new], strict=True) if b]
    return {
        "pairs": num_pairs,
        "old_median_ms": round(old_ms, 3),
        "new_median_ms": round(new_ms, 3),
        "median_of_ratios": round(percentile(each, 50), 3) if each else 0.0,
        "is_equal": is_equal,
        "tail_over_head": ratio(old_ms, new_ms),
    }


# ---- figures


def tenths(cpu_ms: npt.NDArray[np.float32]) -> list[float]:
    """Median of each tenth of the session."""
    return [round(float(np.median(part)), 3) for part in np.array_split(cpu_ms, NUM_PARTS)]


def memory(series: Series) -> dict[str, float]:
    """Memory of the process and of the session, and how fast they grow in an hour of the session's
    own time (its first fifth aside, which fills the window; of the process, since the run was last
    interrupted).

    A session's memory is a saw: buffers of windowed layers fill and are made anew. So the line goes
    through the greatest value of each tenth.
    """
    first = len(series.at) // 5
    result: dict[str, float] = {}
    for name, held in (("process", series.rss_bytes), ("session", series.state_bytes)):
        begin = first
        if name == "process":
            begin = max(first, series.first_of_process + (series.first_of_process > 0))
        result[f"{name}_mb"] = round(float(held.max()) / 1e6, 2)
        result[f"{name}_mb_per_hour"] = round(slope(series.at[begin:], held[begin:]), 4)
    return result


def slope(at: npt.NDArray[np.int64], held: npt.NDArray[np.int64]) -> float:
    """MB an hour, of the best line through the greatest value of each tenth."""
    parts = min(NUM_PARTS, len(at))
    if parts < 2:
        return 0.0
    hours = [float(part.mean()) / MICRO_TURNS_AN_HOUR for part in np.array_split(at, parts)]
    peaks = [float(part.max()) / 1e6 for part in np.array_split(held, parts)]
    return float(np.polyfit(hours, peaks, 1)[0])
