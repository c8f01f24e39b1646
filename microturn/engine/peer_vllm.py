# pyright: basic, reportMissingImports=false
"""vLLM's streaming input with a dense model, as a process in an environment of its own.

Run by `bench_vllm.py` with the interpreter of that environment (docs/serving.md has the recipe); it
imports nothing of ours. Each line in is a list of chunks `[positions in, tokens out]`, fed one
after another into one session; each line out says how many milliseconds of wall time that took.

vLLM 0.32 drops the last token that it samples for a chunk, so a chunk that goes on after text
carries it in again.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

MEMORY_GB = "1"


def settings() -> None:
    """What vLLM reads from its environment: one thread, little memory, no logs on stdout."""
    os.environ |= {
        "VLLM_CPU_KVCACHE_SPACE": MEMORY_GB,
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": "1",
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_NO_USAGE_STATS": "1",
    }


def engine(config: dict[str, Any], max_length: int) -> Any:
    """An engine over random weights of this config of Hugging Face's."""
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    folder = tempfile.mkdtemp(prefix="dense_twin_")
    Path(folder, "config.json").write_text(json.dumps(config))
    return AsyncLLM.from_engine_args(
        AsyncEngineArgs(
            model=folder,
            skip_tokenizer_init=True,
            load_format="dummy",
            enforce_eager=True,
            dtype="float32",
            max_model_len=max_length,
            max_num_seqs=1,
            disable_log_stats=True,
            distributed_executor_backend="uni",
        )
    )


class Session:
    """One streaming request."""

    def __init__(self, engine: Any, vocab_size: int) -> None:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        self.params = SamplingParams
        self.kind = RequestOutputKind.DELTA
        self.rng = random.Random(0)
        self.vocab_size = vocab_size
        self.chunks: asyncio.Queue[list[int] | None] = asyncio.Queue()
        first = SamplingParams(
            max_tokens=1, ignore_eos=True, detokenize=False, output_kind=self.kind
        )
        self.outputs = engine.generate(self.stream(), first, request_id="talk")

    async def stream(self) -> AsyncGenerator[Any, None]:
        from vllm.engine.protocol import StreamingInput
        from vllm.inputs import TokensPrompt

        while (chunk := await self.chunks.get()) is not None:
            num_in, num_out = chunk
            ids = [self.rng.randrange(self.vocab_size) for _ in range(num_in)]
            params = self.params(
                max_tokens=num_out,
                min_tokens=num_out,
                ignore_eos=True,
                detokenize=False,
                output_kind=self.kind,
            )
            yield StreamingInput(TokensPrompt(prompt_token_ids=ids), params)

    async def feed(self, chunk: list[int]) -> None:
        """One chunk in, and all its tokens out."""
        await self.chunks.put(chunk)
        num_left = chunk[1]
        while num_left > 0:
            output = await anext(self.outputs)
            num_left -= len(output.outputs[0].token_ids)


async def answer(config: dict[str, Any], max_length: int) -> None:
    loop, model = asyncio.get_running_loop(), engine(config, max_length)
    session = Session(model, config["vocab_size"])
    tell({"is_ready": True})
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        began_s = time.perf_counter()
        for chunk in json.loads(line):
            await session.feed(chunk)
        tell({"wall_ms": 1000 * (time.perf_counter() - began_s)})
    model.shutdown()


def tell(found: dict[str, Any]) -> None:
    print(json.dumps(found), file=ANSWERS, flush=True)


if __name__ == "__main__":
    settings()
    ANSWERS = os.fdopen(os.dup(1), "w")  # what vLLM prints goes elsewhere
    os.dup2(2, 1)
    asyncio.run(answer(json.loads(sys.argv[1]), int(sys.argv[2])))
