"""Allocations: closed forms against brute force, published ones from published constants, and what each approach gets wrong."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables_of_laws import columns, planted, table

import ziplaw
from ziplaw.errors import FitError
from ziplaw.laws.forms.allocation import allocate, exponents
from ziplaw.laws.forms.chinchilla import CHINCHILLA, CHINCHILLA_REFIT, additive
from ziplaw.laws.plans.approaches import envelope, isoflop
from ziplaw.laws.plans.serving import serve

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


def dense(law):
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(5e7, 1.6e10, 10), np.geomspace(1e9, 3e11, 12)))
    return N, D, additive(law, N, D)


@pytest.mark.parametrize("approach", [envelope, isoflop])
def test_approaches_without_a_law_find_the_exponent_on_clean_curves(approach):
    found = approach(*dense(CHINCHILLA_REFIT.array), law=CHINCHILLA_REFIT.array)
    truth = exponents(CHINCHILLA_REFIT.array)[0]
    assert found.a == pytest.approx(truth, abs=0.03)
    assert found.bias == pytest.approx(found.a - truth, abs=1e-9)
    plan = found.allocate(1e21)
    assert plan.N * plan.D * 6 == pytest.approx(1e21)
    assert plan.N == pytest.approx(allocate(CHINCHILLA_REFIT.array, 1e21).N, rel=0.2)


def test_parabolas_are_biased_when_exponents_differ_and_say_so():
    lopsided = np.array([1.5, 50.0, 5e4, 0.25, 0.55])
    found = isoflop(*dense(lopsided), law=lopsided)
    assert abs(found.bias) > 0.005
    assert "symmetric" in found.note


def test_approaches_on_chinchillas_own_points():
    N, D, loss = columns(table("chinchilla_points.csv"), "N", "D", "loss")
    for approach in (envelope, isoflop):
        # the paper's Table 2: a = 0.50 (0.488, 0.502) and 0.49 (0.462, 0.534)
        assert approach(N, D, loss).a == pytest.approx(0.5, abs=0.05)


def test_too_few_sizes_for_an_envelope():
    N, D, loss = planted(0.0, sizes=2)
    with pytest.raises(FitError, match="3 are needed"):
        envelope(N, D, loss)
