"""Which official benchmarks can be loaded, what of them is here, and where to get the rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from microturn.evals import load_fdb_v1, load_fdb_v1_5
from microturn.evals.dataset import Benchmark, OfficialSet

BENCHMARKS: dict[str, Benchmark] = {
    module.BENCHMARK.name: module.BENCHMARK for module in (load_fdb_v1, load_fdb_v1_5)
}
ROOT_OF_ALL = "MICROTURN_BENCHMARKS"  # a folder with one folder a benchmark, by name


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name. Raises ValueError that lists the names."""
    if name not in BENCHMARKS:
        raise ValueError(f"no benchmark {name!r}: there are {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]


def root_of(
    name: str, given: Path | None = None, environment: Mapping[str, str] | None = None
) -> Path | None:
    """The folder of a benchmark: what was given, else its variable, else a folder of its name in
    `MICROTURN_BENCHMARKS`; None where nothing says."""
    known = os.environ if environment is None else environment
    if given is not None:
        return given
    if own := known.get(benchmark(name).variable):
        return Path(own)
    if every := known.get(ROOT_OF_ALL):
        path = Path(every) / name
        return path if path.is_dir() else None
    return None


def open_set(name: str, root: Path | None = None, subsets: tuple[str, ...] = ()) -> OfficialSet:
    """The episodes of a benchmark. Raises ValueError where no root is known, with where to get it.

    Media of its episodes are relative to the `root` of what this gives.
    """
    facts = benchmark(name)
    path = root_of(name, root)
    if path is None:
        raise ValueError(
            f"{name} is not here: get it from {facts.place} ({facts.license}), "
            f"then give its folder or set {facts.variable}"
        )
    return OfficialSet(facts, path, subsets)
