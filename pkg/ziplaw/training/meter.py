"""Progress of training: a live line on a terminal, a plain line now and then in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from ..base.numerals import format_seconds
from .recipe.schedule import BudgetPlan

LIVE_S = 0.5
PLAIN_S = 20.0


def total_steps(plans: Sequence[BudgetPlan]) -> int:
    """Steps that are really run: the trunk once, and every branch."""
    return max(plan.branch for plan in plans) + sum(plan.cooldown for plan in plans)


class Meter:
    """Tokens a second, loss, time left, GFLOP/s and MFU (where the device is known) on standard error."""

    def __init__(self) -> None:
        self.stream = sys.stderr
        self.live = self.stream.isatty()
        self.done = self.total = self.skipped = 0

    def start(
        self, plans: Sequence[BudgetPlan], tokens_per_step: int, flops_per_token: int, peak: float | None = None
    ) -> None:
        """Begin counting; ``peak`` is the device's FLOP/s, where it is known: the line then has the MFU too."""
        self.total = total_steps(plans)
        self.tokens_per_step, self.flops_per_token, self.peak = tokens_per_step, flops_per_token, peak
        self.began = self.shown = time.monotonic()

    def skip(self, steps: int) -> None:
        """Count steps that an earlier run, now resumed, has done."""
        self.done = self.skipped = steps

    def update(self, steps: int, loss: float) -> None:
        """Count steps; show a line when it is time."""
        self.done += steps
        now = time.monotonic()
        if not self.total or now - self.shown < (LIVE_S if self.live else PLAIN_S):
            return
        self.shown = now
        speed = (self.done - self.skipped) * self.tokens_per_step / (now - self.began)
        left = (self.total - self.done) * self.tokens_per_step / speed
        work = speed * self.flops_per_token
        line = (
            f"step {self.done}/{self.total}  loss {loss:.4f}  {speed:,.0f} tokens/s  {work / 1e9:,.1f} GFLOP/s  "
            f"{f'MFU {work / self.peak:.1%}  ' if self.peak else ''}{format_seconds(left)} left"
        )
        print(f"\r\x1b[K{line}" if self.live else line, end="" if self.live else "\n", file=self.stream, flush=True)

    def close(self) -> None:
        """Wipe the live line."""
        if self.live:
            print("\r\x1b[K", end="", file=self.stream, flush=True)
