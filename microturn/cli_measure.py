"""`microturn eval quick`, `nano-card`, `run`, `report`: options -> runs of `evals/runner.py`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

if TYPE_CHECKING:
    from microturn.evals.compare import Measured
    from microturn.evals.runner import Played, RunConfig
    from microturn.evals.sources import Source

CLOSING_S = 10  # for the last conversations and the report
Json = Annotated[bool, arg(name="json", help="print one JSON object instead of text")]


@dataclass(frozen=True)
class EvalQuick:
    """An impression in about two minutes: one conversation or two of every skill."""

    # model:NAME_OR_PATH, cascade, oracle, silent, ...; several are played on the same conversations
    system: tuple[str, ...] = ("model:nano",)
    out: Path = Path("out/eval/quick")
    html: Path | None = None  # a report to look at, to write
    markdown: Path | None = None  # a table with a column for each system, to write
    minutes: float = 2.0  # after so long no further conversation is begun, of each system
    bank: tuple[Path, ...] = ()  # speech bank of held-out voices; default: made here with flite
    voices: str = "auto"  # of the users: flite, espeak-ng, kokoro (those kept for evaluation)
    groups: tuple[str, ...] = ()  # rows of the table; none means all
    resume: bool = False  # play no conversation again that --out holds of the same weights
    workers: int = 0  # processes; 0 means one for each core, at most 4
    vad: str = "auto"  # silero, energy, or silero where it is installed
    seed: int = 0  # of the system's own sampling
    talks: int = 0  # which conversations of the built-in set: another number, others
    judge: str = ""  # an OpenAI-compatible model that grades beside the rules; none by default
    judge_url: str | None = None  # of its endpoint
    judge_key: str = "OPENAI_API_KEY"  # environment variable with its key
    as_json: Json = False

    def execute(self) -> int:
        return suite(self, "quick")


@dataclass(frozen=True)
class EvalNanoCard(EvalQuick):
    """The standard set, under twenty minutes on two cores: the numbers of the model card."""

    out: Path = Path("out/eval/nano-card")
    minutes: float = 20.0  # after so long no further conversation is begun, of each system

    def execute(self) -> int:
        return suite(self, "nano-card")


@dataclass(frozen=True)
class EvalRun:
    """Measure systems on the built-in set, or on a benchmark by path."""

    system: tuple[str, ...]  # model:NAME_OR_PATH, silent, always_talks, oracle, echo, files:DIR
    dataset: str = "synthetic"  # or a benchmark's name (`microturn eval list`)
    root: Path | None = None  # a benchmark's folder
    limit: int | None = None  # episodes of each skill, or of the benchmark
    out: Path = Path("out/eval/run")
    html: Path | None = None  # a report to look at, to write
    markdown: Path | None = None  # a table with a column for each system, to write
    bank: tuple[Path, ...] = ()  # speech bank of held-out voices; default: made here with flite
    voices: str = "auto"  # of the users: flite, espeak-ng, kokoro (those kept for evaluation)
    groups: tuple[str, ...] = ()  # of the built-in set; none means all
    resume: bool = False  # play no conversation again that --out holds of the same weights
    workers: int = 0  # processes; 0 means one for each core, at most 4
    timeout_s: float = 300.0  # of one episode
    vad: str = "auto"  # silero, energy, or silero where it is installed
    seed: int = 0  # of the system's own sampling
    talks: int = 0  # which conversations of the built-in set: another number, others
    judge: str = ""  # an OpenAI-compatible model that grades beside the rules; none by default
    judge_url: str | None = None  # of its endpoint
    judge_key: str = "OPENAI_API_KEY"  # environment variable with its key
    as_json: Json = False

    def execute(self) -> int:
        from microturn.evals.runner import RunConfig
        from microturn.evals.sources import SourceConfig

        root = self.out / "media" if self.dataset == "synthetic" else self.root
        source = SourceConfig(
            self.dataset, root, self.bank, self.groups, talks_seed(self.talks), voices=self.voices
        )
        config = RunConfig(
            "", source, None, self.seed, self.vad, self.timeout_s, cores(self.workers),
            limit=self.limit,
        )  # fmt: skip
        return measure(config, self, "run")


@dataclass(frozen=True)
class EvalReport:
    """Write a report to look at from one run or several, side by side."""

    runs: Positional[tuple[Path, ...]]  # folders that `eval` wrote
    html: Path | None = None  # a page
    markdown: Path | None = None  # a table, a column for each run

    def execute(self) -> int:
        from microturn.evals.comparison_table import markdown
        from microturn.evals.report import RunFolder, write_report

        if not self.runs:
            raise ValueError("name at least one folder that `microturn eval` wrote")
        if self.html is None and self.markdown is None:
            raise ValueError("say what to write: --html FILE or --markdown FILE, or both")
        if self.html is not None:
            write_report(self.html, list(self.runs))
            print(f"{self.html}: {len(self.runs)} runs")
        if self.markdown is not None:
            text = markdown([RunFolder.read(run).report for run in self.runs])
            self.markdown.write_text(text, encoding="utf-8")
            print(f"{self.markdown}: {len(self.runs)} runs")
        return 0


def cores(asked: int) -> int:
    """Worker processes: what was asked for, else one a core."""
    if asked < 0:
        raise ValueError(f"workers must not be negative, got {asked}")
    return asked or min(4, os.cpu_count() or 1)


def talks_seed(number: int) -> int:
    """The seed of a set of conversations. Raises ValueError for a number below 0."""
    from microturn.evals.synthetic import SEED

    if number < 0:
        raise ValueError(f"talks must not be negative, got {number}")
    return SEED + number


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
        root=options.out / "media", bank=options.bank, groups=options.groups,
        seed=talks_seed(options.talks), counts=counts, voices=options.voices,
    )  # fmt: skip
    config = RunConfig(
        "", source, None, options.seed, options.vad, workers=cores(options.workers),
        budget_s=60 * options.minutes - CLOSING_S,
    )  # fmt: skip
    return measure(config, options, name)


def measure(config: RunConfig, options: EvalQuick | EvalRun, suite_name: str) -> int:
    """Play every system, keep everything in its folder, print the table."""
    from microturn.cli import tell
    from microturn.evals import compare, comparison_table, summary

    out = options.out
    measured, source = compare.measure_all(
        config, options.system, out, options.resume, None if options.as_json else progress_of
    )
    measured, faults = judged(measured, options)
    found = compare.reports(measured, config, source, suite_name, omitted)
    told = recogniser_of(measured, source) if len(measured) > 1 else None
    for each, report in zip(measured, found, strict=True):
        if told is not None:
            report["recogniser"] = told
        report["omitted"] += faults.get(each.system, [])
        keep(each.folder, each.played, report)
    if options.html is not None:
        from microturn.evals.report import write_report

        write_report(options.html, [each.folder for each in measured])
    if options.markdown is not None:
        options.markdown.write_text(comparison_table.markdown(found), encoding="utf-8")
    is_one = len(found) == 1
    text = summary.table(found[0]) if is_one else comparison_table.table(found)
    tell(
        options.as_json,
        found[0] if is_one else {"systems": found},
        f"{text}\n\n{out}: traces, scores, report.json",
    )
    return 0 if all(report["played"] for report in found) else 1


def judged(
    measured: Sequence[Measured], options: EvalQuick | EvalRun
) -> tuple[list[Measured], dict[str, list[str]]]:
    """The judge's scores added, where one was asked for; and what went wrong with it."""
    if not options.judge:
        return list(measured), {}
    from microturn.evals.eval_bank import cache_folder
    from microturn.evals.judge import JudgeConfig, OpenAIJudge
    from microturn.evals.judging import judge_played

    cache = cache_folder() / "judge"
    judge = OpenAIJudge(JudgeConfig(options.judge, cache, options.judge_url, options.judge_key))
    graded = {each.system: judge_played(each.played, judge) for each in measured}
    faults = {system: list(one.faults) for system, one in graded.items()}
    return [replace(each, played=graded[each.system].played) for each in measured], faults


