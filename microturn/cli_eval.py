"""`microturn eval ...`: options -> the measurements in `evals/`. One class of options and one
function a subcommand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import OmitSubcommandPrefixes, Positional, arg, subcommand

from microturn.cli_measure import EvalNanoCard, EvalQuick, EvalReport, EvalRun

Json = Annotated[bool, arg(name="json", help="print one JSON object instead of text")]


@dataclass(frozen=True)
class EvalList:
    """Say which official benchmarks are here, what of them is missing, and where to get it.

    A benchmark's folder is named by its variable, or lies under its name in `--root` or in
    MICROTURN_BENCHMARKS.
    """

    names: Positional[tuple[str, ...]] = ()  # none means all
    root: Path | None = None  # folder that holds one folder a benchmark, by name
    check: bool = False  # look at the media of every item, not of some
    as_json: Json = False

    def execute(self) -> int:
        from microturn.cli import tell

        result, text = list_benchmarks(self.names, self.root, self.check)
        tell(self.as_json, result, text)
        return 0


@dataclass(frozen=True)
class EvalPrepare:
    """Unpack a downloaded benchmark for its loader: Parquet to files, sound out of videos."""

    name: Positional[str]
    folder: Path | None = None  # its own folder; default: as `eval list` finds it
    as_json: Json = False

    def execute(self) -> int:
        from microturn.cli import tell

        result = prepare_benchmark(self.name, self.folder)
        made = ", ".join(f"{count} {what}" for what, count in result["made"].items())
        tell(self.as_json, result, f"{self.name}: {made}")
        return 0


@dataclass(frozen=True)
class EvalExport:
    """Write a run on Full-Duplex-Bench in its own layout, for its own scripts."""

    run: Positional[Path]  # folder that `eval run --dataset fdb_...` wrote
    out: Path  # gets a folder for each item, named as that of its input
    provider: str = ""  # name in the files of V3; default: the system's

    def execute(self) -> int:
        num = export_run(self.run, self.out, self.provider)
        print(f"{self.out}: {num} items")
        return 0


EvalCommand = OmitSubcommandPrefixes[
    Annotated[EvalQuick, subcommand("quick")]
    | Annotated[EvalNanoCard, subcommand("nano-card")]
    | Annotated[EvalRun, subcommand("run")]
    | Annotated[EvalReport, subcommand("report")]
    | Annotated[EvalList, subcommand("list")]
    | Annotated[EvalPrepare, subcommand("prepare")]
    | Annotated[EvalExport, subcommand("export")]
]


@dataclass(frozen=True)
class Eval:
    """Measure: official benchmarks by path, and our own."""

    what: EvalCommand

    def execute(self) -> int:
        return self.what.execute()


def list_benchmarks(
    names: tuple[str, ...], root: Path | None, look_at_all: bool
) -> tuple[dict[str, Any], str]:
    """What official data is here, for a program and for a person.

    Raises ValueError for an unknown name or a root that is no folder.
    """
    from microturn.evals.catalog import describe, survey

    if root is not None and not root.is_dir():
        raise ValueError(f"{root} is no folder: give the one that holds the benchmarks by name")
    entries = survey(names, root, look_at_all)
    return {"benchmarks": entries}, describe(entries)


def prepare_benchmark(name: str, root: Path | None) -> dict[str, Any]:
    """Unpack one benchmark. Raises ValueError where there is nothing to unpack."""
    from microturn.evals.catalog import prepare

    return {"benchmark": name, "made": prepare(name, root)}


def export_run(run: Path, out: Path, provider: str = "") -> int:
    """The outputs of a run in Full-Duplex-Bench's layout; how many.

    Raises ValueError where the folder holds no run of that benchmark.
    """
    from microturn.evals.export_fdb import export, export_v3
    from microturn.evals.report import RunFolder

    kept = RunFolder.read(run)
    dataset = str(kept.report["dataset"])
    if not dataset.startswith("fdb_"):
        raise ValueError(f"{run} is a run on {dataset}: only runs on fdb_... have that layout")
    pairs = list(kept.all_pairs())
    answers = run / "answers"
    if dataset == "fdb_v3":
        name = provider or str(kept.report["system"])
        return len(list(export_v3(pairs, answers, out, name)))
    return len(export(pairs, answers, out, Path(kept.report["media"])))
