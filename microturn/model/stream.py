"""One layer of one stream, a few rows at a time, from weights that are packed for it.

The same products, sums and orders as the modules' `forward`, so the same bits; fewer and larger
steps, since a step of few rows costs as much to start as to do. Packed weights are copies: pack
again after the weights change.

Legend: S rows at hand (padded, `tiles.py`), D width, C channels, T taps, H query heads, K
key-value heads, G heads of both, W head width, U widths of all projections, E rel width, L
distances, R query rows of a block, X experts with the shared ones last, I expert width.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from microturn.model.attention import Attention, RMSNorm, compute_dtype
from microturn.model.banded import Skew, attend_block, attend_tile
from microturn.model.cache import KEY_BLOCK, LayerState
from microturn.model.experts import DenseMLP, MixtureMLP
from microturn.model.fused import continue_convolution, gated, normed
from microturn.model.narrow import Matrix, Narrow, join, wide
from microturn.model.retention import Choice, attend_with_text
from microturn.model.tiles import ROW_TILE, padded

VERY_FEW = 2  # rows that choose too few experts for all to be run
MAX_EXPERTS, MAX_ROWS = 16, 16  # so many experts on so few rows cost less than sorting the rows


def trial(matrix: Matrix, num_rows: int) -> Tensor:
    """Rows of noise of the matrix's input width, to see whether two ways give the same bits."""
    rng = torch.Generator().manual_seed(num_rows)
    return torch.randn(num_rows, matrix.shape[-1], generator=rng).to(wide(matrix))


def agree(one: tuple[Matrix, ...], other: tuple[Matrix, ...]) -> bool:
    """Do products with these matrices give the same bits?"""
    noise = [trial(one[0], count * ROW_TILE) for count in (1, 2, 3)]
    return all(torch.equal(product(x, one), product(x, other)) for x in noise)


def by_columns(matrix_ED: Matrix) -> Matrix:
    """The same values, kept column by column, so that products of few rows need not pack them
    first; as they are where that gives other bits (a very narrow matrix has a product of its own
    kind)."""
    columns_ED: Matrix
    if isinstance(matrix_ED, Narrow):
        columns_ED = matrix_ED.each("t").each("contiguous").each("t")
    else:
        matrix_ED = matrix_ED.detach().contiguous()
        columns_ED = matrix_ED.t().contiguous().t()
    return columns_ED if agree((columns_ED,), (matrix_ED,)) else matrix_ED


def joined(matrices: list[Matrix]) -> tuple[Matrix, ...]:
    """The matrices as one where that gives the same bits, else one by one."""
    whole = (by_columns(join(matrices)),)
    apart = tuple(by_columns(matrix) for matrix in matrices)
    return whole if agree(whole, apart) else apart


def product(x: Tensor, matrices: tuple[Matrix, ...]) -> Tensor:
    """Linears side by side."""
    if len(matrices) == 1:
        return functional.linear(x, wide(matrices[0]))
    return torch.cat([functional.linear(x, wide(matrix)) for matrix in matrices], dim=-1)


