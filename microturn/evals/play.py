"""Plays an episode to a system, tick by tick in audio time, and gives back the trace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from microturn.evals.episode import Episode, Track
from microturn.evals.interfaces import InputTick, System
from microturn.evals.record import Trace, check_pair
from microturn.signal.wav import read_wav, to_rate
from microturn.turns import INPUT_RATE_HZ, MICRO_TURN_MS, ByteArray, FloatArray

ROOT_FROM = "MICROTURN_EVAL_ROOT"
Frames = Callable[[Path, Track], Iterable[tuple[int, ByteArray]]]


def media_root(given: Path | None = None) -> Path:
    """The folder that uris are relative to: what was given, else the environment's.

    Raises ValueError where there is none.
    """
    named = os.environ.get(ROOT_FROM)
    root = given if given is not None else (Path(named) if named else None)
    if root is None or not root.is_dir():
        raise ValueError(f"no media root at {root}: give a folder, or set {ROOT_FROM}")
    return root


def input_track(episode: Episode, root: Path | None) -> FloatArray:
    """All audio tracks of an episode mixed, at 16 kHz, as long as its timeline."""
    audio = np.zeros(episode.end_ms * INPUT_RATE_HZ // 1000, dtype=np.float32)
    for track in episode.tracks:
        if track.kind != "audio" or track.uri is None:
            continue
        sound, rate_hz = read_wav(media_root(root) / track.uri)
        sound = to_rate(sound, rate_hz, INPUT_RATE_HZ) * np.float32(10 ** (track.gain_db / 20))
        first = track.at_ms * INPUT_RATE_HZ // 1000
        sound = sound[: max(0, len(audio) - first)]
        audio[first : first + len(sound)] += sound
    return np.clip(audio, -1.0, 1.0)


def play(
    system: System,
    episode: Episode,
    root: Path | None = None,
    tick_ms: int = MICRO_TURN_MS,
    frames_of: Frames | None = None,
) -> Trace:
    """Play one episode and check the trace.

    frames_of: (file, track) -> (time in ms from the track's start, image); needed where an
    episode has video. Raises ValueError for an episode without its media.
    """
    if episode.missing:
        raise ValueError(f"episode {episode.id!r} lacks its media and cannot be played")
    audio = input_track(episode, root)
    images: list[tuple[int, ByteArray]] = []
    for track in episode.tracks:
        if track.kind == "video" and track.uri is not None:
            if frames_of is None:
                raise ValueError(f"episode {episode.id!r} has video: give `frames_of`")
            found = frames_of(media_root(root) / track.uri, track)
            images += [(track.at_ms + time_ms, image) for time_ms, image in found]
    typed = [track for track in episode.tracks if track.kind == "text"]
    session = system.open(episode)
    size = tick_ms * INPUT_RATE_HZ // 1000
    for index in range(-(-episode.end_ms // tick_ms)):
        part = np.zeros(size, dtype=np.float32)
        heard = audio[index * size : (index + 1) * size]
        part[: len(heard)] = heard
        start_ms, end_ms = index * tick_ms, (index + 1) * tick_ms
        closing = [track for track in typed if start_ms <= track.at_ms < end_ms]
        inp = InputTick(
            index,
            start_ms,
            part,
            tuple(image for time_ms, image in images if start_ms <= time_ms < end_ms),
            tuple(track.text or "" for track in closing if track.role == "user"),
            updates=tuple(track.text or "" for track in closing if track.role == "tool"),
        )
        session.step(inp)
    trace = session.close()
    check_pair(episode, trace)
    return trace
