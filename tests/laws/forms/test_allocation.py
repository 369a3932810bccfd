"""Allocations: closed forms against brute force, published ones from published constants, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables_of_laws import planted

import ziplaw
from ziplaw.errors import FitError
from ziplaw.laws.forms.allocation import allocate, exponents
from ziplaw.laws.forms.chinchilla import CHINCHILLA, CHINCHILLA_REFIT, additive

LAW = st.tuples(st.floats(0.1, 3), st.floats(1, 1e4), st.floats(1, 1e4), st.floats(0.1, 0.9), st.floats(0.1, 0.9)).map(
    np.array
)


@settings(max_examples=60, deadline=None)
@given(LAW, st.floats(15, 26))
def test_closed_form_split_is_the_minimum_over_a_fine_grid(law, log10_C):
    C = 10.0**log10_C
    plan = allocate(law, C)
    assert plan.N * plan.D * 6 == pytest.approx(C, rel=1e-9)
    N = plan.N * np.geomspace(0.5, 2, 401)
    losses = additive(law, N, C / 6 / N)
    assert np.argmin(losses) in range(198, 203)
    assert plan.loss <= losses.min() * (1 + 1e-12)


def test_published_chinchilla_split():
    a, b, _ = exponents(CHINCHILLA.array)
    # the paper's Table 2, Approach 3: a = 0.46, b = 0.54
    assert (a, b) == pytest.approx((0.46, 0.54), abs=0.01)
    a, b, _ = exponents(CHINCHILLA_REFIT.array)
    assert (10**a, 10**b) == pytest.approx((3.16, 3.16), rel=0.05)
    plan = allocate(CHINCHILLA_REFIT.array, 5.76e23)
    # the refit agrees with how Chinchilla was trained: 70e9 parameters, 1.4e12 tokens, 20 tokens a parameter
    assert plan.N == pytest.approx(70e9, rel=0.1)
    assert 15 < plan.tokens_per_parameter < 30


def test_scaling_ten_times_the_compute():
    one, ten = (ziplaw.fit(*planted(0.001)).allocate(C=C) for C in (1e21, 1e22))
    a, b, _ = exponents(CHINCHILLA_REFIT.array)
    assert ten.N / one.N == pytest.approx(10**a, rel=0.02)
    assert ten.D / one.D == pytest.approx(10**b, rel=0.02)
    plans = ziplaw.fit(*planted(0.001)).allocate(C=np.array([1e21, 1e22]))
    assert plans.N == pytest.approx([one.N, ten.N])


@pytest.mark.parametrize("C", [0, -1, np.nan, "x", []])
def test_impossible_budgets_are_refused(C):
    with pytest.raises(FitError, match="C is"):
        ziplaw.fit(*planted(0.001)).allocate(C=C)
