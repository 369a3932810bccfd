"""Laws drawn from their uncertainty: moments, what is exactly known, bytes; and bands of their splits."""

import numpy as np
import pytest

from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.forms.chinchilla import CHINCHILLA
from ziplaw.laws.intervals.drawn_laws import multivariate_t, split_bands

MEAN = np.array([1.0, -2.0, 0.5])
SCALE = np.array([[4.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])


def test_draws_have_the_moments_of_a_multivariate_t():
    drawn = multivariate_t(MEAN, SCALE, 10, 200_000, 0)
    assert drawn.mean(axis=0) == pytest.approx(MEAN, abs=0.02)
    assert np.cov(drawn.T) == pytest.approx(SCALE * 10 / 8, abs=0.06)
    # what is exactly known is drawn as known
    assert (drawn[:, 2] == MEAN[2]).all()


def test_same_seed_same_draws():
    one, two, other = (multivariate_t(MEAN, SCALE, 3, 50, seed) for seed in (1, 1, 2))
    assert one.tobytes() == two.tobytes()
    assert (one[:, :2] != other[:, :2]).all()


def test_bands_are_quantiles_of_the_splits():
    laws = CHINCHILLA.array * np.exp(0.02 * np.random.default_rng(0).normal(size=(500, 5)))
    C = np.array([1e20, 1e22])
    bands = split_bands(laws, C, 0.9)
    for name, values in zip(("N", "D", "loss"), optimal_split(laws, C)):
        assert np.array(bands[name]) == pytest.approx(np.quantile(values, [0.05, 0.95], axis=0))
    assert split_bands(laws, 1e20, 0.9)["N"] == pytest.approx([end[0] for end in bands["N"]])
