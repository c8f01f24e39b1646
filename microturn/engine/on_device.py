"""A model on a device as a tick on the host sees it: what it needs goes there and what it asked for
comes back, once a round. The flow head is a CUDA graph for each number of speaking sessions up to a
power of two, captured before anything is served. Not run on a GPU yet.

Legend: B sessions, F mel frames, M mel bins, K slots, D width, V vocabulary.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from microturn.engine.graphs import NUM_WARM
from microturn.model.config import ModelConfig
from microturn.model.flow import FlowHead
from microturn.model.model import InteractionModel
from microturn.turns import NUM_SLOTS


class GraphedFlow:
    """`FlowHead.sample` of up to `num_rows` sessions, with fixed inputs and outputs."""

    def __init__(self, head: FlowHead, width: int, num_rows: int, num_flow_steps: int) -> None:
        self.head, self.num_flow_steps = head, num_flow_steps
        config, like = head.config, next(head.parameters())
        mel = (num_rows, config.num_frames, config.num_mel_bins)
        context = (num_rows, config.num_context_frames, config.num_mel_bins)
        self.inputs = tuple(
            torch.zeros(shape, device=like.device)
            for shape in (mel, context, (num_rows, NUM_SLOTS, width))
        )
        self.graph: torch.cuda.CUDAGraph | None = None
        self.mel_BFM = self._sample()
        if like.is_cuda:
            self._capture()

    @torch.no_grad()
    def _sample(self) -> Tensor:
        noise_BFM, context_BCM, slots_BKD = self.inputs
        return self.head.sample(noise_BFM, context_BCM, slots_BKD, self.num_flow_steps)

    def _capture(self) -> None:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(NUM_WARM):
                self._sample()
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.mel_BFM = self._sample()

    @torch.no_grad()
    def run(self, *inputs: Tensor) -> Tensor:
        """noise [B, F, M], context [B, C, M], slots [B, K, D] -> mel [B, F, M] on the host."""
        num_rows = len(inputs[0])
        for mine, given in zip(self.inputs, inputs, strict=True):
            mine[:num_rows].copy_(given)
        if self.graph is None:
            self.mel_BFM = self._sample()
        else:
            self.graph.replay()
        return self.mel_BFM[:num_rows].cpu().clone()


class HostFlow:
    """The flow head of a model on a device."""

    def __init__(self, model: InteractionModel, max_sessions: int, num_flow_steps: int) -> None:
        self.head, self.num_flow_steps = model.flow, num_flow_steps
        width = model.config.backbone.width
        self.graphs: dict[int, GraphedFlow] = {}
        num_rows = 1
        while num_rows < 2 * max_sessions:
            self.graphs[num_rows] = GraphedFlow(model.flow, width, num_rows, num_flow_steps)
            num_rows *= 2

    def sample(
        self,
        noise_BFM: Tensor,
        context_BCM: Tensor,
        slots_BKD: Tensor,
        num_flow_steps: int,
        velocities: list[Tensor] | None = None,
    ) -> Tensor:
        """`FlowHead.sample`; what is recorded goes without a graph."""
        inputs = (noise_BFM, context_BCM, slots_BKD)
        if velocities is None and num_flow_steps == self.num_flow_steps:
            fitting = min(count for count in self.graphs if count >= len(noise_BFM))
            return self.graphs[fitting].run(*inputs)
        device = next(self.head.parameters()).device
        found: list[Tensor] | None = None if velocities is None else []
        with torch.no_grad():
            moved = [given.to(device) for given in inputs]
            mel_BFM = self.head.sample(moved[0], moved[1], moved[2], num_flow_steps, found)
        if velocities is not None and found is not None:
            velocities += [velocity.cpu() for velocity in found]
        return mel_BFM.cpu()


class HostModel:
    """What a tick needs of a model, beside its streams (`slots.py`)."""

    def __init__(self, model: InteractionModel, max_sessions: int, num_flow_steps: int) -> None:
        self.model = model
        self.config: ModelConfig = model.config
        self.flow = HostFlow(model, max_sessions, num_flow_steps)

    def text_logits(self, hidden: Tensor) -> Tensor:
        """[..., D] -> [..., V] in float32, on the host."""
        weight = self.model.transformer.norm.weight
        return self.model.text_logits(hidden.to(weight)).cpu()


def on_host(model: InteractionModel, max_sessions: int, num_flow_steps: int) -> InteractionModel:
    """The model as a tick uses it, from wherever it is."""
    return cast(InteractionModel, HostModel(model, max_sessions, num_flow_steps))
