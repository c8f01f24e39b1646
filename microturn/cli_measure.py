"""`microturn eval quick`, `nano-card`, `run`, `report`: options -> runs of `evals/runner.py`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

if TYPE_CHECKING:
    from microturn.evals.runner import Played, RunConfig

CLOSING_S = 10  # for the last conversations and the report
Json = Annotated[bool, arg(name="json", help="print one JSON object instead of text")]


@dataclass(frozen=True)
class EvalQuick:
    """An impression in about two minutes: one conversation or two of every skill."""

    system: str = "model:nano"  # model:NAME_OR_PATH, oracle, silent, files:DIR, ...
    out: Path = Path("out/eval/quick")
    html: Path | None = None  # a report to look at, to write
    minutes: float = 2.0  # after so long no further conversation is begun
    bank: tuple[Path, ...] = ()  # speech bank of held-out voices; default: made here with flite
    groups: tuple[str, ...] = ()  # rows of the table; none means all
    workers: int = 0  # processes; 0 means one for each core, at most 4
    vad: str = "auto"  # silero, energy, or silero where it is installed
    seed: int = 0
    as_json: Json = False

    def execute(self) -> int:
        return suite(self, "quick")


@dataclass(frozen=True)
class EvalNanoCard(EvalQuick):
    """The standard set, under twenty minutes on two cores: the numbers of the model card."""

    out: Path = Path("out/eval/nano-card")
    minutes: float = 20.0  # after so long no further conversation is begun

    def execute(self) -> int:
        return suite(self, "nano-card")


@dataclass(frozen=True)
class EvalRun:
    """Measure one system on the built-in set, or on a benchmark by path."""

    system: str  # model:NAME_OR_PATH, silent, always_talks, oracle, echo, files:DIR, ...
    dataset: str = "synthetic"  # or a benchmark's name (`microturn eval list`)
    root: Path | None = None  # a benchmark's folder
    limit: int | None = None  # episodes of each skill, or of the benchmark
    out: Path = Path("out/eval/run")
    html: Path | None = None  # a report to look at, to write
    bank: tuple[Path, ...] = ()  # speech bank of held-out voices; default: made here with flite
    groups: tuple[str, ...] = ()  # of the built-in set; none means all
    workers: int = 0  # processes; 0 means one for each core, at most 4
    timeout_s: float = 300.0  # of one episode
    vad: str = "auto"  # silero, energy, or silero where it is installed
    seed: int = 0
    as_json: Json = False

    def execute(self) -> int:
        from microturn.evals.runner import RunConfig
        from microturn.evals.sources import SourceConfig

        root = self.out / "media" if self.dataset == "synthetic" else self.root
        source = SourceConfig(self.dataset, root, self.bank, self.groups)
        config = RunConfig(
            self.system, source, self.out / "answers", self.seed, self.vad, self.timeout_s,
            cores(self.workers), limit=self.limit,
        )  # fmt: skip
        return measure(config, self.out, "run", self.html, self.as_json)


@dataclass(frozen=True)
class EvalReport:
    """Write a report to look at from one run or several, side by side."""

    runs: Positional[tuple[Path, ...]]  # folders that `eval` wrote
    html: Path

    def execute(self) -> int:
        from microturn.evals.report import write_report

        if not self.runs:
            raise ValueError("name at least one folder that `microturn eval` wrote")
        write_report(self.html, list(self.runs))
        print(f"{self.html}: {len(self.runs)} runs")
        return 0


def cores(asked: int) -> int:
    """Worker processes: what was asked for, else one a core."""
    if asked < 0:
        raise ValueError(f"workers must not be negative, got {asked}")
    return asked or min(4, os.cpu_count() or 1)


def suite(options: EvalQuick | EvalNanoCard, name: str) -> int:
    """A fixed set of episodes within a fixed time."""
    from microturn.evals.groups import chosen
    from microturn.evals.runner import RunConfig
    from microturn.evals.sources import SourceConfig

    if options.minutes <= 0:
        raise ValueError(f"minutes must be more than 0, got {options.minutes:g}")
    groups = chosen(options.groups)
    is_quick = name == "quick"
    counts = tuple((group.name, group.quick if is_quick else group.count) for group in groups)
    source = SourceConfig(
        root=options.out / "media", bank=options.bank, groups=options.groups, counts=counts
    )
    config = RunConfig(
        options.system, source, options.out / "answers", options.seed, options.vad,
        workers=cores(options.workers), budget_s=60 * options.minutes - CLOSING_S,
    )  # fmt: skip
    return measure(config, options.out, name, options.html, options.as_json)


def measure(config: RunConfig, out: Path, suite_name: str, html: Path | None, as_json: bool) -> int:
    """Play, keep everything in `out`, print the table."""
    from microturn.cli import tell
    from microturn.evals import runner, summary
    from microturn.evals.systems import check_name

    check_name(config.system)
    out.mkdir(parents=True, exist_ok=True)
    played, source = runner.run(config, None if as_json else progress)
    report = summary.build(config, played, source.voices, suite_name, omitted(played))
    report["media"] = str(source.root.resolve())
    keep(out, played, report)
    if html is not None:
        from microturn.evals.report import write_report

        write_report(html, [out])
    tell(as_json, report, summary.table(report) + f"\n\n{out}: traces, scores, report.json")
    return 0 if report["played"] else 1


def omitted(played: Sequence[Played]) -> list[str]:
    """Scores that lack what they need, and why."""
    from microturn.evals.listen_back import GROUPS, find_recogniser

    is_read = any(one.id.partition("/")[0] in GROUPS and one.status == "played" for one in played)
    is_scored = any(score.metric == "spoken" for one in played for score in one.scores)
    reason = find_recogniser()[1] if is_read and not is_scored else ""
    return [reason] if reason else []


def progress(num_done: int, num_all: int, played: Played) -> None:
    """One line that is written over, for a person who waits; faults stay."""
    if played.status in ("failed", "timeout", "died"):
        print(f"\r{played.status}: {played.id}: {played.reason}", file=sys.stderr)
    if sys.stderr.isatty():
        print(f"\r{num_done} of {num_all} {played.id:<50.50}", end="", file=sys.stderr)
        if num_done == num_all:
            print("\r" + " " * 70 + "\r", end="", file=sys.stderr)


def keep(out: Path, played: Sequence[Played], report: dict[str, Any]) -> None:
    """Episodes, traces and scores as JSON lines, and the report."""
    from microturn.evals.episode import write_episodes
    from microturn.evals.record import write_scores, write_traces

    whole = [one for one in played if one.episode is not None and one.trace is not None]
    write_episodes(out / "episodes.jsonl", [one.episode for one in whole if one.episode])
    traces = [one.trace for one in whole if one.trace]
    write_traces(out / "traces.jsonl", traces)
    write_scores(out / "scores.jsonl", [score for one in whole for score in one.scores])
    text = json.dumps(report, ensure_ascii=False, indent=1)
    (out / "report.json").write_text(text + "\n", encoding="utf-8")
