"""What the engine sampled, computed again by the trainer: with gradients, whole rows, many at once.

Log-probabilities, flow velocities and p_speak come out with the bits that the engine recorded
(fp32, without autocast), so that a step on what was just sampled starts at a ratio of exactly one
and a divergence of exactly zero. Rows are whole conversations from micro-turn 0 on; short ones are
padded.

Legend: B conversations, S positions of all rows, N authored tokens, V vocabulary, T micro-turns, U
speaking micro-turns, E Euler steps, K slots, D width, F mel frames, M mel bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from microturn.model.model import InteractionModel
from microturn.sampled import Sampled, SampledFlow, check_whole, log_probs, p_speak
from microturn.sequence import NO_TARGET, Kind, Markers, Positions, concatenate, whole
from microturn.sequence import text_positions as as_text
from microturn.turns import NUM_SLOTS


@dataclass(frozen=True)
class Scores:
    """What is recorded of some micro-turns, one after the other: as the engine logged it
    (`recorded`) or as the trainer finds it (`score`).

    log_prob_N: of the tokens that came out; log_prob_NV: of all tokens, None where they were not
    recorded; p_speak_T; velocity_UEFM: of the micro-turns that speak.
    """

    log_prob_N: Tensor
    p_speak_T: Tensor
    velocity_UEFM: Tensor
    log_prob_NV: Tensor | None = None


@dataclass(frozen=True)
class Alignment:
    """How far the trainer is from the sampler.

    is_equal: every number has the same bits. kl: mean over tokens of the divergence of the
    trainer's from the sampler's distribution; of the chosen tokens alone (Schulman's estimator r -
    1 - log r) where distributions were not recorded. The rest are the largest differences.
    """

    is_equal: bool
    kl: float
    log_prob: float
    p_speak: float
    velocity: float


def recorded(conversations: Sequence[Sequence[Sampled]]) -> Scores:
    """The engine's side. Raises ValueError where the records do not fit together."""
    turns = [turn for conversation in conversations for turn in conversation]
    rows = [turn.log_prob_NV for turn in turns if turn.log_prob_NV is not None]
    if rows and len(rows) < len(turns):
        raise ValueError("some micro-turns hold distributions and some do not: record all alike")
    flows = flows_of(conversations)
    return Scores(
        torch.cat([turn.log_prob_N for turn in turns]),
        torch.tensor([turn.p_speak for turn in turns], dtype=torch.float32),
        torch.stack([flow.velocity_EFM for flow in flows]) if flows else torch.zeros(0, 0, 0, 0),
        torch.cat(rows) if rows else None,
    )


def score(
    model: InteractionModel, conversations: Sequence[Sequence[Sampled]], markers: Markers
) -> Scores:
    """The trainer's side: the same numbers from one forward of all rows, with gradients where they
    are on. Distributions are always among them.

    Raises ValueError for a conversation that is not whole, or speech that was not recorded.
    """
    rows = [laid_out(conversation, markers) for conversation in conversations]
    length = max(len(positions) for positions, _ in rows)
    positions = concatenate([padded(positions, length, markers) for positions, _ in rows])
    missing = [target_S.new_full((length - len(target_S),), NO_TARGET) for _, target_S in rows]
    pairs = zip(rows, missing, strict=True)
    target_S = torch.cat([part for (_, target_S), rest in pairs for part in (target_S, rest)])
    hidden_BSD = model(positions, len(rows))
    index_N = (target_S != NO_TARGET).nonzero().flatten()
    chosen_N = target_S[index_N]
    logits_NV = model.text_logits(hidden_BSD.flatten(0, 1)[index_N])
    log_prob_NV = log_probs(logits_NV)
    is_floor_N = (chosen_N == markers.silent) | (chosen_N == markers.speak)
    slot_index_UK = (positions.kind_S == Kind.SLOT).nonzero().view(-1, NUM_SLOTS)
    eagerness_T = torch.tensor([turn.eagerness for turns in conversations for turn in turns])
    return Scores(
        log_prob_NV.gather(1, chosen_N[:, None])[:, 0],
        p_speak(logits_NV[is_floor_N], markers, eagerness_T.to(logits_NV), model.config.floor),
        velocities(model, hidden_BSD, slot_index_UK, flows_of(conversations)),
        log_prob_NV,
    )


