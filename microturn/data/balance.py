"""What a set of conversations is made of, in numbers: who speaks how much, turns, pauses, overlaps,
text by lane, hand-overs, pictures; beside them what people do.

A turn's sound is from the first to the last word that is heard. Word times of synthetic voices
count a pause to the word before it, so words are taken while they sound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from microturn.data.bank import Bank
from microturn.data.sounding import while_it_sounds
from microturn.data.timeline import Event, Timeline, utterance_of
from microturn.sequence import split_lanes
from microturn.signal.text import Text
from microturn.turns import MICRO_TURN_MS

PAUSE_MS = 180  # shorter silence belongs to stops and other sounds (Heldner & Edlund)
FAR_MS = 5000  # what begins later does not answer what was said
TURNS = ("speech", "reading", "filler")  # kinds of speech that take the floor

# What people do, by name of the statistic: value, what was measured, where it stands.
PUBLISHED = {
    "answer_ms": (
        "about 200, in English 236",
        "mean from the end of a yes/no question to its answer, ten languages",
        "Stivers et al. 2009, PNAS 106(26)",
    ),
    "overlapped_answers": (
        "about 0.4",
        "share of changes of speaker in which both speak, three corpora",
        "Heldner & Edlund 2010, J. Phonetics 38(4)",
    ),
    "overlap_share": (
        "below 0.05",
        "share of speech in which both speak, telephone talks",
        "Levinson & Torreira 2015, Front. Psychol. 6:731",
    ),
    "pause_ms": (
        "median 870, p10 680, p90 1280",
        "long pauses inside turns, as chosen for the pause set of Full-Duplex-Bench",
        "Candor items of Full-Duplex-Bench v1",
    ),
    "backchannel_share": (
        "about 0.19",
        "share of utterances that are backchannels, telephone talks",
        "Jurafsky, Shriberg & Biasca 1997, Switchboard DAMSL",
    ),
}


@dataclass
class Balance:
    """Counts over timelines; `numbers` makes figures of them."""

    num_episodes: int = 0
    num_turns: int = 0
    num_speaking: int = 0
    num_quiet: int = 0
    num_image_pairs: int = 0
    num_with_pictures: int = 0
    num_with_instructions: int = 0
    num_delegated: int = 0
    num_typed: int = 0
    num_cut_off: int = 0
    tokens: Counter[str] = field(default_factory=Counter[str])
    kinds: Counter[str] = field(default_factory=Counter[str])
    sides_ms: Counter[str] = field(default_factory=Counter[str])
    both_ms: int = 0
    any_ms: int = 0
    utterance_ms: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    answer_ms: list[int] = field(default_factory=list[int])
    reply_ms: list[int] = field(default_factory=list[int])
    pause_ms: list[int] = field(default_factory=list[int])

    def add(
        self,
        timeline: Timeline,
        bank: Bank,
        text: Text,
        lines: Sequence[tuple[int, ...]],
        is_voiced: Any,
    ) -> None:
        """Count one conversation; `lines` and `is_voiced` as `render.lanes` gives them."""
        self.num_episodes += 1
        self.num_turns += len(lines)
        self.num_speaking += int(np.count_nonzero(is_voiced[1:]))
        for ids in lines:
            for name, lane in zip(("heard", "said", "delegated"),
                                  split_lanes(ids, text.markers), strict=True):  # fmt: skip
                self.tokens[name] += len(lane)
        if timeline.scene is not None:
            shown_ms = min(timeline.scene_ms[1], timeline.duration_ms) - timeline.scene_ms[0]
            self.num_image_pairs += max(0, shown_ms) // (2 * MICRO_TURN_MS)
            self.num_with_pictures += 1
        self.num_with_instructions += timeline.instructions is not None
        self.num_delegated += len(timeline.delegated)
        self.num_typed += len(timeline.typed)
        self.add_speech(timeline, bank)

    def add_speech(self, timeline: Timeline, bank: Bank) -> None:
        """Count who speaks when."""
        spans = {side: np.zeros(timeline.duration_ms, dtype=bool) for side in ("own", "user")}
        sounding = {id(event): sound_of(event, bank) for event in timeline.events}
        for event in timeline.events:
            words = sounding[id(event)]
            self.kinds[f"{event.side} {event.kind}"] += 1
            self.num_cut_off += event.audible_end_ms > timeline.duration_ms
            if event.side in spans and words:
                spans[event.side][words[0][0] : words[-1][1]] = True
                length_ms = words[-1][1] - words[0][0]
                self.utterance_ms.setdefault(event.side, []).append(length_ms)
            if event.side == "user":
                starts, ends = [a for a, _ in words[1:]], [b for _, b in words]
                gaps = [start - end for start, end in zip(starts, ends, strict=False)]
                self.pause_ms += [gap for gap in gaps if gap >= PAUSE_MS]
        self.num_quiet += not timeline.events
        for side, heard in spans.items():
            self.sides_ms[side] += int(heard.sum())
        self.both_ms += int((spans["own"] & spans["user"]).sum())
        self.any_ms += int((spans["own"] | spans["user"]).sum())
        self.add_changes([e for e in timeline.events if e.kind in TURNS and e.side in spans],
                         sounding)  # fmt: skip

    def add_changes(self, turns: Sequence[Event], sounding: Mapping[int, Any]) -> None:
        """Count the time from a turn's end to the other side's next turn; below zero in overlap."""
        heard = [(e.side, sounding[id(e)]) for e in turns if sounding[id(e)]]
        heard.sort(key=lambda turn: turn[1][0][0])
        for (before, first), (after, second) in pairwise(heard):
            gap_ms = second[0][0] - first[-1][1]
            if before != after and gap_ms < FAR_MS:
                (self.answer_ms if after == "own" else self.reply_ms).append(gap_ms)

    def numbers(self) -> dict[str, Any]:
        """Figures by name; times are {median, p10, p90} in ms."""
        minutes = max(1e-9, self.num_turns * MICRO_TURN_MS / 60_000)
        total_ms = max(1, self.num_turns * MICRO_TURN_MS)
        num_events = sum(self.kinds.values())
        hums = self.kinds["own backchannel"] + self.kinds["user backchannel"]
        spoken = sum(n for kind, n in self.kinds.items() if not kind.startswith("other"))
        return {
            "episodes": self.num_episodes,
            "minutes": round(minutes, 2),
            "floor_speak_share": share(self.num_speaking, self.num_turns),
            "silence_share": share(total_ms - self.any_ms, total_ms),
            "user_speech_share": share(self.sides_ms["user"], total_ms),
            "own_speech_share": share(self.sides_ms["own"], total_ms),
            "overlap_share": share(self.both_ms, self.any_ms),
            "without_speech": share(self.num_quiet, self.num_episodes),
            "with_pictures": share(self.num_with_pictures, self.num_episodes),
            "with_instructions": share(self.num_with_instructions, self.num_episodes),
            "image_pairs_per_minute": round(self.num_image_pairs / minutes, 2),
            "tokens_per_minute": {
                name: round(self.tokens[name] / minutes, 1)
                for name in ("heard", "said", "delegated")
            },
            "delegations_per_minute": round(self.num_delegated / minutes, 2),
            "typed_per_minute": round(self.num_typed / minutes, 2),
            "events_per_minute": round(num_events / minutes, 2),
            "events": dict(sorted(self.kinds.items())),
            "cut_off_at_the_end": share(self.num_cut_off, num_events),
            "user_utterance_ms": spread(self.utterance_ms.get("user", [])),
            "own_utterance_ms": spread(self.utterance_ms.get("own", [])),
            "answer_ms": spread(self.answer_ms),
            "overlapped_answers": share(sum(g < 0 for g in self.answer_ms), len(self.answer_ms)),
            "reply_ms": spread(self.reply_ms),
            "overlapped_replies": share(sum(g < 0 for g in self.reply_ms), len(self.reply_ms)),
            "pause_ms": spread(self.pause_ms),
            "pauses_per_user_minute": round(
                len(self.pause_ms) / max(1e-9, self.sides_ms["user"] / 60_000), 2
            ),
            "backchannel_share": share(hums, spoken),
        }


def sound_of(event: Event, bank: Bank) -> list[tuple[int, int]]:
    """When each word of an event is heard, in the time of the session; empty where it was cut
    before."""
    utterance = utterance_of(event, bank)
    words = [while_it_sounds(word, utterance) for word in utterance.words]
    spans = [(event.onset_ms + w.start_ms, event.onset_ms + w.end_ms) for w in words]
    end_ms = event.audible_end_ms
    return [(start, min(end, end_ms)) for start, end in spans if start < end_ms]


def share(part: float, whole: float) -> float:
    """A part of a whole, 0 of nothing."""
    return round(part / whole, 4) if whole else 0.0


def spread(times_ms: Sequence[int]) -> dict[str, int]:
    """Median and the borders of the middle four fifths; empty where there is nothing."""
    if not times_ms:
        return {}
    low, middle, high = np.percentile(times_ms, (10, 50, 90))
    return {"median": round(middle), "p10": round(low), "p90": round(high), "count": len(times_ms)}
