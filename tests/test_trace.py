"""The trace format: what is written is read back, and a bad file is refused with its place."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microturn.trace import (
    TraceLine,
    parse,
    read_trace,
    trace_line,
    voiced_ms,
    write_line,
    write_trace,
)
from microturn.turns import OUTPUT_SAMPLES, Delegation, MicroTurnOutput, Timings

LINE = TraceLine(3, " what", "", "", True, 0.75, 120, 21.5)
TEXT = json.dumps(asdict(LINE))


def sound(num_frames: int, level: float = 0.1) -> np.ndarray:
    audio = np.zeros(OUTPUT_SAMPLES, dtype=np.float32)
    audio[: num_frames * 240] = level
    return audio


@given(
    st.lists(
        st.builds(
            TraceLine,
            index=st.just(0),
            heard=st.text(),
            said=st.text(),
            delegate=st.text(),
            speaks=st.booleans(),
            p_speak=st.floats(0, 1),
            voiced_ms=st.integers(0, 200),
            compute_ms=st.floats(0, 1e6),
        ),
        max_size=4,
    )
)
def test_read_gives_what_was_written(tmp_path_factory, lines: list[TraceLine]) -> None:
    lines = [TraceLine(**asdict(line) | {"index": i}) for i, line in enumerate(lines)]
    path = tmp_path_factory.mktemp("trace") / "t.jsonl"
    write_trace(path, lines)
    assert read_trace(path) == lines
    assert len(path.read_text(encoding="utf-8").split("\n")) == len(lines) + 1


def test_lines_are_there_before_the_run_ends(tmp_path: Path) -> None:
    with (tmp_path / "t.jsonl").open("w") as file:
        write_line(file, LINE)
        assert read_trace(tmp_path / "t.jsonl") == [LINE]


def test_line_of_an_output() -> None:
    output = MicroTurnOutput(
        4,
        sound(7),
        True,
        0.123456789,
        " hi",
        " ho",
        (1, 2),
        Delegation("d", 4, " ask"),
        Timings(1, 2),
    )
    assert trace_line(output) == TraceLine(4, " hi", " ho", " ask", True, 0.123457, 70, 3.0)


@pytest.mark.parametrize(
    ("num_frames", "level", "wanted"), [(0, 0, 0), (20, 0.1, 200), (5, 0.1, 50), (5, 9e-4, 0)]
)
def test_voiced_ms_counts_frames_of_sound(num_frames: int, level: float, wanted: int) -> None:
    assert voiced_ms(sound(num_frames, level)) == wanted


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "line 1 is not JSON"),
        ("\n", "line 1 is not JSON"),
        ("[]", "not a JSON object"),
        (TEXT.replace('"version": 1', '"version": 2'), "has trace version 2; this reads 1"),
        (TEXT.replace('"said": "", ', ""), "lacks 'said'"),
        (TEXT.replace('"speaks": true', '"speaks": 1'), "'speaks' must be bool, got 1"),
        (TEXT.replace('"index": 3', '"index": true'), "'index' must be int, got True"),
        (TEXT.replace('"heard": " what"', '"heard": null'), "'heard' must be str, got None"),
    ],
)
def test_a_bad_line_is_named(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        list(parse([text], "t.jsonl"))


def test_a_hole_is_named_and_more_fields_are_no_harm() -> None:
    assert list(parse([TEXT[:-1] + ', "more": 1}'], "t")) == [LINE]
    with pytest.raises(ValueError, match="t line 2 has index 3, expected 4"):
        list(parse([TEXT, TEXT], "t"))


def test_the_document_names_every_field() -> None:
    document = (Path(__file__).parent.parent / "docs/trace.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(\w+)` \|", document, re.MULTILINE)
    assert documented == [field.name for field in fields(TraceLine)]
    example = re.search(r"```json\n(.*)\n```", document)
    assert example and len(list(parse([example[1]], "docs"))) == 1
