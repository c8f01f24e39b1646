"""Which parameter goes to which optimizer, stacked experts one by one, the schedule, the states."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from microturn.checkpoint import load_weights, save
from microturn.train import optim
from microturn.train.optim import OptimConfig, Optimizers, is_matrix, schedule
from tests.tiny import tiny_model

MUON = OptimConfig(use_muon=True)
ADAMW = OptimConfig(use_muon=False)
FULL = 0.5  # progress at which the schedule's factor is 1


class Stack(nn.Module):
    """Three experts in one stacked weight, as the model stores them, and one norm."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        block = nn.Module()
        block.up = nn.Parameter(torch.randn(3, 8, 4))
        block.norm = nn.Parameter(torch.ones(4))
        self.transformer = nn.ModuleDict({"layers": nn.ModuleList([block])})

    @property
    def block(self) -> nn.Module:
        return self.transformer["layers"][0]


def with_gradients(model: nn.Module, seed: int = 1) -> None:
    """As from text and sound: images have none, and their large matrices would take Muon long."""
    rng = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        parameter.grad = None
        if "visual" not in name:
            parameter.grad = torch.randn(parameter.shape, generator=rng)


def weights_of(model: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in model.parameters()]


def test_matrices_of_blocks_go_to_muon():
    chosen = {name for name, tensor in tiny_model().named_parameters() if is_matrix(name, tensor)}
    for name in (
        "transformer.layers.0.attn.wq_du.weight",
        "transformer.layers.0.mlp.w2_md.weight",
        "transformer.layers.1.mlp.experts.w13_weight",
        "transformer.layers.1.mlp.shared_experts.shared_w2_weight",
        "flow.blocks.0.qkv.weight",
    ):
        assert name in chosen
    rest = {name for name, _ in tiny_model().named_parameters()} - chosen
    for name in (
        "embedder.embed.weight",
        "transformer.unembedding.weight",
        "transformer.norm.weight",
        "transformer.layers.1.mlp.gate.weight",
        "transformer.layers.0.attn.k_sconv.weight",
        "transformer.layers.0.attn.rel_logits_proj.proj_bias",
        "flow.blocks.0.modulation",
        "flow.out.weight",
    ):
        assert name in rest


@pytest.mark.parametrize("config", [MUON, ADAMW])
def test_every_parameter_is_moved_once(config):
    model = tiny_model()
    optimizers = Optimizers(model, config)
    held = [
        tensor
        for optimizer, _ in optimizers.pairs.values()
        for group in optimizer.param_groups
        for tensor in group["params"]
    ]
    assert sum(tensor.numel() for tensor in held) == sum(
        parameter.numel() for parameter in model.parameters() if parameter.requires_grad
    )
    with_gradients(model)
    before = weights_of(model)
    assert optimizers.step(FULL) == 1.0
    stacks = [part for part in optimizers.matrices if part.parameter.ndim > 2]
    assert all(view.grad is None for part in stacks for view in part.views)
    for (name, parameter), old in zip(model.named_parameters(), before, strict=True):
        assert torch.equal(parameter, old) == ("visual" in name), name


def test_stacked_experts_are_updated_one_by_one():
    """Each expert moves as a matrix of its own would; a stack moved as one matrix would not."""
    stack = Stack()
    with_gradients(stack)
    alone = [stack.block.up.detach()[i].clone() for i in range(3)]
    gradients = [stack.block.up.grad[i].clone() for i in range(3)]
    Optimizers(stack, MUON).step(FULL)
    for index in range(3):
        single = nn.Parameter(alone[index])
        single.grad = gradients[index]
        torch.optim.Muon(
            [single],
            lr=MUON.muon_lr,
            momentum=MUON.muon_momentum,
            weight_decay=MUON.weight_decay,
            adjust_lr_fn="match_rms_adamw",
        ).step()
        assert torch.equal(stack.block.up[index], single)
    flat = nn.Parameter(torch.cat(alone))
    flat.grad = torch.cat(gradients)
    torch.optim.Muon([flat], lr=MUON.muon_lr, adjust_lr_fn="match_rms_adamw").step()
    assert not torch.allclose(stack.block.up.flatten(0, 1), flat, atol=1e-5)


