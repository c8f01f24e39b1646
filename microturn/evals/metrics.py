"""All metrics that need no judge, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from microturn.evals import metrics_content as content
from microturn.evals import metrics_floor as floor
from microturn.evals.episode import Episode
from microturn.evals.interfaces import Metric, Need
from microturn.evals.metrics_floor import FunctionMetric
from microturn.evals.record import Score, Trace, check_pair

VAD: frozenset[Need] = frozenset({"vad"})
WORDS: frozenset[Need] = frozenset({"vad", "words"})
TEXT: frozenset[Need] = frozenset({"words"})
Function = Callable[[Episode, Trace], list[Score]]
TABLE: tuple[tuple[str, frozenset[Need], Function], ...] = (
    ("turn_taking", VAD, floor.turn_taking),
    ("pause_handling", VAD, floor.pause_handling),
    ("interruption", VAD, floor.interruption),
    ("overlap_behaviour", WORDS, floor.overlap_behaviour),
    ("count", WORDS, content.count_scores),
    ("interval", WORDS, content.interval_scores),
    ("proactive", WORDS, content.proactive_scores),
    ("slots", WORDS, content.slot_scores),
    ("tools", frozenset(), content.tool_scores),
    ("ifeval", TEXT, content.ifeval_scores),
    ("refusal", TEXT, content.refusal_scores),
    ("label", TEXT, content.label_scores),
    ("answer", TEXT, content.answer_scores),
)


def all_metrics() -> list[Metric]:
    """Every rule metric; each scores only the expectations that are its own."""
    return [FunctionMetric(name, needs, function) for name, needs, function in TABLE]


def backchannel_metric(reference: Sequence[float] | None = None) -> Metric:
    """Backchannels of the agent itself: for episodes in which the user tells a long story.

    reference: occupancy per bin of people's backchannels, from the benchmark's own file.
    """
    return FunctionMetric(
        "backchannel",
        WORDS,
        lambda episode, trace: floor.backchannel_scores(episode, trace, reference),
    )


def score_all(
    episode: Episode, trace: Trace, metrics: Sequence[Metric] | None = None
) -> list[Score]:
    """All scores of one trace. Raises ValueError where trace and episode do not belong together."""
    check_pair(episode, trace)
    chosen = all_metrics() if metrics is None else metrics
    return [score for metric in chosen for score in metric.score(episode, trace)]
