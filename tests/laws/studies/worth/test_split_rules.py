"""Rules that split a compute against algebra and against ordinary least squares."""

import numpy as np
import pytest

from ziplaw.errors import FitError
from ziplaw.laws.pilots.compute import Compute
from ziplaw.laws.studies.worth.split_rules import at_ratio, foretell

LADDER = Compute.of([720.0, 2880.0, 20480.0], [2e4, 6e4, 3e5])
RNG = np.random.default_rng(2)


def test_a_ratio_of_six_nd_has_a_closed_form():
    ratios = np.array([5.0, 20.0, 300.0])
    found = at_ratio(ratios, float(np.log(3e10)), Compute.six_nd())
    np.testing.assert_allclose(np.exp(found), np.sqrt(3e10 / 6 / ratios), rtol=1e-12)


def test_a_ratio_of_all_flops_spends_them():
    N = np.exp(at_ratio(np.array([20.0, 100.0]), float(np.log(3e10)), LADDER))
    np.testing.assert_allclose(LADDER.per_token(N) * N * [20.0, 100.0], 3e10, rtol=1e-9)


def test_a_line_of_exact_splits_foretells_by_least_squares():
    X = RNG.normal(size=(12, 2))
    y = np.column_stack([8 + X @ [0.5, -0.2], 0.5 + X @ [0.02, 0.0]]) + RNG.normal(size=(12, 2)) * [0.1, 0.01]
    found = foretell(y, np.zeros((12, 2, 2)), X, 1e10, np.array([[0.3, 0.4], [-1.0, 2.0]]))
    line = np.linalg.lstsq(np.column_stack([np.ones(12), X]), y, rcond=None)[0]
    np.testing.assert_allclose([s.mean for s in found], [[1, 0.3, 0.4] @ line, [1, -1.0, 2.0] @ line], rtol=1e-6)
    assert {s.C for s in found} == {1e10}
    # a new dataset scatters as the others do, the more surely told the nearer it lies
    assert 0.05 < np.sqrt(found[0].covariance[0, 0]) < 0.3
    assert found[1].covariance[0, 0] > found[0].covariance[0, 0]


def test_no_covariate_is_the_pooled_law():
    y = np.column_stack([8 + 0.1 * np.arange(6), np.full(6, 0.5) + 0.01 * np.arange(6)])
    (found,) = foretell(y, np.zeros((6, 2, 2)), np.empty((6, 0)), 1e10, np.empty((1, 0)))
    np.testing.assert_allclose(found.mean, y.mean(axis=0), rtol=1e-9)


def test_what_cannot_carry_a_line_is_refused():
    y, S = np.zeros((4, 2)), np.zeros((4, 2, 2))
    with pytest.raises(FitError, match="4 datasets have splits, a line in 1 covariates needs 5"):
        foretell(y, S, RNG.normal(size=(4, 1)), 1e10, np.zeros((1, 1)))
    with pytest.raises(FitError, match="the same in all datasets"):
        foretell(np.zeros((8, 2)), np.zeros((8, 2, 2)), np.full((8, 1), 5.7), 1e10, np.zeros((1, 1)))
