"""The flow head: right shapes, bits free of the batch, and it learns a known velocity."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from microturn.model.config import FlowConfig
from microturn.model.flow import FlowHead, all_to_all, time_features

CONFIG = FlowConfig(
    width=32, num_layers=2, num_heads=2, num_mel_bins=8, num_frames=8, num_context_frames=4
)


def head(seed: int = 0) -> FlowHead:
    torch.manual_seed(seed)
    flow = FlowHead(CONFIG, slot_width=16)
    for parameter in flow.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    return flow.eval()


def inputs(batch: int) -> tuple[torch.Tensor, ...]:
    rng = torch.Generator().manual_seed(3)
    return (
        torch.randn(batch, 8, 8, generator=rng),
        torch.rand(batch, generator=rng),
        torch.randn(batch, 4, 8, generator=rng),
        torch.randn(batch, 4, 16, generator=rng),
    )


def velocity(flow, x, t, context, slots):
    return flow.velocity(x, t, flow.condition(context, slots))


@torch.inference_mode()
def test_bits_do_not_depend_on_the_batch():
    flow, (x, t, context, slots) = head(), inputs(7)
    whole = velocity(flow, x, t, context, slots)
    for count in (1, 2, 5):
        part = velocity(flow, x[:count], t[:count], context[:count], slots[:count])
        assert torch.equal(part, whole[:count])


@torch.inference_mode()
def test_every_input_matters():
    flow, given = head(), inputs(2)
    reference = velocity(flow, *given)
    for index, value in enumerate(given):
        changed = [*given[:index], value + 0.5, *given[index + 1 :]]
        assert not torch.allclose(velocity(flow, *changed), reference, atol=1e-4), index


def test_one_euler_step_of_a_constant_velocity_is_exact():
    flow = FlowHead(CONFIG, slot_width=16).eval()
    torch.nn.init.constant_(flow.out.bias, 0.5)
    noise, _, context, slots = inputs(3)
    for steps in (1, 4):
        sampled = flow.sample(noise, context, slots, steps)
        assert torch.allclose(sampled, noise + 0.5, atol=1e-6)


def test_it_learns_to_say_what_a_slot_asks_for():
    torch.manual_seed(0)
    flow = FlowHead(CONFIG, slot_width=16)
    optimizer = torch.optim.AdamW(flow.parameters(), lr=3e-3)
    slots = torch.randn(2, 4, 16)
    mel = torch.stack([torch.full((8, 8), 1.0), torch.full((8, 8), -1.0)])
    context = torch.zeros(2, 4, 8)
    for _ in range(300):
        pick = torch.randint(0, 2, (32,))
        noise, t = torch.randn(32, 8, 8), torch.rand(32)
        loss = flow.loss(mel[pick], context[pick], slots[pick], noise, t).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.inference_mode():
        said = flow.sample(torch.randn(2, 8, 8), context, slots, 8)
        swapped = flow.sample(torch.randn(2, 8, 8), context, slots.flip(0), 8)
    assert (said - mel).abs().mean() < 0.3
    assert (swapped - mel).abs().mean() > 1.0  # the other slots ask for the other sound


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="num_context_frames 3 must be a multiple of the 2 frames"):
        FlowHead(replace(CONFIG, num_context_frames=3), slot_width=16)
    with pytest.raises(ValueError, match="num_flow_steps must be at least 1"):
        head().sample(*[inputs(1)[i] for i in (0, 2, 3)], num_flow_steps=0)
    assert time_features(torch.zeros(3)).shape == (3, 64)


def test_attention_is_the_fused_one_and_its_gradient_too():
    q, k, v, upstream = torch.randn(4, 3, 2, 12, 8, generator=torch.Generator().manual_seed(0))
    found = []
    fused = torch.nn.functional.scaled_dot_product_attention
    for attend in (all_to_all, lambda *x: fused(*x)):
        inputs = [x.clone().requires_grad_() for x in (q, k, v)]
        out = attend(*inputs)
        found.append((out, *torch.autograd.grad(out, inputs, upstream)))
    assert torch.equal(found[0][0], found[1][0])
    for mine, its in zip(found[0][1:], found[1][1:], strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-5, atol=1e-5)
