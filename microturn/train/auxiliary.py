"""Three linear heads that only training has. They say more often, and more plainly than the losses
of the model, what its states should hold; the model that is saved has none of them.

- From the slots, the mean of the mel to be said. The flow loss is mostly noise, and much of it can
  be guessed from the frames before: text came to be pronounced slowly. The mean is what Grad-TTS
  (Popov et al., 2021) trains its encoder on.
- From each heard frame, the piece that is being said in it. Words are written only when they are
  over; this tells every 50 ms what was heard, as aligned frames do for a recogniser.
- From each slot, the piece that is being said in it: the mean says how a slot sounds, this says
  which of the words written before it is due, and how far into it speech has come.

docs/log.md has what they brought.

Legend: A heard frames, N frames or slots, D width, V vocabulary, U speaking micro-turns, K slots, F
mel frames, M mel bins.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from microturn.model.config import ModelConfig
from microturn.model.model import InteractionModel
from microturn.sequence import NO_TARGET
from microturn.turns import NUM_SLOTS

PREFIX = "auxiliary."  # of the heads' parameters in the state of a run
SILENT_FRAME_WEIGHT = 0.3  # most frames are silent


class AuxiliaryHeads(nn.Module):
    """Mean mel and pieces from slots, pieces from heard frames."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        flow, backbone = config.flow, config.backbone
        self.mel = nn.Linear(backbone.width, flow.num_frames // NUM_SLOTS * flow.num_mel_bins)
        self.frames = nn.Linear(backbone.width, backbone.vocab_size)
        self.slots = nn.Linear(backbone.width, backbone.vocab_size)

    def mel_loss(self, slots_UKD: Tensor, mel_UFM: Tensor) -> Tensor:
        """Mean squared error of the mel of each speaking micro-turn, [U]."""
        guess_UFM = self.mel(slots_UKD).float().view(mel_UFM.shape)
        return (guess_UFM - mel_UFM).square().mean((1, 2))

    def frame_loss(self, hidden_AD: Tensor, target_A: Tensor, pad: int) -> tuple[Tensor, Tensor]:
        """Cross-entropy of each frame, and its weight: less for silence, none for NO_TARGET."""
        return weighed(self.frames(hidden_AD), target_A, pad)

    def slot_loss(self, slots_UKD: Tensor, target_UK: Tensor, pad: int) -> tuple[Tensor, Tensor]:
        """The same of each slot, [U K]."""
        return weighed(self.slots(slots_UKD.flatten(0, 1)), target_UK.flatten(), pad)


def weighed(logits_NV: Tensor, target_N: Tensor, pad: int) -> tuple[Tensor, Tensor]:
    """Cross-entropy and weight of each frame."""
    is_known_N = target_N != NO_TARGET
    target_N = target_N.where(is_known_N, target_N.new_tensor(pad))
    entropy_N = functional.cross_entropy(logits_NV.float(), target_N, reduction="none")
    return entropy_N, is_known_N * torch.where(target_N == pad, SILENT_FRAME_WEIGHT, 1.0)


def attach(model: InteractionModel) -> AuxiliaryHeads:
    """Give a model its heads for training, as a part of it: sharded and optimised alike."""
    heads = AuxiliaryHeads(model.config)
    model.add_module(PREFIX.rstrip("."), heads)
    return heads


def attached(model: InteractionModel) -> AuxiliaryHeads | None:
    """The heads that were attached."""
    heads = getattr(model, PREFIX.rstrip("."), None)
    return heads if isinstance(heads, AuxiliaryHeads) else None
