"""When processes save and stop together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from .. import checkpoint
from .processes import Processes

# steps from one question, whether to save or to stop, to the next: all processes wait for each other's answer
ASK_STEPS = 50


class SharedTimer(checkpoint.Timer):
    """A timer whose processes save and stop at the same step: by the first one's clock, or by a signal to any of them.

    Parameters
    ----------
    processes : Processes
    minutes : float
        Between checkpoints; 0 for only when told to stop.
    """

    def __init__(self, processes: Processes, minutes: float = checkpoint.DEFAULT_MINUTES):
        super().__init__(minutes)
        self.processes = processes
        self.steps = 0

    def save_if_due(
        self, path: str | os.PathLike, work: checkpoint.Resumable, identity: Callable[[], dict[str, Any]]
    ) -> None:
        """See :meth:`ziplaw.training.checkpoint.Timer.save_if_due`; the first process writes, and all wait for it."""
        self.steps += 1
        if self.steps % ASK_STEPS:
            return
        said = self.processes.gather([self.stopped_by or 0, super().due()])
        signal = int(said[:, 0].max())
        if not signal and not said[0, 1]:
            return
        if self.processes.rank == 0:
            checkpoint.save(path, identity(), *work.state())
        self.last = time.monotonic()
        # torchrun ends all processes as soon as one has ended: none may while the file is being written
        self.processes.gather([0.0])
        if signal:
            self.stopped_by = signal
            raise checkpoint.Stopped
