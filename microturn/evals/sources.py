"""Where episodes come from, by name: the built-in `synthetic` set, or a benchmark by path.

A worker process opens its source itself and makes one episode after the other; only the names of
episodes travel between processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from microturn.evals import catalog, synthetic, video
from microturn.evals.episode import Episode, Track
from microturn.evals.eval_bank import EvalBank, cache_folder
from microturn.evals.groups import chosen
from microturn.evals.metrics import score_all
from microturn.evals.metrics_talk import score_talk
from microturn.evals.record import Score, Trace
from microturn.evals.systems import of_python
from microturn.turns import ByteArray

PYTHON = "python:"
Frames = Callable[[Path, Track], Iterable[tuple[int, ByteArray]]]


@dataclass(frozen=True)
class SourceConfig:
    """dataset: `synthetic`, a benchmark's name, or `python:package.module:function`, called with
    this config and giving a `Source`. root: a benchmark's folder, or where synthetic
    media go. bank: folders of a speech bank in place of the one made here. voices: what makes the
    bank, a name of `eval_bank.ENGINES` or `auto`. groups: of the synthetic set; () means all.
    counts: episodes of each skill, by group."""

    dataset: str = synthetic.NAME
    root: Path | None = None
    bank: tuple[Path, ...] = ()
    groups: tuple[str, ...] = ()
    seed: int = synthetic.SEED
    counts: tuple[tuple[str, int], ...] = ()
    voices: str = "auto"


class Source(Protocol):
    """Episodes, and how they are played and scored. A job names one episode and may be pickled."""

    @property
    def root(self) -> Path: ...

    @property
    def frames_of(self) -> Frames: ...

    @property
    def voices(self) -> str: ...

    def jobs(self, limit: int | None) -> list[Any]: ...

    def episode(self, job: Any) -> Episode: ...

    def score(self, episode: Episode, trace: Trace) -> list[Score]: ...


@dataclass(frozen=True)
class SyntheticSource:
    """The built-in set."""

    data: synthetic.Synthetic
    counts: dict[str, int]
    frames_of: Frames = synthetic.frames_of

    @property
    def root(self) -> Path:
        return self.data.root

    @property
    def voices(self) -> str:
        return str(getattr(self.data.bank, "name", "bank"))

    def jobs(self, limit: int | None) -> list[Any]:
        return list(self.data.plans(limit, self.counts))

    def episode(self, job: Any) -> Episode:
        return self.data.episode(job)

    def score(self, episode: Episode, trace: Trace) -> list[Score]:
        return score_talk(episode, trace)


@dataclass(frozen=True)
class OfficialSource:
    """A benchmark by path; a job is the whole episode, which only refers to its media."""

    data: catalog.OfficialSet
    frames_of: Frames = video.track_frames
    voices: str = ""

    @property
    def root(self) -> Path:
        return self.data.root

    def jobs(self, limit: int | None) -> list[Any]:
        return list(self.data.episodes(limit))

    def episode(self, job: Any) -> Episode:
        return job

    def score(self, episode: Episode, trace: Trace) -> list[Score]:
        return score_all(episode, trace)


def open_source(config: SourceConfig) -> Source:
    """Raises ValueError for an unknown name, a benchmark that is not here, or want of voices."""
    if config.dataset.startswith(PYTHON):
        make: Callable[[SourceConfig], Source] = of_python(config.dataset.removeprefix(PYTHON))
        return make(config)
    if config.dataset != synthetic.NAME:
        return OfficialSource(catalog.open_set(config.dataset, config.root))
    bank = EvalBank.load(config.bank) if config.bank else EvalBank(voices=config.voices)
    root = config.root or cache_folder() / "media"
    data = synthetic.Synthetic(root, bank, chosen(config.groups), config.seed)
    return SyntheticSource(data, dict(config.counts))


def job_id(job: Any) -> str:
    """The id of a job's episode."""
    return str(job.id)
