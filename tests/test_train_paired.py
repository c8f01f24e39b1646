"""The table of paired runs: means at the end, differences with their errors, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from microturn.train.paired import SHOWN, compare, table


def log(folder: Path, losses: list[float | None], extra: str = "") -> Path:
    folder.mkdir()
    lines = [json.dumps({"step": i + 1, "text": value}) for i, value in enumerate(losses)]
    (folder / "log.jsonl").write_text("".join(line + "\n" for line in lines) + extra)
    return folder


def test_the_last_steps_in_common_are_compared(tmp_path):
    one = log(tmp_path / "one", [9.0] * 8 + [2.0, 3.0], '{"step": 10, "eval": {"a": 1}}\n')
    two = log(tmp_path / "two", [9.0] * 8 + [1.0, 2.5, 0.0, 0.0])
    head, first, second = compare([one, two], share=0.2)
    assert head == ["run", *SHOWN]
    assert first[:2] == ["one", "2.5000"]
    assert second[:2] == ["two", "1.7500 (-0.7500 ± 0.2500)"]
    assert first[2] == "-"  # a figure that no log has
    assert table([head, first, second]).count("\n") == 3


def test_steps_without_a_figure_are_left_out(tmp_path):
    one, two = log(tmp_path / "one", [1.0, None, 3.0]), log(tmp_path / "two", [2.0, 5.0, None])
    assert compare([one, two], share=1.0)[2][1].startswith("2.0000 (+1.0000")


def test_what_cannot_be_compared_is_named(tmp_path):
    one = log(tmp_path / "one", [1.0])
    empty = log(tmp_path / "empty", [])
    for folders, message in (
        ([one], "two runs"),
        ([one, tmp_path], "no log"),
        ([one, empty], "no step in common"),
    ):
        with pytest.raises(ValueError, match=message):
            compare(folders)
    with pytest.raises(ValueError, match="share"):
        compare([one, one], share=0)
