"""Errors of slopes by hand and by numpy's own least squares."""

import math

import numpy as np
import pytest

from ziplaw.laws.studies.slopes import correlations, inflation, slope_error, unexplained

RNG = np.random.default_rng(3)
X = RNG.random(20)
RIVALS = np.column_stack([X + 0.3 * RNG.random(20), RNG.random(20)])


def test_correlations_are_numpys_and_nothing_of_what_stands_still():
    table = np.column_stack([X, RIVALS, np.full(20, math.log(301))])
    found = correlations(table)
    np.testing.assert_allclose(found[:3, :3], np.corrcoef(table[:, :3].T), atol=1e-12)
    assert np.isnan(found[3]).all()
    assert np.isnan(found[:, 3]).all()


def test_the_error_of_a_slope_is_that_of_least_squares():
    columns = np.column_stack([np.ones(20), X, RIVALS])
    wanted = math.sqrt(np.linalg.inv(columns.T @ columns)[1, 1])
    assert slope_error(X, RIVALS) == pytest.approx(wanted, rel=1e-9)
    assert slope_error(X, np.empty((20, 0))) == pytest.approx(1 / math.sqrt(((X - X.mean()) ** 2).sum()))


def test_a_rival_that_repeats_takes_nothing_twice_and_one_that_is_x_takes_all():
    twice = np.column_stack([RIVALS, RIVALS[:, 0] * 7 + 1, np.full(20, 0.1)])
    np.testing.assert_allclose(unexplained(X, twice), unexplained(X, RIVALS), atol=1e-9)
    assert slope_error(X, np.column_stack([RIVALS, 3 - 2 * X])) == math.inf


def test_inflation_is_of_the_correlation():
    r = np.corrcoef(X, RIVALS[:, 0])[0, 1]
    assert inflation(X, RIVALS[:, :1]) == pytest.approx(1 / (1 - r * r))
    assert math.isnan(inflation(np.ones(20), RIVALS))