@dataclass(frozen=True)
class PackedAttention:
    """q, k, v and relative states in one product; both norms and both convolutions in one."""

    part: Attention
    projections: tuple[Matrix, ...]  # [U, D], or its parts
    norm_GW: Tensor
    taps_T1C: Tensor
    profile_EL: Tensor  # farthest first
    out_DC: Matrix

    @classmethod
    def of(cls, part: Attention) -> PackedAttention:
        names = (part.wq_du, part.wk_dv, part.wv_dv, part.wr_du)
        q_W = part.q_norm.weight.detach() * (1.0 / part.head_width)
        k_W = part.k_norm.weight.detach()
        norm_GW = torch.cat(
            [q_W.expand(part.num_heads, -1), k_W.expand(part.num_kv_heads, -1)]
        ).float()
        return cls(
            part,
            joined([linear.weight for linear in names]),
            norm_GW,
            torch.cat([part.k_sconv.taps(), part.v_sconv.taps()], dim=-1),
            part.rel_logits_proj.proj_bias.detach().flip(1),
            by_columns(part.wo_ud.weight),
        )

    def extend(
        self,
        x_SD: Tensor,
        num_new: int,
        length: int,
        state: LayerState,
        is_text_S: Tensor | None = None,
    ) -> tuple[Tensor, LayerState, Tensor]:
        """Append the first `num_new` rows at position `length`: the output [S, D], the state with
        them written, and the convolution's inputs with the tail before them."""
        part = self.part
        projected_SU = product(x_SD, self.projections)
        dtype = projected_SU.dtype
        projected_SU = projected_SU.float()
        num_both = part.num_heads + part.num_kv_heads
        q_end, k_end = part.num_heads * part.head_width, num_both * part.head_width
        v_end = k_end + part.num_kv_heads * part.head_width
        inputs = continue_convolution(state.tails[0], projected_SU[:, q_end:v_end], self.taps_T1C)
        qk_SGW = projected_SU[:, :k_end].unflatten(1, (num_both, part.head_width))
        qk_SGW = normed(qk_SGW, self.norm_GW, part.q_norm.epsilon)[0]
        q_SHW, k_SKW = qk_SGW[:, : part.num_heads], qk_SGW[:, part.num_heads :]
        rel_SHE = projected_SU[:, v_end:].unflatten(1, (part.num_heads, -1))
        tau_S11 = part.tau(length, len(x_SD), x_SD)
        if tau_S11 is not None:  # what is scaled was rounded before, as in `Attention.queries`
            q_SHW = q_SHW.to(dtype).float() * tau_S11
            rel_SHE = rel_SHE * tau_S11
        v_SKW = projected_SU[:num_new, k_end:v_end].unflatten(1, (part.num_kv_heads, -1))
        state = state.with_room(length, num_new)
        new = (k_SKW[:num_new].transpose(0, 1), v_SKW.transpose(0, 1))
        state.write(*new, length)
        state = self.remember(state, new, is_text_S, length)
        mixed_SC = self.attend(q_SHW.to(dtype), rel_SHE.to(dtype), num_new, length, state)
        return functional.linear(mixed_SC, wide(self.out_DC)), state, inputs

    def remember(
        self,
        state: LayerState,
        new: tuple[Tensor, Tensor],
        is_text_S: Tensor | None,
        length: int,
    ) -> LayerState:
        """The state with what is text among new keys and values, [K, S, W], at `length`."""
        sight = self.part.sight
        if state.text is None or sight is None or is_text_S is None:
            return state
        text = state.text.append(new, is_text_S, length, sight.reach, sight.config)
        return replace(state, text=text)

    def attend(
        self, q_SHW: Tensor, rel_SHE: Tensor, num_new: int, length: int, state: LayerState
    ) -> Tensor:
        """All rows, the first `num_new` of them real, at position `length`: [S, H W]."""
        if length % KEY_BLOCK + num_new <= KEY_BLOCK:  # padding rows give numbers without meaning
            return self.attend_block(q_SHW, rel_SHE, length, state)
        parts = []
        done = 0
        while done < num_new:
            count = min(KEY_BLOCK - (length + done) % KEY_BLOCK, num_new - done)
            pad = (0, 0, 0, 0, 0, padded(count) - count)
            q_RHW = functional.pad(q_SHW[done : done + count], pad)
            rel_RHE = functional.pad(rel_SHE[done : done + count], pad)
            parts.append(self.attend_block(q_RHW, rel_RHE, length + done, state)[:count])
            done += count
        return functional.pad(torch.cat(parts), (0, 0, 0, len(q_SHW) - num_new))

    def attend_block(
        self, q_RHW: Tensor, rel_RHE: Tensor, position: int, state: LayerState
    ) -> Tensor:
        """Rows from `position` on that see the same key blocks: [R, H W]."""
        block, offset = divmod(position, KEY_BLOCK)
        reach = self.part.reach
        first = 0 if reach is None else max(0, block - reach)
        key_KNW, value_KNW = (kept.to(q_RHW.dtype) for kept in state.blocks(first, block))
        profile_EL = self.profile_EL.to(q_RHW.dtype)
        skew = Skew.of(offset, key_KNW.shape[1], profile_EL.shape[1], self.part.has_window)
        near_EL = profile_EL[:, profile_EL.shape[1] - skew.near :]
        sight = self.part.sight
        if state.text is not None and sight is not None:
            choice = Choice.of(state.text.position, block, sight.reach, sight.config)
            old = tuple(kept.to(q_RHW.dtype) for kept in state.text.chosen(choice))
            mask_RM = choice.mask(position, len(q_RHW), sight.window)
            queries, keys = (q_RHW, rel_RHE), (key_KNW, value_KNW)
            text = (old[0], old[1], mask_RM)
            return attend_with_text(queries, keys, text, near_EL, skew).flatten(1)
        if q_RHW.device.type == "cpu":
            return attend_tile(q_RHW, rel_RHE, key_KNW, value_KNW, near_EL, skew).flatten(1)
        keys = (key_KNW.transpose(0, 1)[None], value_KNW.transpose(0, 1)[None])
        return attend_block(q_RHW[None], rel_RHE[None], *keys, near_EL, skew)[0].flatten(1)


