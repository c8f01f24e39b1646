"""Paired runs by one measure: their weights on the same conversations, with the same noise.

Losses in the logs of two runs do not compare where the setting itself changes what is measured:
how flow times are drawn, noise on what is heard back. Here every run's weights read the same
undisturbed conversations, with the truth as the past, and their flow heads start from the same
noise.

Legend: U speaking micro-turns, F mel frames, M mel bins, K slots, D width, N targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from microturn.checkpoint import load_config, load_weights
from microturn.data.bank import Bank
from microturn.data.loader import plan, weights
from microturn.data.pack import PackConfig
from microturn.data.render import render
from microturn.model.model import InteractionModel
from microturn.signal.text import Text
from microturn.train.batches import TrainBatch, prepare
from microturn.train.trial_score import Measures, differences, entropies, figures

EPISODE_MS = 32_000
CALM = PackConfig(
    said_noise=0.0, strong_said_noise=0.0, shuffled_said=0.0, heard_text_noise=0.0, late_start=0.0
)
MEASURES: Measures = {  # name: sum and count
    "nats a target": ("nats", "targets"),
    "flow, times uniform": ("flow_uniform", "speaking"),
    "flow, times logit-normal": ("flow_normal", "speaking"),
    "mel of one step": ("mel_1", "speaking"),
    "mel of two steps": ("mel_2", "speaking"),
}


@dataclass(frozen=True)
class JudgeConfig:
    """`num_episodes` conversations of these skills (none: all that the bank can say).

    noise: scale of the noise that sampling starts from, as in serving.
    """

    bank: tuple[Path, ...]
    num_episodes: int = 24
    families: tuple[str, ...] = ()
    split: str = "train"
    seed: int = 77
    noise: float = 0.2

    def __post_init__(self) -> None:
        if self.num_episodes < 2:
            raise ValueError(f"num_episodes must be at least 2, got {self.num_episodes}")


@torch.no_grad()
def sums_of(
    model: InteractionModel, batch: TrainBatch, config: JudgeConfig, seed: int
) -> dict[str, float]:
    """Sums and counts of one conversation, by the names in MEASURES. mel_*: mean square of what is
    sampled in so many steps less the truth."""
    rows = batch.rows
    hidden_BSD = model(rows.positions, rows.num_rows)
    _, entropy_N, _ = entropies(model, hidden_BSD, rows)
    found = {name: 0.0 for parts in MEASURES.values() for name in parts}
    found |= {"nats": float(entropy_N.sum()), "targets": float(len(entropy_N))}
    num = len(rows.slot_index_UK)
    if not num:
        return found
    rng = torch.Generator().manual_seed(seed)
    noise_UFM = torch.randn(rows.mel_UFM.shape, generator=rng)
    slots_UKD = model.slot_states(hidden_BSD, rows.slot_index_UK)
    times = {
        "flow_uniform": torch.rand(num, generator=rng),
        "flow_normal": torch.sigmoid(torch.randn(num, generator=rng)),
    }
    given = (rows.context_UFM, slots_UKD)
    for name, t_U in times.items():
        found[name] = float(model.flow.loss(rows.mel_UFM, *given, noise_UFM, t_U).sum())
    for num_steps in (1, 2):
        mel_UFM = model.flow.sample(config.noise * noise_UFM, *given, num_steps)
        error_U = (mel_UFM - rows.mel_UFM).square().mean((1, 2))
        found[f"mel_{num_steps}"] = float(error_U.sum())
    found["speaking"] = float(num)
    return found


def sums(folder: Path, config: JudgeConfig) -> list[dict[str, float]]:
    """Of each conversation, for the weights in a folder.

    Raises ValueError or FileNotFoundError for a model or bank that cannot be used.
    """
    model = InteractionModel(load_config(folder)).eval()
    load_weights(model, folder)
    text = Text.load(folder / "tokenizer.json")
    bank = Bank.load(config.bank, for_training=False)
    mixture = weights(dict.fromkeys(config.families, 1.0) or None)
    found: list[dict[str, float]] = []
    for number in range(config.num_episodes):
        timeline, sound = plan(config.seed, number, bank, mixture, EPISODE_MS, split=config.split)
        episode = render(timeline, bank, text, sound)
        batch = prepare([episode], text.markers, CALM, [number])
        found.append(sums_of(model, batch, config, number))
    return found


def judge(folders: Sequence[Path], config: JudgeConfig) -> list[list[str]]:
    """A table with a head: a row for each folder of weights; behind the first, differences to it
    with 95 % intervals over conversations, drawn in pairs."""
    all_sums = [sums(folder, config) for folder in folders]
    rows = [["weights", *MEASURES]]
    for folder, mine in zip(folders, all_sums, strict=True):
        name = folder.parent.name if folder.name == "model" else folder.name
        cells = [f"{value:.4f}" for value in figures(mine, MEASURES).values()]
        if mine is not all_sums[0]:
            gaps = differences(mine, all_sums[0], measures=MEASURES).values()
            cells = [
                f"{cell} ({gap:+.4f}; {low:+.4f} to {high:+.4f})"
                for cell, (gap, low, high) in zip(cells, gaps, strict=True)
            ]
        rows.append([name, *cells])
    return rows