def test_views_follow_weights_that_are_loaded(tmp_path):
    """Loading writes in place: the optimizer's views of the experts stay views."""
    model, other = tiny_model(0), tiny_model(1)
    optimizers = Optimizers(model, MUON)
    stacks = [part for part in optimizers.matrices if part.parameter.ndim > 2]
    assert stacks
    save(other, other.config, tmp_path, dtype=torch.float32)
    load_weights(model, tmp_path)
    for part in stacks:
        assert torch.equal(part.joined(part.views), part.parameter)
        assert part.views[0].data_ptr() == part.parameter.data_ptr()


def test_an_expert_without_a_gradient_stays():
    stack = Stack()
    stack.block.norm.grad = torch.ones(4)
    before = stack.block.up.detach().clone()
    Optimizers(stack, MUON).step(FULL)
    assert torch.equal(stack.block.up, before)


@pytest.mark.parametrize("config", [MUON, ADAMW])
def test_states_go_on_where_they_stopped(config):
    def run(stop: int | None, is_loaded: bool = True) -> list[torch.Tensor]:
        model = Stack()
        optimizers = Optimizers(model, config)
        for step in range(4):
            if step == stop:
                state = optimizers.state_dict()
                optimizers = Optimizers(model, config)
                if is_loaded:
                    optimizers.load_state_dict(state)
            with_gradients(model, step)
            optimizers.step(FULL)
        return weights_of(model)

    whole, resumed, forgetful = run(None), run(2), run(2, is_loaded=False)
    assert all(torch.equal(a, b) for a, b in zip(whole, resumed, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(whole, forgetful, strict=True))


@pytest.mark.parametrize("config", [MUON, ADAMW])
def test_states_without_names_still_load(config):
    """Runs of before kept what torch's optimizers give, numbered in the order of parameters."""
    model = tiny_model()
    optimizers = Optimizers(model, config)
    with_gradients(model)
    optimizers.step(FULL)
    numbered = {name: pair[0].state_dict() for name, pair in optimizers.pairs.items()}
    other = Optimizers(model, config)
    other.load_state_dict(numbered)
    assert flat(other.state_dict()).keys() == flat(optimizers.state_dict()).keys()
    for name, tensor in flat(optimizers.state_dict()).items():
        assert torch.equal(flat(other.state_dict())[name], tensor), name


def flat(state, prefix: str = "") -> dict[str, torch.Tensor]:
    """Nested states -> tensors by path."""
    found: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        path = f"{prefix}/{name}"
        found |= {path: value} if isinstance(value, torch.Tensor) else flat(value, path)
    return found


def test_other_optimizers_are_refused():
    state = Optimizers(tiny_model(), MUON).state_dict()
    with pytest.raises(ValueError, match="set use_muon"):
        Optimizers(tiny_model(), ADAMW).load_state_dict(state)


@pytest.mark.parametrize("is_fast", [True, False])
def test_muon_follows_the_processor_unless_it_is_set(monkeypatch, is_fast):
    monkeypatch.setattr(optim, "bf16_is_fast", lambda: is_fast)
    assert ("muon" in Optimizers(Stack(), OptimConfig()).pairs) == is_fast
    assert "muon" in Optimizers(Stack(), MUON).pairs
    assert "muon" not in Optimizers(Stack(), ADAMW).pairs


def test_schedule_rises_holds_and_falls():
    config = OptimConfig(warmup=0.1, decay=0.4)
    found = [schedule(p, config) for p in (0.0, 0.05, 0.1, 0.3, 0.6, 0.8, 1.0, 1.5)]
    assert found == pytest.approx([1e-3, 0.5, 1.0, 1.0, 1.0, 0.5, 1e-3, 1e-3])
    assert schedule(0.0, OptimConfig(warmup=0.0, decay=0.0)) == 1.0


def test_the_schedule_scales_both_rates():
    model = tiny_model()
    optimizers = Optimizers(model, OptimConfig(use_muon=True, muon_lr=4e-3, adamw_lr=1e-3))
    with_gradients(model)
    factor = optimizers.step(0.01)
    assert factor == pytest.approx(0.5)
    rates = {name: pair[0].param_groups[0]["lr"] for name, pair in optimizers.pairs.items()}
    assert rates == {"adamw": pytest.approx(5e-4), "muon": pytest.approx(2e-3)}
