"""Learning-rate schedules and the plan of trunk and branches, as pure functions of the step.

Warmup-stable-decay: one trunk at the peak rate; for every budget a branch leaves the trunk at
``steps - cooldown_steps`` and cools down linearly. A budget's path (trunk up to there, then its branch) is exactly
what a separate run of that budget would do, so D counts only that path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import TrainError

SCHEDULES = ("wsd", "cosine", "constant")


@dataclass(frozen=True)
class BudgetPlan:
    """One budget in whole steps.

    Attributes
    ----------
    budget : int
        Tokens asked for.
    steps : int
        Optimiser steps of this budget's own path.
    D : int
        Tokens of those steps, recorded exactly.
    branch : int
        First step of its own branch: ``steps - cooldown`` under wsd, 0 otherwise.
    """

    budget: int
    steps: int
    D: int
    branch: int

    @property
    def cooldown(self) -> int:
        """Steps of the branch."""
        return self.steps - self.branch


def plan_budgets(
    budgets: Sequence[int], tokens_per_step: int, cooldown: float, schedule: str = "wsd"
) -> list[BudgetPlan]:
    """Round budgets to whole steps and place their branches, in rising order.

    Parameters
    ----------
    budgets : sequence of int
        Tokens.
    tokens_per_step : int
        Documents a step times context.
    cooldown : float
        Share of a budget's steps that cool down (at least one step).
    schedule : {"wsd", "cosine", "constant"}

    Raises
    ------
    TrainError
        When a budget is smaller than a step, or two budgets round to the same number of steps.
    """
    if not budgets:
        raise TrainError("no budgets given, at least one is needed: for example --budgets 65536,131072")
    plans: list[BudgetPlan] = []
    for budget in sorted(budgets):
        if budget < tokens_per_step:
            raise TrainError(
                f"budget {budget} is less than one step of {tokens_per_step} tokens: "
                f"raise it to {tokens_per_step} or take fewer documents a step"
            )
        steps = round(budget / tokens_per_step)
        if plans and plans[-1].steps == steps:
            raise TrainError(
                f"budgets {plans[-1].budget} and {budget} both round to {steps} steps of {tokens_per_step} tokens: "
                "drop one or take fewer documents a step"
            )
        branch = steps - max(1, round(cooldown * steps)) if schedule == "wsd" else 0
        plans.append(BudgetPlan(budget, steps, steps * tokens_per_step, max(branch, 0)))
    return plans


@dataclass(frozen=True)
class Stretch:
    """Consecutive steps of the trunk (plan None) or of a budget's branch, in the order in which a run takes them.

    Attributes
    ----------
    plan : BudgetPlan or None
    start, stop : int
        First step, and the one after the last.
    slot : int
        Steps that the run has taken before, on trunk and branches together.
    """

    plan: BudgetPlan | None
    start: int
    stop: int
    slot: int


def stretches(plans: Sequence[BudgetPlan]) -> list[Stretch]:
    """Lay out a whole run: the trunk up to each budget's branch, then the branch; empty stretches are left out."""
    found: list[Stretch] = []
    trunk = slot = 0
    for plan in plans:
        for owner, start, stop in ((None, trunk, plan.branch), (plan, plan.branch, plan.steps)):
            if stop > start:
                found.append(Stretch(owner, start, stop, slot))
                slot += stop - start
        trunk = plan.branch
    return found


def rate_factor(step: int, plan: BudgetPlan | None, warmup: int, schedule: str = "wsd") -> float:
    """Share of the peak learning rate at a step (0-based).

    Parameters
    ----------
    step : int
    plan : BudgetPlan or None
        The budget whose path this is; None on the trunk.
    warmup : int
        Steps of linear warmup: step s has (s + 1) / (warmup + 1) of the rate, the full rate from step ``warmup``.
    schedule : {"wsd", "cosine", "constant"}
        wsd: cooldown step i of n has 1 - (i + 1) / (n + 1), so it would reach 0 one step after the last.
        cosine: (1 + cos(pi s / steps)) / 2, torch's CosineAnnealingLR with T_max = steps, but the same bits
        on every machine.

    Returns
    -------
    float
        In (0, 1].
    """
    factor = min(1.0, (step + 1) / (warmup + 1))
    if plan is None or schedule == "constant":
        return factor
    if schedule == "cosine":
        # here, as the command line reads the schedules' names without numpy
        from ...base.elementary import cos_pi

        return factor * 0.5 * (1.0 + cos_pi(step / plan.steps))
    if step >= plan.branch:
        # a branch that leaves the trunk during warmup cools down from the rate the trunk had reached
        peak = min(1.0, (plan.branch + 1) / (warmup + 1))
        return peak * (1.0 - (step - plan.branch + 1) / (plan.cooldown + 1))
    return factor
