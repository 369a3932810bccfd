"""One captured step for several decoders of one shape, and a seat in it for each run.

Each run keeps its own :class:`ziplaw.training.trainer.Trainer`: its log, points, checkpoint state and whether it has
diverged. A seat gives that trainer views of its model's part of the common buffers. All seats take the same steps at
the same time; the first trainer that asks for a step makes it happen for all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...errors import TrainError
from ...models.decoder_stack import Decoders
from ..recipe.batches import Batches
from ..recipe.recipe import TrainConfig
from ..recipe.schedule import Stretch
from .graph_step import EVAL_DOCUMENTS, GraphStep, resident, tables
from .optimizer import AdamW


def joint_tables(
    configs: Sequence[TrainConfig], batches: Sequence[Batches], program: list[Stretch]
) -> tuple[np.ndarray, Tensor, Tensor]:
    """Lay out several runs as one row a step.

    Returns
    -------
    documents : ndarray, uint16 or uint32, shape (n, context)
        All corpora, one after the other; a corpus that several runs share once.
    order : Tensor, int32, shape (slots + 1, M * batch_documents)
    settings : Tensor, float32, shape (slots + 1, M, 4)
        As of :func:`ziplaw.training.steps.graph_step.tables`: rates and decays by model.
    """
    corpora = {id(b.documents): b.documents for b in batches}
    ends = np.cumsum([len(documents) for documents in corpora.values()])
    if ends[-1] > np.iinfo(np.int32).max:
        raise TrainError(f"the corpora have {ends[-1]} documents together, at most 2^31 - 1: train fewer runs at once")
    first = dict(zip(corpora, (0, *map(int, ends[:-1]))))
    laid = [tables(config, b, program) for config, b in zip(configs, batches, strict=True)]
    order = torch.cat([order + first[id(b.documents)] for (order, _), b in zip(laid, batches)], 1)
    settings = torch.stack([settings for _, settings in laid], 1)
    widest = max(documents.dtype.itemsize for documents in corpora.values())
    dtype = np.uint16 if widest <= 2 else np.uint32
    return np.concatenate([np.asarray(d, dtype) for d in corpora.values()]), order, settings


class SideBySide(GraphStep):
    """Moves M decoders along by replaying one captured step.

    Parameters
    ----------
    model : Decoders
        Initialised.
    configs : sequence of TrainConfig
        Resolved; alike but for seed, learning rate and weight decay.
    batches : sequence of Batches
    program : list of Stretch
        The whole run, the same for all.
    valid : sequence of ndarray, shape (n, context)
        Validation documents of each run.
    capture : bool, optional
        Capture a CUDA graph; by default where the models lie on a CUDA device.
    """

    def __init__(
        self,
        model: Decoders,
        configs: Sequence[TrainConfig],
        batches: Sequence[Batches],
        program: list[Stretch],
        valid: Sequence[np.ndarray],
        capture: bool | None = None,
    ):
        documents, order, settings = joint_tables(configs, batches, program)
        device = model.flat.device
        self.valid = valid
        self.position = -1
        # where, and from which token on, the losses below were measured
        self.measured: tuple[int, int] | None = None
        self.held_out: list[Tensor] = []
        self._prepare(model, AdamW(model, configs[0]), resident(documents, device), order, settings, capture)

    def seek(self, slot: int) -> None:
        """Go on from a slot; one that other seats are past already changes nothing."""
        if slot > self.position:
            super().seek(slot)
            # the idle row is for warming up; from there the first real step is ahead again
            self.position = -1 if slot == self.idle else slot

    def advance(self, slot: int, step: int, rate: float) -> None:
        """Take the step of a slot, unless another seat has done so."""
        if slot == self.position:
            super().advance(slot, step, rate)
            self.position += 1

    @torch.no_grad()
    def all_losses(self, first: int = 0) -> list[Tensor]:
        """Mean -ln p a token, from position ``first`` on, of each model's validation documents; computed once a
        slot.
        """
        if self.measured != (self.position, first):
            most = max(len(documents) for documents in self.valid)
            found = []
            for start in range(0, most, EVAL_DOCUMENTS):
                # a run of fewer documents repeats its last one; what comes of it is not read
                rows = [np.minimum(np.arange(start, min(start + EVAL_DOCUMENTS, most)), len(d) - 1) for d in self.valid]
                targets = np.concatenate([d[r].astype(np.int64) for d, r in zip(self.valid, rows)])
                losses = self.model.token_losses(torch.from_numpy(targets).to(self.model.flat.device))
                found.append(losses[:, first:].double().mean(1).view(len(self.valid), -1))
            whole = torch.cat(found, 1).cpu()
            self.measured = self.position, first
            self.held_out = [row[: len(d)] for row, d in zip(whole, self.valid)]
        return self.held_out


class Seat:
    """One model among several: what a Trainer asks of its model and engine, on that model's part of the buffers."""

    same_everywhere = False

    def __init__(self, engine: SideBySide, index: int):
        self.engine, self.index = engine, index
        self.flat = engine.model.flat[index]
        self.state = {name: buffer[index] for name, buffer in engine.state.items()}
        self.losses, self.norms = engine.losses[:, index], engine.norms[:, index]

    def refresh(self) -> None:
        """Bring the copy that products read up to date."""
        shadow = self.engine.model.shadow
        if shadow is not None:
            shadow[self.index].copy_(self.flat)

    def seek(self, slot: int) -> None:
        """See :meth:`SideBySide.seek`."""
        self.engine.seek(slot)

    def advance(self, slot: int, step: int, rate: float) -> None:
        """See :meth:`SideBySide.advance`."""
        self.engine.advance(slot, step, rate)

    def document_losses(self, documents: np.ndarray, first: int = 0) -> Tensor:
        """Losses of this run's validation documents, the only ones that it may ask for; float64 on the CPU, shape
        (n,).
        """
        assert documents is self.engine.valid[self.index]
        return self.engine.all_losses(first)[self.index]
