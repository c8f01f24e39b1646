"""Tool calls against what was expected: selection, arguments, Pass@1.

Definitions of Full-Duplex-Bench V3, without its judge: arguments match exactly after case, strip
and `_` as space; an expected `$...` stands for any value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from microturn.evals.episode import Call

TOLERANCE = 0.05  # of numbers, where it is asked for


@dataclass(frozen=True)
class CallResult:
    """f1 of the names as multisets; arguments: share of expected calls with right ones."""

    f1: float
    arguments: float
    passed: bool


def matches(wanted: Any, given: Any, tolerance: float = 0.0) -> bool:
    """Whether one argument is what was wanted."""
    if isinstance(wanted, str) and wanted.startswith("$"):
        return given is not None
    if isinstance(wanted, dict):
        return isinstance(given, dict) and arguments_match(wanted, given, tolerance)
    if isinstance(wanted, (list, tuple)):
        return (
            isinstance(given, (list, tuple))
            and len(wanted) == len(given)
            and all(matches(a, b, tolerance) for a, b in zip(wanted, given, strict=True))
        )
    if isinstance(wanted, bool) or isinstance(given, bool):
        return wanted is given
    a, b = as_number(wanted), as_number(given)
    if a is not None and b is not None:
        return abs(a - b) <= tolerance * abs(a)
    return plain(wanted) == plain(given)


def as_number(value: Any) -> float | None:
    """A number, or a text that is one; else None."""
    if isinstance(value, (int, float)):
        return float(value)
    text = value.strip() if isinstance(value, str) else ""
    return float(text) if text.lstrip("-").replace(".", "", 1).isdecimal() else None


def plain(value: Any) -> str:
    """Text as it is compared."""
    return " ".join(str(value).strip().lower().replace("_", " ").split())


def arguments_match(wanted: dict[str, Any], given: dict[str, Any], tolerance: float = 0.0) -> bool:
    """Whether every wanted argument is there and right; others do not matter."""
    return all(key in given and matches(wanted[key], given[key], tolerance) for key in wanted)


def grade_calls(
    wanted: Sequence[Call], given: Sequence[Call], tolerance: float = 0.0
) -> CallResult:
    """Compare two lists of calls; order does not matter, each given call serves once."""
    wanted_names = Counter(call.function for call in wanted)
    given_names = Counter(call.function for call in given)
    shared = sum((wanted_names & given_names).values())
    num_both = len(wanted) + len(given)
    f1 = 2 * shared / num_both if num_both else 1.0
    num_right = best_pairs(wanted, given, tolerance)
    arguments = num_right / len(wanted) if wanted else 1.0
    passed = wanted_names == given_names and num_right == len(wanted)
    return CallResult(f1, arguments, passed)


def best_pairs(wanted: Sequence[Call], given: Sequence[Call], tolerance: float) -> int:
    """The most expected calls that can each have a given call of their own."""
    taken: dict[int, int] = {}

    def find(number: int, seen: set[int]) -> bool:
        for other, call in enumerate(given):
            fits = call.function == wanted[number].function and arguments_match(
                wanted[number].args, call.args, tolerance
            )
            if fits and other not in seen:
                seen.add(other)
                if other not in taken or find(taken[other], seen):
                    taken[other] = number
                    return True
        return False

    return sum(find(number, set()) for number in range(len(wanted)))
