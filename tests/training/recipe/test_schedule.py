"""Schedules of the learning rate, plans of whole steps, and the order in which documents are visited."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ziplaw.errors import TrainError
from ziplaw.training.recipe.batches import AHEAD, Batches, permuted
from ziplaw.training.recipe.schedule import plan_budgets, rate_factor

# --- schedules -------------------------------------------------------------------------------------------------------


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


# --- data order ------------------------------------------------------------------------------------------------------


@given(st.integers(1, 3000), st.integers(0, 2**63 - 1), st.integers(0, 5))
@settings(deadline=None, max_examples=40)
def test_every_epoch_visits_every_document_once(n, seed, epoch):
    positions = np.arange(epoch * n, (epoch + 1) * n)
    order = permuted(positions, n, seed)
    assert order.dtype == np.int64
    assert (np.sort(order) == np.arange(n)).all()
    assert (order[::-1] == permuted(positions[::-1], n, seed)).all()


def test_order_is_known_and_mixes():
    assert permuted(np.arange(8), 8, 0).tolist() == [5, 2, 4, 3, 7, 1, 0, 6]
    n = 5000
    order = permuted(np.arange(2 * n), n, 3)
    assert not (order[:n] == order[n:]).all()
    assert not (order[:n] == permuted(np.arange(n), n, 4)).all()
    # neighbours in the order are as far apart as in a random one: mean |difference| of n/3
    assert abs(np.abs(np.diff(order[:n])).mean() / n - 1 / 3) < 0.02


def test_batches_are_a_function_of_seed_and_step():
    documents = np.arange(700, dtype=np.uint16)[:, None].repeat(3, 1)
    forward = Batches(documents, 3, 5)
    steps = [0, 1, AHEAD - 1, AHEAD, 2 * AHEAD + 1]
    first = {step: forward[step] for step in steps}
    for step in reversed(steps):
        assert (Batches(documents, 3, 5)[step] == first[step]).all()
        assert (forward[step] == first[step]).all()
    # two steps of 3 hold the same documents as one step of 6
    assert (Batches(documents, 6, 5)[0] == np.concatenate([first[0], first[1]])).all()
