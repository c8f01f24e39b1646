"""Answering when there is something to see: PAUC of ProactiveVideoQA (arXiv 2507.09313).

The area under the curve of the score of everything said so far, over the reply span. `omega` draws
the times together: 0 counts time in full, 1 not at all.
"""

from __future__ import annotations

from collections.abc import Sequence

SILENCE = 0.25
BEFORE_FIRST = 0.5  # what the score counts before the first reply


def pauc(
    span: tuple[float, float],
    replies: Sequence[tuple[float, float]],
    omega: float = 0.5,
    max_score: float = 2,
) -> float:
    """PAUC of one span, 0 to 1.

    replies: (time, score of the accumulated replies), in time order, inside the span; times in
    any one unit. Raises ValueError for what is no such thing.
    """
    start, end = span
    if end <= start:
        raise ValueError(f"a reply span must have a length, got {span}")
    times = [time for time, _ in replies]
    if times != sorted(times) or any(not start <= time <= end for time in times):
        raise ValueError(f"replies at {times} must be in order and inside the span {span}")
    if not replies:
        return SILENCE
    moved = [start + (1 - omega) * (time - start) for time in times]
    area = (moved[0] - start) * BEFORE_FIRST
    ends = [*moved[1:], end]
    for time, following, (_, score) in zip(moved, ends, replies, strict=True):
        area += (following - time) * score
    return area / ((end - start) * max_score)


def turn_weighted(videos: Sequence[Sequence[float]]) -> float:
    """Mean over all spans of a category's videos. Raises ValueError without spans."""
    spans = [score for video in videos for score in video]
    if not spans:
        raise ValueError("a category needs at least one reply span")
    return sum(spans) / len(spans)


def over_categories(categories: dict[str, Sequence[Sequence[float]]]) -> float:
    """Mean of the categories' turn-weighted means."""
    means = [turn_weighted(videos) for videos in categories.values()]
    return sum(means) / len(means)


def duplicate_share(replies: Sequence[str]) -> float:
    """Share of replies that only say again what was said."""
    seen: set[str] = set()
    repeated = 0
    for reply in replies:
        key = " ".join(reply.lower().split())
        repeated += key in seen
        seen.add(key)
    return repeated / len(replies) if replies else 0.0
