"""The same micro-turn work beside vLLM's streaming input: our backbone, and a dense twin of its
size.

vLLM has no such mixture, so it runs a Llama with as many layers, heads and parameters, random
weights, fp32, one thread. A micro-turn is the same positions in the same steps. vLLM lives in an
environment of its own (docs/serving.md), so it is another process (`peer_vllm.py`), and wall time
is what is compared, micro-turn by micro-turn in turn.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from microturn.engine.bench import ROUND, describe_machine, percentile, ratio
from microturn.engine.bench_peers import KINDS, Times
from microturn.engine.peers import Ours, Run, Stream, as_published, pieces
from microturn.model.config import BackboneConfig
from microturn.model.model import InteractionModel
from microturn.sequence import concatenate
from microturn.turns import MICRO_TURN_MS

SCRIPT = Path(__file__).with_name("peer_vllm.py")
POSITIONS_PER_S = 60  # more than a talk can have: what vLLM reserves
NUM_WARM = 3
STEP = 32  # of the twin's feed-forward width


def dense_twin(backbone: BackboneConfig, num_parameters: int) -> dict[str, Any]:
    """A Llama of Hugging Face's with the layers, heads and vocabulary of the backbone; its
    feed-forward width makes it as large, embeddings aside."""
    attention = backbone.attention
    width, num_layers = backbone.width, backbone.num_layers
    heads = attention.num_heads + attention.num_kv_heads
    per_layer = num_parameters / num_layers - 2 * width * heads * attention.head_width
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": width,
        "intermediate_size": max(STEP, round(per_layer / (3 * width) / STEP) * STEP),
        "num_hidden_layers": num_layers,
        "num_attention_heads": attention.num_heads,
        "num_key_value_heads": attention.num_kv_heads,
        "head_dim": attention.head_width,
        "vocab_size": backbone.vocab_size,
        "rms_norm_eps": backbone.norm_epsilon,
        "hidden_act": "silu",
        "bos_token_id": 1,
        "eos_token_id": 2,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
    }


def chunks(run: Run) -> list[list[int]]:
    """A micro-turn as vLLM gets it, `[positions in, tokens out]`: what is heard, with the text that
    follows and the decision; then the slots, with the last token, which vLLM has dropped."""
    first, *rest = run
    if not rest:
        return [[len(first), 1]]
    *texts, slots = rest
    return [[len(first), len(texts) + 1], [len(slots), 1]]


@dataclass
class Peer:
    """The other process."""

    process: subprocess.Popen[str]

    def run(self, work: list[list[int]]) -> float:
        """Milliseconds of wall time. Raises OSError where it has died."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(work) + "\n")
        self.process.stdin.flush()
        return self.answer()["wall_ms"]

    def answer(self) -> dict[str, Any]:
        """Its next line."""
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            if line.startswith("{"):  # whatever else is printed on the way
                return json.loads(line)
        raise OSError("vLLM ended; run its interpreter on peer_vllm.py by hand to see why")


@contextmanager
def peer(python: Path, config: dict[str, Any], max_length: int) -> Generator[Peer]:
    """vLLM in the environment of that interpreter. Raises OSError where it does not start."""
    config = config | {"max_position_embeddings": max_length}
    process = subprocess.Popen(
        [str(python), str(SCRIPT), json.dumps(config), str(max_length)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    with process:
        try:
            started = Peer(process)
            started.answer()
            yield started
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)
        finally:
            process.kill()


def bench_vllm(
    model: InteractionModel, python: Path, context_s: int, num_pairs: int, seed: int = 0
) -> dict[str, Any]:
    """Pairs of micro-turns after `context_s` seconds of session; medians and ratios of wall time.

    Raises ValueError for numbers that are not positive, OSError where vLLM does not run.
    """
    if context_s < 1 or num_pairs < len(ROUND):
        raise ValueError(f"measure at least a second of context and {len(ROUND)} pairs")
    backbone = model.config.backbone
    layers = sum(p.numel() for block in model.transformer.blocks() for p in block.parameters())
    twin = dense_twin(backbone, layers)
    num_turns = context_s * 1000 // MICRO_TURN_MS
    max_length = (context_s + (num_pairs + NUM_WARM) * MICRO_TURN_MS // 1000 + 2) * POSITIONS_PER_S
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode(), peer(python, twin, max_length) as theirs:
            ours, stream = Ours(as_published(model)), Stream(backbone.vocab_size, seed)
            before = concatenate([one for _ in range(num_turns) for one in stream.next()])
            for part in pieces(before):
                ours.build(part)
            theirs.run([[len(before), 1]])
            times = measure(stream, ours, theirs, num_pairs)
    finally:
        torch.set_num_threads(num_threads)
    return {"machine": describe_machine(), "context_s": context_s, "twin": twin} | times


def measure(stream: Stream, ours: Ours, theirs: Peer, num_pairs: int) -> dict[str, Any]:
    """Who goes first alternates; the first micro-turns warm up and do not count."""
    times = {(way, kind): Times() for way in ("ours", "vllm") for kind in KINDS.values()}
    for place in range(-NUM_WARM, num_pairs):
        kind = KINDS[ROUND[stream.index % len(ROUND)]]
        run, mine, their_ms = stream.next(), Times(), 0.0
        for way in ("ours", "vllm") if place % 2 else ("vllm", "ours"):
            if way == "ours":
                mine.take(ours.micro_turn, run)
            else:
                their_ms = theirs.run(chunks(run))
        if place >= 0:
            times["ours", kind].wall_ms += mine.wall_ms
            times["vllm", kind].wall_ms.append(their_ms)
    found: dict[str, Any] = {}
    for kind in KINDS.values():
        mine_ms, their_all_ms = (times[way, kind].wall_ms for way in ("ours", "vllm"))
        found[kind] = {
            "count": len(mine_ms),
            "ours_median_ms": round(percentile(mine_ms, 50), 3),
            "vllm_median_ms": round(percentile(their_all_ms, 50), 3),
            "vllm_over_ours": ratio(percentile(their_all_ms, 50), percentile(mine_ms, 50)),
        }
    total = {
        way: sum(sum(times[way, kind].wall_ms) for kind in KINDS.values())
        for way in ("ours", "vllm")
    }
    return found | {"vllm_over_ours": ratio(total["vllm"], total["ours"])}
