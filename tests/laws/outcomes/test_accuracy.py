"""Step two: a planted sigmoid comes back; ends are free, held, or at their limits."""

import numpy as np
import pytest

from ziplaw.laws.outcomes.accuracy import fit_sigmoid

LOSS = np.linspace(0.8, 1.6, 14)


def sigmoid(loss, low, high, k, x0):
    return low + (high - low) / (1 + np.exp(k * (loss - x0)))


@pytest.mark.parametrize(("low", "high"), [(None, 1.0), (0.25, 1.0), (None, None)])
def test_a_planted_sigmoid_comes_back(low, high):
    top = 0.9 if high is None else 1.0
    fit = fit_sigmoid(LOSS, sigmoid(LOSS, 0.25, top, 7.0, 0.95), low=low, high=high)
    assert fit.converged
    assert fit.parameters == pytest.approx({"k": 7.0, "x0": 0.95, "low": 0.25, "high": top}, rel=2e-3)
    assert fit.predict(0.7) == pytest.approx(sigmoid(0.7, 0.25, top, 7.0, 0.95), abs=2e-3)
    assert fit.scatter < 1e-3
    assert fit.n_free == 4 - (low is not None) - (high is not None)


def test_the_upper_end_is_one_where_nothing_is_costly():
    fit = fit_sigmoid(LOSS, sigmoid(LOSS, 0.25, 1.0, 7.0, 0.7))
    assert fit.predict(0.0) > 0.98
    assert fit.parameters["high"] == 1.0


def test_a_constant_accuracy_is_fitted_flat():
    fit = fit_sigmoid(LOSS, np.full(14, 0.25))
    np.testing.assert_allclose(fit.predict(LOSS), 0.25, atol=1e-3)


def test_redrawn_accuracies_scatter_about_the_fit():
    fit = fit_sigmoid(LOSS, sigmoid(LOSS, 0.25, 1.0, 7.0, 0.95))
    noisy = fit.accuracy + 0.01 * np.random.default_rng(0).normal(size=(50, 14))
    thetas, converged = fit.redrawn(noisy)
    assert converged.mean() > 0.9
    found = np.array([fit.predict(0.9, theta) for theta in thetas])
    assert abs(found.mean() - fit.predict(0.9)) < 0.01
    assert 0.001 < found.std() < 0.02
