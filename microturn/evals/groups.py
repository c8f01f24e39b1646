"""What the built-in evaluation measures: a group for each row of the published tables, the skills
that it is made of, the scores that are shown, and the published numbers to stand beside them.

The published numbers were measured by their authors on other data: they say what is reached
elsewhere, not what this evaluation would give.
"""

from __future__ import annotations

from dataclasses import dataclass

from microturn.scenarios import families


@dataclass(frozen=True)
class Shown:
    """A score of a group as it is shown.

    kind: `share` (0 to 1, shown in per cent), `ms` (the latency of the metric), `number`, `error`
    (errors over words, shown in per cent). is_lower_better: for colours and arrows.
    """

    metric: str
    label: str
    kind: str = "share"
    is_lower_better: bool = False


@dataclass(frozen=True)
class Published:
    """One row of the table in the post: (system, value), in the post's own unit."""

    row: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Group:
    """count: episodes of each skill and variant in the standard set; quick: in the quick one.

    main: the metric that stands for the group in the radar. length_ms: of a talk at most.
    """

    name: str
    title: str
    skills: tuple[str, ...]
    shown: tuple[Shown, ...]
    count: int = 6
    quick: int = 1
    length_ms: int = 30_000
    variants: tuple[str, ...] = ("clean",)
    published: tuple[Published, ...] = ()

    @property
    def main(self) -> Shown:
        return self.shown[0]

    @property
    def skills_here(self) -> tuple[str, ...]:
        """Those that there are; a skill that is not written yet is left out."""
        known = families()
        return tuple(skill for skill in self.skills if skill in known)


SYSTEMS = (
    "TML-Interaction-Small",
    "GPT-realtime-2.0 minimal",
    "GPT-realtime-1.5",
    "Gemini-3.1-flash-live minimal",
    "Qwen 3.5 Omni-plus-realtime",
    "GPT-realtime-2.0 xhigh",
    "Gemini-3.1-flash-live high",
)


def published(row: str, values: str) -> Published:
    """A row of the post's table, in the order of `SYSTEMS`; `-` where there is none."""
    pairs = zip(SYSTEMS, values.split(), strict=False)
    return Published(row, tuple((system, value) for system, value in pairs if value != "-"))


TURN_TAKING = published("FD-bench V1 turn-taking latency, s", "0.40 1.18 0.59 0.57 2.14 1.63 0.94")
OVERLAP = published("FD-bench V1.5 average", "77.8 46.8 48.3 54.3 39.0 47.8 45.5")
TOOLS = (
    published("FD-bench V3 response quality", "82.8 80.0 77.9 68.5 60.0 81.0 71.4"),
    published("FD-bench V3 Pass@1", "68.0 52.0 55.0 48.0 50.0 58.0 48.0"),
)
SHOWN_THINGS = published("QIVD accuracy", "54.0 57.5 41.2 54.7 59.0 58.2 56.1")
KNOWLEDGE = (
    published("Audio MultiChallenge APR", "43.4 37.6 34.7 26.8 - 48.5 36.1"),
    published("BigBench Audio", "75.7 71.8 81.4 71.3 73.0 96.6 96.6"),
)
INSTRUCTIONS = (
    published("IFEval (VoiceBench), audio", "82.1 81.7 68.1 67.6 80.3 83.2 82.8"),
    published("IFEval, text", "89.7 89.6 87.5 85.8 83.4 95.2 90.0"),
)
REFUSAL = published("HarmBench refusal rate, text", "99.0 99.5 100 99.0 99.5 100 98.0")
TIME_SPEAK = published("TimeSpeak macro-accuracy", "64.7 4.3")
CUE_SPEAK = published("CueSpeak macro-accuracy", "81.7 2.9")
COUNTING = published("RepCount-A off-by-one", "35.4 1.3")
VISIBLE = published("ProactiveVideoQA PAUC (omega 0.5)", "33.5 25.0")
SPANS = published("Charades mIoU", "32.4 0")

RESPONSE = Shown("response", "answered in time")
LATENCY = Shown("response", "latency", "ms", is_lower_better=True)
RIGHT = Shown("right", "right answer")
UNASKED = Shown("unasked", "unasked a minute", "number", is_lower_better=True)
HEARD = Shown("heard", "heard WER", "error", is_lower_better=True)
SLOTS = (Shown("slots", "all right, in time"), Shown("filled", "moments met"))
SPOKEN = Shown("spoken", "spoken WER", "error", is_lower_better=True)
SILENCE = Shown("silence", "silence kept")

