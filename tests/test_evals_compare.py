"""Several systems on one set: cut alike, differences in pairs, nothing played twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from microturn import cli, cli_measure
from microturn.evals import compare
from microturn.evals.compare import Measured, cut_alike, difference, differences, measure_all, slug
from microturn.evals.record import Score
from microturn.evals.runner import Played, RunConfig
from microturn.evals.sources import SourceConfig
from microturn.evals.synthetic import SEED

SOURCE = "python:tests.eval_stand:tone_source"
GROUPS = ("refusal", "knowledge")


def config(root: Path, **more: object) -> RunConfig:
    source = SourceConfig(SOURCE, root / "media", groups=GROUPS)
    return RunConfig("", source, **{"workers": 0, "limit": 1, "vad": "energy"} | more)


def one(id: str, value: float | None, status: str = "played") -> Played:
    scores = () if value is None else (Score(id, "right", value, "x", "rule:v1;vad=energy"),)
    return Played(id, status, scores=scores)  # type: ignore[arg-type]


def test_who_got_less_far_cuts_the_set_for_all() -> None:
    fast = Measured("fast", Path("f"), tuple(one(f"knowledge/facts/{n}/c", 1.0) for n in range(3)))
    slow = Measured(
        "slow",
        Path("s"),
        (fast.played[0], one("knowledge/facts/1/c", None, "failed"),
         one("knowledge/facts/2/c", None, "not_played")),
    )  # fmt: skip
    cut, same = cut_alike([fast, slow])
    assert [p.status for p in cut.played] == ["played", "played", "not_played"]
    assert cut.played[2].reason == compare.CUT and cut.played[2].scores == ()
    assert same == slow, "a failure is a result and cuts nothing"


def test_a_difference_is_paired() -> None:
    """Two systems that differ by the same on each episode: no doubt is left, however hard the
    episodes differ."""
    first = {"a": 0.0, "b": 0.5, "c": 0.9, "only here": 1.0}
    found = difference(first, {"a": 0.1, "b": 0.6, "c": 1.0, "only there": 0.0})
    assert found is not None
    value, interval, num = found
    assert value == pytest.approx(0.1) and num == 3
    assert interval.low == pytest.approx(0.1) and interval.high == pytest.approx(0.1)
    assert difference(first, {"only there": 0.0}) is None


def test_differences_are_to_the_first_system() -> None:
    ids = [f"knowledge/facts/{n}/clean" for n in range(4)]
    good = Measured("good", Path("g"), tuple(one(id, 1.0) for id in ids))
    poor = Measured("poor", Path("p"), tuple(one(id, n % 2) for n, id in enumerate(ids)))
    none, (row,) = differences([good, poor])
    assert none == []
    assert (row["group"], row["metric"], row["grader"]) == ("knowledge", "right", "rule:v1")
    assert row["value"] == -0.5 and row["episodes"] == 4 and row["low"] <= -0.5 <= row["high"]


def test_names_become_folders() -> None:
    assert slug("silent") == "silent"
    a, b = slug("model:/a/b"), slug("model:/a_b")
    assert a != b and "/" not in a + b and ":" not in a + b
    with pytest.raises(ValueError, match="name at least one system"):
        compare.folders((), Path("x"))
    with pytest.raises(ValueError, match="each system once, got silent again"):
        compare.folders(("silent", "oracle", "silent"), Path("x"))
    with pytest.raises(ValueError, match="no system 'modle'"):
        compare.folders(("modle",), Path("x"))


def test_all_systems_meet_the_same_episodes_and_none_twice(tmp_path: Path) -> None:
    heard: list[tuple[str, str]] = []

    def tell(system: str) -> compare.Tell:
        return lambda done, total, played: heard.append((system, played.id))

    wanted = config(tmp_path)
    measured, source = measure_all(wanted, ("oracle", "silent"), tmp_path / "out", tell=tell)
    ids = [[p.id for p in each.played] for each in measured]
    assert ids[0] == ids[1] and len(ids[0]) == 4
    assert len(heard) == 8
    first = compare.reports(measured, wanted, source, "run", lambda played: [])
    assert first[1]["compared_to"] == "oracle" and "differences" not in first[0]
    rights = [r for r in first[1]["differences"] if r["metric"] == "right"]
    assert {r["value"] for r in rights} == {-1.0}

    assert first[0]["panel"]["num_events"] >= 4 > len(first[1]["failures"]) == 0

    heard.clear()
    again, _ = measure_all(wanted, ("oracle", "silent"), tmp_path / "out", True, tell)
    assert heard == [], "all of it was kept"
    assert [each.num_kept for each in again] == [4, 4]
    second = compare.reports(again, wanted, source, "run", lambda played: [])
    for old, new in zip(first, second, strict=True):
        assert old["groups"] == new["groups"]

    measure_all(wanted, ("oracle", "silent"), tmp_path / "out", tell=tell)
    assert len(heard) == 8, "without --resume everything is played"


def test_a_system_added_later_is_the_only_one_played(tmp_path: Path) -> None:
    wanted = config(tmp_path)
    measure_all(wanted, ("oracle", "silent"), tmp_path / "out")
    heard: list[str] = []

    def tell(system: str) -> compare.Tell:
        return lambda done, total, played: heard.append(system)

    measure_all(wanted, ("oracle", "silent", "echo"), tmp_path / "out", True, tell)
    assert set(heard) == {"echo"}
    heard.clear()
    fewer = replace(wanted, source=replace(wanted.source, groups=("refusal",)))
    measure_all(fewer, ("oracle", "silent"), tmp_path / "out", True, tell)
    measure_all(wanted, ("oracle", "silent"), tmp_path / "out", True, tell)
    assert heard == [], "a smaller set does not make the larger one forgotten"
    measure_all(replace(wanted, seed=5), ("oracle", "silent"), tmp_path / "out", True, tell)
    assert set(heard) == {"oracle", "silent"}, "another seed is another run"


def test_the_command_measures_several_and_writes_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli_measure, "cores", lambda asked: 0)  # in this process
    monkeypatch.setattr(cli_measure, "recogniser_of", lambda measured, source: None)
    out, page, text = tmp_path / "out", tmp_path / "all.html", tmp_path / "all.md"
    asked = ["--dataset", SOURCE, "--root", str(tmp_path / "media"), "--groups", "knowledge"]
    asked += ["--limit", "1", "--out", str(out)]
    systems = ["--system", "oracle", "silent"]
    assert cli.main(["eval", "run", *systems, *asked, "--html", str(page)]) == 0
    told = capsys.readouterr().out
    assert "Interaction panel" in told and "- silent: 3 of 3 conversations" in told
    assert "oracle · silent" in page.read_text(encoding="utf-8")
    runs = [str(out / name) for name in ("oracle", "silent")]
    assert cli.main(["eval", "report", *runs, "--markdown", str(text)]) == 0
    assert "| oracle | silent |" in text.read_text(encoding="utf-8")
    capsys.readouterr()
    again = ["--resume", "--json", "--markdown", str(tmp_path / "again.md")]
    assert cli.main(["eval", "run", *systems, *asked, *again]) == 0
    assert (tmp_path / "again.md").read_text(encoding="utf-8") == text.read_text(encoding="utf-8")
    found = json.loads(capsys.readouterr().out)["systems"]
    assert [report["kept"] for report in found] == [3, 3]
    assert cli.main(["eval", "report", *runs]) == 2
    assert "--html FILE or --markdown FILE" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["quick", "nano-card", "run"])
def test_another_set_of_conversations(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """`--talks` moves the conversations' seed and nothing else; `--seed` the system's alone."""
    asked: list[RunConfig] = []

    def note(config: RunConfig, *_: object) -> int:
        asked.append(config)
        return 0

    monkeypatch.setattr(cli_measure, "measure", note)
    own = ["eval", command, "--system", "silent", "--out", str(tmp_path)]
    for more in ([], ["--talks", "1"], ["--seed", "5"]):
        assert cli.main([*own, *more]) == 0
    plain, other, sampled = asked
    assert other == replace(plain, source=replace(plain.source, seed=plain.source.seed + 1))
    assert sampled == replace(plain, seed=5)
    assert plain.source.seed == SEED
    assert cli.main([*own, "--talks", "-1"]) == 2
    assert "talks must not be negative, got -1" in capsys.readouterr().err
