"""`microturn bench`: every name has a measure; what is measured without weights writes no text."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from microturn import cli
from microturn.cli_bench import MEASURES, What, random_engine


def test_every_name_has_a_measure() -> None:
    assert set(MEASURES) == set(get_args(What))


def test_sessions_print_their_figure_last(capsys: pytest.CaptureFixture[str]) -> None:
    args = ["bench", "sessions", "--random-weights", "--sessions", "1", "--micro-turns", "1"]
    assert cli.main(args) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("sessions held in 200 ms: ") and "the same bits" in lines[-2]
    assert cli.main([*args, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["by_sessions"][0]["sessions"] == 1


def test_random_weights_write_no_text() -> None:
    engine = random_engine("nano")
    assert engine.sampling.max_text_tokens == 0
    assert engine.text.vocab_size == engine.model.config.backbone.vocab_size
