"""Every kind of interval answers every question, agrees with the others where it should, and shows what is not
known.
"""

import numpy as np
import pytest
from tables_of_laws import planted

import ziplaw
from ziplaw.laws.fits.link_fit import fit_link
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, PARAMETERS, additive
from ziplaw.laws.intervals.choose import default_method
from ziplaw.laws.intervals.kinds import METHODS
from ziplaw.laws.intervals.profile import profile_interval

NAMES = {*PARAMETERS, "a", "b", "log10_G"}


@pytest.fixture(scope="module")
def fit():
    return ziplaw.fit(*planted(0.01))


@pytest.fixture(scope="module")
def runs():
    return np.repeat(np.arange(6), 6)  # planted() has N fastest: a label a budget, equal in number


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_every_question(fit, runs, method):
    clusters = runs if method in ("cluster", "wild", "jackknife") else None
    out = fit.intervals(method, 0.9, clusters=clusters, n=200, C=1e20, N=1e8, D=1e10)
    assert set(out) == NAMES | {"N_opt", "D_opt", "loss_opt", "loss"}
    plan = fit.allocate(C=1e20)
    for name, value in (
        ("N_opt", plan.N),
        ("D_opt", plan.D),
        ("loss_opt", plan.loss),
        ("loss", fit.predict(1e8, 1e10)),
    ):
        lo, hi = out[name]
        assert lo < value < hi, name
    assert 0 <= out["a"][0] < out["a"][1] <= 1


def test_methods_agree_within_a_factor_for_well_behaved_noise():
    fit = ziplaw.fit(*planted(0.01), objective="log-mse")
    widths = {
        m: np.subtract(*fit.intervals(m, n=1000)["alpha"][::-1])
        for m in ("case", "residual", "parametric", "delta", "profile")
    }
    middle = np.median(list(widths.values()))
    assert all(0.7 < width / middle < 1.4 for width in widths.values()), widths


def test_wider_levels_contain_narrower_ones(fit):
    for method in ("case", "delta"):
        narrow, wide = (fit.intervals(method, level, n=500) for level in (0.5, 0.95))
        assert all(wide[n][0] <= narrow[n][0] <= narrow[n][1] <= wide[n][1] for n in NAMES), method


def test_the_default_is_the_laws_own_or_goes_by_runs(fit, runs):
    assert default_method() == default_method(None, fit.view) == "case"
    assert default_method(None, ziplaw.fit(fit.N, fit.D, fit.loss, excess_floor=1.5).view) == "sandwich"
    power = fit_link(fit.N, fit.D, fit.loss, link="power")
    assert default_method(None, power.view) == "sandwich"
    assert power.intervals() == power.intervals("sandwich")
    assert default_method(runs, power.view) == "jackknife"


def test_fixed_E_has_no_width_and_tied_exponents_move_together(fit):
    held = ziplaw.fit(fit.N, fit.D, fit.loss, fixed_E=1.8)
    for method in ("case", "delta"):
        np.testing.assert_allclose(held.intervals(method, n=200)["E"], 1.8, rtol=1e-9)
    assert profile_interval(held, names=("E",))["E"] == (held.E, held.E)
    tied = ziplaw.fit(fit.N, fit.D, fit.loss, tie=True)
    draws = tied.bootstrap(50).samples
    assert np.array_equal(draws[:, 3], draws[:, 4])
    assert tied.intervals("delta")["a"] == pytest.approx((0.5, 0.5))


def test_E_at_zero_has_an_interval_that_starts_at_zero():
    N, D, _ = planted()
    fit = ziplaw.fit(N, D, np.maximum(additive([0, 40, 400, 0.2, 0.3], N, D) - 0.2, 1e-3))
    assert fit.E == 0
    assert fit.intervals("delta")["E"] == (0.0, np.inf)
    assert fit.intervals("case", n=200)["E"][0] == 0


def test_truth_is_inside_for_a_seed_of_each_method(fit, runs):
    for method in ("case", "parametric", "delta"):
        out = fit.intervals(method, 0.999, n=1000)
        assert all(out[name][0] < getattr(CHINCHILLA_REFIT, name) < out[name][1] for name in PARAMETERS), method
