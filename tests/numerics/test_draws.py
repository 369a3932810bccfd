"""Draws have the moments of their distributions."""

import numpy as np
from scipy import stats

from ziplaw.numerics.draws import chi_squares, normals


def test_normals():
    drawn = normals(np.random.default_rng(1), (400, 500))
    assert drawn.shape == (400, 500)
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 0.001
    assert (drawn == normals(np.random.default_rng(1), 200_000).reshape(400, 500)).all()


def test_chi_squares():
    drawn = chi_squares(np.random.default_rng(2), 5, 100_000)
    assert stats.kstest(drawn, "chi2", args=(5,)).pvalue > 0.001
