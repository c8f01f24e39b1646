"""One process or many: who this process is, how the model is cut up, and how parts become whole.
(Processes that have a whole model each: `replicas.py`.)

`torchrun` starts one process a GPU (gloo on CPU) and tells each its rank. The model is cut with
FSDP2 (`fully_shard`): each block, each flow block, and the rest. Whole tensors are what goes to
disk, so a run resumes with any number of processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Shard, distribute_tensor

from microturn.model.model import InteractionModel
from microturn.train.loss import Losses


@dataclass(frozen=True)
class Place:
    """Where this process runs: its rank of `world_size`, and its device. `is_apart`: each process
    has a whole model and goes on alone for a while."""

    rank: int = 0
    world_size: int = 1
    device: torch.device = torch.device("cpu")  # noqa: RUF009  (immutable)
    is_apart: bool = False

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    @property
    def is_one_of_many(self) -> bool:
        return self.world_size > 1

    @property
    def is_sharded(self) -> bool:
        return self.is_one_of_many and not self.is_apart

    def agreed(self, *values: float) -> list[float]:
        """Values as the first process has them; all go by one clock."""
        if not self.is_sharded:
            return list(values)
        shared = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.broadcast(shared, src=0)
        return shared.tolist()

    def any_of(self, is_true: bool) -> bool:
        """Whether it is true of any process; all must ask together."""
        if not self.is_one_of_many:
            return is_true
        found = torch.tensor(int(is_true), device=self.device)
        dist.all_reduce(found, op=dist.ReduceOp.MAX)
        return bool(found)

    def summed(self, *tensors: Tensor) -> list[Tensor]:
        """Sums over all processes, in one message."""
        if not self.is_sharded:
            return list(tensors)
        flat = torch.cat([tensor.flatten().double() for tensor in tensors])
        dist.all_reduce(flat)
        parts = flat.split([tensor.numel() for tensor in tensors])
        return [
            part.view(tensor.shape).to(tensor.dtype)
            for part, tensor in zip(parts, tensors, strict=True)
        ]

    def summed_losses(self, result: Losses) -> Losses:
        """The figures of the whole batch; `total` and margins stay this process's own."""
        if not self.is_sharded:
            return result
        names = ("sum_Q", "count_Q", "skill_sum_2G", "skill_count_2G")
        sums = self.summed(*(getattr(result, name) for name in names))
        return replace(result, **dict(zip(names, sums, strict=True)))

    def wait(self) -> None:
        """Until all processes are here."""
        if self.is_one_of_many:
            dist.barrier()


def device_of(name: str | None, local_rank: int = 0) -> torch.device:
    """A device by name; without one the GPU where there is one.

    Raises ValueError for a GPU that is not there.
    """
    kind = name or ("cuda" if torch.cuda.is_available() else "cpu")
    if kind == "cpu":
        return torch.device("cpu")
    if kind != "cuda":
        raise ValueError(f"the device is cpu or cuda, got {kind!r}")
    if not torch.cuda.is_available():
        raise ValueError("there is no GPU that torch can use; leave out the device, or say cpu")
    return torch.device("cuda", local_rank)


@contextmanager
def place(device: str | None = None, is_apart: bool = False) -> Iterator[Place]:
    """This process's place, as `torchrun` says in the environment; one process without it.
    `is_apart`: many processes have a model each.

    Raises ValueError for a GPU that is not there.
    """
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    chosen = device_of(device, local_rank)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    if world_size == 1:
        yield Place(device=chosen)
        return
    if dist.is_initialized():  # by the caller, who keeps it
        yield Place(dist.get_rank(), world_size, chosen, is_apart)
        return
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Place(dist.get_rank(), world_size, chosen, is_apart)
    finally:
        dist.destroy_process_group()


def check_rows(num_rows: int, world_size: int) -> None:
    """Raises ValueError where processes would get unequal shares of a step's rows."""
    if num_rows % world_size:
        raise ValueError(
            f"{num_rows} rows cannot be shared evenly by {world_size} processes: "
            f"set rows to a multiple of {world_size}"
        )


