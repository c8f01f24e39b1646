"""Traces and scores: round trips and faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from microturn.evals.episode import Episode
from microturn.evals.record import (
    AudioFile,
    BackgroundUse,
    Score,
    SystemFacts,
    Tick,
    ToolUse,
    Trace,
    Utterance,
    check_pair,
    parse_trace,
    read_scores,
    read_traces,
    write_scores,
    write_traces,
)
from microturn.evals.schema import json_schema, to_json

DOCS = Path(__file__).parent.parent / "docs"
TRACE = Trace(
    "e",
    SystemFacts("nano", "nano", clock="wallclock", playback_ms=40),
    AudioFile("e.wav", 24000),
    "energy",
    (
        Tick(0, (0, 200), "Sure", (40, 200), compute_ms=37),
        Tick(1, (200, 400), delegate="look it up", tool_calls=({"function": "f", "args": {}},)),
    ),
    (Utterance("a0", 240, 610, "Sure", (("Sure", 240, 400),)), Utterance("a1", 800, 900)),
    (ToolUse(400, "f", {"a": 1}, 600, {"ok": True}),),
    (BackgroundUse(400, 700, 900),),
)


def test_traces_and_scores_survive_the_way_to_disk_and_back(tmp_path: Path) -> None:
    write_traces(tmp_path / "t.jsonl", [TRACE])
    assert list(read_traces(tmp_path / "t.jsonl")) == [TRACE]
    scores = [Score("e", "m", None, "censored", "judge:x;vad=energy", None, True, {"on": "u0"})]
    write_scores(tmp_path / "s.jsonl", scores)
    assert list(read_scores(tmp_path / "s.jsonl")) == scores


def test_the_schema_file_is_what_the_code_says() -> None:
    scored = json.loads((DOCS / "score.schema.json").read_text(encoding="utf-8"))
    assert scored == json_schema(Score)
    assert scored["required"] == ["episode", "metric", "value", "outcome", "grader"]
    written = json.loads((DOCS / "trace.schema.json").read_text(encoding="utf-8"))
    assert written == json_schema(Trace)
    assert written["$defs"]["SystemFacts"]["properties"]["clock"] == {
        "enum": ["lockstep", "wallclock"]
    }


def test_words_and_text() -> None:
    assert TRACE.text == "Sure"
    assert TRACE.words == (("Sure", 240, 400), ("", 800, 900)), "without words: one, of its length"
    assert TRACE.spans == ((240, 610), (800, 900))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("colour", 1, "unknown key 'colour'"),
        ("schema", 3, "schema 3 of a trace is not known"),
        ("ticks", [{"i": 1, "in_ms": [0, 200]}], "must count up from 0"),
        ("ticks", [{"i": 0, "in_ms": [200, 200]}], r"ticks\[0\]: tick 0 has in_ms"),
        ("utterances", [{"id": "a", "t0": 9, "t1": 3}], "must have 0 <= t0 <= t1"),
        (
            "utterances",
            [{"id": "a", "t0": 0, "t1": 9}, {"id": "b", "t0": 5, "t1": 9}],
            "'b' of 'e' begins at 5 ms, before the one ahead of it ends",
        ),
    ],
)
def test_a_fault_gives_one_line(key: str, value: Any, message: str) -> None:
    entry = to_json(TRACE) | {key: value}
    with pytest.raises(ValueError, match=message):
        parse_trace(json.dumps(entry))


def test_a_trace_belongs_to_its_episode() -> None:
    check_pair(Episode("e", "b", 1000), TRACE)
    with pytest.raises(ValueError, match="the trace is of 'e', the episode is 'f'"):
        check_pair(Episode("f", "b", 1000), TRACE)
    with pytest.raises(ValueError, match="'a1' ends at 900 ms, outside the episode 'e'"):
        check_pair(Episode("e", "b", 899), TRACE)


@pytest.mark.parametrize("grader", ["", "rule", "judge:", "judge:a b", "exact;energy", "exactly"])
def test_graders_have_a_form(grader: str) -> None:
    with pytest.raises(ValueError, match="grader"):
        Score("e", "m", 1.0, "right", grader)
    for good in ("exact", "rule:v1", "judge:org/model-1", "exact;vad=silero-vad-6.2.3"):
        Score("e", "m", 1.0, "right", good)


def test_what_is_censored_has_no_value() -> None:
    with pytest.raises(ValueError, match="censored and has a value"):
        Score("e", "m", 0.0, "censored", "exact", censored=True)
