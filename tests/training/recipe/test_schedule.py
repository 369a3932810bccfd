"""Schedules of the learning rate and plans of whole steps."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ziplaw.errors import TrainError
from ziplaw.training.recipe.schedule import plan_budgets, rate_factor


@pytest.mark.parametrize("cooldown", [0.0, 0.2, 1.0])
def test_wsd_is_trunk_then_linear_cooldown(cooldown):
    plans = plan_budgets([1000, 100], 10, cooldown)
    assert [p.budget for p in plans] == [100, 1000]
    for plan in plans:
        assert plan.D == plan.steps * 10
        assert plan.cooldown == max(1, round(cooldown * plan.steps))
        path = [rate_factor(s, plan, 5) for s in range(plan.steps)]
        assert path[: plan.branch] == [rate_factor(s, None, 5) for s in range(plan.branch)]
        falls = np.diff(path[plan.branch :])
        assert len(falls) == 0 or np.allclose(falls, falls[0])
        assert (falls < 0).all()
        assert 0 < path[-1] <= 0.5
    assert [rate_factor(s, None, 3) for s in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_cosine_is_torchs():
    plan = plan_budgets([200], 10, 0.2, "cosine")[0]
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=plan.steps)
    for step in range(plan.steps):
        assert math.isclose(rate_factor(step, plan, 0, "cosine"), theirs.get_last_lr()[0], abs_tol=1e-12)
        optimiser.step()
        theirs.step()
    assert plan.branch == 0
    assert rate_factor(7, plan, 0, "constant") == 1.0


@given(st.lists(st.integers(10, 10**6), min_size=1, max_size=6, unique=True), st.floats(0, 1))
@settings(deadline=None)
def test_plans_are_whole_steps(budgets, cooldown):
    try:
        plans = plan_budgets(budgets, 10, cooldown)
    except TrainError as error:
        assert "both round" in str(error)  # noqa: PT017
        return
    assert all(abs(p.D - p.budget) <= 5 and 0 <= p.branch < p.steps for p in plans)
    assert all(a.branch <= b.branch for a, b in itertools.pairwise(plans))
