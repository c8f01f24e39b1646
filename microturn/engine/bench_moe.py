"""One mixture layer at 1 to 64 rows: ours as it serves and as it trains, a plain gather, and
transformers'; on a GPU the Triton kernels too. And how near to a plain copy the weights are read.

All ways get the same rows in turn, within one run, and must agree. Times are medians.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from microturn.engine.bench import describe_machine, percentile, ratio
from microturn.engine.peers import Theirs, as_published
from microturn.model.experts import MixtureMLP
from microturn.model.fused import gated
from microturn.model.model import InteractionModel
from microturn.model.stream import PackedMixture
from microturn.model.tiles import ROW_TILE

ROWS = (1, 2, 4, 8, 16, 32, 64)
NUM_REPEATS = 50
COPY_BYTES = 1 << 28  # more than any cache
TOLERANCE = 1e-3
Way = Callable[[Tensor], Tensor]


def bench_moe(
    model: InteractionModel,
    rows: Sequence[int] = ROWS,
    num_repeats: int = NUM_REPEATS,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure the first mixture of a model whose weights are in fp32, on the device it is on.

    Raises ValueError for a model without mixtures and for numbers that are not positive.
    """
    if not rows or min(*rows, num_repeats) < 1:
        raise ValueError("measure at least one row, once")
    layer, part = first_mixture(model)
    device = part.gate.weight.device
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            ways = all_ways(model, layer, part)
            copy_gb_s = copy_speed(device)
            rng = torch.Generator().manual_seed(seed)
            found: list[dict[str, Any]] = []
            for count in sorted(set(rows)):
                x_ND = torch.randn(count, part.gate.weight.shape[1], generator=rng).to(device)
                found.append({"rows": count, **measure(ways, part, x_ND, num_repeats, copy_gb_s)})
    finally:
        torch.set_num_threads(num_threads)
    return {
        "machine": describe_machine(),
        "threads": 1,
        "device": device.type,
        "layer": layer,
        "copy_gb_s": copy_gb_s,
        "by_rows": found,
        "agree": all(row["largest_difference"] < TOLERANCE for row in found),
        "crossover_packed": crossover(found, "packed", "loop"),
        "is_best_everywhere": all(row["best"] in OURS for row in found),
    }


OURS = ("packed", "loop", "gemv", "grouped")


def first_mixture(model: InteractionModel) -> tuple[int, MixtureMLP]:
    for number, block in enumerate(model.transformer.blocks()):
        if isinstance(block.mlp, MixtureMLP):
            return number, block.mlp
    raise ValueError("this model has no mixture of experts: measure one that has")


def all_ways(model: InteractionModel, layer: int, part: MixtureMLP) -> dict[str, Way]:
    """Ours first. What the machine or the layer does not allow is not among them."""
    ways: dict[str, Way] = {"loop": part}
    packed = PackedMixture.of(part)
    if packed is not None:
        ways["packed"] = lambda x_ND: in_tile(packed, x_ND)
    ways["plain"] = lambda x_ND: plain(part, x_ND)
    if part.gate.weight.is_cuda:
        ways |= on_gpu(part)
    theirs = Theirs.load(as_published(model)).mixture(layer).to(part.gate.weight.device)
    for name in ("grouped_mm", "batched_mm", "eager"):
        ways[f"transformers_{name}"] = Theirs.way(theirs, name)
    return ways


def in_tile(packed: PackedMixture, x_ND: Tensor) -> Tensor:
    """As a stream runs it: rows padded to whole tiles."""
    missing = -len(x_ND) % ROW_TILE
    padded_ND = torch.nn.functional.pad(x_ND, (0, 0, 0, missing))
    return packed(padded_ND, len(x_ND))[: len(x_ND)]


