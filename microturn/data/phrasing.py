"""Ways to ask, filled with contents: few sentences for a voice to read, none in both splits."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from microturn.data.split import HasSplit, in_split

T = TypeVar("T")
Case = tuple[str, Mapping[str, Any]]  # a sentence, and what stands in it


def options(talk: HasSplit, offered: Sequence[T]) -> list[T]:
    """Those that belong to the talk's split, in order (see `in_split`)."""
    return [option for place, option in enumerate(offered) if in_split(place, offered, talk)]


def asked(
    templates: Sequence[str], contents: Sequence[Mapping[str, Any]], each: int
) -> tuple[tuple[Case, ...], ...]:
    """For each template its sentences: it is filled with `each` of the contents, and the next
    template goes on where it ended, so that every content comes up in turn."""
    turns = itertools.cycle(contents)
    return tuple(
        tuple((template.format(**content), content) for content in itertools.islice(turns, each))
        for template in templates
    )


def sentences(*tables: Sequence[Sequence[Case]]) -> tuple[str, ...]:
    """Every sentence of some tables, each once."""
    found = [text for table in tables for cases in table for text, _ in cases]
    return tuple(dict.fromkeys(found))