def recogniser_of(measured: Sequence[Measured], source: Source) -> dict[str, Any] | None:
    """How often the recogniser is wrong by itself, where one is installed."""
    from microturn.evals.listen_back import find_recogniser
    from microturn.evals.recogniser_error import own_error

    recogniser, _ = find_recogniser()
    if recogniser is None:
        return None
    episodes = [one.episode for one in measured[0].played if one.episode is not None]
    return own_error(recogniser, episodes, source.root)


def omitted(played: Sequence[Played]) -> list[str]:
    """Scores that lack what they need, and why."""
    from microturn.evals.listen_back import GROUPS, find_recogniser

    is_read = any(one.id.partition("/")[0] in GROUPS and one.status == "played" for one in played)
    is_scored = any(score.metric == "spoken" for one in played for score in one.scores)
    reason = find_recogniser()[1] if is_read and not is_scored else ""
    return [reason] if reason else []


def progress_of(system: str) -> Callable[[int, int, Played], None]:
    """What tells a person who waits how far a system is."""

    def progress(num_done: int, num_all: int, played: Played) -> None:
        """One line that is written over; faults stay."""
        if played.status in ("failed", "timeout", "died"):
            print(f"\r{system}: {played.status}: {played.id}: {played.reason}", file=sys.stderr)
        if sys.stderr.isatty():
            line = f"{system}: {num_done} of {num_all} {played.id}"
            print(f"\r{line:<78.78}", end="", file=sys.stderr)
            if num_done == num_all:
                print("\r" + " " * 78 + "\r", end="", file=sys.stderr)

    return progress


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
