"""`microturn serve`: options -> an engine, or a crew of them, behind the server."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from microturn.engine.crew import Crew
    from microturn.engine.engine import Engine
    from microturn.engine.sampler import SamplingConfig

Eagerness = float | Literal["reserved", "calm", "balanced", "keen", "eager"]
LINE = "numerics: {}"


@dataclass(frozen=True)
class Serve:
    """Serve the page and the Live API until Ctrl+C."""

    host: str = "127.0.0.1"
    port: int = 8765  # 0 takes any free one
    model: str = "nano"  # shipped name or folder
    api_key: str | None = None  # also MICROTURN_API_KEY; needed where others can reach the host
    open: bool = False  # open a browser where there is one
    eagerness: Eagerness = 0.0  # how soon it speaks: a name, or log odds
    sessions: int = 16  # at most; fewer where the machine is too slow for more
    memory_mb: int = 4096  # reserved for the state of all sessions together
    weights: Literal["fp32", "bf16", "int8"] = "fp32"  # what the model's matrices are kept in
    threads: int = 1  # of each process; 0 measures which number is fastest
    processes: int = 1  # that sessions are spread over, a core each; 0 means one a core
    device: str = "cpu"  # cuda: sessions in slots, rounds as CUDA graphs; not run on a GPU yet
    summarise: str | None = None  # package.module:function, str -> str: sums up older text
    exact: bool = False  # refuse to start where results would depend on who else is served

    def execute(self) -> int:
        from microturn.checkpoint import load_config
        from microturn.engine.load import model_folder
        from microturn.server.app import ServerConfig
        from microturn.server.live_session import ConversationConfig
        from microturn.server.serve import CannotServe, serve
        from microturn.server.summaries import summaries_of
        from microturn.server.warm_up import measured_admission
        from microturn.signal.text import Text

        folder = model_folder(self.model)
        model_config = load_config(folder)
        summaries = None
        if self.summarise is not None:
            text = Text.load(folder / "tokenizer.json")
            summaries = summaries_of(self.summarise, model_config, text)
        key = self.api_key or os.environ.get("MICROTURN_API_KEY")
        talk = ConversationConfig(takes_images=model_config.vision is not None)
        config = ServerConfig(max_sessions=self.sessions, conversation=talk)
        screen = self.open and has_screen()
        with self.engine() as engine:
            warm_up = partial(measured_admission, engine, self.sessions)
            try:
                serve(engine, self.host, self.port, screen, key, config, warm_up, summaries)
            except CannotServe as error:
                raise ValueError(str(error)) from error
        return 0

    @contextmanager
    def engine(self) -> Generator[Engine | Crew]:
        """What serves, until the end of the block. Raises ValueError for options that do not go
        together."""
        from microturn.engine.sampler import SamplingConfig, eagerness_of

        if self.processes < 0:
            raise ValueError(f"--processes must not be negative, got {self.processes}")
        sampling = SamplingConfig(eagerness=eagerness_of(self.eagerness))
        num_processes = min(self.processes or num_cores(), self.sessions)
        if num_processes == 1:
            yield self.one_engine(sampling)
            return
        crew = self.crew(sampling, num_processes)
        try:
            yield crew
        finally:
            crew.shutdown()

    def one_engine(self, sampling: SamplingConfig) -> Engine:
        """In this process."""
        import torch

        from microturn.engine.load import load
        from microturn.engine.numerics import verify_numerics
        from microturn.engine.threads import choose_threads
        from microturn.server.warm_up import serving_limits

        limits = serving_limits(self.sessions, self.memory_mb)
        torch.set_num_threads(self.threads or 1)
        engine = load(
            self.model, sampling, limits, self.weights, is_exact=self.exact, device=self.device
        )
        if not self.threads:
            choose_threads(engine)
        line = "sessions in slots: results depend on the company in their last bits"
        if engine.slots is None:
            line = verify_numerics(engine.model, engine.vocoder).line()
        print(LINE.format(line), file=sys.stderr)
        return engine

    def crew(self, sampling: SamplingConfig, num_processes: int) -> Crew:
        """In processes of their own; sessions and memory are shared out evenly."""
        from microturn.engine.crew import Crew
        from microturn.engine.load import load
        from microturn.server.warm_up import serving_limits

        if self.device != "cpu":
            raise ValueError(
                f"--processes {num_processes} are for the cores of a CPU: serve device "
                f"{self.device} with --processes 1"
            )
        limits = serving_limits(
            -(-self.sessions // num_processes), max(1, self.memory_mb // num_processes)
        )
        make = partial(load, self.model, sampling, limits, self.weights, is_exact=self.exact)
        crew = Crew(make, num_processes, self.threads or 1)
        print(LINE.format(crew.numerics()), file=sys.stderr)
        return crew


def num_cores() -> int:
    """Processors that this process may use."""
    mine = getattr(os, "sched_getaffinity", None)
    return len(mine(0)) if mine else os.cpu_count() or 1


def has_screen() -> bool:
    """Whether opening a browser can do any good."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
