"""Random effects over datasets, against ordinary least squares and a plain restricted likelihood."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from twins.joint_law import restricted_likelihood
from ziplaw.laws.dependence.statistics.meta_regression import meta_regression
from ziplaw.laws.dependence.two_stage import ols


def test_random_effects_without_fit_error_are_ordinary_least_squares():
    rng = np.random.default_rng(0)
    H, y = np.linspace(0.3, 0.5, 7), rng.normal(size=(7, 5))
    X = np.column_stack([np.ones(7), H - H.mean()])
    found = meta_regression(y, np.zeros((7, 5, 5)), X)
    for i in range(5):
        line = ols(H, y[:, i])
        assert found.coefficients[i, 1] == pytest.approx(line["slope"], rel=1e-6)
        sd = np.sqrt(found.covariance[2 * i + 1, 2 * i + 1])
        t = (line["slope_ci"][1] - line["slope"]) / sd
        assert t == pytest.approx(2.5705818, rel=1e-4)  # t of 5 degrees of freedom


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_full_scatter_maximises_the_restricted_likelihood(seed):
    rng = np.random.default_rng(seed)
    K, m = 12, 3
    roots = rng.normal(size=(K, m, m)) * 0.3
    S = roots @ roots.swapaxes(1, 2) + 0.01 * np.eye(m)
    X = np.column_stack([np.ones(K), np.linspace(-1, 1, K)])
    y = rng.normal(size=(K, m)) * 0.5 + X @ rng.normal(size=(2, m))
    found = meta_regression(y, S, X, structure="full")
    best = restricted_likelihood(y, S, X, found.scatter)
    for _ in range(20):
        shake = rng.normal(size=(m, m)) * 0.1
        assert best <= restricted_likelihood(y, S, X, found.scatter + shake @ shake.T) + 1e-4
        assert best <= restricted_likelihood(y, S, X, found.scatter * rng.uniform(0.5, 1.5)) + 1e-4


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.01, 0.3, 2.0]))
def test_diagonal_scatter_is_the_posterior_mean_under_a_flat_prior_on_its_sd(seed, error):
    rng = np.random.default_rng(seed)
    K = 6
    s = (error * rng.uniform(0.5, 1.5, K)) ** 2
    X = np.column_stack([np.ones(K), np.linspace(-1, 1, K)])
    y = rng.normal(size=K) * 0.5
    found = meta_regression(y[:, None], s[:, None, None], X, structure="diagonal").scatter[0, 0]
    rest = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    largest = 3 * np.sqrt(rest @ rest / (K - 2))

    def density(tau):
        minus = restricted_likelihood(y[:, None], s[:, None, None], X, np.array([[tau**2 + 1e-9]]))
        return np.exp(-0.5 * (minus - at_best))

    at_best = min(
        restricted_likelihood(y[:, None], s[:, None, None], X, np.array([[tau**2 + 1e-9]]))
        for tau in np.linspace(0, largest, 50)
    )
    mass = quad(density, 0, largest, limit=200)[0]
    mean = quad(lambda tau: tau**2 * density(tau), 0, largest, limit=200)[0] / mass
    assert found == pytest.approx(mean, rel=0.01)
