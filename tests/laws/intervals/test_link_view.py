"""Laws under a link as intervals see them: derivatives, held and tied parameters, splits and losses of many laws."""

from functools import partial

import numpy as np
import pytest

from ziplaw.laws.fits.link_fit import fit_link
from ziplaw.laws.forms.links import BOUNDED
from ziplaw.laws.intervals import choose
from ziplaw.laws.intervals.profile import profile_interval

TRUTH = np.array([1.2, 70.0, 1250.0, 0.5, 0.56, 0.8, 5.0])


@pytest.fixture(scope="module")
def table():
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e3, 1e5, 6), np.geomspace(3e4, 3e6, 6)))
    return N, D, BOUNDED.loss_at(TRUTH, N, D) * np.exp(0.01 * np.random.default_rng(0).normal(size=36))


CHOICES = {
    "bounded": {"link": "bounded"},
    "held": {"link": "bounded", "E": 1.2, "U": 5.0},
    "excess": {"link": "bounded", "E": 1.2, "U": 5.0, "excess": True},
    "tied": {"link": "power", "tie": True},
    "free": {"link": "free", "E": 1.2},
}


@pytest.fixture(scope="module")
def fits(table):
    return {name: fit_link(*table, units="keep", **choice) for name, choice in CHOICES.items()}


@pytest.mark.parametrize("name", CHOICES)
def test_derivatives_along_what_moves(fits, name):
    view = fits[name].view
    r, J = view.derivatives(view.theta)
    np.testing.assert_allclose(r, fits[name].residuals, atol=1e-12)
    for column, direction in zip(view.along(J).T, view.moving.T):
        ends = [view.derivatives(view.theta + sign * 1e-5 * direction)[0] for sign in (1, -1)]
        np.testing.assert_allclose(column, (ends[0] - ends[1]) / 2e-5, atol=1e-6)
    assert view.n_free == view.moving.shape[1]


def test_what_is_held_has_its_value(fits):
    assert fits["bounded"].view.held() == {}
    assert fits["held"].view.held() == pytest.approx({"E": 1.2, "U": 5.0}, rel=1e-15)
    assert fits["free"].view.held() == {"E": 1.2}
    for name in ("held", "free"):
        assert fits[name].intervals("delta")["E"] == pytest.approx((1.2, 1.2))
    assert fits["tied"].intervals("delta")["a"] == pytest.approx((0.5, 0.5))


@pytest.mark.parametrize("name", CHOICES)
def test_many_laws_give_splits_and_losses_at_once(fits, name):
    fitted = fits[name]
    view = fitted.view
    many = view.theta + 0.01 * np.random.default_rng(1).normal(size=(3, len(view.theta))) @ view.moving @ view.moving.T
    natural = view.natural(many)
    at = {"N": np.array([2e5, 1e4]), "D": np.array([6e6, 1e5])}
    expected = [fitted.form.loss_at(p, at["N"], at["D"]) for p in natural]
    np.testing.assert_allclose(view.loss(many, at), expected, rtol=1e-12)
    N, D, loss = view.split(many, 1e12)
    for i in range(3):
        assert loss[i] == pytest.approx(float(fitted.form.loss_at(natural[i], N[i], D[i])))
    plan = fitted.allocate(1e12)
    assert tuple(float(v) for v in view.split(view.theta, 1e12)) == pytest.approx((plan.N, plan.D, plan.loss))


def test_the_truth_is_inside(fits):
    out = fits["held"].intervals("delta", 0.999)
    for name, value in zip(BOUNDED.parameters, TRUTH):
        assert out[name][0] <= value * (1 + 1e-12)
        assert value <= out[name][1] * (1 + 1e-12)
    draws = fits["held"].bootstrap(20)
    assert draws.samples.shape == (20, 7)
    assert np.all(draws.samples[:, 0] == 1.2)


@pytest.mark.parametrize("method", ["case", "delta", "sandwich", "jackknife", "profile"])
def test_a_free_link_tells_no_loss_beyond_the_runs_unless_E_is_given(table, method, monkeypatch):
    N, D, _ = table
    beyond, among = {"C": 60 * N.max() * D.max(), "N": 2 * N.max(), "D": 2 * D.max()}, {"N": 1e4, "D": 3e5, "C": 1e10}
    unknown, known = (fit_link(*table, link="free", E=E, units="keep") for E in (None, 0.0))
    options = {"n": 20, "clusters": N if method == "jackknife" else None}
    # every quantity that is profiled is two searches
    monkeypatch.setattr(choose, "profile_interval", partial(profile_interval, names=("loss", "loss_opt", "N_opt")))
    for fitted in (unknown, known):
        found = fitted.intervals(method, **options, **among)
        for name in ("loss", "loss_opt"):
            assert 0 < found[name][0] < found[name][1] < np.inf
    found = unknown.intervals(method, **options, **beyond)
    assert found["loss"] == found["loss_opt"] == (0.0, np.inf)
    assert all(isinstance(end, float) for name in ("loss", "loss_opt") for end in found[name])
    assert 0 < found["N_opt"][0] < found["N_opt"][1] < np.inf
    found = known.intervals(method, **options, **beyond)
    assert 0 < found["loss"][0] < found["loss"][1] < np.inf
    assert np.isfinite(found["loss_opt"]).all()


def test_every_law_with_a_formula_tells_the_loss_anywhere(fits):
    columns = {"N": np.array([1.0, 1e30]), "D": np.array([1e30, 1e30])}
    for fitted in fits.values():
        assert fitted.view.tells_loss(columns).all()
        assert fitted.view.told_loss((np.ones(2), np.ones(2)), columns)[1].tolist() == [1.0, 1.0]


def test_a_row_of_losses_is_told_one_by_one(table):
    view = fit_link(*table, link="free", units="keep").view
    low, high = view.told_loss((np.ones(2), np.full(2, 2.0)), {"N": np.array([1e4, 1e7]), "D": np.array([3e5, 1e9])})
    assert low.tolist() == [1.0, 0.0]
    assert high.tolist() == [2.0, np.inf]
