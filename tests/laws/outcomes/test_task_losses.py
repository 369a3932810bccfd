"""Step one: planted laws come back, over a shared index and over one a task; the additive fitter agrees."""

import numpy as np
import planted_outcomes as planted
import pytest

import ziplaw
from ziplaw.errors import FitError
from ziplaw.laws.outcomes.task_losses import EXPONENTS, fit_task_losses

N, D, LOSSES, _ = planted.ladder(noise=0.0, points=0.0)
FITTED, FAR = slice(0, 16), slice(16, 17)


def test_a_planted_law_comes_back():
    law = fit_task_losses(N[FITTED], D[FITTED], LOSSES[FITTED])
    assert law.converged
    assert law.at_bounds == []
    for t in range(3):
        found = law.parameters(t)
        assert found["alpha"] == pytest.approx(planted.ALPHA, rel=1e-3)
        assert found["beta"] == found["alpha"]
        assert found["E"] == pytest.approx(planted.E[t], rel=1e-3)
        assert found["B"] == pytest.approx(planted.S[t] * planted.D0**planted.ALPHA, rel=0.02)
    np.testing.assert_allclose(law.predict(N[FAR], D[FAR]), LOSSES[FAR], rtol=1e-3)


@pytest.mark.parametrize("tie", [True, False])
def test_one_task_is_the_additive_law(tie):
    # least squares of relative errors and of logarithms differ at the second order of .4 per cent
    rows = slice(0, 16)
    N, D, losses, _ = planted.ladder(noise=0.004, seed=3)
    ours = fit_task_losses(N[rows], D[rows], losses[rows, :1], tie=tie)
    theirs = ziplaw.fit(N[rows], D[rows], losses[rows, 0], tie=tie, objective="log-mse", duplicates="keep")
    np.testing.assert_allclose(ours.predict(N, D)[:, 0], theirs.predict(N, D), rtol=3e-3)


def test_tasks_share_what_they_are_told_to_share():
    shared = fit_task_losses(N[FITTED], D[FITTED], LOSSES[FITTED] ** [[1.0, 1.3, 0.8]], shared=True)
    own = fit_task_losses(N[FITTED], D[FITTED], LOSSES[FITTED] ** [[1.0, 1.3, 0.8]], shared=False)
    assert shared.parameters(0)["alpha"] == shared.parameters(1)["alpha"]
    assert own.parameters(0)["alpha"] != own.parameters(1)["alpha"]
    assert (own.residuals**2).sum() < (shared.residuals**2).sum()
    assert own.freedom < shared.freedom


def test_a_floor_ends_at_zero_not_below():
    losses = (D[FITTED] / 1e10)[:, None] ** -0.3 + (N[FITTED] / 1e9)[:, None] ** -0.3 - 0.05
    law = fit_task_losses(N[FITTED], D[FITTED], losses)
    assert law.parameters(0)["E"] >= 0


def test_what_nothing_moves_is_at_a_bound():
    flat = 1.0 + 1e-3 * np.random.default_rng(0).normal(size=(16, 1))
    law = fit_task_losses(N[FITTED], D[FITTED], flat)
    alpha = law.parameters(0)["alpha"]
    assert law.at_bounds or EXPONENTS[0] < alpha < EXPONENTS[1]
    assert np.isfinite(law.predict(N, D)).all()


@pytest.mark.parametrize(("rows", "N_of", "words"), [
    (slice(0, 5), N, "too few"),
    (FITTED, np.full_like(N, 1e9), "N is the same"),
])  # fmt: skip
def test_refusals(rows, N_of, words):
    with pytest.raises(FitError, match=words):
        fit_task_losses(N_of[rows], D[rows], LOSSES[rows])


def test_redrawn_losses_are_fitted_like_any_others():
    law = fit_task_losses(N[FITTED], D[FITTED], LOSSES[FITTED])
    noisy = LOSSES[FITTED] * np.exp(0.003 * np.random.default_rng(1).normal(size=(4, 16, 3)))
    thetas, converged = law.redrawn(noisy)
    assert converged.all()
    shifted = law.predict(N[FAR], D[FAR], thetas)[:, 0]
    assert shifted.shape == (4, 3)
    np.testing.assert_allclose(shifted, LOSSES[FAR].repeat(4, axis=0), rtol=0.05)
