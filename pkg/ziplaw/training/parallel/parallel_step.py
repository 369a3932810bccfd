"""The training step of one model by several processes: each has its share of the documents, all have all parameters.

Gradients are added in the order of the ranks, each number by one process for all. So parameters stay equal bit for
bit, and a repeated run has the same bits, whatever algorithm the library would choose for a sum. On a GPU the passes
are one CUDA graph and the update is another; the exchange between them is not captured.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import TrainError
from ...models.flat import FlatModel
from ..recipe.batches import Batches
from ..recipe.recipe import TrainConfig
from ..recipe.schedule import Stretch
from ..steps.graph_step import EVAL_DOCUMENTS, GraphStep, resident, tables
from ..steps.optimizer import AdamW
from .processes import Processes


class Mean:
    """The mean of vectors over processes, in two exchanges: each process sums a part for all, then all get all parts.

    That is the traffic of a ring, 2 (size - 1) / size of the vector, with the order of every sum fixed.

    Parameters
    ----------
    processes : Processes
    length : int
    device : torch.device

    Attributes
    ----------
    values : Tensor, float32, shape (length,)
        This process's vector before :meth:`take`, the mean after it.
    """

    def __init__(self, processes: Processes, length: int, device: torch.device):
        self.processes = processes
        share = -(-length // processes.size)
        self.padded = torch.zeros(share * processes.size, device=device)
        self.values = self.padded[:length]
        self.parts = torch.zeros((processes.size, share), device=device)

    def take(self) -> None:
        """Put the mean over all processes in the place of this one's values."""
        self.processes.swap(self.parts.view(-1), self.padded)
        total = self.parts[0]
        for part in self.parts[1:]:
            total.add_(part)
        self.processes.spread(self.padded, total.mul_(1.0 / self.processes.size))


class _Halves:
    """Two captured graphs with an exchange between them, replayed as one."""

    def __init__(self, passes: Any, mean: Mean, update: Any):
        self.passes, self.mean, self.update = passes, mean, update

    def replay(self) -> None:
        self.passes.replay()
        self.mean.take()
        self.update.replay()


class ParallelStep(GraphStep):
    """Moves a model along together with the other processes of its run; see :class:`GraphStep`.

    Parameters
    ----------
    processes : Processes
    model, config, batches, program, capture
        As of :class:`GraphStep`, the same in every process.

    Raises
    ------
    TrainError
        When the documents of a step cannot be shared out evenly.
    """

    def __init__(
        self,
        processes: Processes,
        model: FlatModel,
        config: TrainConfig,
        batches: Batches,
        program: list[Stretch],
        capture: bool | None = None,
    ):
        share, left = divmod(config.batch_documents, processes.size)
        if left:
            raise TrainError(
                f"batch_documents is {config.batch_documents}, which {processes.size} processes cannot share evenly: "
                "give a multiple"
            )
        self.processes = processes
        order, settings = tables(config, batches, program)
        order = order[:, processes.rank * share : (processes.rank + 1) * share].contiguous()
        device = model.flat.device
        # the gradient and, last, the loss
        self.mean = Mean(processes, model.grad.numel() + 1, device)
        self._prepare(model, AdamW(model, config), resident(batches.documents, device), order, settings, capture)

    @torch.no_grad()
    def passes(self) -> None:
        """Compute loss and gradient of this process's documents."""
        targets = self.model.ops.fetch_documents(self.documents, self.order, self.cursor)
        self.mean.values[-1] = self.model.loss_and_grad(targets)
        self.mean.values[:-1].copy_(self.model.grad)

    @torch.no_grad()
    def update(self) -> None:
        """Take the mean gradient for the model's, and a step by it."""
        self.model.grad.copy_(self.mean.values[:-1])
        norm = self.optimizer.step_by_row(self.settings.index_select(0, self.cursor)[0])
        self.model.ops.record_step(self.cursor, self.losses, self.norms, self.mean.values[-1], norm)

    def step(self) -> None:
        """Take the step at the cursor, as all processes do."""
        self.passes()
        self.mean.take()
        self.update()

    def _captured(self) -> Any:
        # NCCL has a thread that asks for its events' state at any time
        passes, update = (self._graph(half, "thread_local") for half in (self.passes, self.update))
        return _Halves(passes, self.mean, update)

    def document_losses(self, documents: np.ndarray, first: int = 0) -> Tensor:
        """See :meth:`GraphStep.document_losses`; every process measures some of the documents and gets all losses.

        Raises
        ------
        TrainError
            When the processes have come to different parameters.
        """
        rank, size = self.processes.rank, self.processes.size
        sums = self.processes.gather([float(self.model.flat.double().sum())])
        # NaN, of a run that has diverged, is no difference
        if len(set(sums.nan_to_num().flatten().tolist())) > 1:
            raise TrainError("the processes have come to different parameters: use GPUs of one kind, and one torch")
        found = torch.zeros(len(documents), dtype=torch.float64)
        for start in range(rank * EVAL_DOCUMENTS, len(documents), size * EVAL_DOCUMENTS):
            here = slice(start, start + EVAL_DOCUMENTS)
            found[here] = super().document_losses(documents[here], first)
        # a document was measured by one process, and is 0 for the others
        return self.processes.gather(found).sum(0)
