"""Is p(speak) what it says? A reliability curve over rendered conversations of the evaluation's
phrasings, and the scale and bias that mend it, kept in the checkpoint's config.

Conversations are fed as in training, with the truth as the past, undisturbed. Of every floor
decision the margin d (logit of `<|speak|>` less that of `<|silent|>`) and the outcome are kept;
logistic regression finds p = sigmoid(scale d + bias) (Platt, 1999; with bias 0 it is temperature
scaling, Guo et al., 2017).

    python -m microturn.train.calibrate --model out/mine/model --bank DIR --num-episodes 64

The bank holds voices that did not train. `--write` changes `config.json` of the model.

Legend: N floor decisions, K bins.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
import tyro
from torch import Tensor

from microturn.checkpoint import CONFIG_FILE, load_config, load_weights
from microturn.data.bank import Bank
from microturn.data.loader import plan, weights
from microturn.data.pack import PackConfig
from microturn.data.render import render
from microturn.model.config import FloorConfig
from microturn.model.model import InteractionModel
from microturn.published import config_to_dict
from microturn.signal.text import Text
from microturn.train.batches import prepare
from microturn.train.loss import losses

NUM_BINS = 10
NEWTON_STEPS = 30
RIDGE = 1e-3  # pulls towards scale 1 and bias 0, so that few decisions cannot make a fit run away
EPISODE_MS = 32_000


@dataclass(frozen=True)
class Calibration:
    """One run over `num_episodes` conversations; the half with odd numbers judges the fit.

    families: of which skills they are; none means all that the bank can say.
    """

    model: Path
    bank: tuple[Path, ...]
    num_episodes: int = 64
    row_length: int = 1024
    split: str = "eval"
    seed: int = 7
    write: bool = False
    families: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.num_episodes < 2:
            raise ValueError(f"num_episodes must be at least 2, got {self.num_episodes}")


@torch.no_grad()
def fit(margin_N: Tensor, is_speak_N: Tensor) -> FloorConfig:
    """Scale and bias of the logistic regression of outcomes on margins, by Newton's method.

    Raises ValueError where there is only one outcome: nothing can be learned from it.
    """
    y_N = is_speak_N.double()
    if not 0 < float(y_N.sum()) < len(y_N):
        raise ValueError(
            "calibration needs both outcomes, speech and silence; take more conversations"
        )
    x_N2 = torch.stack([margin_N.double(), torch.ones_like(y_N)], 1)
    prior_2 = torch.tensor([1.0, 0.0], dtype=torch.float64)
    found_2 = prior_2.clone()

    def cost(value_2: Tensor) -> float:
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(x_N2 @ value_2, y_N)
        return float(entropy + RIDGE / 2 * (value_2 - prior_2).square().sum())

    for _ in range(NEWTON_STEPS):
        p_N = torch.sigmoid(x_N2 @ found_2)
        gradient_2 = x_N2.t() @ (p_N - y_N) / len(y_N) + RIDGE * (found_2 - prior_2)
        hessian_22 = (x_N2 * (p_N * (1 - p_N))[:, None]).t() @ x_N2 / len(y_N)
        hessian_22 += RIDGE * torch.eye(2, dtype=torch.float64)
        step_2, size = torch.linalg.solve(hessian_22, gradient_2), 1.0
        while cost(found_2 - size * step_2) > cost(found_2) and size > 1e-6:
            size /= 2
        found_2 = found_2 - size * step_2
    scale, bias = found_2.tolist()
    return FloorConfig(max(scale, 1e-3), bias)


def reliability(margin_N: Tensor, is_speak_N: Tensor, floor: FloorConfig) -> dict[str, Any]:
    """The curve by bins of p(speak), the expected calibration error, the log loss, and the share
    of decisions that are right at one half."""
    p_N = torch.sigmoid(floor.scale * margin_N.double() + floor.bias)
    y_N = is_speak_N.double()
    bin_N = (p_N * NUM_BINS).long().clamp(max=NUM_BINS - 1)
    curve, error = [], 0.0
    for number in range(NUM_BINS):
        here_N = bin_N == number
        count = int(here_N.sum())
        if count:
            said, happened = float(p_N[here_N].mean()), float(y_N[here_N].mean())
            error += count / len(p_N) * abs(said - happened)
            curve.append({"p": round(said, 4), "share": round(happened, 4), "count": count})
    entropy = torch.nn.functional.binary_cross_entropy(p_N.clamp(1e-9, 1 - 1e-9), y_N)
    return {
        "curve": curve,
        "calibration_error": round(error, 5),
        "log_loss": round(float(entropy), 5),
        "right": round(float(((p_N > 0.5) == is_speak_N).double().mean()), 5),
    }


@torch.no_grad()
def decisions(
    run: Calibration, model: InteractionModel, bank: Bank, text: Text
) -> list[tuple[Tensor, Tensor]]:
    """Margins and outcomes of the floor decisions, by conversation."""
    calm = PackConfig(
        run.row_length,
        said_noise=0.0,
        strong_said_noise=0.0,
        shuffled_said=0.0,
        heard_text_noise=0.0,
        late_start=0.0,
    )
    mixture = weights(dict.fromkeys(run.families, 1.0) or None)
    found = []
    for number in range(run.num_episodes):
        timeline, sound = plan(run.seed, number, bank, mixture, EPISODE_MS, split=run.split)
        episode = render(timeline, bank, text, sound)
        batch = prepare([episode], text.markers, calm, [number])
        result = losses(model, batch, text.markers)
        keep_N = result.is_floor_N
        found.append((result.margin_N[keep_N].float(), result.is_speak_N[keep_N]))
    return found


def calibrate(run: Calibration) -> dict[str, Any]:
    """Measure, fit on one half, judge on the other; `write` keeps the fit in the checkpoint.

    Raises ValueError for a bank or model that cannot be used.
    """
    config = load_config(run.model)
    model = InteractionModel(config).eval()
    load_weights(model, run.model)
    text = Text.load(run.model / "tokenizer.json")
    found = decisions(run, model, Bank.load(run.bank, for_training=False), text)
    margins = [torch.cat([m for m, _ in found[half::2]]) for half in range(2)]
    outcomes = [torch.cat([y for _, y in found[half::2]]) for half in range(2)]
    floor = fit(margins[0], outcomes[0])
    report = {
        "floor": asdict(floor),
        "decisions": [len(margin_N) for margin_N in margins],
        "before": reliability(margins[1], outcomes[1], config.floor),
        "after": reliability(margins[1], outcomes[1], floor),
    }
    if run.write:
        fields = config_to_dict(replace(config, floor=floor))
        part = run.model / (CONFIG_FILE + ".part")
        part.write_text(json.dumps(fields, indent=2) + "\n")
        os.replace(part, run.model / CONFIG_FILE)
    return report


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(calibrate(tyro.cli(Calibration)), indent=1))
