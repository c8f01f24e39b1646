"""Our outputs in Full-Duplex-Bench's layout, for its own scripts, and outputs of others in it.

Under the output folder each item has the folder of its input (`v1_0/candor_turn_taking/3/`). There
lie `output.wav`, at 16 kHz and exactly as long as the input, and `output.json` with the words:
{"text", "chunks": [{"text", "timestamp": [s, s]}]}. V3 has `output_<provider>.wav` and
`result_<provider>.json` instead. Only the layout is upstream's; none of its code is here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from microturn.evals.episode import Episode
from microturn.evals.output_files import SOUND, read_output, write_output
from microturn.evals.record import SystemFacts, Trace
from microturn.evals.vad import Vad
from microturn.signal.wav import read_wav, to_rate, write_wav
from microturn.turns import INPUT_RATE_HZ, FloatArray


def folder_of(episode: Episode) -> str:
    """The folder of an episode's input, relative to the root. Raises ValueError without sound."""
    for track in episode.tracks:
        if track.kind == "audio" and track.uri is not None:
            return PurePosixPath(track.uri).parent.as_posix()
    raise ValueError(f"episode {episode.id!r} has no sound: it has no place in that layout")


def input_samples(episode: Episode, root: Path | None) -> int:
    """Length of the input at 16 kHz: of the file itself where a root is given."""
    uris = [track.uri for track in episode.tracks if track.kind == "audio" and track.uri]
    if root is None or not uris or not (root / uris[0]).is_file():
        return episode.duration_ms * INPUT_RATE_HZ // 1000
    return len(to_rate(*read_wav(root / uris[0]), INPUT_RATE_HZ))


def as_long_as(audio: FloatArray, num_samples: int) -> FloatArray:
    """Cut, or filled up with silence."""
    kept = audio[:num_samples]
    return np.pad(kept, (0, num_samples - len(kept))).astype(np.float32)


def export(
    pairs: Iterable[tuple[Episode, Trace]], traces: Path, out: Path, root: Path | None = None
) -> list[Path]:
    """Write the outputs of V1.0 and V1.5 episodes; gives the folders.

    traces: the folder that the traces' sounds are relative to. root: that of the inputs, so that
    lengths agree to the sample. What was said in the tail, after the input, is left out. Raises
    ValueError for a trace without sound.
    """
    written: list[Path] = []
    for episode, trace in pairs:
        audio = sound_of(trace, traces)
        end_ms = episode.duration_ms
        utterances = tuple(
            replace(u, words=tuple(word for word in u.words if word[1] < end_ms))
            for u in trace.utterances
        )
        folder = out / folder_of(episode)
        cut = as_long_as(audio, input_samples(episode, root))
        write_output(replace(trace, utterances=utterances), cut, INPUT_RATE_HZ, folder)
        written.append(folder)
    return written


def sound_of(trace: Trace, traces: Path) -> FloatArray:
    """A trace's sound at 16 kHz. Raises ValueError where it has none."""
    if trace.audio is None:
        raise ValueError(f"the trace of {trace.episode!r} has no sound to export")
    return to_rate(*read_wav(traces / trace.audio.uri), INPUT_RATE_HZ)


@dataclass(frozen=True)
class Outputs:
    """Traces made of files; `absent` are ids of episodes whose output is not there or unusable,
    with the reason."""

    pairs: tuple[tuple[Episode, Trace], ...]
    absent: dict[str, str]


def read_outputs(
    episodes: Iterable[Episode], folder: Path, system: SystemFacts, vad: Vad
) -> Outputs:
    """Read a folder of `output.wav` made elsewhere (with `output.json`, if it is there).

    Paired by the name of the item's folder, never by order. Raises ValueError where nothing fits.
    """
    pairs: list[tuple[Episode, Trace]] = []
    absent: dict[str, str] = {}
    for episode in episodes:
        try:
            place = folder / folder_of(episode)
            pairs.append((episode, read_output(episode, place, system, vad)))
        except ValueError as error:
            absent[episode.id] = str(error)
    if not pairs:
        raise ValueError(
            f"{folder} holds no output of these {len(absent)} episodes: "
            f"want <subset>/<ID>/{SOUND} as in the folder of the inputs"
        )
    return Outputs(tuple(pairs), absent)


# ---- V3


def provider_name(name: str) -> str:
    """A system's name as part of a file name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-") or "system"


def v3_result(episode: Episode, trace: Trace) -> dict[str, Any]:
    """The content of a V3 `result_<provider>.json`; times in seconds from the input's start.

    `asr_chunks` and `transcript` are the words of the trace: its own text where there is any.
    """
    turn = next((segment for segment in episode.segments if segment.id == "u0"), None)
    words = [word for utterance in trace.utterances for word in utterance.words]
    facts = (episode.raw or {}).get("annotation", {}) if isinstance(episode.raw, dict) else {}
    known = facts.get("definition") or facts.get("metadata") or {}
    example = known.get("id", known.get("example_id"))
    return {
        "example_id": example or re.sub(r"_[0-9a-f]{24}$", "", episode.id.rsplit("/", 1)[-1]),
        "provider": trace.system.name,
        "actual_tool_calls": [
            {"function": use.function, "args": use.args, "timestamp_start": use.t_call / 1000}
            for use in trace.tools
        ],
        "transcript": trace.text,
        "asr_chunks": [
            {"text": text, "timestamp": [start / 1000, end / 1000]} for text, start, end in words
        ],
        "user_speech_end_rel": None if turn is None else turn.t1 / 1000,
        "audio_agent_speech_start": trace.spans[0][0] / 1000 if trace.spans else None,
    }


def export_v3(
    pairs: Iterable[tuple[Episode, Trace]], traces: Path, out: Path, provider: str
) -> Iterator[Path]:
    """Write V3 results (and sound, where the trace has it); yields each result file."""
    name = provider_name(provider)
    for episode, trace in pairs:
        folder = out / folder_of(episode)
        folder.mkdir(parents=True, exist_ok=True)
        if trace.audio is not None:
            write_wav(folder / f"output_{name}.wav", sound_of(trace, traces), INPUT_RATE_HZ)
        path = folder / f"result_{name}.json"
        found = json.dumps(v3_result(episode, trace), ensure_ascii=False, indent=1)
        path.write_text(found + "\n", encoding="utf-8")
        yield path
