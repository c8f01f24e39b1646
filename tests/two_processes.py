"""Two processes on this machine that train together, as `torchrun` would start them."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable
from typing import Any

TIMEOUT_S = 240


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


def started(rank: int, port: int, results: Any, work: Callable[..., Any], *arguments: Any) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    import torch

    torch.set_num_threads(1)
    from microturn.train.distributed import place

    try:
        with place("cpu"):  # one group for all that is done
            results.put((rank, work(*arguments)))
    except BaseException as error:
        results.put((rank, error))
        raise


def run_two(work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `work` gives in each of two processes, by rank. Raises what one of them raised."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    port = free_port()
    processes = [
        context.Process(target=started, args=(rank, port, results, work, *arguments))
        for rank in range(2)
    ]
    for process in processes:
        process.start()
    try:
        found = dict(results.get(timeout=TIMEOUT_S) for _ in processes)
    finally:
        for process in processes:
            process.join(10)
            if process.is_alive():
                process.kill()
                process.join()
    for value in found.values():
        if isinstance(value, BaseException):
            raise value
    return [found[rank] for rank in range(2)]
