"""Simulated power against the t distributions that it must have."""

import math

import numpy as np
import pytest
from scipy import stats

from ziplaw.laws.studies.simulated_power import slope_power

RNG = np.random.default_rng(5)
X = RNG.random(24)
RIVALS = np.column_stack([X + RNG.random(24), RNG.random(24)])
SLOPES = np.array([0.0, 1.0, 2.5, -2.5, 1.7])


def test_power_is_that_of_the_noncentral_t():
    told = slope_power(X, RIVALS, SLOPES, 0.5, None, draws=20_000)
    assert told.df == 20
    columns = np.column_stack([np.ones(24), X, RIVALS])
    assert told.stderr == pytest.approx(0.5 * math.sqrt(np.linalg.inv(columns.T @ columns)[1, 1]), rel=1e-9)
    bound, centres = stats.t.ppf(0.975, 20), SLOPES / told.stderr
    wanted = stats.nct.sf(bound, 20, centres) + stats.nct.cdf(-bound, 20, centres)
    # five standard errors of a share of 20,000
    np.testing.assert_allclose(told.power, wanted, atol=5 * math.sqrt(0.25 / 20_000))
    assert told.power[0] == pytest.approx(0.05, abs=5 * math.sqrt(0.05 * 0.95 / 20_000))
    np.testing.assert_array_equal(told.power, told.power_unsure)


def test_a_scatter_of_few_degrees_of_freedom_leaves_power_unsure():
    known = slope_power(X, RIVALS, SLOPES, 0.5, None)
    unsure = slope_power(X, RIVALS, SLOPES, 0.5, 3)
    np.testing.assert_array_equal(unsure.power, known.power)
    assert unsure.power_unsure[-1] < known.power[-1] - 0.02
    assert unsure.power_unsure[0] == pytest.approx(known.power[0], abs=1e-12)


def test_where_nothing_can_be_told():
    collinear = slope_power(X, np.column_stack([RIVALS, 2 * X]), SLOPES, 0.5, 4)
    assert collinear.stderr == math.inf
    np.testing.assert_allclose(collinear.power, 0.05)
    few = slope_power(X[:3], RIVALS[:3], SLOPES, 0.5, 4)
    assert few.df == 0
    assert np.isnan(few.power).all()
