"""Fits of the laws other than the additive one."""

import numpy as np
import pytest
from tables_of_laws import grid, planted

from ziplaw.errors import FitError
from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.forms import kaplan


def test_predictions_broadcast_and_ask_for_every_column():
    N, D = grid(5, 5)
    fitted = fit_law("kaplan", {"N": N, "D": D}, kaplan.joint_loss(N, D))
    sizes = np.array([1e7, 1e8, 1e9])
    np.testing.assert_allclose(fitted.predict(sizes, 1e10), kaplan.joint_loss(sizes, 1e10), rtol=1e-6)
    with pytest.raises(FitError, match="needs N, D; D is missing"):
        fitted.predict(N=1e7)


def test_many_laws_are_evaluated_at_once():
    N, D, loss = planted(0.01)
    fitted = fit_law("kaplan-coupled", {"N": N, "D": D}, loss)
    many = fitted.theta + 0.01 * np.random.default_rng(0).normal(size=(4, 5))
    one_by_one = [fitted.form.log_loss(theta, fitted.columns, fitted.centre) for theta in many]
    np.testing.assert_allclose(fitted.model(many), one_by_one, rtol=1e-14)
    np.testing.assert_allclose(np.log(fitted.loss_at(many, {"N": N, "D": D})), one_by_one, rtol=1e-12)
    natural = [fitted.form.natural(theta, fitted.centre) for theta in many]
    np.testing.assert_allclose(fitted.natural(many), natural, rtol=1e-14)


def test_optima_of_other_losses_and_weights_are_those_of_refits():
    N, D, loss = planted(0.01)
    fitted = fit_law("kaplan", {"N": N, "D": D}, loss, delta=0.1)  # no kinks: one optimum
    rows = np.arange(36) % 5 > 0
    theta, objective, converged = fitted.solve(fitted.theta[None], weights=rows.astype(float))
    rest = fitted.refit(rows)
    assert converged.all()
    assert objective[0] == pytest.approx(rest.objective, rel=1e-6)
    np.testing.assert_allclose(fitted.natural(theta)[0, 2:], rest.parameters[2:], rtol=1e-4)
    theta, objective, _ = fitted.solve(fitted.theta[None], z=fitted.model(fitted.theta)[None])
    assert objective[0] < 1e-12
    np.testing.assert_allclose(theta[0], fitted.theta, atol=1e-6)
