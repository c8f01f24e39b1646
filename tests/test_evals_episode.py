"""Episodes: the record as documented, round trips, and one clear line for each fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from microturn.evals.episode import (
    NEEDS,
    Episode,
    Segment,
    default_do,
    parse_episode,
    read_episodes,
    write_episodes,
)
from microturn.evals.schema import json_schema, to_json

DOCS = Path(__file__).parent.parent / "docs"


def example() -> dict[str, Any]:
    """An episode with every kind of expectation."""
    return {
        "schema": 1,
        "id": "fdb15/user_interruption/17",
        "bench": "fdb_v1_5",
        "license": "MIT",
        "duration_ms": 40000,
        "tail_ms": 2000,
        "tracks": [
            {"kind": "audio", "uri": "v1_5/user_interruption/17/input.wav", "gain_db": 0},
            {"kind": "video", "uri": "a.mp4", "at_ms": 6000, "fps": 2},
            {"kind": "text", "at_ms": 0, "text": "hello"},
        ],
        "system": {"seed_turns": [{"role": "agent", "text": "hi"}], "tools": [{"name": "f"}]},
        "segments": [
            {"id": "u0", "role": "user", "t0": 0, "t1": 3120, "kind": "speech",
             "text": "what", "words": [["what", 0, 180]]},
            {"id": "u1", "role": "user", "t0": 7275, "t1": 11467, "kind": "speech",
             "overlap": True},
            {"id": "v3", "role": "world", "t0": 9100, "t1": 9600, "kind": "visual_event",
             "label": "rep_end", "index": 3},
        ],
        "expect": [
            {"id": "e0", "on": "u0", "do": "respond", "window": [3120, 8120]},
            {"id": "e1", "on": "u1", "do": "yield_then_respond", "window": [7275, 99000]},
            {"id": "e2", "do": "say", "window": [12000, 13000], "accept": ["breathe in"]},
            {"id": "e3", "do": "silent", "window": [3120, 12000]},
            {"id": "e4", "do": "count", "value": 14, "after_ms": 21000, "tol": 1},
            {"id": "e5", "do": "interval", "ref": [24300, 30400], "open": ["start"],
             "close": ["stop"]},
            {"id": "e6", "do": "answer", "spans": [[6000, 16000]],
             "accept": [["explosion", "smoke"]], "max_score": 2},
            {"id": "e7", "do": "tools",
             "calls": [{"function": "track_order", "args": {"order_id": "QX15"}}]},
            {"id": "e8", "do": "ifeval",
             "instructions": [{"id": "punctuation:no_comma", "kwargs": {}}]},
            {"id": "e9", "do": "refuse"},
        ],
        "raw": {"untouched": [1, None, "x"]},
    }  # fmt: skip


def test_an_episode_survives_the_way_to_disk_and_back(tmp_path: Path) -> None:
    episode = parse_episode(json.dumps(example()))
    write_episodes(tmp_path / "episodes.jsonl", [episode, episode])
    assert list(read_episodes(tmp_path / "episodes.jsonl")) == [episode, episode]
    written = to_json(episode)
    assert written["schema"] == 1 and written["expect"][1]["window"] == [7275, 99000]
    assert "split" not in written, "defaults are not written"
    assert episode.end_ms == 42000 and episode.segment("v3").index == 3


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change of one place; a path like `segments.0.t1`."""

    def change(entry: Any) -> None:
        *parents, last = path.split(".")
        for part in parents:
            entry = entry[int(part) if part.isdigit() else part]
        entry[int(last) if last.isdigit() else last] = value

    return change


