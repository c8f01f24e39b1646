"""Trains the vocoder on clips of the model's own voice.

Losses: multi-resolution STFT (spectral convergence and log magnitude; Yamamoto et al., 2020), the
error of the normalised output mel, and, after `adversarial_from` steps, a multi-resolution
spectrogram discriminator (Jang et al., 2021) with hinge and feature-matching losses.

    python -m microturn.train.vocoder --bank DIR [DIR ...] --out DIR --minutes 30

Legend: B clips, N samples, F frames, M mel bins, K frequency bins, C channels.
"""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
import tyro
from torch import Tensor, nn
from torch.nn import functional

from microturn.data.bank import Bank
from microturn.signal.mel import OUTPUT_HOP, output_mel
from microturn.signal.vocoder import Vocoder, VocoderConfig, save_vocoder

RESOLUTIONS = ((512, 128), (1024, 256), (2048, 512))  # FFT, hop
WARM_FRAMES = 10  # at the start of a cut, context is missing: no loss there


@dataclass(frozen=True)
class VocoderRun:
    """One run. `clip_frames` of 10 ms make one training cut."""

    bank: tuple[Path, ...]
    out: Path
    minutes: float = 30.0
    batch: int = 8
    clip_frames: int = 60
    lr: float = 1e-3
    seed: int = 0
    adversarial_from: int = 4000
    config: VocoderConfig = field(default_factory=VocoderConfig)


