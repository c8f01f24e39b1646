"""Beside vLLM: the twin's size, the same work in chunks, and another process that answers or dies.

vLLM itself is not here: a small script stands for it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from microturn.engine import bench_vllm as bench
from microturn.engine.bench import ROUND
from microturn.engine.peers import NUM_SAID_TOKENS, Stream
from microturn.presets import preset
from microturn.turns import NUM_SLOTS
from tests.tiny import tiny_model

ANSWERS = """
import json, sys
config, most = json.loads(sys.argv[1]), int(sys.argv[2])
assert config["max_position_embeddings"] == most
print("a line of somebody else")
print(json.dumps({"is_ready": True}), flush=True)
total = 0
for line in sys.stdin:
    total += sum(num_in + num_out for num_in, num_out in json.loads(line))
    assert total < most
    print(json.dumps({"wall_ms": 1000.0}), flush=True)
"""


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    script = folder / "peer.py"
    script.write_text(source)
    monkeypatch.setattr(bench, "SCRIPT", script)


def test_a_twin_is_as_large() -> None:
    backbone = preset("nano").backbone
    twin = bench.dense_twin(backbone, 5_400_000)
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(**twin))
    size = sum(p.numel() for p in model.model.layers.parameters())
    assert abs(size / 5_400_000 - 1) < 0.02
    assert len(model.model.layers) == backbone.num_layers
    assert bench.dense_twin(backbone, 1)["intermediate_size"] == 32


def test_chunks_are_the_same_work() -> None:
    stream = Stream(64, 0, ROUND.index(True) - 1)
    silent, speaking = stream.next(), stream.next()
    assert bench.chunks(silent) == [[len(silent[0]), 1]]
    assert bench.chunks(speaking) == [
        [len(speaking[0]), NUM_SAID_TOKENS + 1],
        [1 + NUM_SLOTS, 1],
    ]
    # Every position but the last token of each chunk, which vLLM drops, is in its context.
    num_in = sum(chunk[0] + chunk[1] - 1 for chunk in bench.chunks(speaking))
    assert num_in == sum(map(len, speaking))


def test_pairs_of_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, ANSWERS)
    threads = torch.get_num_threads()
    found = bench.bench_vllm(tiny_model(), Path(sys.executable), 1, len(ROUND))
    assert torch.get_num_threads() == threads
    assert found["silent"]["count"] + found["speaking"]["count"] == len(ROUND)
    assert found["speaking"]["vllm_median_ms"] == 1000.0
    expected = 1000.0 / found["speaking"]["ours_median_ms"]
    assert found["speaking"]["vllm_over_ours"] == pytest.approx(expected, rel=0.01)
    assert found["vllm_over_ours"] > 0 and found["twin"]["model_type"] == "llama"


def test_what_does_not_run_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "raise ImportError('no vllm')")
    with pytest.raises(OSError, match=r"peer_vllm\.py by hand"):
        bench.bench_vllm(tiny_model(), Path(sys.executable), 1, len(ROUND))
    with pytest.raises(OSError, match="nowhere"):
        bench.bench_vllm(tiny_model(), tmp_path / "nowhere", 1, len(ROUND))
    with pytest.raises(ValueError, match="at least a second"):
        bench.bench_vllm(tiny_model(), Path(sys.executable), 0, len(ROUND))
