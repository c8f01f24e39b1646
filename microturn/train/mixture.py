"""What a run is made of, as it goes on: listening and speaking first, then more and more of sharing
time. The one place for mixture weights.

A stage says what the weights are after so many episodes; between two stages they move in a straight
line. An episode is about 30 seconds. Skills that are in no group keep the weight of OTHERS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# fmt: off
GROUPS: dict[str, tuple[str, ...]] = {
    "listen": ("listening",),
    "read": ("reading",),
    "copy": ("repeat_text",),
    "answer": (
        "questions", "facts", "sums", "small_talk", "refusal", "memory", "typed", "instructions",
    ),
    "quiz": ("quiz",),
    "give_way": ("interruption",),
    "wait": ("turn_end",),
    "floor": ("backchannel", "aside", "background_speech", "story", "quiet"),
    "time": ("reminder", "timer_once", "countdown", "stopwatch"),
    "cue": ("cue_word", "correction", "word_count"),
    "languages": ("code_switch", "translation"),
    "hand_over": ("delegation", "tools"),
    "see": (
        "repetition_count", "action_span", "visible_answer", "show_and_ask", "screen_watch",
        "person_enters", "seen_while_talking",
    ),
    "pictures": ("captions",),
}
# fmt: on
OTHERS = 0.01


@dataclass(frozen=True)
class Stage:
    """Weights of the groups after `num_episodes`."""

    num_episodes: int
    weights: Mapping[str, float]


# Nearly half is listening at first: what is not heard cannot be answered. A skill with less than
# one row in a hundred was not learned in hundreds of hours, with four it began to come within one;
# of sentences read aloud a recogniser understood next to nothing while they had a tenth; pauses and
# interruptions fell back where they had two and five (docs/log.md).
STAGES = (
    Stage(
        0,
        {"listen": 0.45, "read": 0.12, "copy": 0.03, "answer": 0.1, "quiz": 0.02,
         "give_way": 0.02, "wait": 0.02, "floor": 0.06, "time": 0.04, "cue": 0.02,
         "languages": 0.01, "hand_over": 0.02, "see": 0.03, "pictures": 0.06},
    ),
    Stage(
        20_000,
        {"listen": 0.22, "read": 0.17, "copy": 0.01, "answer": 0.15, "quiz": 0.025,
         "give_way": 0.065, "wait": 0.05, "floor": 0.06, "time": 0.06, "cue": 0.03,
         "languages": 0.005, "hand_over": 0.05, "see": 0.085, "pictures": 0.02},
    ),
)  # fmt: skip


def group_weights(num_episodes: int, stages: Sequence[Stage] = STAGES) -> dict[str, float]:
    """Weights of the groups after so many episodes; those of the last stage from then on."""
    before = max((s for s in stages if s.num_episodes <= num_episodes), key=_when)
    later = [s for s in stages if s.num_episodes > num_episodes]
    if not later:
        return dict(before.weights)
    after = min(later, key=_when)
    share = (num_episodes - before.num_episodes) / (after.num_episodes - before.num_episodes)
    return {
        name: (1 - share) * weight + share * after.weights[name]
        for name, weight in before.weights.items()
    }


def mixture_at(num_episodes: int, families: Sequence[str]) -> dict[str, float]:
    """Weights of the skills: a group's weight is shared by those of its skills that there are.

    Raises ValueError where no skill is known.
    """
    if not families:
        raise ValueError("there is no skill to mix")
    found = dict.fromkeys(families, OTHERS)
    for group, weight in group_weights(num_episodes).items():
        members = [name for name in GROUPS[group] if name in found]
        for name in members:
            found[name] = weight / len(members)
    return found


def _when(stage: Stage) -> int:
    return stage.num_episodes
