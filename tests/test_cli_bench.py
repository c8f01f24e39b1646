"""`microturn bench`: every name has a measure; what is measured without weights writes no text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from microturn import cli
from microturn.cli_bench import MEASURES, What, random_engine
from microturn.engine.bench import describe_machine
from microturn.engine.engine import Engine


def test_every_name_has_a_measure() -> None:
    assert set(MEASURES) == set(get_args(What))


def test_sessions_print_their_figure_last(capsys: pytest.CaptureFixture[str]) -> None:
    args = ["bench", "sessions", "--random-weights", "--sessions", "1", "--micro-turns", "1"]
    assert cli.main(args) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[-1].startswith("sessions held in 200 ms by one process: ")
        and "the same bits" in lines[-2]
    )
    assert cli.main([*args, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["by_sessions"][0]["sessions"] == 1
    assert cli.main([*args, "--processes", "2"]) == 0
    assert "by 2 processes: " in capsys.readouterr().out.splitlines()[-1]


def test_invariance_reaches_its_bench(
    monkeypatch: pytest.MonkeyPatch, model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"machine": describe_machine(), "cost": None} | {
        kind: {"count": 0} for kind in ("silent", "speaking", "whole")
    }
    asked: list[int] = []

    def record(engine: Engine, num_turns: int, seed: int) -> dict[str, Any]:
        asked.extend((num_turns, seed, engine.limits.max_sessions))
        return found

    monkeypatch.setattr("microturn.engine.bench_invariance.bench_invariance", record)
    args = ["bench", "invariance", "--model", str(model_folder), "--micro-turns", "60"]
    assert cli.main([*args, "--seed", "3"]) == 0
    assert asked == [60, 3, 4]
    assert capsys.readouterr().out.splitlines()[-1].startswith("NOTHING COULD BE COMPARED")


def test_random_weights_write_no_text() -> None:
    engine = random_engine("nano")
    assert engine.sampling.max_text_tokens == 0
    assert engine.text.vocab_size == engine.model.config.backbone.vocab_size
