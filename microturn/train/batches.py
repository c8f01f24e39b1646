"""What one training step eats: rows of the bank's episodes, with the flow's noise and times.

Row i of step k is a function of (seed, k * num_rows + i) alone: its episode, its disturbance, its
noise. So the data state is the step, and however many processes share a step, together they see
what one process would.

Legend: S positions of all rows, L positions of a row, B rows, N authored targets, U speaking
micro-turns, K slots, F mel frames, M mel bins, G skills, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from microturn.data.bank import Bank
from microturn.data.loader import Skipped, episodes
from microturn.data.pack import PackConfig, RowBatch, pack
from microturn.data.render import Episode
from microturn.scenarios import families
from microturn.sequence import NO_TARGET, Markers, concatenate
from microturn.signal.text import Text
from microturn.train.mixture import mixture_at

T = TypeVar("T")
SEED_STEP = 1_000_003  # seeds of rows of one run lie apart from those of the next


@dataclass(frozen=True)
class BatchConfig:
    """Where rows come from. `num_rows` are those of all processes together.

    mixture: weights of the skills, None for those of `mixture.py`; mixture_after: episodes of its
    stages that are over when the run begins. roughness: share in hard
    acoustics; other_tracts: share that is heard through other vocal tracts. pad_to: targets and
    speaking micro-turns are padded to multiples of it; 1 pads nothing (a GPU wants few shapes,
    sharded processes want none to be empty).
    """

    bank: tuple[Path, ...]
    tokenizer: Path
    num_rows: int
    seed: int
    mixture: dict[str, float] | None
    mixture_after: int
    roughness: float
    has_rooms: bool
    pack: PackConfig
    num_workers: int = 1
    pad_to: int = 1
    other_tracts: float = 0.0


def staged(num_before: int) -> Callable[[int], dict[str, float]]:
    """Weights of the skills by episode of a run, after so many that came before it."""
    known = list(families())
    return lambda number: mixture_at(num_before + number, known)


@dataclass(frozen=True)
class TrainBatch:
    """Rows with all that a step draws at random.

    index_N: positions with a target, padded; weight_N is 0 where padded. is_real_U: 0.0 where a
    micro-turn is padding. skill_BG: 1.0 where a skill plays in a row.
    """

    rows: RowBatch
    index_N: Tensor
    target_N: Tensor
    weight_N: Tensor
    noise_UFM: Tensor
    t_U: Tensor
    is_real_U: Tensor
    skill_BG: Tensor


def skill_names() -> list[str]:
    """Names of the skills, in the order of `skill_BG`."""
    return sorted(families())


def joined(parts: Sequence[RowBatch]) -> RowBatch:
    """Batches of rows of one length -> one batch, in order."""
    length = len(parts[0].target_S) // parts[0].num_rows
    offsets, num_rows = [], 0
    for part in parts:
        offsets.append(num_rows * length)
        num_rows += part.num_rows
    shifted = [part.slot_index_UK + offset for part, offset in zip(parts, offsets, strict=True)]
    return RowBatch(
        concatenate([part.positions for part in parts]),
        num_rows,
        torch.cat([part.target_S for part in parts]),
        torch.cat([part.weight_S for part in parts]),
        torch.cat([part.is_heard_S for part in parts]),
        torch.cat(shifted),
        torch.cat([part.mel_UFM for part in parts]),
        torch.cat([part.context_UFM for part in parts]),
        sum(part.audio_seconds for part in parts),
        torch.cat([part.frame_target_A for part in parts]),
        torch.cat([part.slot_target_UK for part in parts]),
    )


def padded(x: Tensor, num_rows: int) -> Tensor:
    """The first dimension filled up with zeros."""
    missing = x.new_zeros(num_rows - len(x), *x.shape[1:])
    return torch.cat([x, missing])


def prepare(
    chosen: Sequence[Episode],
    markers: Markers,
    config: PackConfig,
    seeds: Sequence[int],
    pad_to: int = 1,
    starts_V: Tensor | None = None,
) -> TrainBatch:
    """One row for each episode, each with a seed of its own. starts_V: as in `pack`."""
    parts, noise, times = [], [], []
    for episode, seed in zip(chosen, seeds, strict=True):
        part = pack([episode], markers, config, seed, starts_V)
        rng = torch.Generator().manual_seed(seed ^ 0x5EED)
        parts.append(part)
        noise.append(torch.randn(part.mel_UFM.shape, generator=rng))
        times.append(torch.rand(len(noise[-1]), generator=rng))
    rows = joined(parts)
    index_N = (rows.target_S != NO_TARGET).nonzero().flatten()
    num_targets, num_speaking = (
        max(1, -(-count // pad_to)) * pad_to if pad_to > 1 else count
        for count in (len(index_N), len(rows.mel_UFM))
    )
    names = skill_names()
    skill_BG = torch.tensor(
        [[float(name in episode.timeline.families) for name in names] for episode in chosen]
    )
    is_real_U = torch.ones(len(rows.mel_UFM))
    return TrainBatch(
        replace(
            rows,
            slot_index_UK=padded(rows.slot_index_UK, num_speaking),
            mel_UFM=padded(rows.mel_UFM, num_speaking),
            context_UFM=padded(rows.context_UFM, num_speaking),
            slot_target_UK=padded(rows.slot_target_UK, num_speaking),
        ),
        padded(index_N, num_targets),
        padded(rows.target_S[index_N], num_targets),
        padded(rows.weight_S[index_N], num_targets),
        padded(torch.cat(noise), num_speaking),
        padded(torch.cat(times), num_speaking),
        padded(is_real_U, num_speaking),
        skill_BG,
    )


class Batches(IterableDataset[TrainBatch]):
    """An endless stream of batches from `first_step` on, made in worker processes, which take the
    steps in turn. Rank r of `world_size` gets its share of each step's rows."""

    def __init__(
        self,
        config: BatchConfig,
        markers: Markers,
        first_step: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.config, self.markers, self.first_step = config, markers, first_step
        self.num_own = config.num_rows // world_size
        self.first_row = rank * self.num_own

    def __iter__(self) -> Iterator[TrainBatch]:
        torch.set_num_threads(1)
        config, worker = self.config, get_worker_info()
        every = 1 if worker is None else worker.num_workers
        step = self.first_step + (0 if worker is None else worker.id)
        bank, text = Bank.load(config.bank), Text.load(config.tokenizer)
        starts_V = torch.tensor(text.word_starts())
        stream = partial(
            episodes,
            seed=config.seed,
            bank=bank,
            text=text,
            mixture=config.mixture or staged(config.mixture_after),
            roughness=config.roughness,
            other_tracts=config.other_tracts,
            has_rooms=config.has_rooms,
            skipped=Skipped(),
        )
        while True:
            first = step * config.num_rows + self.first_row
            chosen = list(islice(stream(start=first), self.num_own))
            seeds = [config.seed * SEED_STEP + first + row for row in range(self.num_own)]
            yield prepare(chosen, self.markers, config.pack, seeds, config.pad_to, starts_V)
            step += every


def loader(batches: Batches, num_workers: int) -> DataLoader[TrainBatch]:
    """Batches in the order of their steps, made ahead by `num_workers` processes."""
    return DataLoader(batches, batch_size=None, num_workers=num_workers, prefetch_factor=4)


def moved(x: T, device: torch.device) -> T:
    """A batch, or any dataclass of tensors, on a device."""
    if device.type == "cpu":
        return x
    if isinstance(x, Tensor):
        found: Any = x.pin_memory().to(device, non_blocking=True)
        return found
    if is_dataclass(x) and not isinstance(x, type):
        parts = {field.name: moved(getattr(x, field.name), device) for field in fields(x)}
        return replace(x, **parts)
    return x
