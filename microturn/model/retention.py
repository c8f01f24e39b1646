"""What full layers remember beyond their window: text. Sound and pictures are dropped.

A layer with a window W lets position p see position j if p - j < W. With retention it also sees
older text: the first `num_first` such positions of the stream (instructions, what was pinned), and
of the rest the latest, `num_text` in all. There are no rotary positions, so nothing is turned; a
bias by distance is zero beyond the window, as the published one is beyond its reach.

Whole rows (training) and a stream (serving) choose the same rows in the same order, and both run
`attend_with_text`: the same bits. For query rows of key block b, with a window that reaches r
blocks back, the rows to choose from are the text of blocks up to b - r; those that the window still
shows are masked, so none is seen twice.

Legend: B rows, S positions, R query rows, H heads, K key-value heads, W head width, E rel width, L
distances, N keys of the window, M text rows at hand (num_text), G rows of all heads at hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from microturn.model.banded import NEVER, Skew, mix
from microturn.model.cache import KEY_BLOCK
from microturn.model.config import RetentionConfig

NOWHERE = -1


@dataclass(frozen=True)
class Choice:
    """Rows of older text that one block of queries may see. row_M: indices into what is kept, 0
    where nothing stands; position_M: their positions, NOWHERE where nothing stands."""

    row_M: Tensor
    position_M: Tensor

    @classmethod
    def of(cls, position_S: Tensor, block: int, reach: int, config: RetentionConfig) -> Choice:
        """From positions of text, ascending."""
        end = max(0, (block - reach + 1) * KEY_BLOCK)
        row_N = latest((position_S < end).nonzero().flatten(), config)
        pad = (0, config.num_text - len(row_N))
        position_M = functional.pad(position_S[row_N], pad, value=NOWHERE)
        return cls(functional.pad(row_N, pad), position_M)

    def mask(self, first: int, num_rows: int, window: int) -> Tensor:
        """0 where query rows from position `first` on see text, else -inf: [R, M]."""
        query_R1 = torch.arange(first, first + num_rows, device=self.position_M.device)[:, None]
        is_seen = (self.position_M != NOWHERE) & (query_R1 - self.position_M >= window)
        return torch.zeros(is_seen.shape, device=is_seen.device).masked_fill_(~is_seen, NEVER)


def latest(row_N: Tensor, config: RetentionConfig) -> Tensor:
    """Of rows in ascending order those that stay: the first few, and the latest."""
    if len(row_N) <= config.num_text:
        return row_N
    num_last = config.num_text - config.num_first
    return torch.cat([row_N[: config.num_first], row_N[len(row_N) - num_last :]])


def is_text(kind_S: Tensor, id_S: Tensor, text_kind: int, config: RetentionConfig) -> Tensor:
    """Positions to remember: text, but not the tokens of the floor, which pass."""
    passing = torch.tensor(config.passing_ids, dtype=id_S.dtype, device=id_S.device)
    return (kind_S == text_kind) & ~torch.isin(id_S, passing)


@dataclass(frozen=True)
class TextRows:
    """Keys and values of a stream's text in one layer, a value: appending makes a new one.

    position: [n] ascending.
    """

    key_KMW: Tensor
    value_KMW: Tensor
    position: Tensor

    @classmethod
    def none(cls, like_KNW: Tensor) -> TextRows:
        """No text yet."""
        empty_KMW = like_KNW.new_zeros(len(like_KNW), 0, like_KNW.shape[2])
        position = torch.zeros(0, dtype=torch.int64, device=like_KNW.device)
        return cls(empty_KMW, empty_KMW, position)

    def append(
        self,
        new: tuple[Tensor, Tensor],
        is_text_S: Tensor,
        first: int,
        reach: int,
        config: RetentionConfig,
    ) -> TextRows:
        """The same rows and those of `new` (keys and values, [K, S, W]) that are text, from
        position `first` on. What no later query can see is dropped."""
        row_N = is_text_S.nonzero().flatten()
        if not len(row_N):
            return self
        position = torch.cat([self.position, row_N + first])
        parts = [
            torch.cat([old_KMW, new_KSW[:, row_N]], dim=1)
            for old_KMW, new_KSW in zip((self.key_KMW, self.value_KMW), new, strict=True)
        ]
        end = (first // KEY_BLOCK - reach + 1) * KEY_BLOCK
        old = (position < end).nonzero().flatten()
        if len(old) > config.num_text:
            keep = torch.cat([latest(old, config), (position >= end).nonzero().flatten()])
            parts, position = [part[:, keep] for part in parts], position[keep]
        return replace(self, key_KMW=parts[0], value_KMW=parts[1], position=position)

    def chosen(self, choice: Choice) -> tuple[Tensor, Tensor]:
        """Keys and values of the chosen rows, [K, M, W]; zeros where nothing stands."""
        if not len(self.position):
            shape = (len(self.key_KMW), len(choice.row_M), self.key_KMW.shape[2])
            return self.key_KMW.new_zeros(shape), self.key_KMW.new_zeros(shape)
        return self.key_KMW[:, choice.row_M], self.value_KMW[:, choice.row_M]


def attend_with_text(
    queries: tuple[Tensor, Tensor],
    keys: tuple[Tensor, Tensor],
    text: tuple[Tensor, Tensor, Tensor],
    near_EL: Tensor,
    skew: Skew,
) -> Tensor:
    """Rows of one stream inside one block, all heads, [R, H, W]; with gradients.

    queries: q_RHW, rel_RHE; keys: of the window, k_KNW, v_KNW; text: keys and values of older text,
    [K, M, W], and their mask [R, M].
    """
    (q_RHW, rel_RHE), (k_KNW, v_KNW), (old_k_KMW, old_v_KMW, mask_RM) = queries, keys, text
    num_rows, num_heads, width = q_RHW.shape
    q_KGW = q_RHW.transpose(0, 1).reshape(len(k_KNW), -1, width)
    rel_GE = rel_RHE.transpose(0, 1).reshape(num_heads * num_rows, -1)
    bias_HRN = skew.bias((rel_GE @ near_EL).view(num_heads, num_rows, -1))
    score_HRN = torch.bmm(q_KGW, k_KNW.transpose(1, 2)).view(num_heads, num_rows, -1) + bias_HRN
    score_HRM = torch.bmm(q_KGW, old_k_KMW.transpose(1, 2)).view(num_heads, num_rows, -1)
    score = torch.cat([score_HRM + mask_RM.to(score_HRM.dtype), score_HRN], dim=-1)
    weight = score.softmax(-1).view(len(k_KNW), -1, score.shape[-1])
    out_KGW = mix(weight, torch.cat([old_v_KMW, v_KNW], dim=1))
    return out_KGW.view(num_heads, num_rows, width).transpose(0, 1)


@dataclass(frozen=True)
class Sight:
    """What a full layer sees: its window in positions and in blocks, and of text beyond it."""

    window: int
    reach: int
    config: RetentionConfig


def attend_whole(
    queries: tuple[Tensor, Tensor],
    keys: tuple[Tensor, Tensor],
    is_text_BS: Tensor,
    profile_EL: Tensor,
    sight: Sight,
) -> Tensor:
    """Whole rows from position 0, [B, S, H, W]: queries [B, S, ...], keys [B, N, K, W] in whole
    blocks. What serving does, block by block and row by row."""
    (q_BSHW, rel_BSHE), (k_BNKW, v_BNKW) = queries, keys
    rows = []
    for place in range(len(q_BSHW)):
        k_KNW, v_KNW = k_BNKW[place].transpose(0, 1), v_BNKW[place].transpose(0, 1)
        position_S = is_text_BS[place].nonzero().flatten()
        blocks = []
        for block in range(-(-q_BSHW.shape[1] // KEY_BLOCK)):
            first = block * KEY_BLOCK
            band = slice(max(0, block - sight.reach) * KEY_BLOCK, first + KEY_BLOCK)
            skew = Skew.of(0, band.stop - band.start, profile_EL.shape[1], True)
            choice = Choice.of(position_S, block, sight.reach, sight.config)
            source_M = position_S[choice.row_M] if len(position_S) else choice.row_M
            q_RHW = q_BSHW[place, first : first + KEY_BLOCK]
            mask_RM = choice.mask(first, len(q_RHW), sight.window)
            blocks.append(
                attend_with_text(
                    (q_RHW, rel_BSHE[place, first : first + KEY_BLOCK]),
                    (k_KNW[:, band], v_KNW[:, band]),
                    (k_KNW[:, source_M], v_KNW[:, source_M], mask_RM),
                    profile_EL[:, : skew.near].flip(1),
                    skew,
                )
            )
        rows.append(torch.cat(blocks))
    return torch.stack(rows)
