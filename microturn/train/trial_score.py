"""What the trial of tokenizer sizes measures: sums and counts of a conversation with its true past;
of many conversations, figures and paired differences.

Legend: B rows, S positions, D width, V vocabulary, N targets, U speaking micro-turns, K slots,
F mel frames, M mel bins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from microturn.data.pack import RowBatch
from microturn.model.model import InteractionModel
from microturn.sequence import NO_TARGET, Markers
from microturn.signal.text import SPACE, Text

LANES = ("heard", "said")
Measures = Mapping[str, tuple[str, str]]
MEASURES: Measures = {  # name: sum and count it is made of
    "heard_nats_per_letter": ("heard_nats", "heard_letters"),
    "heard_words_right": ("heard_right", "heard_words"),
    "said_nats_per_letter": ("said_nats", "said_letters"),
    "said_words_right": ("said_right", "said_words"),
    "text_nats_per_second": ("all_nats", "all_seconds"),
    "flow_loss": ("flow_loss", "flow_count"),
}


def flow_losses(model: InteractionModel, hidden_BSD: Tensor, rows: RowBatch, seed: int) -> Tensor:
    """The flow head's loss of each speaking micro-turn, [U]; noise and times follow the seed."""
    if not len(rows.slot_index_UK):
        return hidden_BSD.new_zeros(0)
    rng = torch.Generator().manual_seed(seed)
    noise_UFM = torch.randn(rows.mel_UFM.shape, generator=rng)
    t_U = torch.sigmoid(torch.randn(len(noise_UFM), generator=rng))
    slots_UKD = model.slot_states(hidden_BSD, rows.slot_index_UK)
    return model.flow.loss(rows.mel_UFM, rows.context_UFM, slots_UKD, noise_UFM, t_U)


def entropies(
    model: InteractionModel, hidden_BSD: Tensor, rows: RowBatch
) -> tuple[Tensor, Tensor, Tensor]:
    """Of all targets: where they stand, their cross-entropy, whether they are the likeliest: [N]
    each."""
    index_N = (rows.target_S != NO_TARGET).nonzero().flatten()
    logits_NV = model.text_logits(hidden_BSD.flatten(0, 1)[index_N])
    target_N = rows.target_S[index_N]
    entropy_N = functional.cross_entropy(logits_NV, target_N, reduction="none")
    return index_N, entropy_N, logits_NV.argmax(-1) == target_N


@torch.no_grad()
def sums_of(model: InteractionModel, text: Text, rows: RowBatch, seed: int) -> dict[str, float]:
    """Sums and counts of one conversation in a row of its own, by the names in MEASURES."""
    hidden_BSD = model(rows.positions, 1)
    index_N, entropy_N, right_N = entropies(model, hidden_BSD, rows)
    flow_U = flow_losses(model, hidden_BSD, rows, seed)
    found = {
        "all_nats": float(entropy_N.sum()),
        "all_seconds": rows.audio_seconds,
        "flow_loss": float(flow_U.sum()),
        "flow_count": float(len(flow_U)),
    }
    target_N, is_heard_N = rows.target_S[index_N], rows.is_heard_S[index_N]
    is_piece_N = target_N >= len(Markers.names())
    for lane, is_lane_N in zip(LANES, (is_heard_N, ~is_heard_N), strict=True):
        where_N = (is_lane_N & is_piece_N).nonzero().flatten()
        ids = target_N[where_N].tolist()
        words = words_right(text, ids, right_N[where_N].tolist())
        found |= {
            f"{lane}_nats": float(entropy_N[where_N].sum()),
            f"{lane}_letters": float(len(text.decode(ids))),
            f"{lane}_right": float(sum(words)),
            f"{lane}_words": float(len(words)),
        }
    return found


def words_right(text: Text, ids: Sequence[int], are_right: Sequence[bool]) -> list[bool]:
    """For each word, whether all its pieces are; a word begins with its space."""
    words: list[bool] = []
    for token_id, is_right in zip(ids, are_right, strict=True):
        if (text.tokenizer.id_to_token(token_id) or "").startswith(SPACE) or not words:
            words.append(is_right)
        else:
            words[-1] = words[-1] and is_right
    return words


def figures(scores: Sequence[dict[str, float]], measures: Measures = MEASURES) -> dict[str, float]:
    """The measures over conversations."""
    sums = {key: sum(score[key] for score in scores) for key in scores[0]}
    return {
        name: sums[part] / sums[whole] if sums[whole] else math.nan
        for name, (part, whole) in measures.items()
    }


def differences(
    mine: Sequence[dict[str, float]],
    other: Sequence[dict[str, float]],
    num_draws: int = 1000,
    measures: Measures = MEASURES,
) -> dict[str, tuple[float, float, float]]:
    """Mine less the other's: value and 95 % interval, conversations drawn in pairs."""
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(mine), (num_draws, len(mine)))
    found: dict[str, tuple[float, float, float]] = {}
    for name, (part, whole) in measures.items():
        table = np.array([[a[part], a[whole], b[part], b[whole]] for a, b in
                          zip(mine, other, strict=True)])  # fmt: skip
        sums = np.concatenate([table.sum(0)[None], table[draws].sum(1)])
        rate = np.maximum(sums[:, [1, 3]], 1e-9)
        gaps = sums[:, 0] / rate[:, 0] - sums[:, 2] / rate[:, 1]
        low, high = np.percentile(gaps[1:], (2.5, 97.5))
        found[name] = (float(gaps[0]), float(low), float(high))
    return found