@dataclass(frozen=True)
class PackedMixture:
    """All experts on the same rows, each row then takes its own from the results; or, for one or
    two rows, only the experts that these chose."""

    part: MixtureMLP
    inner_ED: Matrix  # gates and ups of all experts, [X 2 I, D]
    outer_XID: Matrix

    @classmethod
    def of(cls, part: MixtureMLP) -> PackedMixture | None:
        """None where there are too many experts for this, or the bits would be others."""
        shared, routed = part.shared_experts, part.experts
        if routed.num_routed + len(shared.shared_w13_weight) > MAX_EXPERTS:
            return None
        inner = join([routed.w13_weight, shared.shared_w13_weight])
        outer = join([routed.w2_weight, shared.shared_w2_weight])
        if isinstance(inner, Narrow) and isinstance(outer, Narrow):
            inner, outer = inner.each("flatten", 0, 1), outer.each("transpose", 1, 2)
            packed = cls(part, by_columns(inner), outer.each("contiguous"))
        else:
            packed = cls(part, by_columns(wide(inner).flatten(0, 1)), wide(outer).mT.contiguous())
        x_SD = trial(packed.inner_ED, MAX_ROWS)
        right_SD = packed.whole(x_SD)
        is_right = torch.equal(right_SD, part(x_SD))
        for num_new in range(1, VERY_FEW + 1):
            few_SD = packed.chosen(x_SD[:ROW_TILE], num_new)
            is_right = is_right and torch.equal(few_SD[:num_new], right_SD[:num_new])
        return packed if is_right else None

    def __call__(self, x_SD: Tensor, num_new: int) -> Tensor:
        """What the mixture gives for each of the first `num_new` rows, [S, D]; others have no
        meaning."""
        return self.chosen(x_SD, num_new) if num_new <= VERY_FEW else self.whole(x_SD)

    def chosen(self, x_SD: Tensor, num_new: int) -> Tensor:
        """One by one the experts that the first rows chose: of few rows, few."""
        chosen_SC, weight_SC, shared_SX = self.part.gate(x_SD)
        num_routed, width = self.part.experts.num_routed, self.outer_XID.shape[1] * 2
        weight_SE = weight_SC.new_zeros(len(x_SD), num_routed).scatter_(1, chosen_SC, weight_SC)
        inner_ED, outer_XID = wide(self.inner_ED), wide(self.outer_XID)

        def hidden(expert: int) -> Tensor:
            rows = slice(expert * width, (expert + 1) * width)
            return gated(functional.linear(x_SD, inner_ED[rows]))

        total_SD = y_SD = torch.zeros_like(x_SD)
        for expert in sorted(set(chosen_SC[:num_new].flatten().tolist())):
            part_SD = hidden(expert) @ outer_XID[expert]
            total_SD = total_SD + part_SD.mul_(weight_SE[:, expert : expert + 1])
        for number, shared_S in enumerate(shared_SX.unbind(1)):
            hidden_SI = hidden(num_routed + number).mul_(shared_S[:, None])
            y_SD = y_SD + hidden_SI @ outer_XID[num_routed + number]
        return total_SD + y_SD

    def whole(self, x_SD: Tensor) -> Tensor:
        """All experts on all rows."""
        chosen_SC, weight_SC, shared_SX = self.part.gate(x_SD)
        num_rows, num_routed = len(x_SD), self.part.experts.num_routed
        hidden = functional.linear(x_SD, wide(self.inner_ED))
        hidden_SXI = gated(hidden.unflatten(1, (len(self.outer_XID), -1)))
        hidden_SXI[:, num_routed:].mul_(shared_SX[..., None])
        out_XSD = torch.bmm(hidden_SXI.transpose(0, 1), wide(self.outer_XID))
        row_S1 = torch.arange(num_rows, device=x_SD.device)[:, None]
        mine_SCD = out_XSD[chosen_SC, row_S1].mul_(weight_SC[..., None].to(x_SD.dtype))
        total_SD, *others = mine_SCD.unbind(1)
        for part_SD in others:
            total_SD = total_SD + part_SD
        y_SD, *others = out_XSD[num_routed:].unbind()
        for part_SD in others:
            y_SD = y_SD + part_SD
        return total_SD + y_SD


