"""A benchmark's official files as episodes: what all loaders share.

A loader (`load_*.py`) says what its files hold (`items`: annotation only, no media are touched) and
how one item becomes an episode (`fill`). Here is the rest: choosing items, media by reference,
times in integer ms, and what happens where data is not as described: a wrong layout is one
ValueError that says where to get the data; a fault of one item is written into its episode, which
is yielded all the same. `raw` of an episode is {"subset", "annotation" (untouched), "problems",
"absent" (media that are not there or cannot be played)}.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from microturn.evals.draft import Draft
from microturn.evals.episode import Episode


@dataclass(frozen=True)
class Item:
    """One annotated item. `data` is what the loader needs, or the ValueError of reading it.

    An id that occurs twice gets a number behind it.
    """

    id: str
    data: Any
    split: str = "test"
    subset: str = ""
    lang: str = "en"


@dataclass(frozen=True)
class Benchmark:
    """A public benchmark: facts for a person, and the two functions of its loader.

    license: of the data. place: names of project and dataset page. layout: what the root holds.
    rates_hz: sample rates that upstream describes; any other that can be played gets a remark.
    default_split: what is read where nothing is said; "" means all. media: folders of the root
    that hold media, for the catalogue.
    """

    name: str
    title: str
    license: str
    place: str
    layout: str
    items: Callable[[Path], Iterator[Item]]
    fill: Callable[[Draft, Any], None]
    rates_hz: tuple[int, ...] = ()
    default_split: str = ""
    grading: str = "rule"

    @property
    def variable(self) -> str:
        """The environment variable that names its root."""
        return f"MICROTURN_{self.name.upper()}"

    def wrong(self, path: Path, what: str) -> ValueError:
        """The one line for data that is not in the official layout."""
        return ValueError(
            f"{path}: {what}; {self.name} wants {self.layout}; get it from {self.place}"
        )


@dataclass(frozen=True)
class OfficialSet:
    """The episodes of a benchmark under a root. `subsets` restricts what is read; () means all."""

    benchmark: Benchmark
    root: Path
    subsets: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        return self.benchmark.name

    def episodes(
        self, limit: int | None = None, split: str | None = None, ids: Sequence[str] | None = None
    ) -> Iterator[Episode]:
        """Episodes in natural order. Raises ValueError for a wrong layout, a split or subset that
        is not there, and ids that are not there."""
        wanted = None if ids is None else list(dict.fromkeys(ids))
        num, left = 0, set(wanted or ())
        for item in self.items(split):
            if wanted is not None and item.id not in left:
                continue
            if limit is not None and num >= limit:
                return
            num, left = num + 1, left - {item.id}
            yield self.episode(item)
        if left:
            raise ValueError(f"{self.name} has no item {', '.join(sorted(left)[:3])}")

    def items(self, split: str | None = None) -> Iterator[Item]:
        """The annotated items of a split, without a look at any media."""
        if not self.root.is_dir():
            raise self.benchmark.wrong(self.root, "no such folder")
        split = self.benchmark.default_split if split is None else split
        num, seen, ids = 0, set[str](), set[str]()
        for item in self._annotated():
            seen |= {item.split, item.subset}
            item = item if item.id not in ids else replace(item, id=f"{item.id}#{len(ids)}")
            ids.add(item.id)
            if split not in ("", "all", item.split):
                continue
            if not self.subsets or item.subset in self.subsets:
                num += 1
                yield item
        if num == 0:
            known = ", ".join(sorted(seen - {""})) or "no items at all"
            wanted = " ".join(filter(None, (split, *self.subsets))) or "all"
            raise self.benchmark.wrong(self.root, f"nothing for {wanted!r} (there is: {known})")

    def _annotated(self) -> Iterator[Item]:
        """All items; whatever cannot be read is the fault of the layout."""
        try:
            yield from self.benchmark.items(self.root)
        except (UnicodeDecodeError, csv.Error) as error:
            raise self.benchmark.wrong(
                self.root, f"a file is no text as described: {error}"
            ) from error
        except ValueError as error:
            if " wants " in str(error):
                raise
            raise self.benchmark.wrong(self.root, str(error)) from error

    def episode(self, item: Item) -> Episode:
        """One item as an episode, whatever is the matter with it."""
        draft = Draft(self.root, self.benchmark.rates_hz)
        try:
            if isinstance(item.data, ValueError):
                raise item.data
            self.benchmark.fill(draft, item.data)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            draft.unusable(f"the annotation cannot be read: {describe(error)}")
        return draft.build(
            id=item.id,
            bench=self.name,
            split=item.split,
            license=self.benchmark.license,
            lang=item.lang,
            subset=item.subset,
        )


def describe(error: Exception) -> str:
    """A fault of one item in words."""
    if isinstance(error, KeyError):
        return f"the key {error.args[0]!r} is absent"
    text = " ".join(str(error).split()) or type(error).__name__
    return (
        text if isinstance(error, ValueError) else f"a value is not of the form described ({text})"
    )


def problems(episode: Episode) -> tuple[str, ...]:
    """What is the matter with an episode of a loader; () where nothing is."""
    raw: dict[str, Any] = episode.raw if isinstance(episode.raw, dict) else {}
    return tuple(raw.get("problems", ()))


def absent_media(episodes: Iterable[Episode]) -> list[str]:
    """Uris that are referred to and are not there, or cannot be played, each once."""
    found: dict[str, None] = {}
    for episode in episodes:
        raw: dict[str, Any] = episode.raw if isinstance(episode.raw, dict) else {}
        found |= dict.fromkeys(raw.get("absent", ()))
    return list(found)


def row_items(
    benchmark: str,
    rows: Iterable[tuple[int, Any]],
    key: str,
    *,
    subset: str = "",
    split: str = "test",
) -> Iterator[Item]:
    """Items of rows of JSON or CSV: the id is that of the row, else the number of its line."""
    for number, row in rows:
        if not isinstance(row, (dict, ValueError)):
            row = ValueError(f"line {number} is no JSON object")
        named = row.get(key) if isinstance(row, dict) else None
        id = f"line{number}" if named in (None, "") else str(named)
        place = row.get(subset, "") if isinstance(row, dict) and subset else ""
        yield Item(f"{benchmark}/{id}", row, split, str(place))


def natural(name: str) -> tuple[Any, ...]:
    """A key that sorts 2 before 10."""
    parts = re.split(r"(\d+)", name)
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part)


def folders(path: Path) -> list[Path]:
    """The folders in a folder, in natural order; hidden ones are left out."""
    if not path.is_dir():
        return []
    found = [entry for entry in path.iterdir() if entry.is_dir() and entry.name[0] != "."]
    return sorted(found, key=lambda entry: natural(entry.name))
