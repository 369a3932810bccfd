"""The training step as a function of device tensors alone, captured as one CUDA graph.

Everything that changes from step to step lies in tables on the device: which documents, the learning rate, the bias
corrections. A cursor says which row is next; forward, backward, clipping, AdamW, the log of losses and norms and
the cursor's own move are one graph, replayed without a host sync. On a CPU the same function runs eagerly, which is
how it is tested where there is no GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import TrainError
from ...models.flat import FlatModel
from ..recipe.batches import Batches
from ..recipe.recipe import TrainConfig
from ..recipe.schedule import Stretch, rate_factor
from .optimizer import AdamW

EVAL_DOCUMENTS = 32
WARM_UP = 2


def resident(documents: np.ndarray, device: torch.device) -> Tensor:
    """Copy documents of unsigned ids (n, context) to a device, as int16 holding the bits of uint16, or as int32.

    Raises
    ------
    TrainError
        When they take more than the device has free.
    """
    narrow = documents.dtype.itemsize <= 2
    dtype = np.uint16 if narrow else np.uint32
    size = documents.size * dtype().itemsize
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
        if size > free:
            raise TrainError(
                f"the corpus takes {size / 2**30:.1f} GiB on the device, {free / 2**30:.1f} GiB are free: "
                "train on fewer documents"
            )
    whole = np.ascontiguousarray(documents, dtype=dtype)
    # a memory-mapped corpus is read-only, which torch warns about though nothing is written
    bits = whole.view(np.int16 if narrow else np.int32)
    return torch.from_numpy(bits if bits.flags.writeable else bits.copy()).to(device)


def tables(config: TrainConfig, batches: Batches, program: list[Stretch]) -> tuple[Tensor, Tensor]:
    """Lay out a whole run as one row a step.

    Returns
    -------
    order : Tensor, int32, shape (slots + 1, batch_documents)
        Documents of each step. The last row is idle: document 0.
    settings : Tensor, float32, shape (slots + 1, 4)
        See :meth:`ziplaw.training.steps.optimizer.AdamW.rows`. The last row is idle.
    """
    order, settings = [], []
    for part in program:
        steps = range(part.start, part.stop)
        order.append(batches.indices_of(part.start, part.stop))
        rates = [config.learning_rate * rate_factor(s, part.plan, config.warmup_steps, config.schedule) for s in steps]
        settings.append(AdamW.rows(config, rates, part.start + 1))
    order.append(np.zeros((1, config.batch_documents), np.int64))
    settings.append(torch.tensor([AdamW.IDLE]))
    return torch.from_numpy(np.concatenate(order).astype(np.int32)), torch.cat(settings)


class GraphStep:
    """Moves a model along by replaying one captured step.

    Parameters
    ----------
    model : FlatModel
        Initialised. Its parameters are read and written in place.
    config : TrainConfig
        Resolved.
    batches : Batches
    program : list of Stretch
        The whole run.
    capture : bool, optional
        Capture a CUDA graph; by default where the model lies on a CUDA device.

    Attributes
    ----------
    optimizer : AdamW
    losses, norms : Tensor, float32, shape (slots + 1,)
        Mean training loss (nats per token) and gradient norm before clipping by slot; the last slot is idle.
    cursor : Tensor, int64, shape (1,)
        Slot of the next step.
    """

    same_everywhere = False

    def __init__(
        self,
        model: FlatModel,
        config: TrainConfig,
        batches: Batches,
        program: list[Stretch],
        capture: bool | None = None,
    ):
        order, settings = tables(config, batches, program)
        documents = resident(batches.documents, model.flat.device)
        self._prepare(model, AdamW(model, config), documents, order, settings, capture)

    def _prepare(
        self,
        model: FlatModel,
        optimizer: AdamW,
        documents: Tensor,
        order: Tensor,
        settings: Tensor,
        capture: bool | None,
    ) -> None:
        self.model, self.optimizer, self.documents = model, optimizer, documents
        device = model.flat.device
        self.order, self.settings = order.to(device), settings.to(device)
        self.idle = len(self.order) - 1
        # (slots + 1,), or (slots + 1, M) for several models side by side
        self.losses, self.norms = (
            torch.zeros(settings.shape[:-1], dtype=torch.float32, device=device) for _ in range(2)
        )
        self.cursor = torch.zeros(1, dtype=torch.int64, device=device)
        self.graph: Any = None
        if device.type == "cuda" if capture is None else capture:
            self._capture()

    @property
    def state(self) -> dict[str, Tensor]:
        """The optimiser's buffers by name."""
        return self.optimizer.state

    @torch.no_grad()
    def step(self) -> None:
        """Take the step at the cursor: device tensors in, device tensors out, no host sync."""
        ops = self.model.ops
        targets = ops.fetch_documents(self.documents, self.order, self.cursor)
        loss = self.model.loss_and_grad(targets)
        norm = self.optimizer.step_by_row(self.settings.index_select(0, self.cursor)[0])
        ops.record_step(self.cursor, self.losses, self.norms, loss, norm)

    def _capture(self) -> None:
        # every real step is a replay, the first one too: a step run eagerly may take other cuBLAS algorithms. The
        # warm-up compiles kernels and makes workspaces on the idle row, which leaves the parameters as they are.
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self.seek(self.idle)
                self.step()
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        self.seek(self.idle)
        self.graph = self._captured()
        for buffer in self.state.values():
            buffer.zero_()
        self.seek(0)

    # mode: whose forbidden calls break the capture, those of all threads or of this one
    @staticmethod
    def _graph(function: Callable[[], None], mode: str = "global") -> Any:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode=mode):
            function()
        return graph

    # what has a method replay() that takes the step
    def _captured(self) -> Any:
        return self._graph(self.step)

    def seek(self, slot: int) -> None:
        """Go on from a slot."""
        self.cursor.fill_(slot)

    def advance(self, slot: int, step: int, rate: float) -> None:
        """Take the next step; its slot, step and rate are in the tables and on the cursor already."""
        if self.graph is None:
            self.step()
        else:
            self.graph.replay()

    def document_losses(self, documents: np.ndarray, first: int = 0) -> Tensor:
        """Mean -ln p a token of each document (n, context) from token ``first`` on, nats, float64 on the CPU, (n,)."""
        device = self.model.flat.device
        means = []
        for start in range(0, len(documents), EVAL_DOCUMENTS):
            targets = torch.from_numpy(documents[start : start + EVAL_DOCUMENTS].astype(np.int64)).to(device)
            means.append(self.model.token_losses(targets)[:, first:].double().mean(1))
        return torch.cat(means).cpu()