def drop(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda entry: entry.pop(key)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("colour", 1), "Episode has the unknown key 'colour'"),
        (put("segments.0.colour", 1), r"segments\[0\] has the unknown key 'colour'"),
        (drop("bench"), "Episode lacks the key 'bench'"),
        (put("segments.0.t1", "3"), r"segments\[0\].t1 must be int, got '3'"),
        (put("segments.0.t1", 3.5), r"segments\[0\].t1 must be int, got 3.5"),
        (put("duration_ms", True), "duration_ms must be int, got True"),
        (put("segments.0.kind", "song"), r"segments\[0\].kind must be one of 'speech'"),
        (put("segments.0.words", [["what", 0]]), r"words\[0\] must be \[str, int, int\]"),
        (put("tracks", {}), "tracks must be a list of object"),
        (put("expect.2.accept", [3]), r"accept\[0\] must be str or a list of str"),
        (put("schema", 2), "schema 2 of .* is not known, only 1"),
        (put("segments.1.t1", 42001), "segment 'u1' lies outside the episode .*: 42001 ms"),
        (put("segments.0.t0", -1), "segment 'u0' must have 0 <= t0 <= t1"),
        (put("segments.0.words.0.2", 50000), "a word of segment 'u0' lies outside"),
        (put("tracks.2.at_ms", 50000), "track 2 lies outside the episode"),
        (put("expect.3.window", [43000, 44000]), "expectation 'e3' lies outside the episode"),
        (put("expect.3.window", [5000, 4000]), r"expectation 'e3' has the span \(5000, 4000\)"),
        (put("expect.0.on", "u9"), "expectation 'e0' is on 'u9': no such segment"),
        (put("expect.1.id", "e0"), "two of expectation 'e0'"),
        (put("segments.1.id", "u0"), "two of segment 'u0'"),
        (put("expect.4.value", None), r"'e4' \(count\) lacks 'value'"),
        (put("tracks.0.uri", "/etc/x.wav"), "must be relative to the media root"),
        (put("tracks.0.uri", "a/../../x.wav"), "must be relative to the media root"),
        (put("tracks.2.uri", "x.wav"), "a text track needs 'text' and no 'uri'"),
        (put("duration_ms", 0), "needs duration_ms > 0"),
    ],
)
def test_a_fault_gives_one_line_that_says_where(
    change: Callable[[dict[str, Any]], None], message: str
) -> None:
    entry = example()
    parse_episode(json.dumps(entry))
    change(entry)
    with pytest.raises(ValueError, match=message) as caught:
        parse_episode(json.dumps(entry), "file line 1")
    assert str(caught.value).startswith("file line 1") and "\n" not in str(caught.value)


def test_what_is_no_json_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "episodes.jsonl"
    path.write_text(json.dumps(example()) + "\n{\n")
    with pytest.raises(ValueError, match=r"episodes.jsonl line 2 is not JSON"):
        list(read_episodes(path))


def test_every_kind_of_expectation_says_what_it_needs() -> None:
    with_needs = {entry["do"] for entry in example()["expect"]}
    assert with_needs <= set(NEEDS)
    doc = (DOCS / "evals.md").read_text(encoding="utf-8")
    for do, needs in NEEDS.items():
        row = next(line for line in doc.splitlines() if line.startswith(f"| `{do}` |"))
        assert all(f"`{name}`" in row for name in needs), do


def test_the_default_expectation_follows_the_kind() -> None:
    def do(kind: Any, **more: bool) -> str | None:
        return default_do(Segment("s", "user", 0, 1, kind), **more)

    assert do("speech") == "respond" and do("speech", agent_speaks=True) == "yield_then_respond"
    assert [do(kind) for kind in ("backchannel", "aside", "background", "noise", "pause")] == [
        "continue",
        "ignore",
        "ignore",
        "ignore",
        "wait",
    ]
    assert do("visual_event") is None


def test_the_schema_file_is_what_the_code_says() -> None:
    written = json.loads((DOCS / "episode.schema.json").read_text(encoding="utf-8"))
    assert written == json_schema(Episode)
    assert written["required"] == ["id", "bench", "duration_ms"]
    assert written["additionalProperties"] is False
    segment = written["$defs"]["Segment"]
    assert segment["properties"]["t0"] == {"type": "integer"}
    assert set(segment["required"]) == {"id", "role", "t0", "t1", "kind"}
