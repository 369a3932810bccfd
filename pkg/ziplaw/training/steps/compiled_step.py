"""The training step for a decoder on a CPU: passes and optimiser of the compiled core, the same bits everywhere.

The core works on groups of documents, whose size follows from the model's shape. A batch's gradient is the sum of the
gradients of its groups, added in their order, so neither the number of threads nor the processor changes a bit of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...base.sums import plain_mean, row_means
from ...base.threads import each
from ...models.decoder import Decoder
from ..recipe.batches import Batches
from ..recipe.recipe import TrainConfig
from ..recipe.schedule import Stretch
from .core import core
from .optimizer import AdamW

# tokens whose losses are held at once
EVAL_TOKENS = 1 << 16


class CompiledStep:
    """Moves a model along on a CPU by the compiled core; see :class:`ziplaw.training.steps.engine.Engine`.

    Parameters
    ----------
    model : Decoder
        In float32 on a CPU, its vocabulary not padded.
    config : TrainConfig
        Resolved; ``threads`` of it share the groups of a batch.
    batches : Batches
        Training documents by step.
    program : list of Stretch
        The whole run.

    Attributes
    ----------
    optimizer : AdamW
    losses, norms : Tensor, float32, shape (slots,)
        Mean training loss (nats per token) and gradient norm before clipping of every step, by slot.
    """

    same_everywhere = True

    def __init__(self, model: Decoder, config: TrainConfig, batches: Batches, program: list[Stretch]):
        self.model, self.config, self.batches = model, config, batches
        self.optimizer = AdamW(model, config)
        slots = program[-1].slot + program[-1].stop - program[-1].start
        self.losses, self.norms = torch.zeros((2, slots))
        c = model.config
        self.passes = core().Passes(
            hidden=c.hidden,
            layers=c.layers,
            heads=c.heads,
            intermediate=c.intermediate,
            vocabulary=c.vocab_size,
            positions=c.context,
        )
        self.parameters, self.total = model.flat.numpy(), model.grad.numpy()
        self.groups = range(0, config.batch_documents, self.passes.group)
        self.threads = min(config.threads, len(self.groups))
        # for each thread the gradient of a group, and scratch space; the first group's gradient is written where the
        # others are added to it
        alone = len(self.groups) == 1
        self.parts = [self.total if alone else np.empty_like(self.total) for _ in range(self.threads)]
        floats = max(self.passes.scratch_floats(gradient) for gradient in (True, False))
        self.scratch = [core().Scratch(floats) for _ in range(self.threads)]

    @property
    def state(self) -> dict[str, Tensor]:
        """The optimiser's buffers by name."""
        return self.optimizer.state

    def seek(self, slot: int) -> None:
        """Go on from a slot; nothing to do here, where :meth:`advance` is told it."""

    def _share(self, work: Callable[[Any], None], items: Sequence[Any]) -> None:
        if len(items) == 1:
            work(items[0])
        else:
            each(work, items, self.threads)

    def _gradient(self, tokens: np.ndarray) -> np.ndarray:
        """Fill the model's gradient from a batch of documents, uint32 (B, S); return losses, float32 (B, S)."""
        losses = np.empty(tokens.shape, np.float32)

        def group(item: tuple[int, np.ndarray, Any]) -> None:
            start, place, scratch = item
            here = slice(start, start + self.passes.group)
            self.passes.gradient(self.parameters, tokens[here], 1.0 / tokens.size, losses[here], place, scratch)

        for first in range(0, len(self.groups), self.threads):
            starts = self.groups[first : first + self.threads]
            places = [part if start else self.total for start, part in zip(starts, self.parts)]
            self._share(group, list(zip(starts, places, self.scratch)))
            for start, part in zip(starts, places):
                if start:
                    core().add(part, self.total)
        return losses

    def advance(self, slot: int, step: int, rate: float) -> None:
        """Take one step; see :meth:`ziplaw.training.steps.engine.Engine.advance`."""
        losses = self._gradient(self.batches[step].astype(np.uint32))
        self.losses[slot] = plain_mean(losses.reshape(-1))
        self.norms[slot] = self.optimizer.step(rate, step + 1)

    def document_losses(self, documents: np.ndarray, first: int = 0) -> Tensor:
        """Mean -ln p a token of each document (n, context) from token ``first`` on, nats, float64 on the CPU, (n,)."""
        means = np.empty(len(documents))
        count = max(self.passes.group, EVAL_TOKENS // self.model.config.context)
        for start in range(0, len(documents), count):
            tokens = documents[start : start + count].astype(np.uint32)
            losses = np.empty(tokens.shape, np.float32)
            self._losses(tokens, losses)
            means[start : start + count] = row_means(losses[:, first:])
        return torch.from_numpy(means)

    def _losses(self, tokens: np.ndarray, losses: np.ndarray) -> None:
        # whole groups for each thread
        some = -(-len(tokens) // (self.passes.group * self.threads)) * self.passes.group

        def part(item: tuple[int, Any]) -> None:
            start, scratch = item
            here = slice(start, start + some)
            self.passes.losses(self.parameters, tokens[here], losses[here], scratch)

        self._share(part, list(zip(range(0, len(tokens), some), self.scratch)))
