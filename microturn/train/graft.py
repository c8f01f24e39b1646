"""Give fine frames to a model that was trained without them, without a step backwards.

    python -m microturn.train.graft --model OLD --bank DIR [DIR ...] --out NEW
    microturn train nano --init-from NEW --bank DIR --out OUT --minutes N

New fine frames beside trained weights are noise that training turns down (docs/log.md). So they are
taught first to give what the bag of bins gives for the same sound, clean and noisy, loud and low;
then they take its place, and the bag is turned down to `bag_gain`. What is heard is nearly what it
was, and training goes on through the fine frames.

Legend: N samples, A heard positions, M mel bins, F fine frames, D width.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import tyro
from torch import Tensor
from tqdm import tqdm

from microturn.checkpoint import load_config, load_weights, save
from microturn.data.bank import Bank, Clip
from microturn.model.config import FineAudioConfig
from microturn.model.model import InteractionModel
from microturn.signal.mel import HeardState, fine_bins, heard_bins
from microturn.train.optim import OptimConfig, schedule
from microturn.train.state import FINE_AUDIO, complete
from microturn.train.trial import training_clips
from microturn.turns import INPUT_RATE_HZ

MOST_SECONDS = 5  # of a clip
LOUDNESS = (-1.0, 0.3)  # log10 of the peak
NOISE, NOISY = (-4.5, -1.5), 0.6  # log10 of the noise's level; share of the clips that have it
SCHEDULE = OptimConfig(warmup=0.02, decay=0.5)


@dataclass(frozen=True)
class GraftRun:
    """One run. bag_gain: what is left of the bag's own part."""

    model: Path
    bank: tuple[Path, ...]
    out: Path
    steps: int = 1500
    num_clips: int = 6
    bag_gain: float = 0.1
    lr: float = 2e-3
    seed: int = 0
    fine_audio: FineAudioConfig = field(default_factory=FineAudioConfig)

    def __post_init__(self) -> None:
        if self.steps < 1 or self.num_clips < 1:
            raise ValueError(
                f"steps and num_clips must be positive, got {self.steps} and {self.num_clips}"
            )


def heard_sound(bank: Bank, clips: Sequence[Clip], rng: np.random.Generator) -> Tensor:
    """A clip between silences, at random loudness, with or without noise: [N] at 16 kHz."""
    audio = bank.utterance(clips[int(rng.integers(len(clips)))]).audio[
        : MOST_SECONDS * INPUT_RATE_HZ
    ]
    lead = np.zeros(rng.integers(0, 8000), np.float32)
    audio_N = np.concatenate([lead, audio, np.zeros(4000, np.float32)])
    audio_N *= 10 ** rng.uniform(*LOUDNESS) / max(1e-3, float(np.abs(audio).max(initial=0.0)))
    if rng.random() < NOISY:
        audio_N += rng.standard_normal(len(audio_N)) * 10 ** rng.uniform(*NOISE)
    return torch.from_numpy(audio_N.clip(-1, 1).astype(np.float32))


def miss(model: InteractionModel, sounds: Sequence[Tensor]) -> Tensor:
    """Mean square of what the fine frames miss of the bag's vectors, over the vectors' own."""
    bins_AM = torch.cat([heard_bins(audio_N, HeardState())[0] for audio_N in sounds])
    fine_AFM = torch.cat([fine_bins(audio_N, HeardState()) for audio_N in sounds])
    with torch.no_grad():
        bag_AD = model.embedder.audio(bins_AM)
    assert model.embedder.fine is not None
    return (model.embedder.fine(fine_AFM) - bag_AD).square().mean() / bag_AD.square().mean()


def teach(model: InteractionModel, run: GraftRun) -> dict[str, float]:
    """Teach the fine frames, in place; what they miss at the start and at the end.

    Raises ValueError where the banks have no clip of a user's voice.
    """
    clips = [clip for clip in training_clips(run.bank) if not clip.is_own]
    if not clips:
        raise ValueError("the banks have no clip of a user's voice")
    bank, rng = Bank(clips), np.random.default_rng(run.seed)
    assert model.embedder.fine is not None
    fine = model.embedder.fine
    fine.final_norm.weight.data.copy_(model.embedder.audio.final_norm.weight)
    optimizer = torch.optim.AdamW(fine.parameters(), run.lr, weight_decay=0.0)
    missed: list[float] = []
    for step in tqdm(range(run.steps), desc="graft", disable=None):
        for group in optimizer.param_groups:
            group["lr"] = run.lr * schedule(step / run.steps, SCHEDULE)
        loss = miss(model, [heard_sound(bank, clips, rng) for _ in range(run.num_clips)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        missed.append(loss.item())
    last = missed[-max(1, run.steps // 10) :]
    return {"missed_before": round(missed[0], 4), "missed_after": round(sum(last) / len(last), 4)}


def graft(run: GraftRun) -> dict[str, float]:
    """Read, teach, put in place, write.

    Raises ValueError for a model that has fine frames already.
    """
    config = load_config(run.model)
    if config.fine_audio is not None:
        raise ValueError(f"{run.model} has fine frames already: train it on")
    torch.manual_seed(run.seed)
    model = InteractionModel(replace(config, fine_audio=run.fine_audio))
    load_weights(model, run.model, may_lack=(FINE_AUDIO,))
    found = teach(model, run)
    model.embedder.audio.final_norm.weight.data.mul_(run.bag_gain)
    save(model, model.config, run.out)
    complete(run.out, run.model / "tokenizer.json", run.model)
    return found


def main(run: GraftRun) -> None:
    """Print one JSON line."""
    print(json.dumps(graft(run)))


if __name__ == "__main__":
    main(tyro.cli(GraftRun))
