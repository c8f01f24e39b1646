"""Mel -> waveform: a small causal ConvNeXt that predicts one STFT frame per mel frame (Vocos;
Siuzdak, 2023).

Frame j of the output mel covers samples [240 j, 240 j + 1024). Adding up the windows of frames up
to j completes every sample before 240 (j + 1), so streaming adds no delay; the 784 samples that
still wait for later frames are the tail. Streamed output equals whole output to the bit: rows go
through tiled linears, convolutions are shifted products, and the window's envelope is the periodic
one of an endless stream.

Legend: B rows, F mel frames, M mel bins, D width, T tail frames, K frequency bins, N samples.
"""

from __future__ import annotations

import functools
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from microturn.processor import ask_for_strict_products
from microturn.signal.mel import NUM_MEL_BINS, OUTPUT_HOP, OUTPUT_WINDOW, hann

ask_for_strict_products()

NUM_FREQUENCIES = OUTPUT_WINDOW // 2 + 1
TAIL_SAMPLES = OUTPUT_WINDOW - OUTPUT_HOP
MAX_LOG_MAGNITUDE = 5.0
ROW_TILE = 4
WEIGHTS_FILE, CONFIG_FILE = "vocoder.safetensors", "vocoder.json"


@dataclass(frozen=True)
class VocoderConfig:
    """Size of the network; `kernel` frames are seen by each convolution, none of them in the
    future."""

    width: int = 192
    num_blocks: int = 6
    kernel: int = 7
    expansion: int = 3


@dataclass(frozen=True)
class VocoderState:
    """What streaming remembers: inputs of each convolution, and samples that wait for later
    frames."""

    tails: tuple[Tensor, ...]
    overlap_N: Tensor


def rows_linear(x: Tensor, linear: nn.Linear) -> Tensor:
    """A linear on row counts that are multiples of 4, as in the model (bits free of the row
    count)."""
    num_rows = x.numel() // x.shape[-1]
    if num_rows % ROW_TILE == 0:
        return functional.linear(x, linear.weight, linear.bias)
    padded = functional.pad(x.reshape(num_rows, -1), (0, 0, 0, -num_rows % ROW_TILE))
    return functional.linear(padded, linear.weight, linear.bias)[:num_rows].view(*x.shape[:-1], -1)


class CausalDepthwise(nn.Module):
    """Depthwise convolution over past frames, as shifted products in fixed order."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(kernel, width) * kernel**-0.5)
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x_BFD: Tensor, tail_BTD: Tensor) -> Tensor:
        padded = torch.cat([tail_BTD, x_BFD], dim=1)
        frames = x_BFD.shape[1]
        y_BFD = self.bias.expand_as(x_BFD)
        for tap, weight_D in enumerate(self.weight.unbind()):
            y_BFD = torch.addcmul(y_BFD, padded[:, tap : tap + frames], weight_D)
        return y_BFD


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, norm, two pointwise linears, scaled residual (Liu et al., 2022)."""

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.conv = CausalDepthwise(config.width, config.kernel)
        self.norm = nn.LayerNorm(config.width)
        self.up = nn.Linear(config.width, config.expansion * config.width)
        self.down = nn.Linear(config.expansion * config.width, config.width)
        self.scale = nn.Parameter(torch.full((config.width,), 1.0 / config.num_blocks))

    def forward(self, x_BFD: Tensor, tail_BTD: Tensor) -> Tensor:
        hidden = self.norm(self.conv(x_BFD, tail_BTD))
        hidden = rows_linear(functional.gelu(rows_linear(hidden, self.up)), self.down)
        return torch.addcmul(x_BFD, self.scale, hidden)


@functools.cache
@torch.inference_mode(False)
def window_envelope() -> Tensor:
    """Sum of squared windows at each place of a hop, for an endless stream: [OUTPUT_HOP]."""
    squared = hann(OUTPUT_WINDOW).square()
    padded = functional.pad(squared, (0, -OUTPUT_WINDOW % OUTPUT_HOP))
    return padded.view(-1, OUTPUT_HOP).sum(0)


def overlap_add(frames_BFN: Tensor, overlap_BN: Tensor) -> tuple[Tensor, Tensor]:
    """Windowed frames -> finished samples [B, 240 F] and the new unfinished ones [B, 784]. Fixed
    order of sums."""
    batch, num_frames, _ = frames_BFN.shape
    total = num_frames * OUTPUT_HOP + TAIL_SAMPLES
    sum_BN = functional.pad(overlap_BN, (0, total - overlap_BN.shape[1]))
    parts = functional.pad(frames_BFN, (0, -OUTPUT_WINDOW % OUTPUT_HOP))
    num_parts = parts.shape[-1] // OUTPUT_HOP
    parts = parts.view(batch, num_frames, num_parts, OUTPUT_HOP)
    for part in reversed(range(num_parts)):  # earlier frames reach further: add them first
        added = parts[:, :, part].reshape(batch, -1)
        room = min(added.shape[1], total - part * OUTPUT_HOP)
        sum_BN.narrow(1, part * OUTPUT_HOP, room).add_(added[:, :room])
    return sum_BN[:, : num_frames * OUTPUT_HOP], sum_BN[:, num_frames * OUTPUT_HOP :]


