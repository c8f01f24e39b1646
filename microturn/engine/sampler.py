"""Choosing tokens and noise. Random numbers are a function of (seed, index, purpose), never of the
batch.

Legend: V vocabulary, F mel frames, M mel bins.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from microturn.sampled import p_speak
from microturn.sequence import MAX_TEXT_TOKENS, Markers


@dataclass(frozen=True)
class SamplingConfig:
    """How the model's decisions are drawn.

    text_temperature 0 takes the likeliest token. `eagerness` is added to the logit of `<|speak|>`
    at the floor decision: positive speaks sooner, negative is more reserved. noise_temperature
    scales the flow's noise.
    """

    text_temperature: float = 0.0
    eagerness: float = 0.0
    noise_temperature: float = 0.2
    num_flow_steps: int = 4
    max_text_tokens: int = MAX_TEXT_TOKENS

    def __post_init__(self) -> None:
        if self.num_flow_steps < 1:
            raise ValueError(f"num_flow_steps must be at least 1, got {self.num_flow_steps}")
        if self.text_temperature < 0 or self.noise_temperature < 0:
            raise ValueError("temperatures must not be negative")


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


def choose(
    logits_V: Tensor,
    forbidden_V: Tensor,
    markers: Markers,
    config: SamplingConfig,
    rng: torch.Generator,
    must_end: bool,
) -> int:
    """One output token. With `must_end` only the two floor tokens are left."""
    if must_end:
        return (
            markers.speak if p_speak(logits_V, markers, config.eagerness) > 0.5 else markers.silent
        )
    logits_V = logits_V.masked_fill(forbidden_V, float("-inf"))
    logits_V[markers.speak] += config.eagerness
    if config.text_temperature == 0:
        return int(logits_V.argmax())
    probability_V = torch.softmax(logits_V / config.text_temperature, -1)
    return int(torch.multinomial(probability_V, 1, generator=rng))
