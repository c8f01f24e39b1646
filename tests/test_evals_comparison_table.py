"""One table of several systems: one grader a row, and who was cut by which detector."""

from __future__ import annotations

import pytest

from microturn.evals.comparison_table import markdown, rows_of, shown_cell, table
from microturn.evals.groups import RIGHT
from microturn.evals.panel_table import panel_html
from microturn.evals.record import Score
from microturn.evals.summary import cell


def report(name: str, value: float, grader: str = "rule:v1;vad=energy", **more: object) -> dict:
    scores = [Score(f"e{n}", "right", value, "x", grader) for n in range(3)]
    return {
        "asked_for": name, "system": name, "played": 3, "episodes": 4, "minutes": 1.5,
        "failures": [{"id": "e3"}],
        "took": {"wall_s": 60.0, "cpu_s": 30.0}, "clock": "lockstep", "vad": "energy",
        "parts": "a + b",
        "groups": [{"name": "knowledge", "title": "Knowing", "cells": cell(RIGHT, scores)}],
    } | more  # fmt: skip


def test_a_column_for_each_system() -> None:
    text = markdown([report("a", 1.0), report("b", 0.0, "rule:v1;vad=silero-vad-6.2.3")])
    assert "| Knowing | right answer, % | rule:v1 | 100.0 [100.0, 100.0] (3) | 0.0" in text
    assert "a (a + b): 3 of 4 conversations, 1 failed" in text
    assert "in 1.0 minutes (0.5 of the processor)" in text


def test_graders_never_share_a_row() -> None:
    rows = rows_of([report("a", 1.0), report("b", 0.0, "judge:m")])
    assert len(rows) == 2
    assert sorted(sum(c is not None for c in cells) for cells in rows.values()) == [1, 1]
    text = table([report("a", 1.0), report("b", 0.0, "judge:m")])
    assert "judge:m" in text and "rule:v1;vad=energy" in text


def test_the_recogniser_stands_below() -> None:
    told = {"name": "w", "value": 0.076, "low": 0.05, "high": 0.1, "words": 450, "turns": 60}
    text = markdown([report("a", 1.0, recogniser=told)])
    assert "Recogniser w: 7.6 % [5.0, 10.0] of 450 words wrong" in text
    assert "Recogniser" not in markdown([report("a", 1.0)])


def test_what_was_not_measured_is_a_dash() -> None:
    assert shown_cell(None) == "-"
    with pytest.raises(ValueError, match="at least one run"):
        markdown([])


def test_the_panel_stands_below_where_there_is_one() -> None:
    measured = {"response_rate": 0.75, "response_median_ms": 340.0, "yield_rate": None,
                "num_events": 40}  # fmt: skip
    runs = [report("a", 1.0, panel=measured), report("b", 1.0, panel={"num_events": 0})]
    text = markdown(runs)
    assert "| answered a turn, % | 75 | - |" in text and "| answer, median ms | 340 | - |" in text
    assert "| fell silent when interrupted, % | - | - |" in text, "hidden below ten events"
    assert "answered a turn, %: a 75, b -" in table(runs)
    assert "<td class='num'>75</td>" in panel_html(runs)
    assert panel_html([report("a", 1.0)]) == "" and "anel" not in markdown([report("a", 1.0)])
