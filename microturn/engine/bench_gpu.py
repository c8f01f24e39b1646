"""How many streams of a preset one GPU holds in real time: rounds of the micro-turn's shape,
replayed from a CUDA graph that was captured before anything is timed.

It measures the backbone and the text logits, in bf16, with random weights: one round is five
positions of every stream, as in a silent micro-turn. Without a GPU it says so and measures nothing.
This file has not been run on a GPU.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch

from microturn.engine.bench import describe_machine, percentile
from microturn.engine.graphs import GraphedRound
from microturn.model.experts import Experts
from microturn.model.model import InteractionModel
from microturn.model.static import Moves, StaticStreams
from microturn.presets import preset
from microturn.turns import AUDIO_FRAMES, MICRO_TURN_MS

STREAMS = (1, 64, 256, 1000)
POSITIONS = 1 + AUDIO_FRAMES  # of a silent micro-turn


def bench_gpu(
    name: str = "nano",
    streams: Sequence[int] = STREAMS,
    rounds: int = 100,
    seed: int = 0,
) -> dict[str, Any]:
    """Rounds of each number of streams. `has_gpu` is False, with a reason, where there is none.

    Raises ValueError for numbers that are not positive or an unknown preset.
    """
    if rounds < 1 or not streams or min(streams) < 1:
        raise ValueError("measure at least one round of at least one stream")
    config = preset(name)
    result: dict[str, Any] = {
        "machine": describe_machine(),
        "model": name,
        "weights": "bf16, random",
        "micro_turn_ms": MICRO_TURN_MS,
        "has_gpu": torch.cuda.is_available(),
    }
    if not result["has_gpu"]:
        return result | {"reason": "no GPU here: nothing was measured", "num_parameters": 0}
    torch.manual_seed(seed)  # pyright: ignore[reportUnknownMemberType]
    device = torch.device("cuda")
    model = InteractionModel(config).eval().to(device, torch.bfloat16)
    use_kernels(model)
    rows = [measure(model, count, rounds) for count in sorted(set(streams))]
    held = [row["streams"] for row in rows if row["p99_ms"] < MICRO_TURN_MS]
    return result | {
        "device": torch.cuda.get_device_name(device),
        "num_parameters": sum(parameter.numel() for parameter in model.parameters()),
        "by_streams": rows,
        "streams_held": max(held, default=0),
    }


def use_kernels(model: InteractionModel) -> None:
    """Experts in Triton, which is imported only here."""
    from microturn.model.experts_triton import Kernels

    for module in model.modules():
        if isinstance(module, Experts):
            module.kernels = Kernels()


def measure(model: InteractionModel, count: int, rounds: int) -> dict[str, float]:
    """Milliseconds of a round of `count` streams."""
    parameter = next(model.parameters())
    streams = StaticStreams.empty(model.transformer, count, POSITIONS)
    graph = GraphedRound(model, streams, POSITIONS)
    x_BRD = torch.randn(count, POSITIONS, model.config.backbone.width).to(parameter)
    moves = Moves.none(count, parameter.device)
    moves.count_B.fill_(POSITIONS)
    times: list[float] = []
    for _ in range(rounds):
        torch.cuda.synchronize()
        began = time.perf_counter()
        with torch.no_grad():
            model.text_logits(graph.run(x_BRD, moves)[:, -1])
        torch.cuda.synchronize()
        times.append(1000 * (time.perf_counter() - began))
        moves.length_B.add_(POSITIONS)
    return {
        "streams": count,
        "median_ms": round(percentile(times, 50), 3),
        "p99_ms": round(percentile(times, 99), 3),
        "peak_memory_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2),
    }
