"""Reports: numbers with intervals, as text, as data and as a page that asks for nothing."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from microturn import cli_measure
from microturn.evals import report_svg as draw
from microturn.evals.groups import GROUPS, SYSTEMS, Shown
from microturn.evals.record import Score
from microturn.evals.report import write_report
from microturn.evals.report_scores import group_section
from microturn.evals.runner import Played, RunConfig, run
from microturn.evals.sources import SourceConfig
from microturn.evals.summary import build, cell, faults, goodness, pooled, table

SOURCE = "python:tests.eval_stand:tone_source"
TRIED = ("turn_taking", "overlap", "knowledge", "saying")


def measured(root: Path, system: str) -> tuple[Path, dict]:
    """A run of one episode of each skill, kept as the command keeps it."""
    out = root / system
    source = SourceConfig(SOURCE, out / "media", groups=TRIED)
    config = RunConfig(system, source, out / "answers", workers=0, limit=1)
    played, _ = run(config)
    played.append(Played("overlap/interruption/9/clean", "timeout", "no <answer> within 3 s"))
    ours = RunConfig(system, SourceConfig(groups=TRIED))
    report = build(ours, played, "tones", "quick", ["spoken WER: no recogniser"])
    report["media"] = str(out / "media")
    cli_measure.keep(out, played, report)
    return out, report


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("runs")
    return [measured(root, system)[0] for system in ("vad_endpointer", "oracle")]


def report_of(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def cells_of(report: dict, group: str) -> dict[tuple[str, str], dict]:
    (found,) = [g for g in report["groups"] if g["name"] == group]
    return {(c["metric"], c["kind"]): c for c in found["cells"]}


def test_the_oracle_is_perfect_and_failures_are_counted_apart(folders: list[Path]) -> None:
    report = report_of(folders[1])
    cells = cells_of(report, "turn_taking")
    assert cells["response", "share"]["value"] == cells["right", "share"]["value"] == 1.0
    assert 0 < cells["response", "ms"]["value"] < 1000
    assert cells["response", "share"]["grader"] == "exact;vad=energy"
    assert [f["status"] for f in report["failures"]] == ["timeout"]
    (overlap,) = [g for g in report["groups"] if g["name"] == "overlap"]
    assert overlap["failed"] == 1 and report["played"] == report["episodes"] - 1
    assert all(value == 1.0 for value in overlap["skills"].values())
    assert report["worst"] == []


def test_the_endpointer_is_not(folders: list[Path]) -> None:
    report = report_of(folders[0])
    cells = cells_of(report, "turn_taking")
    assert cells["right", "share"]["value"] == 0.0
    assert cells["pause_takeover", "share"]["is_lower_better"]
    assert 0 < len(report["worst"]) <= 10
    assert all(entry["faults"] for entry in report["worst"])
    assert report["worst"][0]["goodness"] <= report["worst"][-1]["goodness"]


def test_the_table_says_what_it_is(folders: list[Path]) -> None:
    text = table(report_of(folders[1]))
    assert "answered in time" in text and "[100.0, 100.0]" in text and "exact;vad=energy" in text
    assert "reported, other data: FD-bench V1 turn-taking latency" in text
    assert "timeout: overlap/interruption/9/clean: no <answer> within 3 s" in text
    assert "omitted: spoken WER: no recogniser" in text
    assert "TimeSpeak" not in text, "groups that were not played are left out"


class Tags(HTMLParser):
    """Every tag is closed, and nothing is asked for from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.seen: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "hr", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone(folders: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    write_report(path, folders)
    page = path.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.links and all(link.startswith("data:audio/") for link in tags.links)
    assert re.search(r"https?://|url\(|@import|<script", page) is None
    assert tags.seen["audio"] == len(report_of(folders[0])["worst"])
    assert tags.seen["svg"] > 20 and tags.seen["polygon"] > 10
    assert "reported by their authors, other data" in page and SYSTEMS[0] in page
    assert "no &lt;answer&gt; within 3 s" in page and "<answer>" not in page
    assert "Omitted for oracle: spoken WER" in page


def test_a_page_without_media_is_still_written(folders: list[Path], tmp_path: Path) -> None:
    report = report_of(folders[1]) | {"media": str(tmp_path / "gone")}
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("episodes.jsonl", "traces.jsonl"):
        (moved / name).write_bytes((folders[1] / name).read_bytes())
    (moved / "report.json").write_text(json.dumps(report), encoding="utf-8")
    write_report(tmp_path / "r.html", [moved])
    assert "Who had the floor" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="want a folder that `microturn eval` wrote"):
        write_report(tmp_path / "r.html", [tmp_path])
    (tmp_path / "report.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="damaged"):
        write_report(tmp_path / "r.html", [tmp_path])
    with pytest.raises(ValueError, match="name at least one"):
        cli_measure.EvalReport((), tmp_path / "r.html").execute()


def test_word_errors_are_over_all_words() -> None:
    scores = [
        Score(f"e{n}", "heard", 0.0, "wrong", "rule:v1", detail={"errors": e, "words": w})
        for n, (e, w) in enumerate([(1, 1), (0, 9)])
    ]
    value, (low, high) = pooled(scores)
    assert value == 0.1, "not the mean of 100 % and 0 %"
    assert low == 0.0 and high == 1.0
    (one,) = cell(Shown("heard", "heard", "error", True), scores)
    assert one["value"] == 0.1 and one["n"] == 2


def test_two_detectors_never_share_a_row() -> None:
    scores = [
        Score("a", "response", 1.0, "responded", "exact;vad=energy", 300),
        Score("b", "response", 0.0, "no_response", "exact;vad=silero", None),
    ]
    values = [(c["grader"], c["value"]) for c in cell(GROUPS[0].main, scores)]
    assert values == [("exact;vad=energy", 1.0), ("exact;vad=silero", 0.0)]


def test_a_failed_episode_has_no_goodness() -> None:
    failed = Played("turn_taking/facts/0/clean", "died", "gone")
    assert goodness(GROUPS[0], failed) is None and faults(failed) == []


def test_a_judge_has_no_part_in_goodness() -> None:
    id = "saying/reading/0/clean"
    scores = (
        Score(id, "said", 0.25, "wrong", "rule:v1"),
        Score(id, "spoken", 1.0, "wrong", "judge:m"),
    )
    group = next(group for group in GROUPS if group.name == "saying")
    assert goodness(group, Played(id, "played", scores=scores)) == 0.75


def test_differences_stand_beside_the_scores(folders: list[Path]) -> None:
    first, other = (report_of(folder) for folder in folders)
    row = {"group": "turn_taking", "metric": "right", "grader": "rule:v1", "episodes": 5}
    ends = {"value": 0.5, "low": 0.25, "high": 0.75}
    page = group_section("turn_taking", [first, other | {"differences": [row | ends]}])
    assert page.count("+50 <small>[+25, +75]</small>") == 1
    assert "<td class='num'>+50" in page, "clear of zero"
    unclear = other | {"differences": [row | ends | {"low": -0.25}]}
    assert "<td class='num soft'>+50" in group_section("turn_taking", [first, unclear])
    assert "+50" not in group_section("turn_taking", [first, other])


def test_many_systems_are_told_apart() -> None:
    names = [f"system {n}" for n in range(7)]
    picture = draw.radar(["a", "b", "c"], {name: [0.5, 0.5, 0.5] for name in names})
    assert all(f"area open s{n}" in picture for n in range(7))
    style = (Path(draw.__file__).parent / "report_style.css").read_text(encoding="utf-8")
    for n in range(draw.NUM_COLOURS):
        assert style.count(f"--c{n}:") == 2 and f".area.s{n}" in style and f".dot.s{n}" in style


def test_pictures() -> None:
    assert draw.envelope(np.zeros(0, dtype=np.float32)) == [0.0] * draw.COLUMNS
    loud = np.r_[np.zeros(1000), np.ones(1000)].astype(np.float32)
    peaks = draw.envelope(loud, 4)
    assert peaks == [0.0, 0.0, 1.0, 1.0]
    picture = draw.histogram([-5000, 150, 150, 9000])
    assert picture.count("<title>") == 20
    for tip in ("-1000 to -800 ms: 1", "0 to 200 ms: 2", "2800 to 3000 ms: 1"):
        assert tip in picture
    assert "&lt;b&gt;" in draw.text(0, 0, "<b>") and draw.fitting("a long text", 20) == ""
    assert draw.radar(["a", "b", "c"], {"x": [1.0, None, 0.5]}).count("area s0") == 1
