"""Which official benchmarks can be loaded, what of them is here, and where to get the rest.

The tau-Voice panel (`panel.py`) takes any trace and needs no data of its own.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from microturn.evals import (
    load_audiomc,
    load_bigbench_audio,
    load_charades,
    load_fdb_v1,
    load_fdb_v1_5,
    load_fdb_v3,
    load_game_time,
    load_harmbench,
    load_humdial,
    load_ifeval,
    load_proactivevideoqa,
    load_qivd,
    load_repcount,
    load_streamingbench_proactive,
)
from microturn.evals.dataset import Benchmark, OfficialSet, absent_media, problems
from microturn.evals.parquet_files import ROWS, unpack
from microturn.evals.video import extract_sound

BENCHMARKS: dict[str, Benchmark] = {
    entry.name: entry
    for entry in (
        load_fdb_v1.BENCHMARK,
        load_fdb_v1_5.BENCHMARK,
        load_fdb_v3.BENCHMARK,
        load_qivd.BENCHMARK,
        load_audiomc.BENCHMARK,
        load_bigbench_audio.BENCHMARK,
        load_ifeval.VOICE,
        load_ifeval.BENCHMARK,
        load_harmbench.BENCHMARK,
        load_repcount.BENCHMARK,
        load_proactivevideoqa.BENCHMARK,
        load_charades.BENCHMARK,
        load_humdial.BENCHMARK,
        load_streamingbench_proactive.BENCHMARK,
        load_game_time.BENCHMARK,
    )
}
ROOT_OF_ALL = "MICROTURN_BENCHMARKS"  # a folder with one folder a benchmark, by its name
LOOK_AT = 20  # items whose media are looked at where not all are
SHOWN = 5  # names of absent media that are shown


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name. Raises ValueError that lists the names."""
    if name not in BENCHMARKS:
        raise ValueError(f"no benchmark {name!r}: there are {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]


def root_of(
    name: str,
    given: Path | None = None,
    every: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Path | None:
    """The folder of a benchmark, or None where nothing says.

    given: its own folder; else its variable; else the folder of its name in `every`, or in what
    `MICROTURN_BENCHMARKS` names, if that is there.
    """
    known = os.environ if environment is None else environment
    if given is not None:
        return given
    if own := known.get(benchmark(name).variable):
        return Path(own)
    above = every or (Path(known[ROOT_OF_ALL]) if known.get(ROOT_OF_ALL) else None)
    return above / name if above is not None and (above / name).is_dir() else None


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


def prepare(name: str, root: Path | None = None) -> dict[str, int]:
    """Make what the loaders read out of what is downloaded, once; what is there already is kept.

    Parquet becomes JSON lines and sound files; QIVD's sound is taken out of its videos. Gives how
    many rows or sounds were made. Raises ValueError where nothing has to be made for this one, or
    a package is missing.
    """
    official = open_set(name, root)
    if name == "qivd":
        videos = sorted((official.root / "videos").glob("*.mp4"))
        if not videos:
            raise official.benchmark.wrong(official.root, "no videos/*.mp4")
        todo = [(path, official.root / "audio" / f"{path.stem}.wav") for path in videos]
        made = [extract_sound(path, wav) for path, wav in todo if not wav.is_file()]
        return {"sounds": sum(made), "without_sound": made.count(False)}
    if name in ("audiomc", "voicebench_ifeval", "game_time"):
        files = sorted(official.root.rglob("*.parquet"))
        if name == "voicebench_ifeval":
            files = [path for path in files if "ifeval" in path.as_posix()] or files
        if not files:
            raise official.benchmark.wrong(official.root, "no Parquet file")
        is_done = (official.root / ROWS).is_file()
        return {"rows": 0 if is_done else unpack(files, official.root)}
    raise ValueError(f"{name} is read as it is: nothing has to be prepared")


def survey(
    names: Sequence[str] = (),
    every: Path | None = None,
    look_at_all: bool = False,
    environment: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """One entry a benchmark: its facts, and what of it is here.

    status: `absent` (no folder is known), `wrong layout`, `incomplete` (some of the media that
    were looked at cannot be played) or `here`. Raises ValueError for an unknown name.
    """
    chosen = [benchmark(name) for name in names] or list(BENCHMARKS.values())
    return [entry(facts, every, look_at_all, environment) for facts in chosen]


def entry(
    facts: Benchmark,
    every: Path | None,
    look_at_all: bool,
    environment: Mapping[str, str] | None,
) -> dict[str, Any]:
    """The entry of one benchmark."""
    found: dict[str, Any] = {
        "name": facts.name,
        "title": facts.title,
        "license": facts.license,
        "place": facts.place,
        "layout": facts.layout,
        "grading": facts.grading,
        "variable": facts.variable,
        "root": None,
        "status": "absent",
    }
    root = root_of(facts.name, every=every, environment=environment)
    if root is None:
        return found
    return found | {"root": str(root)} | contents(OfficialSet(facts, root), look_at_all)


def contents(official: OfficialSet, look_at_all: bool) -> dict[str, Any]:
    """What a root holds: items by split and subset, absent media, problems by how often."""
    try:
        items = list(official.items("all"))
    except (ValueError, OSError) as error:
        return {"status": "wrong layout", "fault": str(error)}
    step = 1 if look_at_all else max(1, len(items) // LOOK_AT)
    chosen = islice(items[::step], None if look_at_all else LOOK_AT)
    episodes = [official.episode(item) for item in chosen]
    absent = absent_media(episodes)
    num_missing = sum(episode.missing for episode in episodes)
    kinds = Counter(kind_of(text) for episode in episodes for text in problems(episode))
    return {
        "status": "incomplete" if num_missing else "here",
        "items": len(items),
        "splits": dict(Counter(item.split for item in items)),
        "subsets": dict(Counter(item.subset for item in items if item.subset)),
        "looked_at": len(episodes),
        "unplayable": num_missing,
        "absent_media": absent[:SHOWN],
        "num_absent_media": len(absent),
        "problems": dict(kinds.most_common(SHOWN)),
    }


def kind_of(problem: str) -> str:
    """A problem without what differs from item to item: a path in front, and numbers."""
    first, _, rest = problem.partition(" ")
    return re.sub(r"\d{2,}", "N", rest if "/" in first and rest else problem)


def describe(entries: Sequence[dict[str, Any]]) -> str:
    """The survey for a person."""
    lines: list[str] = []
    for found in entries:
        lines.append(f"{found['name']:<25}{found['status']:<14}{found['title']}")
        if found["status"] == "absent":
            lines.append(f"    {found['license']}; get it from {found['place']}")
            lines.append(f"    then set {found['variable']} to its folder")
        elif "fault" in found:
            lines.append(f"    {found['fault']}")
        else:
            lines.append(f"    {found['root']}: {found['items']} items, {found['license']}")
            lines += troubles(found)
    lines.append(f"{ROOT_OF_ALL} can name one folder that holds them all, each under its name.")
    return "\n".join(lines)


def troubles(found: dict[str, Any]) -> list[str]:
    """What is the matter with a benchmark that is here."""
    lines: list[str] = []
    if found["unplayable"]:
        some = ", ".join(found["absent_media"][:3])
        lines.append(
            f"    of {found['looked_at']} items looked at, {found['unplayable']} cannot be played: "
            f"{found['num_absent_media']} media, such as {some or 'none'}"
        )
    lines += [f"    {count} x {text}" for text, count in found["problems"].items()]
    return lines
