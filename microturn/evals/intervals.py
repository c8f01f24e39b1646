"""Spoken starts and stops against a reference interval: temporal IoU and what hangs on it."""

from __future__ import annotations

from collections.abc import Sequence

from microturn.evals.episode import Span, Word
from microturn.evals.text_rules import normal

RECALLS = (0.3, 0.5, 0.7)


def onset_of(words: Sequence[Word], phrases: Sequence[str], after_ms: int = -1) -> int | None:
    """Onset of the first of these phrases that begins after `after_ms`, or None."""
    tokens = [(token, a) for text, a, _ in words for token in normal(text).split()]
    wanted = [normal(phrase).split() for phrase in phrases]
    for position, (_, onset) in enumerate(tokens):
        said = [token for token, _ in tokens[position:]]
        if onset > after_ms and any(said[: len(phrase)] == phrase for phrase in wanted if phrase):
            return onset
    return None


def said_interval(
    words: Sequence[Word], open_phrases: Sequence[str], close_phrases: Sequence[str]
) -> Span | None:
    """Onset of the first opening phrase, and of the first closing one after it; None: one lacks."""
    start = onset_of(words, open_phrases)
    end = None if start is None else onset_of(words, close_phrases, start)
    return None if start is None or end is None else (start, end)


def temporal_iou(predicted: Span | None, reference: Span) -> float:
    """Overlap over the length of both together; 0 where nothing was predicted."""
    if predicted is None:
        return 0.0
    shared = max(0, min(predicted[1], reference[1]) - max(predicted[0], reference[0]))
    together = max(predicted[1], reference[1]) - min(predicted[0], reference[0])
    return shared / together if together else 0.0


def recall_at(ious: Sequence[float], threshold: float) -> float:
    """Share of items whose IoU reaches the threshold."""
    return sum(iou >= threshold for iou in ious) / len(ious) if ious else 0.0
