"""Levenberg and Marquardt within bounds, against scipy's solver problem by problem."""

import numpy as np
from scipy.optimize import least_squares

from ziplaw.laws.outcomes.bounded import descend

X = np.linspace(0, 2, 25)


def problems(y):
    def residuals(theta, which):
        rise = np.exp(theta[:, 1:2] * X)
        J = np.stack([rise, theta[:, :1] * X * rise, np.ones_like(rise)], axis=-1)
        return theta[:, :1] * rise + theta[:, 2:] - y[which], J

    return residuals


def test_as_scipy_does_within_bounds():
    random = np.random.default_rng(0)
    y = 2 * np.exp(-1.3 * X) + 0.5 + 0.02 * random.normal(size=(6, 25))
    y[3] -= 0.7  # its constant ends at the bound
    low, high = np.array([0.0, -5.0, 0.0]), np.array([10.0, 0.0, 3.0])
    start = np.array([1.0, -0.5, 0.1])
    theta, cost, converged = descend(problems(y), np.repeat(start[None], 6, axis=0), low, high)
    assert converged.all()
    for i in range(6):
        own = problems(y)
        found = least_squares(lambda t, i=i, own=own: own(t[None], np.array([i]))[0][0], start, bounds=(low, high),
                              xtol=1e-14, ftol=1e-14, gtol=1e-14)  # fmt: skip
        assert cost[i] <= 2 * found.cost * (1 + 1e-6)
        np.testing.assert_allclose(theta[i], found.x, atol=2e-4)
    assert theta[3, 2] == 0.0


def test_equal_bounds_hold_a_parameter():
    y = (2 * np.exp(-1.3 * X) + 0.5)[None]
    theta, _, converged = descend(
        problems(y), [[1.0, -0.5, 0.5]], np.array([0.0, -5.0, 0.25]), np.array([9, 0.0, 0.25])
    )
    assert converged[0]
    assert theta[0, 2] == 0.25


def test_what_is_not_finite_is_no_optimum():
    def residuals(theta, which):
        return np.full((len(theta), 3), np.nan), np.ones((len(theta), 3, 1))

    _, cost, converged = descend(residuals, [[1.0]], np.array([0.0]), np.array([2.0]))
    assert np.isinf(cost[0])
    assert not converged[0]
