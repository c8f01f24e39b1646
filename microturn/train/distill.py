"""Fewer flow steps: the flow head learns to go straight to where it went in many steps.

Reflow (Liu et al., 2023, rectified flow): a frozen copy, the teacher, takes a noise in
`num_teacher_steps` Euler steps to a mel; the student, which begins with the same weights, is
trained on the straight line between the two, with times at the steps that it will take and between
them. The backbone stays as it is: slots and context are those of true conversations.

    python -m microturn.train.distill --model DIR --bank DIR --out DIR --minutes 20

The config of the model in `out` says `num_student_steps`, and the engine takes as many.

Legend: U speaking micro-turns, F mel frames, M mel bins, K slots, D width.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter as clock
from typing import Any

import torch
import tyro
from torch import Tensor

from microturn.checkpoint import load_config, load_weights, save
from microturn.data.pack import PackConfig
from microturn.model.flow import FlowHead
from microturn.model.model import InteractionModel
from microturn.signal.text import Text
from microturn.train.batches import BatchConfig, Batches, TrainBatch, loader
from microturn.train.optim import OptimConfig, schedule
from microturn.train.state import complete


@dataclass(frozen=True)
class DistillRun:
    """One run. noise: the scale of the noise is drawn between these, since sampling scales it
    too. at_steps: share of the times that lie exactly where the student's steps begin."""

    model: Path
    bank: tuple[Path, ...]
    out: Path
    minutes: float = 20.0
    num_teacher_steps: int = 16
    num_student_steps: int = 2
    num_rows: int = 2
    lr: float = 3e-4
    seed: int = 0
    noise: tuple[float, float] = (0.1, 1.0)
    at_steps: float = 0.5
    max_steps: int | None = None
    pack: PackConfig = field(default_factory=PackConfig)

    def __post_init__(self) -> None:
        if not 1 <= self.num_student_steps < self.num_teacher_steps:
            raise ValueError(
                f"the student takes 1 to {self.num_teacher_steps - 1} steps, fewer than its "
                f"teacher; got {self.num_student_steps}"
            )
        if not 0 <= self.noise[0] <= self.noise[1] or not 0 <= self.at_steps <= 1:
            raise ValueError("noise is a range from low to high, at_steps a share")
        if self.minutes <= 0 or self.lr <= 0:
            raise ValueError("minutes and lr must be positive")


@dataclass(frozen=True)
class Spoken:
    """What the flow head is asked for: a noise, and what it is conditioned on."""

    noise_UFM: Tensor
    context_UFM: Tensor
    slots_UKD: Tensor


@torch.no_grad()
def spoken(
    model: InteractionModel, batch: TrainBatch, run: DistillRun, rng: torch.Generator
) -> Spoken:
    """The speaking micro-turns of a batch, with noise of a scale drawn for each."""
    rows = batch.rows
    hidden_BSD = model(rows.positions, rows.num_rows)
    slots_UKD = model.slot_states(hidden_BSD, rows.slot_index_UK)
    low, high = run.noise
    scale_U = low + (high - low) * torch.rand(len(slots_UKD), generator=rng)
    noise_UFM = torch.randn(rows.mel_UFM.shape, generator=rng) * scale_U[:, None, None]
    return Spoken(noise_UFM, rows.context_UFM, slots_UKD)


def draw_times(num: int, run: DistillRun, rng: torch.Generator) -> Tensor:
    """Flow times: where the student's steps begin, or anywhere."""
    begin_U = torch.randint(0, run.num_student_steps, (num,), generator=rng)
    anywhere_U = torch.rand(num, generator=rng)
    is_at_U = torch.rand(num, generator=rng) < run.at_steps
    return torch.where(is_at_U, begin_U / run.num_student_steps, anywhere_U)


def reflow_loss(
    student: FlowHead, teacher: FlowHead, asked: Spoken, run: DistillRun, rng: torch.Generator
) -> Tensor:
    """Squared error of the student's velocity on the line from the noise to the teacher's mel."""
    inputs = (asked.context_UFM, asked.slots_UKD)
    with torch.no_grad():
        goal_UFM = teacher.sample(asked.noise_UFM, *inputs, run.num_teacher_steps)
    t_U = draw_times(len(goal_UFM), run, rng)
    return student.loss(goal_UFM, *inputs, asked.noise_UFM, t_U).mean()


@torch.no_grad()
def distance(
    student: FlowHead, teacher: FlowHead, asked: Spoken, run: DistillRun, num_steps: int
) -> float:
    """Mean squared distance of the student's mel in `num_steps` to the teacher's in its own."""
    inputs = (asked.noise_UFM, asked.context_UFM, asked.slots_UKD)
    goal_UFM = teacher.sample(*inputs, run.num_teacher_steps)
    return float((student.sample(*inputs, num_steps) - goal_UFM).square().mean())


def distill(
    model: InteractionModel, batches: Iterator[TrainBatch], run: DistillRun
) -> dict[str, Any]:
    """Train the flow head in place; returns distances to the teacher, before and after, on the
    first batch that speaks, which is left out of training."""
    teacher = copy.deepcopy(model.flow).eval().requires_grad_(False)
    student = model.flow
    optimizer = torch.optim.AdamW(student.parameters(), run.lr, (0.9, 0.95), weight_decay=0.0)
    held: Spoken | None = None
    before, step, spent, loss = 0.0, 0, 0.0, torch.zeros(())
    for batch in batches:
        started = clock()
        rng = torch.Generator().manual_seed(run.seed * 7_919 + step)
        asked = spoken(model, batch, run, rng)
        if not len(asked.slots_UKD):
            continue
        if held is None:
            held = asked
            before = distance(student, teacher, held, run, run.num_student_steps)
            continue
        progress = spent / (run.minutes * 60)
        if run.max_steps is not None:
            progress = max(progress, step / run.max_steps)
        optimizer.param_groups[0]["lr"] = run.lr * schedule(progress, OptimConfig())
        loss = reflow_loss(student, teacher, asked, run, rng)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step, spent = step + 1, spent + clock() - started
        if spent >= run.minutes * 60 or step == run.max_steps:
            break
    assert held is not None  # batches do not end
    return {
        "steps": step,
        "minutes": round(spent / 60, 2),
        "loss": round(float(loss.detach()), 5),
        "num_student_steps": run.num_student_steps,
        "distance_before": round(before, 6),
        "distance_after": round(distance(student, teacher, held, run, run.num_student_steps), 6),
    }


def main(run: DistillRun) -> dict[str, Any]:
    """Load, distill, save. Raises ValueError or FileNotFoundError for a bad model or bank."""
    model = InteractionModel(load_config(run.model))
    load_weights(model, run.model)
    tokenizer = run.model / "tokenizer.json"
    markers = Text.load(tokenizer).markers
    data = BatchConfig(run.bank, tokenizer, run.num_rows, run.seed, None, 0, 0.0, False, run.pack)
    found = distill(model, iter(loader(Batches(data, markers, 0), 1)), run)
    flow = replace(model.config.flow, num_steps=run.num_student_steps)
    save(model, replace(model.config, flow=flow), run.out, dtype=torch.float32)
    complete(run.out, tokenizer, run.model)
    (run.out / "distill.json").write_text(json.dumps(found, indent=1) + "\n")
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(main(tyro.cli(DistillRun))))