class Vocoder(nn.Module):
    """Normalised output mel -> 24 kHz waveform."""

    def __init__(self, config: VocoderConfig | None = None) -> None:
        super().__init__()
        self.config = config or VocoderConfig()
        width = self.config.width
        self.mel_in = nn.Linear(NUM_MEL_BINS, width)
        self.conv_in = CausalDepthwise(width, self.config.kernel)
        self.norm_in = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(self.config) for _ in range(self.config.num_blocks)
        )
        self.norm_out = nn.LayerNorm(width)
        self.out = nn.Linear(width, 2 * NUM_FREQUENCIES)

    def frames(
        self, mel_BFM: Tensor, tails: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Windowed waveform frames [B, F, 1024], and the tails that follow."""
        after = []
        x_BFD = rows_linear(mel_BFM, self.mel_in)
        after.append(torch.cat([tails[0], x_BFD], dim=1)[:, -tails[0].shape[1] :])
        x_BFD = self.norm_in(self.conv_in(x_BFD, tails[0]))
        for block, tail in zip(self.blocks, tails[1:], strict=True):
            after.append(torch.cat([tail, x_BFD], dim=1)[:, -tail.shape[1] :])
            x_BFD = block(x_BFD, tail)
        log_magnitude, phase = rows_linear(self.norm_out(x_BFD), self.out).float().chunk(2, -1)
        magnitude = log_magnitude.clamp(max=MAX_LOG_MAGNITUDE).exp()
        spectrum_BFK = torch.complex(magnitude * phase.cos(), magnitude * phase.sin())
        window_N = hann(OUTPUT_WINDOW).to(mel_BFM.device)
        return torch.fft.irfft(spectrum_BFK, n=OUTPUT_WINDOW) * window_N, tuple(after)

    def silence(self, batch: int) -> VocoderState:
        """The state before anything was said."""
        like = self.mel_in.weight
        count = 1 + self.config.num_blocks
        tail = like.new_zeros(batch, self.config.kernel - 1, self.config.width)
        return VocoderState(
            (tail,) * count, like.new_zeros(batch, TAIL_SAMPLES, dtype=torch.float32)
        )

    def advance(self, mel_BFM: Tensor, state: VocoderState) -> tuple[Tensor, VocoderState]:
        """Take in F frames, give out the 240 F samples that they complete: [B, N] and the new
        state."""
        frames_BFN, tails = self.frames(mel_BFM, state.tails)
        done_BN, overlap_BN = overlap_add(frames_BFN, state.overlap_N)
        envelope = window_envelope().to(mel_BFM.device).repeat(mel_BFM.shape[1])
        return done_BN / envelope, VocoderState(tails, overlap_BN)

    def forward(self, mel_BFM: Tensor) -> Tensor:
        """Whole clips, [B, F, M] -> [B, 240 F]."""
        return self.advance(mel_BFM, self.silence(len(mel_BFM)))[0]

    def stream(self, mel_FM: Tensor, state: VocoderState | None) -> tuple[Tensor, VocoderState]:
        """One stream, some frames more: [F, M] -> [240 F]; None starts after silence."""
        audio_BN, state = self.advance(mel_FM[None], state or self.silence(1))
        return audio_BN[0], state

    def flush(self, state: VocoderState) -> Tensor:
        """The samples that were still waiting, when nothing follows: [784]."""
        envelope = window_envelope().to(state.overlap_N.device)
        envelope = envelope.repeat(-(-TAIL_SAMPLES // OUTPUT_HOP))[:TAIL_SAMPLES]
        return state.overlap_N[0] / envelope


def save_vocoder(vocoder: Vocoder, path: Path | str, dtype: torch.dtype = torch.bfloat16) -> None:
    """Write config and weights beside a model's."""
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: value.detach().to(dtype).contiguous() for name, value in vocoder.state_dict().items()
    }
    save_file(tensors, path / WEIGHTS_FILE)
    (path / WEIGHTS_FILE).chmod(0o644)  # safetensors writes for the owner only; others read it too
    (path / CONFIG_FILE).write_text(json.dumps(asdict(vocoder.config), indent=1) + "\n")


def load_vocoder(path: Path | str) -> Vocoder:
    """Read a vocoder in float32. Raises ValueError naming the file or tensor that does not fit."""
    path = Path(path)
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (path / name).is_file():
            raise ValueError(f"{path} has no {name}")
    try:
        vocoder = Vocoder(VocoderConfig(**json.loads((path / CONFIG_FILE).read_text())))
        tensors = load_file(path / WEIGHTS_FILE)
    except (TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path / CONFIG_FILE} is not a vocoder config: {error}") from error
    except SafetensorError as error:
        raise ValueError(f"{path / WEIGHTS_FILE} is damaged: {error}") from error
    for name, value in vocoder.state_dict().items():
        if name not in tensors:
            raise ValueError(f"{path / WEIGHTS_FILE}: tensor {name} is missing")
        if tensors[name].shape != value.shape:
            raise ValueError(
                f"{path / WEIGHTS_FILE}: tensor {name} has shape {list(tensors[name].shape)}, "
                f"want {list(value.shape)}"
            )
    vocoder.load_state_dict({name: tensors[name].float() for name in vocoder.state_dict()})
    return vocoder.eval()
