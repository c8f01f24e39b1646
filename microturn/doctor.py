"""`microturn doctor`: what is installed, which models there are, whether the machine is fast, and
whether its results depend on the company."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from microturn import __version__
from microturn.engine.bench import bench_tick, describe_machine
from microturn.engine.load import SHIPPED, load, model_folder
from microturn.engine.numerics import verify_numerics
from microturn.model.model import count_parameters
from microturn.turns import MICRO_TURN_MS

SYSTEM_PACKAGES = {
    "chromium": "tests of the page",
    "espeak-ng": "synthetic voices in tests and data",
    "flite": "synthetic voices in tests and data",
}
QUICK_MICRO_TURNS = 100


@dataclass(frozen=True)
class DoctorRun:
    """Which model is looked at."""

    model: str = "nano"


def examine(options: DoctorRun) -> dict[str, Any]:
    """Everything that `--json` prints. What is missing is reported, not raised."""
    report: dict[str, Any] = {
        "python": {"version": sys.version.split()[0], "ok": sys.version_info >= (3, 11)},
        "machine": describe_machine(),
        "packages": packages(),
        "system_packages": {
            name: {"path": shutil.which(name), "for": purpose}
            for name, purpose in SYSTEM_PACKAGES.items()
        },
        "shipped_models": sorted(path.name for path in SHIPPED.iterdir() if path.is_dir()),
        "model": examine_model(options.model),
    }
    needed = [entry["ok"] for entry in report["packages"].values() if not entry["extra"]]
    model = report["model"]
    report["ok"] = bool(report["python"]["ok"] and all(needed) and model["ok"])
    return report


def packages() -> dict[str, dict[str, Any]]:
    """Each declared requirement: wanted, installed, and the extra that asks for it."""
    found: dict[str, dict[str, Any]] = {}
    try:
        declared = metadata.requires("microturn") or []
    except metadata.PackageNotFoundError:  # run from a checkout that was not installed
        return {"microturn": {"installed": None, "wanted": __version__, "extra": None, "ok": False}}
    for text in declared:
        requirement = Requirement(text)
        extra = str(requirement.marker).partition('extra == "')[2].rstrip('"')
        if extra == "all" or requirement.name in found:
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            version = None
        is_right = version is not None and requirement.specifier.contains(version, prereleases=True)
        found[requirement.name] = {
            "installed": version,
            "wanted": str(requirement.specifier),
            "extra": extra or None,
            "ok": is_right,
        }
    return found


def examine_model(name: str) -> dict[str, Any]:
    """Load it, count it, time it; or say in one line why that does not work."""
    try:
        folder = model_folder(name)
        engine = load(name)
    except (ValueError, OSError) as error:
        return {"name": name, "ok": False, "problem": str(error)}
    numerics = verify_numerics(engine.model, engine.vocoder)
    timing = bench_tick(engine, QUICK_MICRO_TURNS)
    return {
        "name": name,
        "folder": str(folder),
        "files_mb": round(size_of(folder) / 1e6, 1),
        "num_parameters": count_parameters(engine.model),
        "num_vocoder_parameters": count_parameters(engine.vocoder),
        "silent_ms": {key: timing["silent"][f"{key}_ms"] for key in ("median", "p95")},
        "speaking_ms": {key: timing["speaking"][f"{key}_ms"] for key in ("median", "p95")},
        "holds_200_ms": timing["holds_200_ms"],
        "numerics": {"holds": numerics.holds, "found": numerics.line()},
        "ok": timing["holds_200_ms"],
        "problem": None if timing["holds_200_ms"] else "this machine is too slow for it",
    }


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def describe(report: dict[str, Any]) -> str:
    """The report for a person."""
    machine, model = report["machine"], report["model"]
    is_new = report["python"]["ok"]
    lines = [
        f"python   {report['python']['version']}" + ("" if is_new else "  (want 3.11 or newer)"),
        f"torch    {machine['torch']}",
        f"machine  {machine['cpu']}, {machine['cores']} cores, load {machine['load_1min']}",
    ]
    for name, entry in report["packages"].items():
        if not entry["ok"]:
            what = f"has {entry['installed']}" if entry["installed"] else "missing"
            needed = f"only for [{entry['extra']}]" if entry["extra"] else "NEEDED"
            lines.append(f"package  {name}: {what}, want {entry['wanted'] or 'any'} ({needed})")
    for name, entry in report["system_packages"].items():
        if entry["path"] is None:
            lines.append(f"system   {name}: missing (only for {entry['for']})")
    lines.append(f"models   {', '.join(report['shipped_models']) or 'none shipped'}")
    if "num_parameters" in model:
        lines += [
            f"{model['name']:8} {model['num_parameters'] / 1e6:.1f} M parameters and "
            f"{model['num_vocoder_parameters'] / 1e6:.1f} M of the vocoder in {model['folder']}",
            *(
                f"{kind:8} micro-turn: median {model[f'{kind}_ms']['median']:.0f} ms, "
                f"p95 {model[f'{kind}_ms']['p95']:.0f} ms of {MICRO_TURN_MS} ms"
                for kind in ("silent", "speaking")
            ),
            f"numerics {model['numerics']['found']}",
        ]
    if model["problem"]:
        lines.append(f"{model['name']:8} {model['problem']}")
    lines.append("ready" if report["ok"] else "NOT ready")
    return "\n".join(lines)
