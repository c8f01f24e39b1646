"""Choosing tokens and noise. Random numbers are a function of (seed, index, purpose), never of the
batch.

Legend: V vocabulary, F mel frames, M mel bins.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

from microturn.model.config import FloorConfig, FlowConfig
from microturn.sampled import p_speak
from microturn.sequence import MAX_TEXT_TOKENS, Markers
from microturn.turns import MICRO_TURN_MS

# In log odds: an eager model speaks where p(speak) is 0.18, a reserved one where it is 0.82.
EAGERNESS = MappingProxyType(
    {"reserved": -1.5, "calm": -0.75, "balanced": 0.0, "keen": 0.75, "eager": 1.5}
)


def eagerness_of(value: float | str) -> float:
    """An eagerness by name or as it is. Raises ValueError for an unknown name or no number."""
    if isinstance(value, str):
        if value not in EAGERNESS:
            raise ValueError(
                f"no eagerness {value!r}: give a number, or one of {', '.join(EAGERNESS)}"
            )
        return EAGERNESS[value]
    if not math.isfinite(value):
        raise ValueError(f"eagerness must be a number, got {value}")
    return float(value)


@dataclass(frozen=True)
class SamplingConfig:
    """How the model's decisions are drawn.

    text_temperature 0 takes the likeliest token. `eagerness` is added to the log odds of taking or
    keeping the floor: above 0 speaks sooner, below 0 is more reserved; `EAGERNESS` has names for
    some of it. A session may have its own. floor_memory_ms: how long an urge to speak that was not
    yet enough is remembered (`urged`); 0 forgets it at once. noise_temperature scales the flow's
    noise; num_flow_steps None takes as many as the model is meant for.
    """

    text_temperature: float = 0.0
    eagerness: float = 0.0
    floor_memory_ms: float = 1000.0
    noise_temperature: float = 0.2
    num_flow_steps: int | None = None
    max_text_tokens: int = MAX_TEXT_TOKENS

    def __post_init__(self) -> None:
        if self.num_flow_steps is not None and self.num_flow_steps < 1:
            raise ValueError(f"num_flow_steps must be at least 1, got {self.num_flow_steps}")
        if self.text_temperature < 0 or self.noise_temperature < 0:
            raise ValueError("temperatures must not be negative")
        if not self.floor_memory_ms >= 0:
            raise ValueError(f"floor_memory_ms must not be negative, got {self.floor_memory_ms}")

    def remembered(self) -> float:
        """The share of an urge that is left after one micro-turn."""
        return math.exp(-MICRO_TURN_MS / self.floor_memory_ms) if self.floor_memory_ms else 0.0

    def steps_of(self, flow: FlowConfig) -> int:
        """Euler steps: those that are given, or that the flow head is meant for."""
        return self.num_flow_steps or flow.num_steps


def generator(seed: int, index: int, purpose: str) -> torch.Generator:
    """A random generator that depends on nothing but its arguments."""
    digest = hashlib.blake2b(f"{seed}/{index}/{purpose}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


def forbidden_mask(vocab_size: int, markers: Markers) -> Tensor:
    """True for tokens that the model never writes: padding and the markers of typed messages.
    [V]"""
    mask_V = torch.zeros(vocab_size, dtype=torch.bool)
    for token_id in (
        markers.pad,
        markers.message_system,
        markers.message_user,
        markers.message_tool,
        markers.content_text,
        markers.end_message,
    ):
        mask_V[token_id] = True
    return mask_V


def is_hearing(text_ids: Sequence[int], markers: Markers) -> bool:
    """Whether the heard lane is open after these tokens of a micro-turn."""
    return text_ids[:1] == [markers.heard] and markers.end not in text_ids


def leaned(
    logits_V: Tensor, markers: Markers, eagerness: float, floor: FloorConfig, hears: bool
) -> Tensor:
    """Logits with the calibration and the eagerness in them, [V].

    The calibration moves weight between the two floor tokens and leaves their sum, so that texts
    get no longer or shorter by it. Eagerness is for all that takes the floor: said words and
    `<|speak|>`, and in the heard lane what ends it to speak. What is heard, handed over or silence
    keeps its logit.
    """
    if floor != FloorConfig():
        both = logits_V[[markers.silent, markers.speak]]
        odds = floor.scale * (both[1] - both[0]) + floor.bias
        share = functional.logsigmoid(torch.stack([-odds, odds]))
        logits_V[[markers.silent, markers.speak]] = both.logsumexp(0) + share
    if eagerness == 0.0:
        return logits_V
    if hears:
        logits_V[[markers.end, markers.speak]] += eagerness
        return logits_V
    kept = [markers.silent, markers.heard, markers.delegate]
    kept_K = logits_V[kept]
    logits_V = logits_V + eagerness
    logits_V[kept] = kept_K
    return logits_V


def urged(
    logits_V: Tensor,
    forbidden_V: Tensor,
    markers: Markers,
    eagerness: float,
    floor: FloorConfig,
    hears: bool,
    before: float = 0.0,
) -> tuple[int, float]:
    """Whether to speak after all where silence is the likeliest single token: (token, urge now).

    Two things hide that the model would rather speak. What it may say is many tokens ("okay",
    "sure", "got it"), of which none is as likely as silence though all together are: they are
    counted together. And a moment that is known to a second only ("in seven seconds", the end of a
    push-up) is spread over several micro-turns, each too unlikely by itself. With h the probability
    of beginning to speak now, 1 - (1 - h1)(1 - h2)... is that of having begun by now; half of it is
    the median of the moment, the guess that is least wrong. The urge is minus the logarithm of that
    product, `before` what is left of it from earlier; at log 2 the model speaks.
    """
    logits_V = leaned(
        logits_V.masked_fill(forbidden_V, float("-inf")), markers, eagerness, floor, hears
    )
    if hears:
        takes_V = torch.full_like(logits_V, float("-inf"))
        takes_V[[markers.end, markers.speak]] = logits_V[[markers.end, markers.speak]]
    else:
        takes_V = logits_V.clone()
        takes_V[[markers.silent, markers.heard, markers.delegate, markers.end]] = float("-inf")
    odds = takes_V.logsumexp(0) - logits_V[markers.silent]
    urge = before + float(functional.softplus(odds))
    return (markers.silent, urge) if urge < math.log(2) else (int(takes_V.argmax()), 0.0)


def choose(
    logits_V: Tensor,
    forbidden_V: Tensor,
    markers: Markers,
    config: SamplingConfig,
    rng: torch.Generator,
    must_end: bool,
    eagerness: float | None = None,
    floor: FloorConfig | None = None,
    hears: bool = False,
) -> int:
    """One output token. With `must_end` only the two floor tokens are left. eagerness: that of the
    session, None for the config's; hears: the heard lane is open."""
    eagerness, floor = config.eagerness if eagerness is None else eagerness, floor or FloorConfig()
    if must_end:
        p = p_speak(logits_V, markers, eagerness, floor)
        return markers.speak if p > 0.5 else markers.silent
    logits_V = logits_V.masked_fill(forbidden_V, float("-inf"))
    logits_V = leaned(logits_V, markers, eagerness, floor, hears)
    if config.text_temperature == 0:
        return int(logits_V.argmax())
    probability_V = torch.softmax(logits_V / config.text_temperature, -1)
    return int(torch.multinomial(probability_V, 1, generator=rng))
