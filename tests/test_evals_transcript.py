"""Conversations as text: everything stands at its time, and scores choose, not taste."""

from __future__ import annotations

from pathlib import Path

import pytest

from microturn.evals.episode import Episode, Expect, Segment, Track, write_episodes
from microturn.evals.record import (
    Score,
    SystemFacts,
    Tick,
    Trace,
    Utterance,
    write_scores,
    write_traces,
)
from microturn.evals.transcript import Transcripts, page

QUESTION = Segment(
    "u0", "user", 300, 900, "speech", "two plus|two?", (("two", 300, 600), ("plus|two?", 650, 900))
)
EPISODE = Episode(
    "turn_taking/sums/0/clean",
    "synthetic",
    3_000,
    tracks=(Track("audio", "in.wav"), Track("text", at_ms=1_900, text="hello")),
    segments=(QUESTION,),
    expect=(Expect("e0", "respond", on="u0", window=(900, 2_400), accept=("Four.",)),),
)


def trace_of(episode: Episode, text: str = " four.") -> Trace:
    """It writes "two plus two" as heard in the sixth micro-turn and answers in the seventh."""
    heard, said = {5: " two plus two"}, {6: text}
    ticks = tuple(
        Tick(i, (200 * i, 200 * i + 200), said.get(i, ""), (0, 200) if said.get(i) else None)
        for i in range(15)
    )
    ticks = tuple(
        Tick(t.i, t.in_ms, t.text, t.voiced_ms, heard=heard.get(t.i, ""), delegate=None)
        for t in ticks
    )
    spoken = (Utterance("a0", 1_400, 1_600, text.strip()),) if text else ()
    return Trace(episode.id, SystemFacts("model:tiny"), ticks=ticks, utterances=spoken)


def score(name: str, value: float) -> Score:
    outcome = "right" if value else "wrong"
    return Score(name, "right", value, outcome, "rule:v1", latency_ms=500)


def folder_of(path: Path, values: dict[str, float], silent: tuple[str, ...] = ()) -> Path:
    episodes = [
        Episode(name, "synthetic", 3_000, segments=EPISODE.segments, tracks=EPISODE.tracks,
                expect=EPISODE.expect)
        for name in values
    ]  # fmt: skip
    write_episodes(path / "episodes.jsonl", episodes)
    traces = [trace_of(one, "" if one.id in silent else " four.") for one in episodes]
    write_traces(path / "traces.jsonl", traces)
    write_scores(path / "scores.jsonl", [score(name, value) for name, value in values.items()])
    return path


NAMES = [f"turn_taking/sums/{number}/clean" for number in range(6)]


def test_everything_stands_at_its_time(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, dict.fromkeys(NAMES[:1], 1.0))
    text = page(Transcripts(folder, (NAMES[0],)))
    rows = {line.split(" | ")[0].strip("| "): line for line in text.splitlines() if "| " in line}
    assert rows["0.2"].startswith("| 0.2 | two | ▮ |  |")
    assert "plus\\|two?" in rows["0.6"]  # what would break the table is written so that it does not
    assert "▮" not in rows["0.0 to 0.2"] and "two" not in rows["0.0 to 0.2"]
    assert "two plus two" in rows["1.0"] and "four." not in rows["1.2 to 1.4"]
    assert rows["1.4"] == "| 1.4 |  |  | ▮ |  | four. |  |"  # given in 1.2, heard from 1.4 on
    assert "[typed] hello" in rows["1.8"]
    assert "e0 begins" in rows["0.8"] and "e0 ends" in rows["2.4"]
    assert '- e0: respond on u0, 0.9 to 2.4 s: "Four."' in text
    assert "- right: right (1.00), 500 ms" in text
    assert rows["2.6 to 3.0"]


def test_scores_choose_among_those_who_spoke(tmp_path: Path) -> None:
    values = dict(zip(NAMES, (0.5, 0.9, 0.1, 0.3, 1.0, 0.0), strict=True))
    folder = folder_of(tmp_path, values, silent=(NAMES[4], NAMES[5]))
    heads = [line for line in page(Transcripts(folder)).splitlines() if line.startswith("## ")]
    assert heads == [
        f"## `{NAMES[1]}` (best, 90% right)",
        f"## `{NAMES[0]}` (median, 50% right)",
        f"## `{NAMES[2]}` (worst, 10% right)",
    ]


def test_what_cannot_be_shown_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no episodes\.jsonl, traces\.jsonl, scores\.jsonl"):
        page(Transcripts(tmp_path))
    folder = folder_of(tmp_path, dict.fromkeys(NAMES[:2], 1.0))
    with pytest.raises(ValueError, match="the model spoke in 2 conversations: three are needed"):
        page(Transcripts(folder))
    with pytest.raises(ValueError, match="no conversation nothing was played"):
        page(Transcripts(folder, ("nothing",)))
