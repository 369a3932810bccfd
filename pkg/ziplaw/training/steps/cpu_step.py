"""The training step for a decoder on a CPU: recorded passes, and the optimiser told the rate by the host."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...models.decoder import Decoder
from ...models.recorded_decoder import Recorder
from ..recipe.batches import Batches
from ..recipe.recipe import TrainConfig
from ..recipe.schedule import Stretch
from .optimizer import AdamW

EVAL_TOKENS = 1024


class CpuStep:
    """Moves a model along on a CPU, step by step; see :class:`ziplaw.training.steps.engine.Engine`.

    Parameters
    ----------
    model : Decoder
    config : TrainConfig
        Resolved.
    batches : Batches
        Training documents by step.
    program : list of Stretch
        The whole run.

    Attributes
    ----------
    optimizer : AdamW
    losses, norms : Tensor, shape (slots,)
        Mean training loss (nats per token) and gradient norm before clipping of every step, by slot.
    """

    same_everywhere = False

    def __init__(self, model: Decoder, config: TrainConfig, batches: Batches, program: list[Stretch]):
        self.model, self.config, self.batches = model, config, batches
        self.optimizer = AdamW(model, config)
        slots = program[-1].slot + program[-1].stop - program[-1].start
        self.losses, self.norms = torch.zeros((2, slots), dtype=model.flat.dtype)
        self.recorded: dict[bool, Recorder] = {}

    @property
    def state(self) -> dict[str, Tensor]:
        """The optimiser's buffers by name."""
        return self.optimizer.state

    def _recorder(self, backward: bool) -> Recorder:
        if backward not in self.recorded:
            documents = self.config.batch_documents if backward else max(1, EVAL_TOKENS // self.model.config.context)
            self.recorded[backward] = Recorder(self.model, documents, backward=backward)
        return self.recorded[backward]

    def seek(self, slot: int) -> None:
        """Go on from a slot; nothing to do here, where :meth:`advance` is told it."""

    @torch.inference_mode()
    def advance(self, slot: int, step: int, rate: float) -> None:
        """Take one step; see :meth:`ziplaw.training.steps.engine.Engine.advance`."""
        recorder = self._recorder(backward=True)
        recorder.replay(torch.from_numpy(self.batches[step]))
        self.losses[slot] = recorder.losses.mean()
        self.norms[slot] = self.optimizer.step(rate, step + 1)

    @torch.inference_mode()
    def document_losses(self, documents: np.ndarray, first: int = 0) -> Tensor:
        """Mean -ln p a token of each document (n, context) from token ``first`` on, nats, float64 on the CPU, (n,)."""
        look = self._recorder(backward=False)
        means = []
        for start in range(0, len(documents), look.B):
            targets = torch.from_numpy(documents[start : start + look.B].astype(np.int64))
            # the recording has a fixed batch; what a last, smaller batch leaves in the other rows is not read
            full = torch.zeros_like(look.targets)
            full[: len(targets)] = targets
            look.replay(full)
            means.append(look.losses[: len(targets), first:].double().mean(1))
        return torch.cat(means)
