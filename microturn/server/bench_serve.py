"""What many talks at once cost a real server: `microturn serve` as a process, clients on sockets.

Each client plays noise in real time and types a text now and then, so that the model has something
to say. What comes back tells whether micro-turns were late: counted by the server, and seen by the
clients as ticks that were left out.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from microturn.turns import MICRO_TURN_MS

RATE_HZ, BLOCK_MS = 16_000, 100
NOISE_LEVEL = 0.01
TYPES_EVERY_S = 10.0
TEXT = "Please say: the quick brown fox jumps over the lazy dog."
START_TIMEOUT_S = 120.0
ARRIVAL_S = 0.3  # between one client and the next


@dataclass
class Talk:
    """What one client saw. refusal: why it was not let in."""

    refusal: str = ""
    num_voiced: int = 0
    num_micro_turns: int = 0
    num_slipped: int = 0
    num_late_inputs: int = 0
    close_code: int | None = None
    tick_ms: list[float] = field(default_factory=list[float])


def bench_serve(
    model: str,
    counts: Sequence[int],
    num_micro_turns: int,
    seed: int = 0,
    num_processes: int = 1,
) -> dict[str, Any]:
    """Measure each number of clients, `num_micro_turns` each, against a server started for it, with
    its engines in so many processes.

    `sessions_held`: the most sessions that were let in without one late micro-turn in a hundred.
    Raises ValueError for numbers that are not positive, OSError when the server does not start.
    """
    if num_micro_turns < 1 or not counts or min(counts) < 1:
        raise ValueError("measure at least one micro-turn of at least one client")
    rows = [
        measure(model, count, num_micro_turns, seed, num_processes) for count in sorted(set(counts))
    ]
    held = [row["admitted"] for row in rows if row["late_share"] < 0.01]
    return {
        "micro_turn_ms": MICRO_TURN_MS,
        "micro_turns": num_micro_turns,
        "processes": num_processes,
        "by_clients": rows,
        "sessions_held": max(held, default=0),
    }


def measure(
    model: str, count: int, num_micro_turns: int, seed: int, num_processes: int
) -> dict[str, Any]:
    """One server and that many clients."""
    with serving(model, count, num_processes) as url:
        talks = asyncio.run(clients(url, count, num_micro_turns, seed))
        with urllib.request.urlopen(url + "metrics", timeout=10) as answer:
            samples = read_samples(answer.read().decode())
    return row(talks, samples)


def row(talks: Sequence[Talk], samples: dict[str, float]) -> dict[str, Any]:
    """What one number of clients came to. `voiced_share`: of micro-turns, with sound of the
    model."""
    inside = [talk for talk in talks if not talk.refusal]
    tick_ms = [ms for talk in inside for ms in talk.tick_ms] or [0.0]
    num_micro_turns = sum(talk.num_micro_turns for talk in inside)
    total = samples["microturn_micro_turns_total"]
    return {
        "clients": len(talks),
        "admitted": len(inside),
        "refused": len(talks) - len(inside),
        "refusals": sorted({talk.refusal for talk in talks if talk.refusal}),
        "broken": sum(talk.close_code != 1000 for talk in inside),
        "micro_turns": int(total),
        "late": int(samples["microturn_micro_turns_late_total"]),
        "late_share": round(samples["microturn_micro_turns_late_total"] / max(1.0, total), 5),
        "ticks_slipped": int(samples["microturn_ticks_slipped_total"]),
        "late_inputs": int(samples["microturn_inputs_late_total"]),
        "voiced_share": round(sum(talk.num_voiced for talk in inside) / max(1, num_micro_turns), 3),
        "tick_median_ms": round(float(np.percentile(tick_ms, 50)), 1),
        "tick_p95_ms": round(float(np.percentile(tick_ms, 95)), 1),
        "tick_p99_ms": round(float(np.percentile(tick_ms, 99)), 1),
    }


def read_samples(text: str) -> dict[str, float]:
    """Samples without labels of the text form of Prometheus."""
    lines = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {line[0]: float(line[1]) for line in lines if "{" not in line[0]}


@contextlib.contextmanager
def serving(model: str, max_sessions: int, num_processes: int = 1) -> Generator[str]:
    """A server of our own on a free port; its URL. Raises OSError when it does not start."""
    command = [sys.executable, "-m", "microturn", "serve", "--port", "0", "--model", model]
    process = subprocess.Popen(
        [*command, "--sessions", str(max_sessions), "--processes", str(num_processes)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None and process.stderr is not None
            words = process.stdout.readline().split()
            urls = [word for word in words if word.startswith("http://")]
            if not urls:
                raise OSError(f"the server did not start: {process.stderr.read().strip()}")
            yield urls[0]
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


async def clients(url: str, count: int, num_micro_turns: int, seed: int) -> list[Talk]:
    """All of them at once, arriving one after the other."""
    address = url.replace("http", "ws", 1) + "v1/live/sessions"
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(talk(address, place, num_micro_turns, seed + place))
            for place in range(count)
        ]
    return [task.result() for task in running]


async def talk(address: str, place: int, num_micro_turns: int, seed: int) -> Talk:
    """One client from start to close."""
    await asyncio.sleep(place * ARRIVAL_S)
    seen = Talk()
    pcm = {"type": "audio/pcm", "rate": RATE_HZ}
    session = {"model": "bench", "audio": {"format": pcm}}
    async with connect(address, compression=None, max_size=None) as socket:
        await socket.send(json.dumps({"type": "session.start", "session": session}))
        speaking = asyncio.create_task(speak(socket, seed))
        try:
            async with asyncio.timeout(START_TIMEOUT_S + num_micro_turns):
                await listen(socket, seen, num_micro_turns)
        except ConnectionClosed as closed:
            seen.close_code = None if closed.rcvd is None else closed.rcvd.code
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
    return seen


async def listen(socket: Any, seen: Talk, num_micro_turns: int) -> None:
    """Until the connection closes; asks for that after so many micro-turns."""
    is_closing = False
    while True:
        event = json.loads(await socket.recv())
        kind = event["type"]
        seen.num_voiced += kind == "session.output_audio.delta"
        if kind == "error":
            seen.refusal = event["error"]["message"]
        elif kind == "session.usage.updated":
            counters = event["microturn"]
            seen.num_micro_turns = round(1000 * event["usage"]["seconds"] / MICRO_TURN_MS)
            seen.num_slipped, seen.num_late_inputs = counters["slipped"], counters["late"]
            seen.tick_ms.append(counters["step_ms"])
            if seen.num_micro_turns >= num_micro_turns and not is_closing:
                is_closing = True
                await socket.send(json.dumps({"type": "session.close"}))


async def speak(socket: Any, seed: int) -> None:
    """Noise in real time, and a text now and then, out of step with the other clients."""
    rng = np.random.default_rng(seed)
    began_s = time.monotonic()
    num_sent, types_at_s = 0, float(rng.uniform(0.5, TYPES_EVERY_S))
    while True:
        noise = rng.standard_normal(RATE_HZ * BLOCK_MS // 1000) * NOISE_LEVEL * 32_767
        audio = base64.b64encode(noise.astype("<i2").tobytes()).decode()
        await socket.send(json.dumps({"type": "session.input_audio.append", "audio": audio}))
        now_s = time.monotonic() - began_s
        if now_s >= types_at_s:
            types_at_s += TYPES_EVERY_S
            await socket.send(json.dumps({"type": "session.thinking.append", "content": TEXT}))
        num_sent += 1
        await asyncio.sleep(max(0.0, num_sent * BLOCK_MS / 1000 - now_s))
