"""What a micro-turn was sampled from, so that a trainer can compute it again to the bit.

The engine fills it (`Engine(..., recording=...)`), `train/score.py` reads it. The arithmetic that
both must share stands here: log-probabilities, and the floor decision as a number.

Legend: N authored tokens, V vocabulary, E Euler steps, F mel frames, M mel bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from microturn.model.config import FloorConfig
from microturn.model.flow import euler
from microturn.sequence import Markers, TurnDecision, TurnFeatures

Recording = Literal["nothing", "tokens", "distributions"]


@dataclass(frozen=True)
class SampledFlow:
    """One flow sampling: noise as it was scaled, the frames before, and the velocity of each
    step."""

    noise_FM: Tensor
    context_FM: Tensor
    velocity_EFM: Tensor

    def times(self) -> list[float]:
        """Flow time of each step."""
        num_steps = len(self.velocity_EFM)
        return [step / num_steps for step in range(num_steps)]

    def path_EFM(self) -> Tensor:
        """Where each step stood: the noise, and after it what the velocities made of it."""
        path = [self.noise_FM]
        for velocity_FM in self.velocity_EFM[:-1]:
            path.append(euler(path[-1], velocity_FM, len(self.velocity_EFM)))
        return torch.stack(path)


@dataclass(frozen=True)
class Sampled:
    """One micro-turn of a session.

    prefix_ids: what stood before the first micro-turn (only there). log_prob_N: of the text and the
    floor token that came out, under the model's own distribution: no temperature, nothing
    forbidden, no eagerness. log_prob_NV: those of all tokens, where distributions are recorded.
    p_speak holds the eagerness it was decided with. A forced floor decision counts as chosen.
    """

    features: TurnFeatures
    decision: TurnDecision
    log_prob_N: Tensor
    p_speak: float
    eagerness: float = 0.0
    prefix_ids: tuple[int, ...] = ()
    log_prob_NV: Tensor | None = None
    flow: SampledFlow | None = None


def log_probs(logits: Tensor) -> Tensor:
    """Log-probabilities of all tokens, [..., V] in fp32."""
    return torch.log_softmax(logits.float(), -1)


def p_speak(
    logits: Tensor,
    markers: Markers,
    eagerness: float | Tensor = 0.0,
    floor: FloorConfig | None = None,
) -> Tensor:
    """Probability of `<|speak|>` against `<|silent|>`: the floor decision as a number, calibrated
    as `floor` says, with `eagerness` (of all, or of each) added to its log odds.

    [..., V] -> [...].
    """
    silent, speak = logits[..., markers.silent], logits[..., markers.speak]
    if floor is not None and floor != FloorConfig():
        speak = speak + ((floor.scale - 1.0) * (speak - silent) + floor.bias)
    speak = speak + eagerness
    # Not a sigmoid of the difference: its last elements go through other code than the first ones,
    # so that the bits of one would depend on how many there are. A softmax goes row by row.
    return torch.softmax(torch.stack([silent, speak], -1), -1)[..., 1]


def check_whole(turns: Sequence[Sampled]) -> None:
    """Raises ValueError where a conversation does not begin at micro-turn 0 or leaves one out."""
    found = [turn.features.index for turn in turns]
    if not found or found != list(range(len(found))):
        raise ValueError(
            "a conversation is scored from micro-turn 0 on, every micro-turn once and in order; "
            f"got {len(found)} that begin with {found[:5]}"
        )
