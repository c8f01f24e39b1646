"""The same micro-turns of the same weights, with a session and without: ours beside transformers.

Three ways to run one stream of positions, all in one run on one thread: our session; transformers'
Inkling with its own cache; and sending the whole context again for each micro-turn, as one must
where there are no sessions (with our kernels and with theirs). Only the backbone and the text
logits are timed: what transformers has too. Layers are as published: full ones see everything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from microturn.engine.bench import ROUND, describe_machine, percentile, ratio
from microturn.engine.peers import Ours, Stream, Theirs, as_published, bring_to
from microturn.model.model import InteractionModel
from microturn.turns import MICRO_TURN_MS

CONTEXTS_S = (30, 60, 300)
NUM_PAIRS = 100
NUM_RESENT = 3  # at each context
RESENT_BY_BOTH_S = 60  # beyond, with transformers, one micro-turn takes minutes
EXPERTS = ("grouped_mm", "batched_mm", "eager")  # of transformers; the fastest is measured
NUM_TRIED = 20  # micro-turns with each of them, half of them speaking
TOLERANCE = 1e-2  # of logits: other orders of sums, through all layers
KINDS = {False: "silent", True: "speaking"}


@dataclass
class Times:
    """Milliseconds of one way: wall and processor, micro-turn by micro-turn."""

    wall_ms: list[float] = field(default_factory=list[float])
    cpu_ms: list[float] = field(default_factory=list[float])

    def take(self, work: Callable[..., Tensor], *given: Any) -> Tensor:
        wall, processor = time.perf_counter(), time.thread_time()
        result = work(*given)
        self.wall_ms.append(1000 * (time.perf_counter() - wall))
        self.cpu_ms.append(1000 * (time.thread_time() - processor))
        return result

    def figures(self) -> dict[str, float]:
        return {
            "count": len(self.cpu_ms),
            "median_ms": round(percentile(self.wall_ms, 50), 3),
            "p95_ms": round(percentile(self.wall_ms, 95), 3),
            "cpu_median_ms": round(percentile(self.cpu_ms, 50), 3),
        }


def bench_peers(
    model: InteractionModel,
    contexts_s: Sequence[int] = CONTEXTS_S,
    num_pairs: int = NUM_PAIRS,
    num_resent: int = NUM_RESENT,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure all ways at each length of context. The weights are `model`'s.

    Raises ValueError for lengths or numbers that are not positive, and for a model whose windowed
    full layers have profiles of another length than the published ones.
    """
    if not contexts_s or min(contexts_s) < 1 or min(num_pairs, num_resent) < 1:
        raise ValueError("measure at least one second of context, one pair and one re-sending")
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            ours, theirs = Ours(as_published(model)), Theirs.load(as_published(model))
            vocab_size = model.config.backbone.vocab_size
            experts_ms = choose_experts(theirs, vocab_size, seed)
            stream = Stream(vocab_size, seed)
            rows: list[dict[str, Any]] = []
            for context_s in sorted(set(contexts_s)):
                bring_to(context_s * 1000 // MICRO_TURN_MS, stream, ours, theirs)
                both = context_s <= RESENT_BY_BOTH_S
                found = measure(stream, ours, theirs, num_pairs, num_resent, both)
                rows.append({"context_s": context_s, **found})
    finally:
        torch.set_num_threads(num_threads)
    longest = rows[-1]["ratios"]
    return {
        "machine": describe_machine(),
        "threads": 1,
        "transformers_experts_ms": experts_ms,
        "by_context": rows,
        "is_same_work": all(row["largest_difference"] < TOLERANCE for row in rows),
        "transformers_over_ours": longest["transformers"],
        "resending_over_ours": longest["resend_ours"],
    }


# ---- measuring


def choose_experts(theirs: Theirs, vocab_size: int, seed: int) -> dict[str, float]:
    """Try each way transformers computes experts, and keep the fastest: milliseconds of each."""
    found: dict[str, float] = {}
    for name in EXPERTS:
        theirs.model.set_experts_implementation(name)
        theirs.cache, times = theirs.empty(), Times()
        stream = Stream(vocab_size, seed, ROUND.index(True) - NUM_TRIED // 2)
        for _ in range(NUM_TRIED):
            times.take(theirs.micro_turn, stream.next())
        found[name] = round(percentile(times.cpu_ms, 50), 3)
    theirs.model.set_experts_implementation(min(found, key=lambda name: found[name]))
    theirs.cache = theirs.empty()
    return found


def measure(
    stream: Stream,
    ours: Ours,
    theirs: Theirs,
    num_pairs: int,
    num_resent: int,
    is_resent_by_both: bool = True,
) -> dict[str, Any]:
    """Pairs at the present length, who goes first alternating; and re-sending, a few times."""
    times = {(way, kind): Times() for way in ("ours", "transformers") for kind in KINDS.values()}
    again: dict[str, Ours | Theirs] = {"resend_ours": ours}
    again |= {"resend_transformers": theirs} if is_resent_by_both else {}
    resent = {way: Times() for way in again}
    length, largest = ours.state.length, 0.0
    for place in range(num_pairs):
        kind = KINDS[ROUND[stream.index % len(ROUND)]]
        run = stream.next()
        sides: list[tuple[str, Ours | Theirs]] = [("ours", ours), ("transformers", theirs)]
        logits = {
            way: times[way, kind].take(side.micro_turn, run)
            for way, side in (sides if place % 2 else reversed(sides))
        }
        largest = max(largest, apart(logits["ours"], logits["transformers"]))
        if place >= num_pairs - num_resent:
            before = stream.before(run)
            for way, side in again.items():
                logits_V = resent[way].take(side.again, before, run)
                largest = max(largest, apart(logits["ours"], logits_V))
    found: dict[str, Any] = {"positions": length}
    for way in ("ours", "transformers"):
        kinds = [kind for kind in KINDS.values() if times[way, kind].cpu_ms]
        found[way] = {kind: times[way, kind].figures() for kind in kinds}
    found |= {way: one.figures() for way, one in resent.items()}
    return found | {"largest_difference": largest, "ratios": ratios(times, resent)}


def apart(one: Tensor, other: Tensor) -> float:
    """Largest difference of two rows of logits."""
    return float((one - other[: len(one)]).abs().max())


def ratios(times: dict[tuple[str, str], Times], resent: dict[str, Times]) -> dict[str, float]:
    """Medians of processor time over those of ours; a talk is all micro-turns that were run."""
    found: dict[str, float] = {}
    for kind in KINDS.values():
        if times["ours", kind].cpu_ms:
            both = (percentile(times[way, kind].cpu_ms, 50) for way in ("transformers", "ours"))
            found[f"transformers_{kind}"] = ratio(*both)
    mean = {
        way: sum(sum(times[way, kind].cpu_ms) for kind in KINDS.values())
        for way in ("ours", "transformers")
    }
    count = sum(len(times["ours", kind].cpu_ms) for kind in KINDS.values())
    found["transformers"] = ratio(mean["transformers"], mean["ours"])
    for way, one in resent.items():
        found[way] = ratio(percentile(one.cpu_ms, 50), mean["ours"] / count)
    return found
