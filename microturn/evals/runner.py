"""Plays many episodes in worker processes of one thread each, and goes on where one of them fails.

A system that gives audio of a wrong length, dies, or takes longer than `timeout_s` for an episode
costs that episode: it is marked with one line that says why, and counted in the report. A system
that cannot be opened at all is an error.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal

from microturn.evals.episode import Episode
from microturn.evals.listen_back import GROUPS as RECOGNISED
from microturn.evals.listen_back import find_recogniser, spoken_scores
from microturn.evals.play import play
from microturn.evals.recogniser import Recogniser
from microturn.evals.record import Score, Trace
from microturn.evals.sources import Source, SourceConfig, job_id, open_source
from microturn.evals.systems import open_system

OPENING_S = 180  # a worker that takes longer to open its system is given up
Status = Literal["played", "failed", "timeout", "died", "missing", "not_played"]


@dataclass(frozen=True)
class RunConfig:
    """Who is measured on what.

    sounds: folder for output sounds, or None. timeout_s: of one episode. workers: processes; 0
    plays in this one, without a time limit for an episode. budget_s: after so long no further
    episode is begun.
    """

    system: str = "model:nano"
    source: SourceConfig = field(default_factory=SourceConfig)
    sounds: Path | None = None
    seed: int = 0
    vad: str = "auto"
    timeout_s: float = 300.0
    workers: int = 2
    budget_s: float | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Played:
    """What became of one episode. reason: one line, where it was not played. took_s: on the wall,
    cpu_s: of the processor, to make, play and score it."""

    id: str
    status: Status
    reason: str = ""
    episode: Episode | None = None
    trace: Trace | None = None
    scores: tuple[Score, ...] = ()
    took_s: float = 0.0
    cpu_s: float = 0.0


def one_line(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if not isinstance(error, ValueError) else text


@dataclass(frozen=True)
class Bench:
    """What plays and scores episodes in one process."""

    source: Source
    system: Any
    sounds: Path | None = None
    recogniser: Recogniser | None = None

    @classmethod
    def open(cls, config: RunConfig, source: Source | None = None) -> Bench:
        """Raises ValueError where source or system cannot be opened."""
        source = source or open_source(config.source)
        system = open_system(config.system, config.sounds, config.seed, config.vad)
        listens = config.sounds is not None and needs_recogniser(source, config)
        return cls(source, system, config.sounds, find_recogniser()[0] if listens else None)

    def scores(self, episode: Episode, trace: Trace) -> tuple[Score, ...]:
        """All scores of a trace; of what is to be read aloud also how it can be understood."""
        found = self.source.score(episode, trace)
        is_read = episode.id.partition("/")[0] in RECOGNISED
        if is_read and self.recogniser is not None and self.sounds is not None:
            found += spoken_scores(episode, trace, self.sounds, self.recogniser)
        return tuple(found)


def needs_recogniser(source: Source, config: RunConfig) -> bool:
    """Whether any episode is one that is listened back to."""
    jobs = source.jobs(config.limit) if config.source.dataset == "synthetic" else []
    return any(job_id(job).partition("/")[0] in RECOGNISED for job in jobs)


def play_one(bench: Bench, job: Any) -> Played:
    """Make, play and score one episode; any fault is its result."""
    id = job_id(job)
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    try:
        episode = bench.source.episode(job)
        if episode.missing:
            return Played(id, "missing", "its media are not here", episode)
        source = bench.source
        trace = play(bench.system, episode, source.root, frames_of=source.frames_of)
        scores = bench.scores(episode, trace)
        took_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
        return Played(id, "played", "", episode, trace, scores, took_s, cpu_s)
    except Exception as error:  # whatever a system does, the others go on
        return Played(id, "failed", one_line(error))


def work(connection: Connection, config: RunConfig) -> None:
    """A worker: opens source and system, then plays what it is sent until it is sent None."""
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)
    try:
        bench = Bench.open(config)
    except Exception as error:  # told to the one who started this process
        connection.send(("broken", one_line(error)))
        return
    connection.send(("ready", getattr(bench.system, "name", config.system)))
    while (job := connection.recv()) is not None:
        connection.send(("done", play_one(bench, job)))


class Worker:
    """One process, the job it is at, and until when it may take."""

    def __init__(self, config: RunConfig) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=work, args=(other, config), daemon=True)
        self.process.start()
        other.close()
        self.job: Any = None
        self.is_ready = False
        self.until_s = time.monotonic() + OPENING_S

    def give(self, job: Any, timeout_s: float) -> None:
        self.job = job
        self.until_s = time.monotonic() + timeout_s
        self.connection.send(job)

    def stop(self) -> None:
        """End the process, whatever it is at."""
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(2)
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.connection.close()


class Crew:
    """Workers, and the episodes that are left. Use as a context: no process outlives it."""

    def __init__(self, config: RunConfig, jobs: Sequence[Any]) -> None:
        self.config, self.left = config, list(reversed(jobs))
        self.num_ready, self.begin_s = 0, time.monotonic()
        self.workers: list[Worker] = []

    def __enter__(self) -> Crew:
        number = 0 if self.is_over else min(self.config.workers, len(self.left))
        self.workers = [Worker(self.config) for _ in range(number)]
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self.workers:
            worker.stop()

    @property
    def is_over(self) -> bool:
        """Whether no further episode may be begun."""
        budget_s = self.config.budget_s
        is_late = budget_s is not None and time.monotonic() - self.begin_s >= budget_s
        return not self.left or is_late

    def results(self) -> Iterator[Played]:
        """Results as they come. Raises ValueError where the system cannot be opened."""
        while self.workers:
            now_s = time.monotonic()
            nearest_s = min(worker.until_s for worker in self.workers)
            ready = wait([w.connection for w in self.workers], max(0.0, nearest_s - now_s))
            for worker in list(self.workers):
                if worker.connection in ready:
                    yield from self.hear(worker)
                elif time.monotonic() > worker.until_s:
                    yield from self.lose(worker, "timeout")
        for job in reversed(self.left):
            yield Played(job_id(job), "not_played", "the time was up")

    def hear(self, worker: Worker) -> Iterator[Played]:
        """Take what a worker says, and give it the next job."""
        try:
            what, content = worker.connection.recv()
        except (EOFError, ConnectionError):
            yield from self.lose(worker, "died")
            return
        if what == "broken":
            raise ValueError(content)
        if what == "done":
            yield content
        if what == "ready" and self.num_ready == 0:
            self.begin_s = time.monotonic()  # opening a model does not count
        self.num_ready += what == "ready"
        worker.is_ready, worker.job = True, None
        self.go_on(worker)

    def go_on(self, worker: Worker) -> None:
        if self.is_over:
            worker.connection.send(None)
            worker.stop()
            self.workers.remove(worker)
        else:
            worker.give(self.left.pop(), self.config.timeout_s)

    def lose(self, worker: Worker, status: Status) -> Iterator[Played]:
        """A worker hangs or is gone: its episode is marked, and another process goes on."""
        worker.process.join(1)
        code = worker.process.exitcode
        worker.stop()
        self.workers.remove(worker)
        if not worker.is_ready:
            what = "took too long" if status == "timeout" else f"died (exit code {code})"
            raise ValueError(f"{self.config.system} {what} while it was opened")
        reason = (
            f"no answer within {self.config.timeout_s:g} s"
            if status == "timeout"
            else f"its process died (exit code {code})"
        )
        if worker.job is not None:
            yield Played(job_id(worker.job), status, reason)
        if not self.is_over:
            self.workers.append(Worker(self.config))


def run(
    config: RunConfig,
    tell: Callable[[int, int, Played], None] | None = None,
    known: Mapping[str, Played] | None = None,
) -> tuple[list[Played], Source]:
    """Play everything that is not `known` by its id; results in the order of the episodes. `tell`
    hears each as it comes, with how many are done and how many there are.

    Raises ValueError where the source or the system cannot be opened.
    """
    source = open_source(config.source)
    jobs = source.jobs(config.limit)
    found = {job_id(job): known[job_id(job)] for job in jobs if known and job_id(job) in known}
    left = [job for job in jobs if job_id(job) not in found]
    for played in _here(config, source, left) if config.workers < 1 else _apart(config, left):
        found[played.id] = played
        if tell is not None:
            tell(len(found), len(jobs), played)
    return [found[job_id(job)] for job in jobs], source


def _here(config: RunConfig, source: Source, jobs: Sequence[Any]) -> Iterator[Played]:
    if not jobs:
        return
    bench = Bench.open(config, source)
    for job in jobs:
        yield play_one(bench, job)


def _apart(config: RunConfig, jobs: Sequence[Any]) -> Iterator[Played]:
    with Crew(config, jobs) as crew:
        yield from crew.results()
