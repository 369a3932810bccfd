"""The log of consecutive steps of trunk or branch: losses, gradient norms, spikes, and rows of curve.csv."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from ..base.sums import mean

SPIKE_WINDOW = 32
SPIKE_FACTOR = 8.0


@dataclass
class Segment:
    """Losses and gradient norms of consecutive steps: of the trunk (budget None) or of one budget's branch.

    Attributes
    ----------
    budget : int or None
    start : int
        First step.
    done : int
        Steps taken; the tensors have room for all steps of the segment.
    slot : int
        Steps of other segments before it.
    losses, norms : Tensor, shape (steps,)
        Mean training loss (nats per token) and gradient norm before clipping, by step; views of the run's log.
    """

    budget: int | None
    start: int
    done: int
    slot: int
    losses: Tensor
    norms: Tensor

    def spikes(self) -> np.ndarray:
        """Mark the steps whose loss leaves the 32 before by more than 8 of their median absolute deviations, bool."""
        losses = self.losses[: self.done].double().cpu().numpy()
        marks = np.zeros(self.done, bool)
        if self.done > SPIKE_WINDOW:
            before = np.lib.stride_tricks.sliding_window_view(losses[:-1], SPIKE_WINDOW)
            middle = np.median(before, axis=1)
            spread = np.median(np.abs(before - middle[:, None]), axis=1)
            marks[SPIKE_WINDOW:] = losses[SPIKE_WINDOW:] > middle + SPIKE_FACTOR * spread
        return marks

    def rows(self, every: int, tokens_per_step: int, rate: Callable[[int], float]) -> list[dict[str, Any]]:
        """One row for every ``every`` steps: means over them, the largest gradient norm, the rate of the last."""
        losses, norms = self.losses.double().cpu().numpy(), self.norms.double().cpu().numpy()
        spikes = self.spikes()
        rows = []
        for first in range(0, self.done, every):
            last = min(first + every, self.done)
            step = self.start + last
            rows.append(
                {
                    "kind": "log" if self.budget is None else "branch",
                    "budget": self.budget,
                    "step": step,
                    "tokens": step * tokens_per_step,
                    "learning_rate": rate(step - 1),
                    "train_loss": mean(losses[first:last]),
                    "grad_norm": mean(norms[first:last]),
                    "grad_norm_max": float(norms[first:last].max()),
                    "spikes": int(spikes[first:last].sum()),
                }
            )
        return rows
