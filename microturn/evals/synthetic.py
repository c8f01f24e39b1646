"""Episodes made of the scenarios: what training shows of a skill, in sentences, contents and voices
that training never sees, with what is expected as facts.

Episode `number` of a skill is a function of (seed, skill, number, bank). One exchange of one skill
an episode, or a skill that takes a whole talk. The user's side is fixed beforehand, so what falls
into the model's speech falls where the model would speak if it did as in training; `raw` keeps
that reference.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from microturn.data.bank import Bank
from microturn.data.mix import Sound, rough
from microturn.data.render import user_track
from microturn.data.talk import Talk
from microturn.data.timeline import IMAGE_PERIOD_MS, Timeline, to_grid
from microturn.evals.episode import Episode, Setup, Track
from microturn.evals.eval_bank import EvalBank
from microturn.evals.expectations import expectations, reference, segments
from microturn.evals.groups import GROUPS, Group
from microturn.scenarios import families
from microturn.signal.wav import write_wav
from microturn.turns import INPUT_RATE_HZ, ByteArray

SEED = 900_000  # no training stream counts this far
ATTEMPTS = 12  # talks that may fail for want of a text or of room
MUST_WANT = {"interruption": "yield_then_respond"}  # else there is nothing to measure
SEVERAL_VOICES = ("aside", "background_speech")
LEVEL = (0.3, 0.9)
NOISE = 0.0005
TAIL_MS = 600
NAME = "synthetic"


def compose(skill: str, number: int, bank: Bank, length_ms: int, seed: int = SEED) -> Timeline:
    """One talk of one skill in the split that is kept for evaluation.

    Raises ValueError where the bank cannot speak it, and for an unknown skill.
    """
    module = families().get(skill)
    if module is None:
        raise ValueError(f"no skill {skill!r}; there are {', '.join(families())}")
    reason = ""
    for attempt in range(ATTEMPTS):
        rng = random.Random(f"{seed}/{skill}/{number}/{attempt}")
        voice = rng.choice(bank.voices)
        is_one = isinstance(bank, EvalBank) and skill not in SEVERAL_VOICES
        seen = bank.in_voice(voice) if is_one and isinstance(bank, EvalBank) else bank
        talk = Talk(seen, rng, voice, rng.randrange(600, 1600), length_ms, split="eval")
        try:
            module.play(talk)
        except KeyError as error:
            reason = str(error.args[0])
            continue
        wanted = {expect.do for expect in talk.expects}
        if not wanted or MUST_WANT.get(skill, "") not in ("", *wanted):
            reason = f"no {MUST_WANT.get(skill, 'answer')} is wanted in it"
        elif any(typed.role == "system" for typed in talk.typed):
            reason = "its system messages come in the middle of the talk"
        else:
            return talk.timeline(duration_ms(talk), (skill,))
    raise ValueError(f"no talk of {skill} could be made: {reason}")


def duration_ms(talk: Talk) -> int:
    """Until everything said and expected is over."""
    ends = [talk.now_ms, *(e.audible_end_ms for e in talk.events)]
    ends += [e.window_ms[1] for e in talk.expects]
    return to_grid(max(ends) + TAIL_MS)


def sound_of(skill: str, number: int, variant: str, seed: int = SEED) -> Sound:
    """How an episode sounds: clean, or `noisy` in rooms, noise, echoes of the line, telephones."""
    rng = random.Random(f"{seed}/{skill}/{number}/sound/{variant}")
    sound = Sound(rng.uniform(*LEVEL), NOISE, rng.randrange(2**31))
    if variant != "noisy":
        return sound
    harder = rough(sound, rng)
    kept = {name: value for name, value in vars(harder).items() if name not in ("echo", "noise")}
    return Sound(**kept, noise=max(harder.noise, rng.uniform(0.004, 0.015)))


@dataclass(frozen=True)
class Plan:
    """Which episode: `variant` says how it sounds."""

    group: str
    skill: str
    number: int
    variant: str = "clean"

    @property
    def id(self) -> str:
        return f"{self.group}/{self.skill}/{self.number}/{self.variant}"


@dataclass(frozen=True)
class Synthetic:
    """The dataset. Media go to `root`, each when its episode is made.

    limit of `episodes`: of each skill and variant of each group.
    """

    root: Path
    bank: Bank = field(default_factory=EvalBank)
    groups: Sequence[Group] = GROUPS
    seed: int = SEED

    @property
    def name(self) -> str:
        return NAME

    def plans(self, limit: int | None = None, counts: dict[str, int] | None = None) -> list[Plan]:
        """All episodes, in turns over the groups and their skills, so that any beginning is
        fair."""
        found = [
            ((number, place), Plan(group.name, skill, number, variant))
            for group in self.groups
            for place, skill in enumerate(group.skills_here)
            for variant in group.variants
            for number in range(
                (counts or {}).get(group.name, group.count) if limit is None else limit
            )
        ]
        return [plan for _, plan in sorted(found, key=lambda pair: pair[0])]

    def episodes(
        self, limit: int | None = None, split: str | None = None, ids: Sequence[str] | None = None
    ) -> Iterator[Episode]:
        """Episodes in the order of `plans`. Raises ValueError for a split that is not `eval`."""
        if split not in (None, "eval"):
            raise ValueError(f"the synthetic families have the split eval, not {split!r}")
        for plan in self.plans(limit):
            if ids is None or plan.id in ids:
                yield self.episode(plan)

    def episode(self, plan: Plan) -> Episode:
        """One episode with its media written. Raises ValueError where it cannot be made."""
        group = next(group for group in self.groups if group.name == plan.group)
        timeline = compose(plan.skill, plan.number, self.bank, group.length_ms, self.seed)
        tracks = [self.audio_track(plan, timeline)]
        for typed in timeline.typed:
            role: Any = "tool" if typed.role == "tool" else "user"
            tracks.append(Track("text", at_ms=typed.onset_ms, text=typed.text, role=role))
        if timeline.scene is not None:
            tracks.append(self.video_track(plan, timeline))
        found, by_time = segments(timeline, self.bank)
        expect, pauses = expectations(timeline, by_time, self.bank)
        return Episode(
            plan.id,
            NAME,
            timeline.duration_ms,
            split="eval",
            tracks=tuple(tracks),
            system=Setup(timeline.instructions or ""),
            segments=(*found, *pauses),
            expect=expect,
            raw={
                "group": plan.group,
                "skill": plan.skill,
                "seed": self.seed,
                **reference(timeline, self.bank),
            },
        )

    def audio_track(self, plan: Plan, timeline: Timeline) -> Track:
        """The user's side as a sound file."""
        uri = f"{plan.id.replace('/', '_')}.wav"
        self.root.mkdir(parents=True, exist_ok=True)
        sound = sound_of(plan.skill, plan.number, plan.variant, self.seed)
        write_wav(self.root / uri, user_track(timeline, self.bank, sound), INPUT_RATE_HZ)
        return Track("audio", uri)

    def video_track(self, plan: Plan, timeline: Timeline) -> Track:
        """What is shown, as an array of images, five a second, the first at an even micro-turn."""
        assert timeline.scene is not None
        uri = f"{plan.id.replace('/', '_')}.npz"
        first_ms = -(-timeline.scene_ms[0] // (2 * IMAGE_PERIOD_MS)) * 2 * IMAGE_PERIOD_MS
        last_ms = min(timeline.scene_ms[1], timeline.duration_ms)
        times = range(first_ms, last_ms, IMAGE_PERIOD_MS)
        shown = [timeline.scene.image(time_ms) for time_ms in times]
        self.root.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(self.root / uri, images=np.stack(shown))
        return Track("video", uri, at_ms=first_ms, fps=1000 / IMAGE_PERIOD_MS)


def frames_of(path: Path, track: Track) -> Iterator[tuple[int, ByteArray]]:
    """Images of a file that `Synthetic` wrote, with their times from the track's start."""
    with np.load(path) as stored:
        for number, image in enumerate(stored["images"]):
            yield number * IMAGE_PERIOD_MS, image
