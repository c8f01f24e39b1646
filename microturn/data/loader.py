"""An endless stream of rendered episodes.

Episode k is a function of (seed, k), so an integer resumes it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from microturn.data.bank import Bank
from microturn.data.mix import Sound, rough
from microturn.data.render import Episode, render
from microturn.data.timeline import Talk, Timeline
from microturn.scenarios import families
from microturn.signal.text import Text
from microturn.turns import MICRO_TURN_MS

EPISODE_MS = 32_000
SHORT_GAP = 0.65  # of the gaps between exchanges
QUIET = 0.05  # of episodes in which nobody says anything
NOISE_LEVELS = (0.0, 0.0005, 0.002, 0.006)


def weights(mixture: Mapping[str, float] | None) -> dict[str, float]:
    """Families and their weights. Raises ValueError naming an unknown family."""
    known = families()
    if mixture is None:
        return dict.fromkeys(known, 1.0)
    unknown = sorted(set(mixture) - set(known))
    if unknown:
        raise ValueError(f"no family {', '.join(unknown)}; there are {', '.join(known)}")
    return dict(mixture)


def compose(
    rng: random.Random, bank: Bank, mixture: Mapping[str, float], duration_ms: int
) -> Timeline:
    """Exchanges of mixed families, with silences between, until the time is full."""
    if rng.random() < QUIET:
        return Timeline(duration_ms, (), ("quiet",))
    talk = Talk(bank, rng, user_voice=rng.choice(bank.voices), now_ms=rng.randrange(400, 4000))
    names = list(mixture)
    played: list[str] = []
    while talk.now_ms < duration_ms - 2000:
        name = rng.choices(names, [mixture[name] for name in names])[0]
        families()[name].play(talk)
        played.append(name)
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
) -> tuple[Timeline, Sound]:
    """What is said in episode `number` and how it sounds: a function of (seed, number) alone."""
    rng = random.Random(f"{seed}/{number}")
    timeline = compose(rng, bank, mixture, duration_ms // MICRO_TURN_MS * MICRO_TURN_MS)
    sound = Sound(rng.uniform(0.15, 0.9), rng.choice(NOISE_LEVELS), rng.randrange(2**31))
    return timeline, rough(sound, rng) if rng.random() < roughness else sound


def episodes(
    seed: int,
    start: int,
    bank: Bank,
    text: Text,
    mixture: Mapping[str, float] | None = None,
    duration_ms: int = EPISODE_MS,
    roughness: float = 0.0,
) -> Iterator[Episode]:
    """Episodes from `start` on without end; a share `roughness` of them in hard acoustics."""
    chosen, number = weights(mixture), start
    while True:
        timeline, sound = plan(seed, number, bank, chosen, duration_ms, roughness)
        yield render(timeline, bank, text, sound)
        number += 1
