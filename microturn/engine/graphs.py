"""One round of many streams as a CUDA graph: captured once for each number of rows, then replayed;
nothing is allocated in it. Not run on a GPU yet; without one, `run` does the same work step by
step, which is what the tests compare with `extend`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from microturn.model.model import InteractionModel
from microturn.model.static import Moves, StaticStreams, advance

NUM_WARM = 3  # rounds before capture: kernels are chosen and compiled, buffers are made


class GraphedRound:
    """Fixed inputs and outputs of a round of `num_rows` rows; the streams are changed in place.

    Warming up and capture move no stream, so all are as they were.
    """

    def __init__(self, model: InteractionModel, streams: StaticStreams, num_rows: int) -> None:
        self.model, self.streams = model, streams
        parameter = model.transformer.norm.weight
        shape = (streams.num_streams, num_rows, model.config.backbone.width)
        self.x_BRD = torch.zeros(shape, device=parameter.device, dtype=parameter.dtype)
        self.moves = Moves.none(streams.num_streams, parameter.device)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.hidden_BRD: Tensor = self._round()
        if parameter.is_cuda:
            self._capture()

    @torch.no_grad()
    def _round(self) -> Tensor:
        return advance(self.model.transformer, self.streams, self.x_BRD, self.moves)

    def _capture(self) -> None:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(NUM_WARM):
                self._round()
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.hidden_BRD = self._round()

    @torch.no_grad()
    def run(self, x_BRD: Tensor, moves: Moves) -> Tensor:
        """Hidden states of the round, [B, R, D], valid until the next one."""
        self.x_BRD.copy_(x_BRD)
        self.moves.copy_(moves)
        if self.graph is None:
            self.hidden_BRD = self._round()
        else:
            self.graph.replay()
        return self.hidden_BRD