def laid_out(turns: Sequence[Sampled], markers: Markers) -> tuple[Positions, Tensor]:
    """Positions and targets of one conversation."""
    check_whole(turns)
    pairs = [(turn.features, turn.decision) for turn in turns]
    return whole(pairs, markers, turns[0].prefix_ids)


def padded(positions: Positions, length: int, markers: Markers) -> Positions:
    """A row of `length` positions; nothing looks forward, so what follows does not matter."""
    missing = length - len(positions)
    return concatenate([positions, as_text([markers.pad] * missing)]) if missing else positions


def flows_of(conversations: Sequence[Sequence[Sampled]]) -> list[SampledFlow]:
    """Of the micro-turns that speak, in order. Raises ValueError where one was not recorded."""
    flows = []
    for turns in conversations:
        for turn in turns:
            if turn.decision.speaks and turn.flow is None:
                raise ValueError(f"micro-turn {turn.features.index} speaks without recorded sound")
            if turn.flow is not None:
                flows.append(turn.flow)
    return flows


def velocities(
    model: InteractionModel,
    hidden_BSD: Tensor,
    slot_index_UK: Tensor,
    flows: Sequence[SampledFlow],
) -> Tensor:
    """The velocity at each place that the sampler stood at, all in one pass: [U, E, F, M]."""
    if not flows:
        return hidden_BSD.new_zeros(0, 0, 0, 0)
    num_steps = len(flows[0].velocity_EFM)
    slots_UKD = model.slot_states(hidden_BSD, slot_index_UK)
    context_UFM = torch.stack([flow.context_FM for flow in flows])
    path_UEFM = torch.stack([flow.path_EFM() for flow in flows])
    times_G = torch.tensor([time for flow in flows for time in flow.times()])
    condition = model.flow.condition(
        context_UFM.repeat_interleave(num_steps, 0), slots_UKD.repeat_interleave(num_steps, 0)
    )
    velocity = model.flow.velocity(path_UEFM.flatten(0, 1), times_G, condition)
    return velocity.unflatten(0, (-1, num_steps))


def alignment(sampler: Scores, trainer: Scores) -> Alignment:
    """Compare both sides. Raises ValueError where they are not of the same micro-turns."""
    pairs = {
        "log_prob": (sampler.log_prob_N, trainer.log_prob_N),
        "p_speak": (sampler.p_speak_T, trainer.p_speak_T),
        "velocity": (sampler.velocity_UEFM, trainer.velocity_UEFM),
    }
    if sampler.log_prob_NV is not None and trainer.log_prob_NV is not None:
        pairs["log_prob_NV"] = (sampler.log_prob_NV, trainer.log_prob_NV)
    largest: dict[str, float] = {}
    for name, (theirs, ours) in pairs.items():
        if theirs.shape != ours.shape:
            raise ValueError(
                f"{name} has shape {list(theirs.shape)} at the sampler and {list(ours.shape)} at "
                "the trainer: these are not the same micro-turns"
            )
        difference = (theirs - ours.detach()).abs()
        largest[name] = float(difference.max()) if difference.numel() else 0.0
    return Alignment(
        all(torch.equal(theirs, ours.detach()) for theirs, ours in pairs.values()),
        divergence(sampler, trainer),
        largest["log_prob"],
        largest["p_speak"],
        largest["velocity"],
    )


def divergence(sampler: Scores, trainer: Scores) -> float:
    """KL of the trainer's distribution from the sampler's, mean over tokens, summed in fp64."""
    if sampler.log_prob_NV is not None and trainer.log_prob_NV is not None:
        log_s, log_t = sampler.log_prob_NV.double(), trainer.log_prob_NV.detach().double()
        return float((log_s.exp() * (log_s - log_t)).sum(-1).mean())
    log_ratio = (trainer.log_prob_N.detach() - sampler.log_prob_N).double()
    return float((log_ratio.exp() - 1 - log_ratio).mean())