def plain(part: MixtureMLP, x_ND: Tensor) -> Tensor:
    """The plain twin: gather the weights of each row's experts, one batched product each."""
    chosen_NC, weight_NC, shared_NX = part.gate(x_ND)
    w13, w2 = part.experts.w13_weight[chosen_NC], part.experts.w2_weight[chosen_NC]
    hidden = gated(torch.einsum("nd,ncod->nco", x_ND, w13))
    y_ND = torch.einsum("ncdi,nci,nc->nd", w2, hidden, weight_NC.to(x_ND.dtype))
    return y_ND + part.shared_experts(x_ND, shared_NX)


def on_gpu(part: MixtureMLP) -> dict[str, Way]:
    """Triton kernels; imported only here. Not run without a GPU."""
    from microturn.model.experts_triton import gemv, grouped

    def way(kernel: Callable[..., Tensor]) -> Way:
        def run(x_ND: Tensor) -> Tensor:
            chosen_NC, weight_NC, shared_NX = part.gate(x_ND)
            experts = part.experts
            routed = kernel(x_ND, chosen_NC, weight_NC, experts.w13_weight, experts.w2_weight)
            return routed + part.shared_experts(x_ND, shared_NX)

        return run

    return {"gemv": way(gemv), "grouped": way(grouped)}


def measure(
    ways: dict[str, Way], part: MixtureMLP, x_ND: Tensor, num_repeats: int, copy_gb_s: float
) -> dict[str, Any]:
    """All ways in turn, again and again."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    results = {name: way(x_ND) for name, way in ways.items()}  # warms up too
    for _ in range(num_repeats):
        for name, way in ways.items():
            times[name].append(timed(way, x_ND))
    medians = {name: round(percentile(ms, 50), 4) for name, ms in times.items()}
    ours = {name: ms for name, ms in medians.items() if name in OURS}
    best_of_ours = min(ours, key=lambda name: ours[name])
    others = {name: ms for name, ms in medians.items() if name not in OURS}
    gb_s = weight_bytes(part, x_ND) / (medians[best_of_ours] * 1e6)
    return {
        "median_ms": medians,
        "largest_difference": max(
            float((result - results["loop"]).abs().max()) for result in results.values()
        ),
        "weights_gb_s": round(gb_s, 2),
        "share_of_copy": round(gb_s / copy_gb_s, 3),
        "best": min(medians, key=lambda name: medians[name]),
        "best_of_ours": best_of_ours,
        "others_over_ours": ratio(min(others.values()), ours[best_of_ours]),
    }


def timed(way: Way, x_ND: Tensor) -> float:
    """Milliseconds: processor time of this thread, or the GPU's with nothing else in its queue."""
    if not x_ND.is_cuda:
        began = time.thread_time()
        way(x_ND)
        return 1000 * (time.thread_time() - began)
    torch.cuda.synchronize()
    began = time.perf_counter()
    way(x_ND)
    torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - began)


def weight_bytes(part: MixtureMLP, x_ND: Tensor) -> int:
    """Bytes of experts that must be read for these rows: hit ones and shared ones, once each."""
    num_hit = len(part.gate(x_ND)[0].unique())
    experts = part.experts
    one = (experts.w13_weight[0].numel() + experts.w2_weight[0].numel()) * x_ND.element_size()
    return one * (num_hit + len(part.shared_experts.shared_w13_weight))


def copy_speed(device: torch.device) -> float:
    """GB/s of reading in a plain copy of a large tensor, which writes as much: best of five."""
    source = torch.zeros(COPY_BYTES // 4, device=device)
    target = torch.empty_like(source)
    ms = min(timed(lambda x: target.copy_(x), source) for _ in range(5))
    return round(COPY_BYTES / (ms * 1e6), 2)


def crossover(rows: list[dict[str, Any]], few: str, many: str) -> int | None:
    """From how many rows on `many` is faster, at every larger number measured; None for never."""
    first = None
    for row in reversed(rows):
        medians = row["median_ms"]
        if few not in medians or medians[few] <= medians[many]:
            break
        first = row["rows"]
    return first
