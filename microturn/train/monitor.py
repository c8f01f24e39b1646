"""What a run shows of itself: a progress bar, `log.jsonl`, and TensorBoard.

Every step: losses, by lane and by skill. Now and then: how probable speech is where it was due and
where it was not, the load of each router's experts, and what the flow head says of a row's own
slots, as sound and as a picture over the true one.

Legend: E routed experts, N authored targets, G skills, U speaking micro-turns, K slots, F mel
frames, M mel bins, T frames of a whole sample.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from microturn.model.model import InteractionModel
from microturn.signal.vocoder import load_vocoder
from microturn.train.batches import TrainBatch, skill_names
from microturn.train.distributed import Place
from microturn.train.loss import Losses
from microturn.train.state import Counters
from microturn.turns import OUTPUT_RATE_HZ

SAMPLE_TURNS = 20  # of 200 ms, in one sample
SAMPLE_STEPS = 8  # Euler steps
SAMPLE_NOISE = 0.2


@dataclass(frozen=True)
class MonitorConfig:
    """When to look. details_every_steps: histograms and router loads. samples_every_minutes: sound
    and pictures; None makes none. eval_every_minutes: `microturn eval quick` on the weights, each
    of `eval_minutes`; None, the default, runs none."""

    details_every_steps: int = 50
    samples_every_minutes: float | None = 10.0
    eval_every_minutes: float | None = None
    eval_minutes: float = 2.0

    def __post_init__(self) -> None:
        if self.details_every_steps < 1:
            raise ValueError(
                f"details_every_steps must be at least 1, got {self.details_every_steps}"
            )
        for name in ("samples_every_minutes", "eval_every_minutes", "eval_minutes"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be positive, got {value}")


@dataclass
class Monitor:
    """Where one step's figures go. Processes other than the first have no writer and show
    nothing; they take part where the model has to run."""

    config: MonitorConfig
    writer: SummaryWriter | None
    log: TextIO | None
    bar: tqdm[Any]
    last_sample_seconds: float

    def record(
        self,
        counters: Counters,
        result: Losses,
        norm: float,
        loads: list[Tensor],
        seconds: float,
    ) -> None:
        """One step's figures, everywhere."""
        if self.writer is None or self.log is None:
            return
        values = result.figures()
        values |= {
            "gradient_norm": norm,
            "seconds": seconds,
            "heard_hours": counters.heard_hours,
        }
        if loads:
            share_LE = torch.stack([load.float() / load.sum() for load in loads])
            values["expert_load_max"] = float(share_LE.max())
        for name, value in values.items():
            if math.isfinite(value):
                self.writer.add_scalar(name, value, counters.step)
        for name, value in by_skill(result).items():
            self.writer.add_scalar(name, value, counters.step)
        if counters.step % self.config.details_every_steps == 0:
            add_details(self.writer, counters.step, result, loads)
        # A batch may hold no words of a lane: its figures are not numbers, and JSON has none such.
        line = {n: round(v, 5) if math.isfinite(v) else None for n, v in values.items()}
        line = {"step": counters.step, **line}
        self.log.write(json.dumps(line) + "\n")
        self.log.flush()
        self.bar.update(max(0.0, min(seconds / 60, self.bar.total - self.bar.n)))
        self.bar.set_postfix(
            step=counters.step, words=f"{values['words']:.3f}", flow=f"{values['flow']:.3f}"
        )

    def sample(
        self, counters: Counters, model: InteractionModel, batch: TrainBatch, vocoder: Path | None
    ) -> None:
        """Sound and a picture of the first words that are said in a batch, when it is time."""
        every = self.config.samples_every_minutes
        if every is None or counters.trained_seconds - self.last_sample_seconds < every * 60:
            return
        self.last_sample_seconds = counters.trained_seconds
        found = said_again(model, batch)
        if found is None or self.writer is None:
            return
        mel_TM, true_TM = found
        self.writer.add_image(
            "mel: said above, true below", picture(mel_TM, true_TM), counters.step
        )
        if vocoder is not None:
            with torch.no_grad():
                audio_N = load_vocoder(vocoder)(mel_TM[None])[0].clamp(-1, 1)
            self.writer.add_audio("said", audio_N[None], counters.step, OUTPUT_RATE_HZ)

    def add_scores(self, counters: Counters, scores: dict[str, float]) -> None:
        """Scores of an evaluation that is done."""
        if self.writer is None or self.log is None or not scores:
            return
        for name, value in scores.items():
            self.writer.add_scalar(f"eval/{name}", value, counters.step)
        self.log.write(json.dumps({"step": counters.step, "eval": scores}) + "\n")
        self.log.flush()


