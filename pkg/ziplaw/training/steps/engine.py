"""What the trainer asks of a training step, however it is computed."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from torch import Tensor


class Engine(Protocol):
    """Moves one model along: :class:`~.plain_step.PlainStep` is the readable one, the others are held to it by tests.

    Attributes
    ----------
    losses, norms : Tensor, shape (slots,) or longer
        Mean training loss (nats per token) and gradient norm before clipping of every step, by its place in the run.
    same_everywhere : bool
        Whether its bits hang on shapes and settings alone: on no processor, no thread count and no library's version.
    """

    same_everywhere: bool
    losses: Tensor
    norms: Tensor

    @property
    def state(self) -> dict[str, Tensor]:
        """The optimiser's buffers by name: what a snapshot keeps beside the parameters."""

    def seek(self, slot: int) -> None:
        """Go on from a slot, a step's place in the run: before the first step, and after a jump."""

    def advance(self, slot: int, step: int, rate: float) -> None:
        """Take one step.

        Parameters
        ----------
        slot : int
            Its place in the run, trunk and branches together.
        step : int
            Steps before it on its own path, 0-based: decides documents and bias corrections.
        rate : float
            The schedule's learning rate.
        """

    def document_losses(self, documents: np.ndarray, first: int = 0) -> Tensor:
        """Mean -ln p a token of each document (n, context) from token ``first`` on, nats, float64 on the CPU, (n,)."""
