"""The processes of one run, started by torchrun: one a GPU, each with its share of every batch's documents."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from ...errors import TrainError

# writing a checkpoint of the paper's largest model to a slow disk takes minutes, and the others wait for it
PATIENCE = timedelta(hours=1)


@dataclass(frozen=True)
class Processes:
    """A process among those of its run, and what they tell each other; every call is made by all of them.

    Attributes
    ----------
    rank : int
        0 is the one that writes files and speaks.
    size : int
    """

    rank: int
    size: int

    def swap(self, out: Tensor, given: Tensor) -> None:
        """Send the r-th of ``size`` parts of ``given`` to rank r; ``out`` gets what all send here, by rank."""
        dist.all_to_all_single(out, given)

    def spread(self, out: Tensor, given: Tensor) -> None:
        """Give every process the parts ``given`` of all, (k,) each, by rank: ``out`` is (size * k,)."""
        dist.all_gather_into_tensor(out, given)

    def gather(self, numbers: Sequence[float] | Tensor) -> Tensor:
        """Numbers of every process, by rank, float64 on the CPU, shape (size, n)."""
        mine = torch.as_tensor(numbers, dtype=torch.float64)
        parts = [torch.empty_like(mine) for _ in range(self.size)]
        dist.all_gather(parts, mine)
        return torch.stack(parts)


def launched() -> bool:
    """Whether torchrun started this process as one of several."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def speaks() -> bool:
    """Whether this process prints and writes: the first one, and one that is alone."""
    return not launched() or os.environ["RANK"] == "0"


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[tuple[torch.device, Processes | None]]:
    """Be one of the processes of a run for as long as the context lasts.

    Parameters
    ----------
    device : torch.device

    Yields
    ------
    device : torch.device
        On a GPU the one of this process.
    processes : Processes or None
        None where torchrun started no others.

    Raises
    ------
    TrainError
        When more processes were started on a machine than it has GPUs.
    """
    if not launched():
        yield device, None
        return
    if device.type == "cuda":
        place, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if place >= there:
            raise TrainError(f"torchrun started more processes than the {there} GPU(s) here: --nproc-per-node {there}")
        device = torch.device("cuda", place)
    # numbers on the host go by gloo in any case
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield device, Processes(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
