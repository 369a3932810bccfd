"""Fits of the laws other than the additive one have the names of a LawFit: parameters, intervals, diagnostics."""

import numpy as np
import pytest
from tables_of_laws import grid, planted

import ziplaw
from ziplaw.errors import FitError
from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.forms import kaplan


@pytest.fixture(params=["chinchilla", "kaplan", "kaplan-coupled"])
def fitted(request):
    N, D, loss = planted(0.01)
    return fit_law(request.param, {"N": N, "D": D}, loss)


def test_every_fit_has_the_same_names(fitted):
    names = fitted.form.parameters
    assert list(fitted.estimates) == list(names)
    assert list(fitted.estimates.values()) == fitted.parameters.tolist()
    assert fitted.n == len(fitted.residuals) == 36
    assert fitted.n_free == len(names)
    assert 0.005 < fitted.rms < 0.1
    assert fitted.diagnostics["flags"] == list(fitted.flags)
    assert fitted.to_dict()["parameters"] == fitted.estimates
    draws = fitted.bootstrap(20, seed=0)
    assert draws.samples.shape == (20, len(names))
    assert set(names) <= set(draws.interval(0.9)) <= set(fitted.intervals("case", 0.9, n=20))
    np.testing.assert_allclose(np.log(fitted.predict(**fitted.columns) / fitted.loss), fitted.residuals, atol=1e-12)
    assert fitted.refit().parameters == pytest.approx(fitted.parameters)
    assert fitted.error_at_largest_C["n"] >= 1


def test_predictions_broadcast_and_ask_for_every_column():
    N, D = grid(5, 5)
    fitted = fit_law("kaplan", {"N": N, "D": D}, kaplan.joint_loss(N, D))
    sizes = np.array([1e7, 1e8, 1e9])
    np.testing.assert_allclose(fitted.predict(sizes, 1e10), kaplan.joint_loss(sizes, 1e10), rtol=1e-6)
    with pytest.raises(FitError, match="needs N, D; D is missing"):
        fitted.predict(N=1e7)


def test_the_case_bootstrap_is_all_there_is():
    N, D, loss = planted(0.01)
    fitted = fit_law("power", {"N": N, "D": D}, loss, x="N")
    assert isinstance(ziplaw.fit(N, D, loss), type(fitted).__base__)
    with pytest.raises(FitError, match="must be one of case"):
        fitted.intervals("profile")
