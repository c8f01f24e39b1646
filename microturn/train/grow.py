"""Give a trained model more layers, without a step backwards.

    python -m microturn.train.grow --model OLD --after 3 4 --out NEW

Behind each layer named, a copy of it is put in. What a copy writes is turned down to nothing, so at
first the model gives what it gave before; its matrices have a start that is worth training (Wu et
al., "LLaMA Pro", 2024, section 3.2). The layer in which a stream looks far back stays where it is
among the old ones.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import tyro

from microturn.checkpoint import load_config, load_weights, save
from microturn.model.config import BackboneConfig
from microturn.model.experts import DenseMLP, MixtureMLP
from microturn.model.model import InteractionModel, count_parameters
from microturn.model.transformer import Block
from microturn.train.state import complete


@dataclass(frozen=True)
class GrowRun:
    """One run. after: layers, counted from 0, behind which a copy comes."""

    model: Path
    after: tuple[int, ...]
    out: Path


def sources(num_layers: int, after: Sequence[int]) -> list[tuple[int, bool]]:
    """For each layer of the grown model: the old layer it comes from, and whether it is a copy.

    Raises ValueError for a layer that there is not, or twice the same.
    """
    wrong = [layer for layer in after if not 0 <= layer < num_layers]
    if not after or wrong or len(set(after)) < len(after):
        raise ValueError(
            f"`after` names layers from 0 to {num_layers - 1}, each once; got {list(after)}"
        )
    return [
        (layer, is_copy)
        for layer in range(num_layers)
        for is_copy in ((False, True) if layer in after else (False,))
    ]


def grown_config(config: BackboneConfig, plan: Sequence[tuple[int, bool]]) -> BackboneConfig:
    """The config with the layers of `plan`.

    Raises ValueError where no rule "every n-th layer is full" fits. Dense layers stay the first.
    """
    is_sliding = [config.is_sliding(layer) for layer, _ in plan]
    num_dense = sum(config.is_dense(layer) for layer, _ in plan)
    for full_every in range(1, len(plan) + 2):
        grown = replace(
            config, num_layers=len(plan), num_dense_layers=num_dense, full_every=full_every
        )
        if [grown.is_sliding(layer) for layer in range(len(plan))] == is_sliding:
            return grown
    raise ValueError(
        "with these layers the full ones would not come at equal distances: put copies behind "
        f"others, equally many before each full layer ({config.num_layers} layers, every "
        f"{config.full_every}th is full)"
    )


@torch.no_grad()
def silence(block: Block) -> None:
    """Zero what both branches of a layer write."""
    block.attn.wo_ud.weight.zero_()
    part = block.mlp
    assert isinstance(part, DenseMLP | MixtureMLP)
    if isinstance(part, DenseMLP):
        part.w2_md.weight.zero_()
        return
    part.experts.w2_weight.zero_()
    part.shared_experts.shared_w2_weight.zero_()


def grown(model: InteractionModel, after: Sequence[int]) -> InteractionModel:
    """A model with the copies in place. Raises ValueError as `sources` and `grown_config` do."""
    backbone = model.config.backbone
    plan = sources(backbone.num_layers, after)
    config = replace(model.config, backbone=grown_config(backbone, plan))
    old, new = model.transformer.blocks(), InteractionModel(config)
    kept = {k: x for k, x in model.state_dict().items() if not k.startswith("transformer.layers.")}
    absent, unknown = new.load_state_dict(kept, strict=False)
    assert not unknown and all(name.startswith("transformer.layers.") for name in absent)
    for block, (layer, is_copy) in zip(new.transformer.blocks(), plan, strict=True):
        block.load_state_dict(old[layer].state_dict())
        if is_copy:
            silence(block)
    return new


def grow(run: GrowRun) -> dict[str, float]:
    """Read, grow, write; the number of parameters before and after."""
    model = InteractionModel(load_config(run.model))
    load_weights(model, run.model)
    larger = grown(model, run.after)
    save(larger, larger.config, run.out)
    complete(run.out, run.model / "tokenizer.json", run.model)
    return {"parameters_before": count_parameters(model), "parameters": count_parameters(larger)}


def main(run: GrowRun) -> None:
    """Print one JSON line."""
    print(json.dumps(grow(run)))


if __name__ == "__main__":
    main(tyro.cli(GrowRun))
