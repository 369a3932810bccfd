"""Fits of every kind look alike to intervals."""

import numpy as np
import pytest
from tables_of_laws import planted

import ziplaw
from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.fits.link_fit import fit_link
from ziplaw.laws.intervals.view import View

LAWS = ("chinchilla", "kaplan", "kaplan-coupled", "broken")


def bent():
    """A table of the broken law with its break amid the runs: of a table without one the law tells no break."""
    D = np.geomspace(1e8, 1e12, 36)
    loss = 1.5 + 60 * D**-0.15 * (1 + (D / 1e10) ** 2) ** -0.15
    return D, D, loss * np.exp(0.002 * np.random.default_rng(0).normal(size=36))


@pytest.fixture(scope="module")
def views():
    tables = dict.fromkeys(LAWS, planted(0.01)) | {"broken": bent()}
    return {law: fit_law(law, {"N": N, "D": D}, loss, x="D").view for law, (N, D, loss) in tables.items()}


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


def test_left_out_residuals_are_those_of_refits():
    fit = ziplaw.fit(*planted(0.01), objective="log-mse")
    predicted = fit.view.left_out_residuals(fit.view.tangent())
    for row in (0, 17, 35):
        rest = fit.refit(np.arange(fit.n) != row)
        left_out = np.log(rest.predict(fit.N[row], fit.D[row]) / fit.loss[row])
        assert predicted[row] == pytest.approx(left_out, rel=0.1, abs=3e-4)


def test_the_sandwich_of_least_squares_is_the_textbook_one():
    N, D, loss = planted(0.01)
    for fit in (
        ziplaw.fit(N, D, loss, objective="log-mse"),
        fit_link(N, D, loss, link="power", objective="log-mse"),
    ):
        view = fit.view
        J, r = view.tangent(), view.residuals
        bread = np.linalg.inv(J.T @ J)
        h = ((J @ bread) * J).sum(axis=1)
        expected = bread @ (J.T * (r / (1 - h)) ** 2) @ J @ bread
        np.testing.assert_allclose(view.covariance(J, robust=True), expected, rtol=1e-5)


def test_the_sandwich_sees_that_some_rows_are_noisier():
    N, D, _ = planted()
    rng = np.random.default_rng(0)
    noise = 0.002 * np.where(D > np.median(D), 10, 1)
    loss = planted()[2] * np.exp(noise * rng.normal(size=36))
    fit = ziplaw.fit(N, D, loss, objective="log-mse", fixed_E=1.8172)
    widths = {m: np.subtract(*fit.intervals(m, n=300)["beta"][::-1]) for m in ("case", "delta", "sandwich")}
    assert widths["sandwich"] / widths["case"] == pytest.approx(1, abs=0.35), widths
    tied = ziplaw.fit(N, D, loss, tie=True, objective="log-mse").intervals("sandwich")
    assert tied["a"] == pytest.approx((0.5, 0.5))
    assert tied["alpha"] == pytest.approx(tied["beta"])
