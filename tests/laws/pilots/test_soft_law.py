"""One law for three links: it is the bounded link's, and its slopes are those of differences."""

import numpy as np
import pytest

from ziplaw.laws.forms.links import BOUNDED
from ziplaw.laws.pilots.compute import Compute
from ziplaw.laws.pilots.soft_law import Frame, best_size, best_size_slopes, log_loss, natural

FRAME = Frame(11.0, 14.0, 2.5, 5.0)
COMPUTE = Compute.of([1e3, 1e4, 1e5, 1e6], [1e5, 3e5, 1.5e6, 9e6])


@pytest.fixture(scope="module")
def theta():
    rng = np.random.default_rng(0)
    middle = np.array([0.5, 0.3, 0.4, -1.0, -0.9, 0.1, -1.0, -5.0, -5.0])
    return middle + 0.3 * rng.uniform(-1, 1, (6, 9))


def differences(function, theta, i, step):
    move = np.zeros(9)
    move[i] = step
    return (function(theta + move) - function(theta - move)) / (2 * step)


def test_it_is_the_bounded_link(theta):
    N, D = np.exp([9.0, 11.0, 13.0]), np.exp([16.0, 14.0, 12.0])
    found = log_loss(theta, np.log(N), np.log(D), FRAME)[0]
    assert np.exp(found) == pytest.approx(BOUNDED.loss_at(natural(theta, FRAME), N, D), rel=1e-12)


def test_slopes_of_the_loss(theta):
    x, y = np.array([9.0, 11.5, 13.0]), np.array([16.0, 13.5, 12.0])
    slopes = log_loss(theta, x, y, FRAME, slopes=True)[1]
    for i in range(7):
        wanted = differences(lambda t: log_loss(t, x, y, FRAME)[0], theta, i, 1e-5)
        assert slopes[..., i] == pytest.approx(wanted, rel=1e-5, abs=1e-9)


def test_slopes_of_the_best_size(theta):
    x, slopes = best_size_slopes(theta, 1e14, FRAME, Compute.six_nd())
    assert x == pytest.approx(best_size(theta, 1e14, FRAME, Compute.six_nd()))
    for i in range(7):
        wanted = differences(lambda t: best_size(t, 1e14, FRAME, Compute.six_nd()), theta, i, 1e-4)
        assert slopes[:, i] == pytest.approx(wanted, rel=1e-4, abs=1e-8)


def test_the_best_size_has_the_least_loss(theta):
    C = 1e14
    best = best_size(theta, C, FRAME, COMPUTE)
    off = np.linspace(-1, 1, 401)
    for law, x in zip(theta, best):
        along = x + off
        z = log_loss(law[None], along, np.log(COMPUTE.tokens(np.exp(along), C)), FRAME)[0][0]
        # costs are a broken line between sizes, whose slope is smoothed
        assert z[200] - z.min() < 3e-4
