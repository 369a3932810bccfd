"""Bootstraps repeat to the bit, hold the estimate, and refuse in one line what they cannot do."""

import numpy as np
import pytest
from tables_of_laws import planted

import ziplaw
from ziplaw.errors import FitError
from ziplaw.laws.forms.chinchilla import PARAMETERS
from ziplaw.laws.intervals.kinds import BOOTSTRAPS

NAMES = {*PARAMETERS, "a", "b", "log10_G"}


@pytest.fixture(scope="module")
def fit():
    return ziplaw.fit(*planted(0.01))


@pytest.fixture(scope="module")
def runs():
    return np.repeat(np.arange(6), 6)  # planted() has N fastest: a label a budget, equal in number


@pytest.mark.parametrize("method", BOOTSTRAPS)
def test_bootstraps_are_repeatable_and_hold_the_estimate(fit, runs, method):
    clusters = runs if method in ("cluster", "wild") else None
    one, two = (fit.bootstrap(200, seed=7, method=method, clusters=clusters) for _ in range(2))
    assert one.samples.shape == (200, 5)
    assert np.array_equal(one.samples, two.samples)
    assert not np.array_equal(one.samples, fit.bootstrap(200, seed=8, method=method, clusters=clusters).samples)
    assert one.converged.mean() > 0.98
    for kind in ("bias-corrected", "percentile"):
        interval = one.interval(0.99, kind=kind)
        assert set(interval) == NAMES
        assert interval["alpha"][0] < fit.alpha < interval["alpha"][1]


def test_case_samples_are_refits_of_resampled_rows(fit):
    draws = fit.bootstrap(3, seed=1)
    counts = np.random.default_rng(1).multinomial(fit.n, np.full(fit.n, 1 / fit.n), size=3)
    again = fit.refit(weights=counts[2].astype(float))
    np.testing.assert_allclose(again.parameters[3:], draws.samples[2, 3:], atol=1e-3)
    assert again.objective == pytest.approx(draws.objective[2], rel=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.bootstrap(0), "n is .*must be an integer from 1 to 10000000"),
        (lambda f: f.bootstrap(10, method="magic"), "must be one of case, cluster"),
        (lambda f: f.bootstrap(10, method="cluster"), "needs clusters"),
        (lambda f: f.bootstrap(10, clusters=[1, 2]), "one label for each of the 36 rows"),
        (lambda f: f.bootstrap(10, clusters=np.zeros(36)), "in one cluster"),
        (lambda f: f.bootstrap(10, method="wild", clusters=np.arange(36) % 2), "2 runs: flipping"),
        (lambda f: f.bootstrap(10, threads=0), "threads is 0"),
        (lambda f: f.bootstrap(10).interval(95), "must be from 0.01 to 0.9999"),
        (lambda f: f.jackknife(np.arange(36) % 2), "2 runs"),
        (lambda f: f.intervals("jackknife"), "0 runs"),
    ],
)
def test_bad_requests_get_one_clear_line(fit, call, message):
    with pytest.raises(FitError, match=message):
        call(fit)
