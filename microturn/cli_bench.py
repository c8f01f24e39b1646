"""`microturn bench WHAT`: options -> a measurement in `engine/`. Each has a row in `MEASURES`.

To add one: its name in `What`, and a row with what measures it and what tells its figures in lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from microturn import cli_peers

if TYPE_CHECKING:
    from microturn.engine.engine import Engine
    from microturn.engine.limits import SessionLimits

Json = Annotated[bool, arg(name="json", help="print one JSON object instead of text")]
What = Literal["tick", "sessions", "flat", "peers", "invariance", "moe", "gpu", "serve", "train"]
Weights = Literal["fp32", "bf16", "int8"]
Result = dict[str, Any]

NUM_MICRO_TURNS, NUM_TICKS = 1500, 100  # of one session; of each number of sessions
NUM_SERVED = 150  # of each client: 30 s


@dataclass(frozen=True)
class Bench:
    """Measure what one micro-turn costs on one core, of one session or of many."""

    what: Positional[What] = "tick"
    model: str = "nano"  # shipped name or folder
    weights: Weights = "fp32"  # what the model's matrices are kept in
    random_weights: bool = False  # measure the preset of that name with random weights
    tiny: bool = False  # flat: a tiny model with random weights, so that a day takes under an hour
    keep: Path | None = None  # flat: a file to go on from when the run was interrupted
    micro_turns: int | None = None  # default: 1500; sessions, peers: 100; serve: 150; flat: 432,000
    sessions: tuple[int, ...] = (1, 2, 4, 8, 16)  # numbers of sessions, one by one and together
    threads: int = 1  # sessions: of one tick; needs as many cores that nobody else uses
    processes: int = 1  # sessions, serve: that sessions are spread over, a core each
    contexts_s: tuple[int, ...] = (30, 60, 300)  # peers: lengths of the session so far
    vllm_python: Path | None = None  # peers: an interpreter that has vllm (docs/serving.md)
    rows: int = 2  # train: conversations in one step of the preset `--model`
    seed: int = 0
    as_json: Json = False

    def execute(self) -> int:
        from microturn.cli import tell

        measure = MEASURES[self.what]
        result = measure.run(self)
        tell(self.as_json, result, "\n".join([*heading(result), *measure.describe(result)]))
        return 0

    def count(self, default: int) -> int:
        """How many micro-turns or ticks to measure."""
        return default if self.micro_turns is None else self.micro_turns


@dataclass(frozen=True)
class Measure:
    """run: options -> figures, with `machine` among them. describe: figures -> lines for a person;
    what matters most comes last."""

    run: Callable[[Bench], Result]
    describe: Callable[[Result], list[str]]


def making(options: Bench, max_sessions: int = 1) -> Callable[[], Engine]:
    """What makes the engine to measure, here or in another process."""
    from microturn.engine.limits import SessionLimits
    from microturn.engine.load import load

    limits = SessionLimits(max_sessions=max_sessions)
    build = random_engine if options.random_weights else load
    return partial(build, options.model, limits=limits, weights=options.weights)


def measured_engine(options: Bench, max_sessions: int = 1) -> tuple[Engine, Result]:
    """The engine to measure, and what its figures are of."""
    from microturn.model.model import count_parameters

    engine = making(options, max_sessions)()
    found = {"model": options.model, "num_parameters": count_parameters(engine.model)}
    return engine, found | {"weights": options.weights}


def random_engine(
    name: str, limits: SessionLimits | None = None, weights: Weights = "fp32"
) -> Engine:
    """A preset before training; it writes no text, since it would write without end: a lower bound.

    Raises ValueError where no shipped text fits its vocabulary.
    """
    import torch

    from microturn.engine.engine import Engine
    from microturn.engine.load import SHIPPED
    from microturn.engine.sampler import SamplingConfig
    from microturn.model.model import InteractionModel
    from microturn.model.narrow import narrow_weights
    from microturn.presets import preset
    from microturn.signal.text import Text
    from microturn.signal.vocoder import Vocoder, VocoderConfig

    config = preset(name)
    text = Text.load(SHIPPED / "nano" / "tokenizer.json")
    if text.vocab_size != config.backbone.vocab_size:
        raise ValueError(
            f"{name} has a vocabulary of {config.backbone.vocab_size} tokens, the shipped text "
            f"{text.vocab_size}; only presets of the same size can be measured without weights"
        )
    torch.manual_seed(0)
    sampling = SamplingConfig(max_text_tokens=0)
    model = InteractionModel(config)
    narrow_weights(model, weights)
    return Engine(model, Vocoder(VocoderConfig()), text, sampling, limits)


def heading(result: Result) -> list[str]:
    """Machine and model: what every figure needs beside it."""
    machine = result["machine"]
    threads = f"{result['threads']} threads" if result.get("threads", 1) > 1 else "one thread"
    return [
        f"machine  {machine['cpu']}, {machine['cores']} cores, load {machine['load_1min']}, "
        f"torch {machine['torch']}, {threads}",
        f"model    {result['model']}, {result['num_parameters'] / 1e6:.2f} M parameters, "
        f"weights in {result['weights']}",
    ]


def run_tick(options: Bench) -> Result:
    from microturn.engine.bench import bench_tick

    engine, result = measured_engine(options)
    return result | bench_tick(engine, options.count(NUM_MICRO_TURNS), options.seed)


def describe_tick(result: Result) -> list[str]:
    """Silent and speaking micro-turns, and whether late ones cost more."""
    lines = [
        f"{kind:8} median {result[kind]['median_ms']:.1f} ms, "
        f"p95 {result[kind]['p95_ms']:.1f}, p99 {result[kind]['p99_ms']:.1f} "
        f"(processor: {result[kind]['cpu_median_ms']:.1f})"
        for kind in ("silent", "speaking")
    ]
    return [*lines, f"tail over head: {result['flatness']['tail_over_head']:.3f}"]


def run_sessions(options: Bench) -> Result:
    from microturn.engine.bench_sessions import bench_sessions
    from microturn.engine.crew import Crew

    num_ticks, num_slots = options.count(NUM_TICKS), max(1, 2 * max(options.sessions, default=1))
    engine, result = measured_engine(options, num_slots)
    counts = (num_ticks, options.seed, options.threads)
    if options.processes == 1:
        return result | bench_sessions(engine, options.sessions, *counts)
    del engine
    crew = Crew(making(options, num_slots), options.processes, options.threads)
    try:
        return result | bench_sessions(crew, options.sessions, *counts)
    finally:
        crew.shutdown()


def describe_sessions(result: Result) -> list[str]:
    """One line for each number of sessions, then how many are held."""
    lines = []
    for row in result["by_sessions"]:
        serial, packed = row["serial"], row["packed"]
        lines.append(
            f"{row['sessions']:3} sessions: one by one median {serial['median_ms']:.1f} ms, "
            f"together {packed['median_ms']:.1f}, p95 {packed['p95_ms']:.1f}, "
            f"p99 {packed['p99_ms']:.1f} ({row['serial_over_packed']:.2f} times), "
            + ("the same bits" if row["is_equal"] else "OTHER BITS")
        )
    count = result["processes"]
    where = "one process" if count == 1 else f"{count} processes"
    held = f"sessions held in {result['micro_turn_ms']} ms by {where}: {result['sessions_held']}"
    if count == 1:  # other processes count their own time
        held += f"; by processor time {result['sessions_held_cpu']}"
    return [*lines, held]


def run_flat(options: Bench) -> Result:
    from microturn.engine.bench_flat import DAY_MICRO_TURNS, bench_flat
    from microturn.engine.bench_tiny import tiny_engine
    from microturn.engine.limits import SessionLimits
    from microturn.model.model import count_parameters

    if options.tiny:
        engine = tiny_engine(SessionLimits(max_sessions=2))
        result: Result = {"model": "tiny, random", "weights": "fp32"}
        result["num_parameters"] = count_parameters(engine.model)
    else:
        engine, result = measured_engine(options, 2)
    num_turns = options.count(DAY_MICRO_TURNS)
    return result | bench_flat(engine, num_turns, seed=options.seed, kept_at=options.keep)


def describe_flat(result: Result) -> list[str]:
    """Time and memory on the way, the bits, and what age costs."""
    memory, tenths = result["memory"], result["cpu_median_ms_by_tenth"]
    same = "equal to" if result["is_equal"] else "NOT equal to"
    return [
        f"{result['micro_turns']} micro-turns ({result['hours']:.2f} h of talk) in "
        f"{result['wall_minutes']:.1f} minutes ({result['cpu_minutes']:.1f} of the processor)",
        f"median of each tenth (processor ms): {' '.join(f'{ms:.1f}' for ms in tenths)}",
        f"session {memory['session_mb']:.1f} MB, {memory['session_mb_per_hour']:+.3f} an hour; "
        f"process {memory['process_mb']:.0f} MB, {memory['process_mb_per_hour']:+.3f} an hour",
        f"output {same} that of a session with the last {result['window_positions']} positions",
        f"old over new, {result['pairs']} pairs: {result['tail_over_head']:.3f}",
    ]


def run_invariance(options: Bench) -> Result:
    from microturn.engine.bench_invariance import NUM_MICRO_TURNS, bench_invariance

    engine, result = measured_engine(options, 4)
    return result | bench_invariance(engine, options.count(NUM_MICRO_TURNS), options.seed)


def describe_invariance(result: Result) -> list[str]:
    from microturn.engine.bench_invariance import describe

    return describe(result)


def run_serve(options: Bench) -> Result:
    from microturn.engine.bench import describe_machine
    from microturn.server.bench_serve import bench_serve

    if options.random_weights:
        raise ValueError("bench serve starts a server, which needs weights")
    _, result = measured_engine(options)
    result |= {"machine": describe_machine()}
    num_turns = options.count(NUM_SERVED)
    return result | bench_serve(
        options.model, options.sessions, num_turns, options.seed, options.processes
    )


def describe_serve(result: Result) -> list[str]:
    """One line for each number of clients, then how many sessions were held in time."""
    lines = [
        f"{row['clients']:3} clients: {row['admitted']} let in, {row['late']} of "
        f"{row['micro_turns']} micro-turns late, {row['ticks_slipped']} ticks left out, "
        f"{100 * row['voiced_share']:.0f} % voiced; tick median {row['tick_median_ms']:.1f} ms, "
        f"p95 {row['tick_p95_ms']:.1f}, p99 {row['tick_p99_ms']:.1f}"
        for row in result["by_clients"]
    ]
    return [*lines, f"sessions held with under 1 % late: {result['sessions_held']}"]


def run_train(options: Bench) -> Result:
    from microturn.engine.bench import describe_machine
    from microturn.train.throughput import ThroughputRun, bench_train

    run = ThroughputRun(options.model, options.rows, seed=options.seed)
    found = bench_train(run)
    return found | {
        "machine": describe_machine(),
        "model": options.model,
        "weights": found["type"],
    }


def describe_train(result: Result) -> list[str]:
    from microturn.train.throughput import describe

    return describe(result)


def run_moe(options: Bench) -> Result:
    from microturn.engine.bench_moe import NUM_REPEATS, bench_moe

    if options.weights != "fp32":
        raise ValueError("transformers has no such weights: measure moe with --weights fp32")
    engine, result = measured_engine(options)
    num_repeats = options.count(NUM_REPEATS)
    return result | bench_moe(engine.model, num_repeats=num_repeats, seed=options.seed)


def describe_moe(result: Result) -> list[str]:
    """All ways at each number of rows."""
    lines = [f"layer {result['layer']} on {result['device']}, copy {result['copy_gb_s']} GB/s"]
    for row in result["by_rows"]:
        ways = ", ".join(f"{name} {ms:.3f}" for name, ms in row["median_ms"].items())
        lines.append(f"{row['rows']:3} rows (ms): {ways}; weights {row['weights_gb_s']} GB/s")
    if not result["agree"]:
        lines.append("THE RESULTS DIFFER: this compares different work")
    others = [row["others_over_ours"] for row in result["by_rows"]]
    return [*lines, f"the best other over ours, least of all rows: {min(others):.2f}"]


def run_gpu(options: Bench) -> Result:
    from microturn.engine.bench_gpu import STREAMS, bench_gpu

    streams = STREAMS if options.sessions == Bench.sessions else options.sessions
    return bench_gpu(options.model, streams, options.count(NUM_TICKS), options.seed)


def describe_gpu(result: Result) -> list[str]:
    """One line for each number of streams; or that there is no GPU."""
    if not result["has_gpu"]:
        return [result["reason"]]
    lines = [
        f"{row['streams']:5} streams: a round of 5 positions, median {row['median_ms']:.2f} ms, "
        f"p99 {row['p99_ms']:.2f}"
        for row in result["by_streams"]
    ]
    return [*lines, f"streams held in {result['micro_turn_ms']} ms: {result['streams_held']}"]


MEASURES: dict[What, Measure] = {
    "tick": Measure(run_tick, describe_tick),
    "sessions": Measure(run_sessions, describe_sessions),
    "flat": Measure(run_flat, describe_flat),
    "peers": Measure(cli_peers.run, cli_peers.describe),
    "invariance": Measure(run_invariance, describe_invariance),
    "moe": Measure(run_moe, describe_moe),
    "gpu": Measure(run_gpu, describe_gpu),
    "serve": Measure(run_serve, describe_serve),
    "train": Measure(run_train, describe_train),
}
