"""`microturn bench peers`: beside transformers, and beside vLLM where an interpreter has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microturn.cli_bench import Bench

Result = dict[str, Any]


def run(options: Bench) -> Result:
    from microturn.cli_bench import measured_engine
    from microturn.engine.bench_peers import NUM_PAIRS, bench_peers

    if options.weights != "fp32":
        raise ValueError("transformers has no such weights: measure peers with --weights fp32")
    engine, result = measured_engine(options)
    num_pairs = options.count(NUM_PAIRS)
    if options.vllm_python is not None:
        from microturn.engine.bench_vllm import bench_vllm

        context_s = min(options.contexts_s)
        beside = (options.vllm_python, context_s, num_pairs, options.seed)
        result |= {"vllm": bench_vllm(engine.model, *beside)}
    return result | bench_peers(engine.model, options.contexts_s, num_pairs, seed=options.seed)


def describe(result: Result) -> list[str]:
    """Two lines for each length of context; how many times longer others take."""
    lines: list[str] = []
    if "vllm" in result:
        vllm = result["vllm"]
        for kind in ("silent", "speaking"):
            ours_ms, theirs_ms = vllm[kind]["ours_median_ms"], vllm[kind]["vllm_median_ms"]
            times = f"{vllm[kind]['vllm_over_ours']:.2f} times"
            lines.append(
                f"{vllm['context_s']:4} s {kind:8} ours {ours_ms:.1f} ms, "
                f"vLLM's dense twin {theirs_ms:.1f} (wall), {times}"
            )
    for row in result["by_context"]:
        for kind in row["ours"]:
            ours, theirs = row["ours"][kind], row["transformers"][kind]
            lines.append(
                f"{row['context_s']:4} s {kind:8} ours {ours['cpu_median_ms']:.1f} ms, "
                f"transformers {theirs['cpu_median_ms']:.1f} (processor)"
            )
        ratios = row["ratios"]
        again = ", ".join(
            f"{name} {ratios[way]:.1f} ({row[way]['cpu_median_ms']:.0f} ms)"
            for way, name in (("resend_ours", "our kernels"), ("resend_transformers", "theirs"))
            if way in row
        )
        lines.append(
            f"{row['context_s']:4} s times ours: transformers {ratios['transformers']:.2f}; "
            f"all sent again, {again}"
        )
    if not result["is_same_work"]:
        lines.append("THE LOGITS DIFFER: this compares different work")
    return [*lines, f"transformers over ours: {result['transformers_over_ours']:.2f}"]