def shard(model: InteractionModel, place: Place) -> None:
    """Cut the parameters over all processes, in place. One process keeps them whole."""
    if not place.is_sharded:
        return
    mesh: DeviceMesh = init_device_mesh(place.device.type, (place.world_size,))
    for block in [*model.transformer.layers, *model.flow.blocks]:
        fully_shard(block, mesh=mesh)
    # What is left (embeddings, unembedding, the flow head's linears) stays whole from forward to
    # backward: the losses use it outside of the model's own forward.
    fully_shard(model, mesh=mesh, reshard_after_forward=False)


def touch(model: InteractionModel) -> Tensor:
    """Zero, with a gradient of zero for what this process's rows may not use (images, said sound):
    sharded processes must all have gradients of the same parameters."""
    embedder = model.embedder
    parts = [embedder.said] if embedder.visual is None else [embedder.said, embedder.visual]
    used = [parameter for part in parts for parameter in part.parameters()]
    return 0.0 * torch.stack([parameter.float().sum() for parameter in used]).sum()


def whole(tensor: Tensor) -> Tensor:
    """A tensor with all its parts; all processes must ask for it together."""
    return wholes([tensor])[0]


def wholes(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Tensors with all their parts, sent in one message; all processes must ask together."""
    found = [tensor.detach() for tensor in tensors]
    cut = [i for i, tensor in enumerate(found) if isinstance(tensor, DTensor)]
    if not cut:
        return found
    if any(isinstance(t, DTensor) and t.placements != (Shard(0),) for t in found):
        # What is cut otherwise, or a sum that is still to be made.
        return [t.full_tensor() if isinstance(t, DTensor) else t for t in found]
    world_size = dist.get_world_size()
    rows = [rows_of(found[i].shape[0], world_size) for i in cut]
    sizes = [  # numbers in each tensor's part, by rank
        [num * (found[i].numel() // max(1, found[i].shape[0])) for num in nums]
        for i, nums in zip(cut, rows, strict=True)
    ]
    longest = max(sum(size[rank] for size in sizes) for rank in range(world_size))
    mine = torch.cat([local(found[i]).flatten().float() for i in cut])
    mine = torch.cat([mine, mine.new_zeros(longest - len(mine))])
    gathered = mine.new_empty(world_size * longest)
    dist.all_gather_into_tensor(gathered, mine)
    by_rank = [
        part[: sum(size[rank] for size in sizes)].split([size[rank] for size in sizes])
        for rank, part in enumerate(gathered.split(longest))
    ]
    for number, i in enumerate(cut):
        joined = torch.cat([parts[number] for parts in by_rank])
        found[i] = joined.view(found[i].shape).to(found[i].dtype)
    return found


def rows_of(num_rows: int, world_size: int) -> list[int]:
    """How many rows each process has of a tensor that is cut along its first dimension."""
    most = -(-num_rows // world_size)
    return [max(0, min(num_rows, (rank + 1) * most) - rank * most) for rank in range(world_size)]


def whole_tree(tree: dict[str, Any]) -> dict[str, Any]:
    """Nested dicts with all their tensors whole, on the CPU, sent in one message."""
    leaves: list[Tensor] = []

    def collect(node: Any) -> Any:
        if isinstance(node, Tensor):
            leaves.append(node)
            return len(leaves) - 1
        return {name: collect(value) for name, value in node.items()}

    places = collect(tree)
    found = [tensor.cpu() for tensor in wholes(leaves)]

    def put(node: Any) -> Any:
        return found[node] if isinstance(node, int) else {n: put(v) for n, v in node.items()}

    return put(places)


def cut_like(tensor: Tensor, parameter: Tensor) -> Tensor:
    """A whole tensor, cut as `parameter` is, without a message: every process has it."""
    if not isinstance(parameter, DTensor):
        return tensor.to(parameter.device)
    return distribute_tensor(
        tensor.to(parameter.device), parameter.device_mesh, parameter.placements, src_data_rank=None
    )


def local(tensor: Tensor) -> Tensor:
    """This process's part."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
