"""Any law as intervals see it: its covariance, what is at a bound, what a design does not tell."""

import numpy as np
import pytest
from designs import ladder, losses
from tables_of_laws import planted

from ziplaw.errors import FitError
from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.forms.allocation import split


def test_covariance_of_least_squares_is_the_textbook_one():
    N, D, loss = planted(0.01)
    view = fit_law("kaplan", {"N": N, "D": D}, loss, delta=1.0).view
    J = view.derivatives(view.theta)[1]
    variance = (view.residuals**2).sum() / (36 - 4)
    # delta is a finite 1.0 here, a hundred times any residual: E[psi'] is 1
    np.testing.assert_allclose(view.chart().covariance, variance * np.linalg.inv(J.T @ J), rtol=1e-6)


def test_splits_are_those_of_natural_parameters():
    N, D, loss = planted(0.01)
    view = fit_law("kaplan-coupled", {"N": N, "D": D}, loss).view
    many = np.tile(view.theta, (3, 1))
    C = np.array([1e20, 1e21])
    found = view.split(many, C)
    assert [part.shape for part in found] == [(3, 2)] * 3
    for got, expected in zip(found, split(view.natural(many), C, view.form)):
        np.testing.assert_allclose(got, expected)
    one = view.split(view.theta, 1e21)
    assert [np.shape(part) for part in one] == [()] * 3
    assert one[2] == pytest.approx(found[2][0, 1])


def test_laws_without_a_closed_form_have_no_split():
    N, D, loss = planted(0.01)
    view = fit_law("data-constrained", {"N": N, "D": D, "U": D / 2}, loss).view
    assert set(view.quantities(C=1e21)) == set(view.names)
    with pytest.raises(FitError, match="no closed-form split"):
        view.split(view.theta, 1e21)


def test_unknown_is_what_sits_at_a_bound_and_what_the_design_does_not_tell():
    N, D, loss = planted(0.01)
    unique = fit_law("data-constrained", {"N": N, "D": D, "U": D}, loss)
    # without a repetition R_D* can be anything; wherever it ends, its interval is whole only at a bound
    view = unique.view
    at_bound = {flag.split(" ")[0] for flag in unique.flags}
    assert set(view.unknown()) == at_bound
    assert view.tangent().shape == (36, 7 - len(at_bound))
    N, D = ladder()
    lost = fit_law("kaplan-coupled", {"N": N, "D": D}, losses(N, D)).view.unknown()
    assert lost["a"] == (0.0, 1.0)
    assert lost["alpha_N"] == (0.0, np.inf)
