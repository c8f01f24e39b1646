"""One round of many streams as a CUDA graph: captured once for each number of streams, then
replayed; nothing is allocated in a tick. Not run on a GPU yet; without one, `run` does the same
work step by step, which is what the tests compare with `extend`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from microturn.model.model import InteractionModel
from microturn.model.static import StaticStreams, advance

NUM_WARM = 3  # rounds before capture: kernels are chosen and compiled, buffers are made


class GraphedRound:
    """Fixed inputs and outputs of one round; the streams are changed in place.

    Warming up and capture run with no real rows, so the streams are as they were.
    """

    def __init__(self, model: InteractionModel, streams: StaticStreams) -> None:
        self.model, self.streams = model, streams
        parameter = model.transformer.norm.weight
        width = model.config.backbone.width
        shape = (streams.num_streams, streams.num_rows, width)
        self.x_BRD = torch.zeros(shape, device=parameter.device, dtype=parameter.dtype)
        self.count_B = torch.zeros(streams.num_streams, dtype=torch.int64, device=parameter.device)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.logits_BV: Tensor = self._round()
        if parameter.is_cuda:
            self._capture()

    @torch.no_grad()
    def _round(self) -> Tensor:
        """Logits after each stream's last real row."""
        hidden_BRD = advance(self.model.transformer, self.streams, self.x_BRD, self.count_B)
        last_B = (self.count_B - 1).clamp(min=0)
        rows = torch.arange(len(last_B), device=last_B.device)
        return self.model.text_logits(hidden_BRD[rows, last_B])

    def _capture(self) -> None:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(NUM_WARM):
                self._round()
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.logits_BV = self._round()

    def run(self, x_BRD: Tensor, count_B: Tensor) -> Tensor:
        """Append the first count_B rows of x_BRD to each stream: logits [B, V], valid until the
        next round."""
        self.x_BRD.copy_(x_BRD)
        self.count_B.copy_(count_B)
        if self.graph is None:
            self.logits_BV = self._round()
        else:
            self.graph.replay()
        return self.logits_BV