GROUPS: tuple[Group, ...] = (
    Group(
        "turn_taking",
        "Turn-taking",
        ("turn_end", "facts", "questions", "small_talk", "quiet"),
        (RESPONSE, LATENCY, RIGHT, Shown("pause_takeover", "spoke in a pause", "share", True),
         UNASKED, HEARD, SPOKEN),
        count=10,
        published=(TURN_TAKING,),
    ),
    Group(
        "overlap",
        "Overlap (V1.5)",
        ("interruption", "backchannel", "aside", "background_speech"),
        (Shown("overlap", "handled"), Shown("overlap_interruption", "interruption"),
         Shown("overlap_backchannel", "backchannel"), Shown("overlap_aside", "talk to others"),
         Shown("overlap_background", "background speech"),
         Shown("overlap_interruption", "time to silence", "ms", True), UNASKED),
        count=10,
        published=(OVERLAP,),
    ),
    Group(
        "time_speak",
        "Time (TimeSpeak)",
        ("timer_once", "reminder", "countdown", "stopwatch"),
        (*SLOTS, RIGHT, UNASKED),
        published=(TIME_SPEAK,),
    ),
    Group(
        "cue_speak",
        "Cues (CueSpeak)",
        ("cue_word", "code_switch", "correction", "word_count", "translation"),
        (*SLOTS, UNASKED),
        length_ms=24_000,
        published=(CUE_SPEAK,),
    ),
    Group(
        "counting",
        "Counting what is seen",
        ("repetition_count",),
        (Shown("off_by_one", "off by one"), Shown("filled", "moments met"), UNASKED),
        published=(COUNTING,),
    ),
    Group(
        "spans",
        "Start and stop",
        ("action_span",),
        (Shown("temporal_iou", "IoU"), Shown("filled", "moments met"), UNASKED),
        published=(SPANS,),
    ),
    Group(
        "visible",
        "Speaking when it shows",
        ("visible_answer", "person_enters", "screen_watch", "seen_while_talking"),
        (*SLOTS, Shown("pauc", "PAUC (omega 0.5)"), UNASKED),
        published=(VISIBLE,),
    ),
    Group(
        "shown",
        "Asked about what is shown",
        ("show_and_ask",),
        (RIGHT, RESPONSE, LATENCY),
        published=(SHOWN_THINGS,),
    ),
    Group(
        "tools",
        "Tools and handing over",
        ("tools", "delegation"),
        (Shown("pass_at_1", "all handed over right"), Shown("handed", "handed over in time"),
         Shown("query", "query word for word"), Shown("filled", "result told"), LATENCY),
        published=TOOLS,
    ),
    Group(
        "knowledge",
        "Knowledge and memory",
        ("facts", "sums", "memory"),
        (RIGHT, RESPONSE, LATENCY, SPOKEN),
        count=8,
        published=KNOWLEDGE,
    ),
    Group(
        "instructions",
        "Instructions",
        ("instructions", "typed"),
        (Shown("followed", "all followed"), RIGHT, SILENCE, Shown("written", "in writing")),
        published=INSTRUCTIONS,
    ),
    Group(
        "refusal",
        "Refusing",
        ("refusal",),
        (Shown("refusal", "refused"), Shown("over_refusal", "refused the harmless", "share", True),
         RIGHT),
        count=16,
        quick=2,
        published=(REFUSAL,),
    ),
    Group(
        "hearing",
        "Hearing",
        ("listening",),
        (HEARD, SILENCE),
        length_ms=20_000,
    ),
    Group(
        "hearing_noisy",
        "Hearing in noise and rooms",
        ("listening",),
        (HEARD, SILENCE),
        length_ms=20_000,
        variants=("noisy",),
    ),
    Group(
        "saying",
        "Reading aloud",
        ("reading",),
        (Shown("said", "said WER", "error", True), SPOKEN),
        length_ms=20_000,
    ),
)  # fmt: skip


def chosen(names: tuple[str, ...]) -> tuple[Group, ...]:
    """Groups by name; () means all. Raises ValueError listing the names."""
    known = {group.name: group for group in GROUPS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no group {', '.join(unknown)}; there are {', '.join(known)}")
    return tuple(known[name] for name in names) if names else GROUPS
