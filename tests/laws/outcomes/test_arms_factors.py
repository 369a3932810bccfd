"""Factors read off two laws: against what the laws themselves say at those N, D and C."""

import numpy as np
import pytest
from designs import LAW

from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.forms.chinchilla import additive
from ziplaw.laws.outcomes.arms_factors import (
    constant_factors,
    frontier,
    interval,
    log_factor_at_C,
    log_factor_at_size,
)
from ziplaw.laws.outcomes.arms_fit import cells_of

OTHER = np.array([1.75, 300.0, 500.0, 0.32, 0.29])
CELLS = cells_of([(np.array([1e8, 1e9]), np.array([1e10, 1e11]), np.array([3.0, 2.5]))] * 2, ladder=False)


def local(parameters):
    """E, A, B, alpha, beta as the unknowns of an arm."""
    E, A, B, alpha, beta = parameters
    return [np.log(E), np.log(A) - alpha * CELLS.centre[0], np.log(B) - beta * CELLS.centre[1], alpha, beta]


LAWS = np.array([local(LAW), local(OTHER)])


def test_the_frontier_is_that_of_the_best_splits():
    for parameters, row in zip((LAW, OTHER), LAWS):
        E, k, gamma = frontier(row, CELLS)
        for C in (1e18, 1e22):
            assert E + np.exp(k - gamma * np.log(C)) == pytest.approx(float(optimal_split(parameters, C)[2]), rel=1e-9)


def test_the_base_reaches_the_arms_loss_with_so_much_compute():
    for C in (1e18, 1e21):
        m = np.exp(log_factor_at_C(LAWS, CELLS, np.log(C)))
        assert float(optimal_split(LAW, m * C)[2]) == pytest.approx(float(optimal_split(OTHER, C)[2]), rel=1e-9)


def test_what_the_base_never_reaches_is_infinite():
    low = OTHER.copy()
    low[0] = 1.0
    assert log_factor_at_C(np.array([local(LAW), local(low)]), CELLS, np.log(1e40)) == np.inf
    assert log_factor_at_size(np.array([local(LAW), local(low)]), CELLS, np.log(1e8), np.log(1e30)) == np.inf


def test_tokens_at_equal_size():
    N, D = 1e9, 3e10
    t = np.exp(log_factor_at_size(LAWS, CELLS, np.log(N), np.log(D)))
    assert additive(LAW, N, t * D) == pytest.approx(additive(OTHER, N, D), rel=1e-9)


def test_one_factor_where_laws_differ_in_amplitudes():
    arm = LAW.copy()
    arm[1:3] = LAW[1] / 1.2 ** LAW[3], LAW[2] / 1.25 ** LAW[4]
    laws = np.array([local(LAW), local(arm)])
    found = {name: float(np.exp(value[0])) for name, value in constant_factors(laws[None], ladder=False).items()}
    assert found == pytest.approx({"factor": 1.5, "N_factor": 1.2, "D_factor": 1.25})
    for C in (1e17, 1e24):
        assert np.exp(log_factor_at_C(laws, CELLS, np.log(C))) == pytest.approx(1.5)


def test_an_interval_holds_infinite_draws():
    draws = np.concatenate([np.linspace(-1, 1, 900), np.full(100, np.inf)])
    low, high = interval(draws, 0.1, 0.95, 50)
    assert np.isfinite(low)
    assert high == np.inf
    low, high = interval(np.random.default_rng(0).standard_normal(20_000), 0.0, 0.95, 10**6)
    assert (low, high) == pytest.approx((-1.96, 1.96), abs=0.06)
