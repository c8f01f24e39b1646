"""An endless stream of rendered episodes.

Episode k is a function of (seed, k) and of the clips that can be read, so an integer resumes it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from types import ModuleType

from microturn.data.bank import Bank, DamagedClip
from microturn.data.mix import Sound, rough
from microturn.data.render import Episode, render
from microturn.data.talk import Talk
from microturn.data.timeline import Timeline
from microturn.scenarios import families
from microturn.signal.text import Text
from microturn.signal.tract import draw_tract
from microturn.turns import MICRO_TURN_MS

EPISODE_MS = 32_000
SHORT_GAP = 0.65  # of the gaps between exchanges
QUIET = 0.03  # of episodes in which nobody says anything
ATTEMPTS = 40  # exchanges that may fail for want of a clip before an episode stays short
NOISE_LEVELS = (0.0, 0.0005, 0.002, 0.006)
MOST_SKIPPED = 0.05  # of the episodes; a bank that costs more has to be mended
FEW_SKIPPED = 5  # so many say nothing about a share


@dataclass
class Skipped:
    """Episodes that a damaged clip cost, in one worker. `clips`: what is wrong, by clip."""

    num_tried: int = 0
    num_skipped: int = 0
    clips: dict[str, str] = field(default_factory=dict[str, str])

    def note(self, error: DamagedClip) -> None:
        """Count one; each clip is told once, on stderr.

        Raises ValueError where too many episodes are lost.
        """
        self.num_skipped += 1
        if error.key not in self.clips:
            self.clips[error.key] = str(error)
            print(f"microturn: an episode is skipped: {error}", file=sys.stderr)
        if self.num_skipped > max(FEW_SKIPPED, MOST_SKIPPED * self.num_tried):
            raise ValueError(
                f"{self.num_skipped} of {self.num_tried} episodes could not be made, more than "
                f"{MOST_SKIPPED:.0%}, for want of {len(self.clips)} clips; build the bank again. "
                f"The last one: {error}"
            ) from error


def weights(mixture: Mapping[str, float] | None) -> dict[str, float]:
    """Families and their weights. Raises ValueError naming an unknown family."""
    known = families()
    if mixture is None:
        return dict.fromkeys(known, 1.0)
    unknown = sorted(set(mixture) - set(known))
    if unknown:
        raise ValueError(f"no family {', '.join(unknown)}; there are {', '.join(known)}")
    return dict(mixture)


def fills_episode(family: ModuleType) -> bool:
    """Whether a skill takes a whole conversation, because it sets rules or shows pictures."""
    return bool(getattr(family, "WHOLE_EPISODE", False))


def compose(
    rng: random.Random,
    bank: Bank,
    mixture: Mapping[str, float],
    duration_ms: int,
    split: str = "train",
) -> Timeline:
    """Exchanges of mixed families, with silences between, until the time is full; or one family
    that takes it all. Exchanges for which the bank lacks a clip are left out."""
    if rng.random() < QUIET:
        return Timeline(duration_ms, (), ("quiet",))
    known = {name: module for name, module in families().items() if name in mixture}
    talk = Talk(
        bank, rng, rng.choice(bank.voices), rng.randrange(400, 4000), duration_ms, split=split
    )
    names = list(mixture)
    played: list[str] = []
    for _ in range(ATTEMPTS):
        if talk.now_ms >= duration_ms - 2000:
            break
        name = rng.choices(names, [mixture[name] for name in names])[0]
        if fills_episode(known[name]) and played:
            names = [n for n in names if not fills_episode(known[n])]
            if not names:
                break
            continue
        if not talk.attempt(known[name].play):
            continue
        played.append(name)
        if fills_episode(known[name]):
            break
        talk.now_ms += (
            rng.randrange(500, 1500) if rng.random() < SHORT_GAP else rng.randrange(1500, 5000)
        )
    return talk.timeline(duration_ms, tuple(played))


def plan(
    seed: int,
    number: int,
    bank: Bank,
    mixture: Mapping[str, float],
    duration_ms: int = EPISODE_MS,
    roughness: float = 0.0,
    split: str = "train",
    has_rooms: bool = False,
    attempt: int = 0,
    other_tracts: float = 0.0,
) -> tuple[Timeline, Sound]:
    """What is said in episode `number` and how it sounds: a function of the arguments alone.

    roughness, other_tracts: shares in hard acoustics and through other vocal tracts. `attempt`
    counts the episodes of this number that came to nothing. Raises DamagedClip.
    """
    rng = random.Random(f"{seed}/{number}/{attempt}" if attempt else f"{seed}/{number}")
    timeline = compose(rng, bank, mixture, duration_ms // MICRO_TURN_MS * MICRO_TURN_MS, split)
    sound = Sound(rng.uniform(0.15, 0.9), rng.choice(NOISE_LEVELS), rng.randrange(2**31))
    sound = rough(sound, rng, has_rooms) if rng.random() < roughness else sound
    if rng.random() < other_tracts:
        sound = replace(sound, tract=draw_tract(rng))
    return timeline, sound


def episodes(
    seed: int,
    start: int,
    bank: Bank,
    text: Text,
    mixture: Mapping[str, float] | Callable[[int], Mapping[str, float]] | None = None,
    duration_ms: int = EPISODE_MS,
    roughness: float = 0.0,
    has_rooms: bool = False,
    skipped: Skipped | None = None,
    other_tracts: float = 0.0,
) -> Iterator[Episode]:
    """Episodes from `start` on without end; a share `roughness` of them in hard acoustics, in
    shoebox rooms where `has_rooms`, and a share `other_tracts` as if other people spoke. A mixture
    may be a function of the episode's number.

    An episode with a damaged clip is skipped and counted in `skipped`; another one takes its
    number. Raises ValueError where too many are.
    """
    number, skipped = start, skipped or Skipped()
    while True:
        chosen = weights(mixture(number) if callable(mixture) else mixture)
        for attempt in count():
            skipped.num_tried += 1
            try:
                timeline, sound = plan(
                    seed,
                    number,
                    bank,
                    chosen,
                    duration_ms,
                    roughness,
                    has_rooms=has_rooms,
                    attempt=attempt,
                    other_tracts=other_tracts,
                )
                episode = render(timeline, bank, text, sound)
            except DamagedClip as error:
                skipped.note(error)
                continue
            yield episode
            break
        number += 1