class Discriminator(nn.Module):
    """Convolutions over one log spectrogram; returns the score map and the hidden maps."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        sizes = [(1, channels, (1, 1)), (channels, channels, (2, 1)), (channels, channels, (2, 2))]
        self.layers = nn.ModuleList(
            nn.utils.parametrizations.weight_norm(nn.Conv2d(a, b, (5, 3), stride, (2, 1)))
            for a, b, stride in sizes
        )
        self.out = nn.utils.parametrizations.weight_norm(nn.Conv2d(channels, 1, 3, 1, 1))

    def forward(self, log_BKF: Tensor) -> tuple[Tensor, list[Tensor]]:
        x_BCKF, hidden = log_BKF[:, None], []
        for layer in self.layers:
            x_BCKF = functional.leaky_relu(layer(x_BCKF), 0.1)
            hidden.append(x_BCKF)
        return self.out(x_BCKF), hidden


def magnitudes(audio_BN: Tensor) -> list[Tensor]:
    """Magnitude spectrograms at all resolutions, [B, K, F] each."""
    return [
        torch.stft(
            audio_BN, fft, hop, window=torch.hann_window(fft), center=False, return_complex=True
        ).abs()
        for fft, hop in RESOLUTIONS
    ]


def spectral_loss(fake: list[Tensor], real: list[Tensor]) -> Tensor:
    """Spectral convergence plus log-magnitude error, over resolutions."""
    total = torch.zeros(())
    for a, b in zip(fake, real, strict=True):
        convergence = (b - a).norm() / b.norm().clamp_min(1e-3)
        total = (
            total + convergence + (a.clamp_min(1e-4).log() - b.clamp_min(1e-4).log()).abs().mean()
        )
    return total / len(fake)


class Clips:
    """Random cuts of all own clips, from memory."""

    def __init__(self, run: VocoderRun) -> None:
        bank = Bank.load(run.bank)
        audio = [bank.utterance(clip).audio for clips in bank.own.values() for clip in clips]
        if not audio:
            raise ValueError(
                "the bank holds no clip of the model's own voice; `microturn bank build` makes some"
            )
        pause = torch.zeros(24_000 // 5)
        self.track_N = torch.cat([torch.cat([torch.from_numpy(clip), pause]) for clip in audio])
        needed = run.clip_frames * OUTPUT_HOP + 1024
        if len(self.track_N) <= needed:
            raise ValueError(
                f"the bank holds {len(self.track_N)} own samples, but one cut needs "
                f"more than {needed}; add clips or lower --clip-frames"
            )

    def batch(self, run: VocoderRun, step: int) -> Tensor:
        rng = random.Random(f"{run.seed}/{step}")
        length = run.clip_frames * OUTPUT_HOP + 1024
        starts = [rng.randrange(len(self.track_N) - length) for _ in range(run.batch)]
        return torch.stack([self.track_N[start : start + length] for start in starts])


def log_maps(spectra: list[Tensor]) -> list[Tensor]:
    return [spectrum.clamp_min(1e-4).log() for spectrum in spectra]


def adversarial(
    judges: nn.ModuleList, fake: list[Tensor], real: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """Generator's hinge and feature-matching loss, and the discriminators' own hinge loss.

    Both share one pass of each discriminator, so the first backward must keep the graph and name
    its inputs.
    """
    generator, critic = torch.zeros(()), torch.zeros(())
    for judge, a, b in zip(judges, log_maps(fake), log_maps(real), strict=True):
        score_fake, hidden_fake = judge(a)
        score_real, hidden_real = judge(b)
        generator = generator - score_fake.mean()
        for x, y in zip(hidden_fake, hidden_real, strict=True):
            target = y.detach()
            error = (x - target).abs().mean() / target.abs().mean().clamp_min(1e-3)
            generator = generator + 2.0 * error
        critic = critic + functional.relu(1 + score_fake).mean()
        critic = critic + functional.relu(1 - score_real).mean()
    return generator / len(judges), critic / len(judges)


def train(run: VocoderRun) -> None:
    """Train until the minutes are spent; saves every two minutes, resumes where it stopped."""
    torch.manual_seed(run.seed)
    run.out.mkdir(parents=True, exist_ok=True)
    vocoder, judges = Vocoder(run.config), nn.ModuleList(Discriminator() for _ in RESOLUTIONS)
    optimizer = torch.optim.AdamW(
        vocoder.parameters(), run.lr, (0.8, 0.95), weight_decay=0.0, fused=True
    )
    critic_optimizer = torch.optim.AdamW(judges.parameters(), 3e-4, (0.8, 0.95), fused=True)
    parts = {"vocoder": vocoder, "judges": judges, "a": optimizer, "b": critic_optimizer}
    step, spent = 0, 0.0
    if (run.out / "state.pt").exists():
        state = torch.load(run.out / "state.pt", weights_only=True)
        step, spent = state["step"], state["spent"]
        for name, part in parts.items():
            part.load_state_dict(state[name])
    clips, saved = Clips(run), spent
    while spent < run.minutes * 60:
        started = time.perf_counter()
        left = 1 - spent / (run.minutes * 60)
        optimizer.param_groups[0]["lr"] = run.lr * min(1.0, (step + 1) / 100, left / 0.4 + 0.02)
        values = train_step(run, vocoder, judges, optimizer, critic_optimizer, clips, step)
        step, spent = step + 1, spent + time.perf_counter() - started
        if step % 50 == 0:
            line = json.dumps({"step": step, "minutes": round(spent / 60, 2), **values})
            with (run.out / "log.jsonl").open("a") as log:
                log.write(line + "\n")
        if spent - saved > 120 or spent >= run.minutes * 60:
            saved = spent
            save_vocoder(vocoder, run.out)
            state = {name: part.state_dict() for name, part in parts.items()}
            torch.save({**state, "step": step, "spent": spent}, run.out / "state.pt.part")
            os.replace(run.out / "state.pt.part", run.out / "state.pt")


def train_step(
    run: VocoderRun,
    vocoder: Vocoder,
    judges: nn.ModuleList,
    optimizer: torch.optim.Optimizer,
    critic_optimizer: torch.optim.Optimizer,
    clips: Clips,
    step: int,
) -> dict[str, float]:
    """One update of the vocoder, and of the discriminators once they take part."""
    audio_BN = clips.batch(run, step)
    mel_BFM = torch.stack([output_mel(audio_N)[: run.clip_frames] for audio_N in audio_BN])
    fake_BN = vocoder(mel_BFM)[:, WARM_FRAMES * OUTPUT_HOP :]
    real_BN = audio_BN[:, WARM_FRAMES * OUTPUT_HOP : run.clip_frames * OUTPUT_HOP]
    fake, real = magnitudes(fake_BN), magnitudes(real_BN)
    spectral = spectral_loss(fake, real)
    inner = run.clip_frames - WARM_FRAMES - 5
    mel_fake = torch.stack([output_mel(audio_N)[:inner] for audio_N in fake_BN])
    mel = (mel_fake - mel_BFM[:, WARM_FRAMES : WARM_FRAMES + inner]).abs().mean()
    loss = spectral + 3.0 * mel
    values = {"spectral": spectral.item(), "mel": mel.item()}
    if step >= run.adversarial_from:
        generator, critic = adversarial(judges, fake, real)
        critic_optimizer.zero_grad()
        critic.backward(inputs=list(judges.parameters()), retain_graph=True)
        loss = loss + 0.3 * generator
        values |= {"generator": generator.item(), "critic": critic.item()}
    optimizer.zero_grad()
    loss.backward(inputs=list(vocoder.parameters()))
    torch.nn.utils.clip_grad_norm_(vocoder.parameters(), 5.0)
    if step >= run.adversarial_from:
        critic_optimizer.step()
    optimizer.step()
    return {name: round(value, 4) for name, value in values.items()}


if __name__ == "__main__":
    train(tyro.cli(VocoderRun))
