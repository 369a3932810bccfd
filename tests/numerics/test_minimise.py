"""Minima against those known in advance and against scipy's."""

import numpy as np
import pytest
from scipy import optimize

from ziplaw.numerics import minimise as own

RNG = np.random.default_rng(4)


def test_bfgs_follows_a_bent_valley():
    found = own.bfgs(lambda x: (optimize.rosen(x), optimize.rosen_der(x)), np.array([-1.2, 1.0, 0.3]), gain=0.0)
    np.testing.assert_allclose(found, 1.0, atol=1e-6)


def test_bfgs_stays_where_nothing_can_be_gained():
    assert own.bfgs(lambda x: (0.0, np.zeros(2)), np.array([3.0, 4.0])).tolist() == [3.0, 4.0]
    assert own.bfgs(lambda x: (np.inf, np.ones(2)), np.array([3.0, 4.0])).tolist() == [3.0, 4.0]


def test_slopes():
    np.testing.assert_allclose(
        own.slope_of(optimize.rosen, np.array([0.3, -0.4])), optimize.rosen_der([0.3, -0.4]), rtol=1e-6
    )


@pytest.mark.parametrize("length", [0.5, 1.0, 2.0])
def test_ends_of_an_ellipsoid(length):
    root = RNG.normal(size=(4, 4))
    shape, c = root @ root.T + 0.1 * np.eye(4), RNG.normal(size=4)
    inside = np.linalg.solve(shape, c)
    best = -inside / np.sqrt(c @ inside)  # of c x where x' shape x <= 1
    found = own.where_room(
        lambda x: float(c @ x),
        lambda x: float(1 - x @ shape @ x),
        lambda x: -2 * shape @ x,
        -length * c / np.sqrt(c @ shape @ c),
    )
    np.testing.assert_allclose(found, best, rtol=1e-4, atol=1e-5)


def test_a_border_that_does_not_bind():
    found = own.where_room(
        lambda x: float((x**2).sum()), lambda x: 5 - x[0], lambda x: np.array([-1.0, 0.0]), np.array([2.0, 1.0])
    )
    np.testing.assert_allclose(found, 0.0, atol=1e-5)


def test_nearest_shares():
    low, high = np.zeros(3), np.array([0.5, 1.0, 1.0])
    np.testing.assert_allclose(own.on_simplex(np.array([2.0, 0.1, -3.0]), low, high), [0.5, 0.5, 0.0], atol=1e-12)
    shares = np.array([0.2, 0.3, 0.5])
    np.testing.assert_allclose(own.on_simplex(shares, low, np.ones(3)), shares, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_best_shares(seed):
    random = np.random.default_rng(seed)
    slopes, n = random.normal(scale=3, size=(3, 5)), 5
    low, high = np.full(n, 0.01), np.full(n, 0.6)

    def value(w):
        terms = np.exp(slopes @ w)
        return float(terms.sum()), terms @ slopes

    found = own.convex_on_simplex(value, np.full(n, 0.2), low, high)
    peer = optimize.minimize(
        value, np.full(n, 0.2), jac=True, method="SLSQP", bounds=np.stack([low, high], 1), options={"ftol": 1e-14},
        constraints=[{"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like}],
    )  # fmt: skip
    assert abs(found.sum() - 1) < 1e-9
    assert ((found >= low - 1e-12) & (found <= high + 1e-12)).all()
    assert value(found)[0] <= peer.fun * (1 + 1e-8)