@contextmanager
def monitoring(
    config: MonitorConfig, out: Path, minutes: float, counters: Counters, here: Place
) -> Iterator[Monitor]:
    """The monitor of a run, open while it lasts."""
    with tqdm(
        total=minutes,
        initial=counters.trained_seconds / 60,
        unit="min",
        disable=None if here.is_main else True,
    ) as bar:
        if not here.is_main:
            yield Monitor(config, None, None, bar, counters.trained_seconds)
            return
        with (
            SummaryWriter(str(out)) as writer,
            (out / "log.jsonl").open("a", encoding="utf-8") as log,
        ):
            yield Monitor(config, writer, log, bar, counters.trained_seconds)


def by_skill(result: Losses) -> dict[str, float]:
    """Losses of the rows in which a skill plays; of those that play in this batch."""
    found: dict[str, float] = {}
    for kind, sum_G, count_G in zip(
        ("text", "flow"), result.skill_sum_2G.tolist(), result.skill_count_2G.tolist(), strict=True
    ):
        for name, total, count in zip(skill_names(), sum_G, count_G, strict=True):
            if count:
                found[f"{kind} by skill/{name}"] = total / count
    return found


def add_details(writer: SummaryWriter, step: int, result: Losses, loads: list[Tensor]) -> None:
    """Histograms of p(speak), by what was due, and each router's load."""
    p_speak_N = torch.sigmoid(result.margin_N.float())[result.is_floor_N].cpu()
    is_speak_N = result.is_speak_N[result.is_floor_N].cpu()
    for name, is_due_N in (("speech is due", is_speak_N), ("silence is due", ~is_speak_N)):
        if is_due_N.any():
            writer.add_histogram(f"p_speak/{name}", p_speak_N[is_due_N], step)
    for layer, load_E in enumerate(loads):
        share_E = load_E.float() / load_E.sum()
        entropy = -(share_E * share_E.clamp_min(1e-9).log()).sum() / math.log(len(share_E))
        writer.add_scalar(f"router load/{layer} max", float(share_E.max()), step)
        writer.add_scalar(f"router load/{layer} min", float(share_E.min()), step)
        writer.add_scalar(f"router load/{layer} evenness", float(entropy), step)


@torch.no_grad()
def said_again(model: InteractionModel, batch: TrainBatch) -> tuple[Tensor, Tensor] | None:
    """The flow head on a row's true slots, and what is true: [T, M] each; None in a batch without
    speech. Each micro-turn continues the true mel before it. Sharded processes call it together."""
    rows, device = batch.rows, batch.t_U.device
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
        hidden_BSD = model(rows.positions, rows.num_rows)
        slots_UKD = model.slot_states(hidden_BSD, rows.slot_index_UK)[:SAMPLE_TURNS]
        if not len(slots_UKD):
            return None
        noise_UFM = SAMPLE_NOISE * batch.noise_UFM[:SAMPLE_TURNS]
        context_UFM = rows.context_UFM[:SAMPLE_TURNS]
        mel_UFM = model.flow.sample(noise_UFM, context_UFM, slots_UKD, SAMPLE_STEPS)
    is_real_U = batch.is_real_U[:SAMPLE_TURNS] > 0
    if not bool(is_real_U.any()):
        return None
    true_UFM = rows.mel_UFM[:SAMPLE_TURNS]
    mel_TM, true_TM = (x[is_real_U].flatten(0, 1).float().cpu() for x in (mel_UFM, true_UFM))
    return mel_TM, true_TM


def picture(*mels: Tensor) -> Tensor:
    """Mels [T, M] one below the other, low bands down, as a grey image [1, height, T] in 0 to 1."""
    parts = []
    for mel_TM in mels:
        low, high = float(mel_TM.min()), float(mel_TM.max())
        parts.append(((mel_TM - low) / max(1e-6, high - low)).t().flip(0))
        parts.append(torch.ones(2, len(mel_TM)))
    return torch.cat(parts[:-1])[None]
