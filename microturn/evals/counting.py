"""Counting repetitions aloud: off by one, size of the error, lag of the running count.

RepCount-A, streaming. Times in ms; `said` is (value, onset) in time order (numbers.py); `ends` are
the ends of repetitions 1 to n.
"""

from __future__ import annotations

from collections.abc import Sequence


def cut_ms(ends: Sequence[int]) -> int:
    """From when a number counts as the total: the end of the last repetition but one."""
    return ends[-2] if len(ends) > 1 else 0


def predicted(said: Sequence[tuple[int, int]], after_ms: int) -> int | None:
    """The last number said at or after `after_ms`, or None."""
    late = [value for value, onset in said if onset >= after_ms]
    return late[-1] if late else None


def off_by_one(prediction: int | None, count: int, tolerance: int = 1) -> int:
    """1 where the prediction is within the tolerance; a missing one is wrong."""
    return int(prediction is not None and abs(prediction - count) <= tolerance)


def relative_error(prediction: int | None, count: int) -> float:
    """|prediction - count| / (count + 0.1); a missing prediction counts as 0 said."""
    return abs((prediction or 0) - count) / (count + 0.1)


def running_lag_ms(said: Sequence[tuple[int, int]], ends: Sequence[int]) -> float | None:
    """Mean delay of the first time k is said, after the end of repetition k; None: none is said.

    Negative where the count runs ahead.
    """
    delays: list[int] = []
    for number, end in enumerate(ends, 1):
        onsets = [onset for value, onset in said if value == number]
        if onsets:
            delays.append(onsets[0] - end)
    return sum(delays) / len(delays) if delays else None


def running_share(said: Sequence[tuple[int, int]], ends: Sequence[int]) -> float:
    """Share of repetitions whose number was said: the lag alone could be gamed by saying few."""
    values = {value for value, _ in said}
    return sum(number in values for number in range(1, len(ends) + 1)) / max(1, len(ends))
