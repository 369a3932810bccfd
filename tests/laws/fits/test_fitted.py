"""Fits of every law have the same names: parameters, intervals, diagnostics, predictions."""

import numpy as np
import pytest
from tables_of_laws import planted

import ziplaw
from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.fits.fitted import Fitted


@pytest.fixture(params=["chinchilla", "kaplan", "kaplan-coupled", "bounded"])
def fitted(request):
    N, D, loss = planted(0.01)
    return fit_law(request.param, {"N": N, "D": D}, loss)


def test_every_fit_has_the_same_names(fitted):
    assert isinstance(fitted, Fitted)
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
    assert fitted.error_at_largest_C()["n"] >= 1


def test_a_law_fit_shows_what_it_has_always_shown():
    N, D, loss = planted(0.01)
    text = repr(ziplaw.fit(N, D, loss))
    shown = (
        "LawFit(E=|A=|B=|alpha=|beta=|objective=|converged=True|message='converged'|settings=Settings(objective='huber'"
    )
    places = [text.index(part) for part in shown.split("|")]
    assert places == sorted(places)
    assert "form" not in text