@dataclass(frozen=True)
class PackedDense:
    """A dense feed-forward part."""

    part: DenseMLP
    inner_ED: Matrix
    outer_DI: Matrix

    @classmethod
    def of(cls, part: DenseMLP) -> PackedDense:
        return cls(part, by_columns(part.w13_dn.weight), by_columns(part.w2_md.weight))

    def __call__(self, x_SD: Tensor, num_new: int) -> Tensor:
        hidden = gated(functional.linear(x_SD, wide(self.inner_ED)))
        return functional.linear(hidden, wide(self.outer_DI)) * self.part.global_scale


@dataclass(frozen=True)
class PackedLayer:
    """Everything of one layer that a stream needs."""

    attn_norm: RMSNorm
    attention: PackedAttention
    attn_taps_T1D: Tensor
    mlp_norm: RMSNorm
    mlp: PackedDense | PackedMixture | None
    mlp_part: DenseMLP | MixtureMLP  # for more rows
    mlp_taps_T1D: Tensor

    def extend(
        self,
        x_SD: Tensor,
        num_new: int,
        num_ahead: int,
        length: int,
        state: LayerState,
        is_text_S: Tensor | None = None,
    ) -> tuple[Tensor, LayerState, LayerState]:
        """Padded rows, `num_new` of them real, at position `length`: new rows, the state before the
        last `num_ahead` of them, and the state after all."""
        tails = state.tails
        branch_SD, state, kv_inputs = self.attention.extend(
            norm(self.attn_norm, x_SD), num_new, length, state, is_text_S
        )
        branch_SD = branch_SD.float()
        attn_inputs = continue_convolution(tails[1], branch_SD, self.attn_taps_T1D)
        x_SD = x_SD + branch_SD.to(x_SD.dtype)
        branch_SD = self.feed_forward(norm(self.mlp_norm, x_SD), num_new).float()
        mlp_inputs = continue_convolution(tails[2], branch_SD, self.mlp_taps_T1D)
        x_SD = x_SD + branch_SD.to(x_SD.dtype)
        inputs = (kv_inputs, attn_inputs, mlp_inputs)
        after = state.with_tails(inputs, num_new)
        return x_SD, state.with_tails(inputs, num_new - num_ahead) if num_ahead else after, after

    def feed_forward(self, x_SD: Tensor, num_new: int) -> Tensor:
        """The feed-forward part of padded rows."""
        if self.mlp is not None and len(x_SD) <= MAX_ROWS:
            return self.mlp(x_SD, num_new)
        y_SD = self.mlp_part(x_SD[:num_new])  # padding rows would wake more experts
        return functional.pad(y_SD, (0, 0, 0, len(x_SD) - num_new))


def norm(part: RMSNorm, x_SD: Tensor) -> Tensor:
    """What the module does, with nothing between."""
    return normed(x_SD.float(), part.weight.float(), part.epsilon)[0].to(compute_dtype(x_SD))
