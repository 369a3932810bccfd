"""The cheapest plan for training and serving: against a fine grid, at no serving, below the floor."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ziplaw.errors import FitError
from ziplaw.laws.forms.allocation import allocate
from ziplaw.laws.forms.chinchilla import CHINCHILLA, CHINCHILLA_REFIT, additive
from ziplaw.laws.plans.serving import serve

LAW = st.tuples(st.floats(0.1, 3), st.floats(1, 1e4), st.floats(1, 1e4), st.floats(0.1, 0.9), st.floats(0.1, 0.9)).map(
    np.array
)


def test_without_serving_the_cheapest_plan_is_chinchillas():
    plan = serve(CHINCHILLA.array, 2.1, 0)
    same = allocate(CHINCHILLA.array, plan.total_flops)
    assert plan.N == pytest.approx(same.N, rel=1e-4)
    assert same.loss == pytest.approx(2.1, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(LAW, st.floats(1.05, 3), st.floats(0, 14))
def test_serving_plan_is_the_cheapest_of_many_and_reaches_the_loss(law, above, log10_tokens):
    target = law[0] * above
    plan = serve(law, target, 10.0**log10_tokens)
    assert additive(law, plan.N, plan.D) == pytest.approx(target, rel=1e-6)
    N = plan.N * np.geomspace(0.7, 1.5, 201)
    rest = target - law[0] - law[1] * N ** -law[3]
    ok = rest > 0
    D = (law[2] / rest[ok]) ** (1 / law[4])
    assert plan.total_flops <= (6 * N[ok] * D + 2 * N[ok] * plan.served_tokens).min() * (1 + 1e-6)


def test_more_serving_means_smaller_models_trained_longer():
    plans = [serve(CHINCHILLA.array, 2.1, tokens) for tokens in (0, 1e11, 1e12, 1e13)]
    assert all(a.N > b.N and a.D < b.D for a, b in pairwise(plans))
    stack = serve(np.array([CHINCHILLA.array, CHINCHILLA_REFIT.array]), 2.1, 1e12)
    assert stack.N[0] == pytest.approx(plans[2].N, rel=1e-6)


def test_serving_below_the_floor_is_refused():
    with pytest.raises(FitError, match="not above the law's floor"):
        serve(CHINCHILLA.array, 1.5, 1e12)
    with pytest.raises(FitError, match="served_tokens"):
        serve(CHINCHILLA.array, 2.5, -1)
