"""One engine in a process of its own, and the line to it: requests go in, answers come out.

A request is a method's name and its arguments; an answer is what it gave, or what it raised. The
process lives as long as the line: when the other end is gone, however that came, it ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import torch

from microturn.engine.engine import Engine
from microturn.engine.numerics import verify_numerics

ENDED = (EOFError, OSError)  # what a line raises whose other end is gone
PATIENCE_S = 5.0  # how long a process may take to end by itself


class Serving:
    """What the process does with requests: methods of its engine, and openings in parts."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.parts: dict[int, Iterator[str | None]] = {}

    def answer(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """What the method gives."""
        if name in ("begin_opening", "next_part", "drop_opening", "numerics"):
            return getattr(self, name)(*arguments)
        return getattr(self.engine, name)(*arguments)

    def numerics(self) -> str:
        """Whether results depend on no company here, in one line."""
        return verify_numerics(self.engine.model, self.engine.vocoder).line()

    def begin_opening(self, number: int, *arguments: Any) -> None:
        self.parts[number] = self.engine.opening(*arguments)

    def next_part(self, number: int) -> str | None:
        """The next part of an opening; the session's id after the last."""
        try:
            session_id = next(self.parts[number])
        except BaseException:
            del self.parts[number]
            raise
        if session_id is not None:
            del self.parts[number]
        return session_id

    def drop_opening(self, number: int) -> None:
        """Who wanted it is gone."""
        parts = self.parts.pop(number, None)
        if isinstance(parts, Iterator) and hasattr(parts, "close"):
            parts.close()  # type: ignore[attr-defined]


def run(line: Connection, make: Callable[[], Engine], num_threads: int) -> None:
    """The process: make the engine, then answer until the line is cut."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the one who started us
    torch.set_num_threads(num_threads)
    with contextlib.suppress(*ENDED):
        try:
            serving = Serving(make())
        except Exception as error:
            send(line, False, error)
            return
        send(line, True, serving.engine.limits)
        while True:
            name, arguments = line.recv()
            try:
                answer = serving.answer(name, arguments)
            except Exception as error:
                send(line, False, error)
            else:
                send(line, True, answer)


def send(line: Connection, is_well: bool, value: Any) -> None:
    """An answer; what cannot travel is told in words."""
    try:
        line.send((is_well, value))
    except ENDED:
        raise
    except Exception as error:  # some exceptions and their contents cannot be pickled
        line.send((False, RuntimeError(f"{value!r} ({type(error).__name__} on the way)")))


class EngineProcess:
    """The end of the line that asks. One request at a time."""

    def __init__(self, make: Callable[[], Engine], num_threads: int = 1) -> None:
        """Starts the process and returns at once; the first answer is the engine's limits."""
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe()
        self.process = context.Process(
            target=run, args=(theirs, make, num_threads), daemon=True, name="microturn engine"
        )
        self.process.start()
        theirs.close()

    def ask(self, name: str, *arguments: Any) -> None:
        """Send a request. Raises EOFError or OSError where the process is gone."""
        self.line.send((name, arguments))

    def has_answer(self) -> bool:
        """Is there something to take, or is the line cut?"""
        return self.line.poll()

    def take(self) -> Any:
        """Wait for the answer; raises what the engine raised, EOFError or OSError where the process
        is gone."""
        is_well, value = self.line.recv()
        if not is_well:
            raise value
        return value

    def end(self) -> None:
        """Cut the line; end the process if it does not end by itself."""
        self.line.close()
        self.process.join(PATIENCE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
