"""Fits of every kind look alike to intervals."""

import numpy as np
import pytest
from tables_of_laws import planted

from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.intervals.view import View

LAWS = ("chinchilla", "kaplan", "kaplan-coupled", "broken")


@pytest.fixture(scope="module")
def views():
    N, D, loss = planted(0.01)
    return {law: fit_law(law, {"N": N, "D": D}, loss, x="D").view for law in LAWS}


@pytest.mark.parametrize("law", LAWS)
def test_a_view_has_the_optimum_and_its_derivatives(views, law):
    view = views[law]
    assert isinstance(view, View)
    assert view.n == 36
    assert view.freedom == 36 - view.n_free
    assert view.moving.shape == (len(view.theta), view.n_free)
    assert np.all((view.low <= view.theta) & (view.theta <= view.high))
    r, J = view.derivatives(view.theta)
    np.testing.assert_allclose(r, view.residuals, atol=1e-12)
    for i in range(len(view.theta)):
        step = np.zeros(len(view.theta))
        step[i] = 1e-5
        numeric = (view.derivatives(view.theta + step)[0] - view.derivatives(view.theta - step)[0]) / 2e-5
        np.testing.assert_allclose(J[:, i], numeric, atol=1e-6)
    np.testing.assert_allclose(view.along(J), J @ view.moving, atol=1e-15)


@pytest.mark.parametrize("law", LAWS)
def test_quantities_are_the_named_ones(views, law):
    view = views[law]
    point = view.points(view.theta)
    named = {name: float(value) for name, value in view.named(point).items()}
    found = {
        name: float(np.exp(function(point)) if is_log else function(point))
        for name, (function, is_log) in view.quantities().items()
    }
    assert found == pytest.approx(named)
    assert set(view.names) <= set(named)
    assert ("a" in named) == (law != "broken")
    np.testing.assert_allclose(view.natural_of(point), [named[name] for name in view.names])
    assert view.unknown() == {}
    assert view.held() == {}
    for name in set(view.names) - view.signed:
        assert named[name] >= 0
