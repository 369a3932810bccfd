"""Intervals agree with each other where they should, show what is not known, and repeat to the bit."""

import numpy as np
import pytest
from tables_of_laws import planted

import ziplaw
from ziplaw.errors import FitError
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, PARAMETERS, additive
from ziplaw.laws.intervals.bootstrap import METHODS as BOOTSTRAPS
from ziplaw.laws.intervals.bootstrap import left_out_residuals
from ziplaw.laws.intervals.choose import METHODS, default_method
from ziplaw.laws.intervals.profile import criterion, profile_curve, profile_interval

NAMES = {*PARAMETERS, "a", "b", "log10_G"}


@pytest.fixture(scope="module")
def fit():
    return ziplaw.fit(*planted(0.01))


@pytest.fixture(scope="module")
def runs():
    return np.repeat(np.arange(6), 6)  # planted() has N fastest: a label a budget, equal in number


@pytest.mark.parametrize("method", BOOTSTRAPS)
def test_bootstraps_are_repeatable_and_hold_the_estimate(fit, runs, method):
    clusters = runs if method in ("cluster", "wild") else None
    one, two = (fit.bootstrap(200, seed=7, method=method, clusters=clusters) for _ in range(2))
    assert one.samples.shape == (200, 5)
    assert np.array_equal(one.samples, two.samples)
    assert not np.array_equal(one.samples, fit.bootstrap(200, seed=8, method=method, clusters=clusters).samples)
    assert one.converged.mean() > 0.98
    for kind in ("bias-corrected", "percentile"):
        interval = one.interval(0.99, kind=kind)
        assert set(interval) == NAMES
        assert interval["alpha"][0] < fit.alpha < interval["alpha"][1]


def test_case_samples_are_refits_of_resampled_rows(fit):
    draws = fit.bootstrap(3, seed=1)
    counts = np.random.default_rng(1).multinomial(fit.n, np.full(fit.n, 1 / fit.n), size=3)
    again = fit.refit(weights=counts[2].astype(float))
    np.testing.assert_allclose(again.parameters[3:], draws.samples[2, 3:], atol=1e-3)
    assert again.objective == pytest.approx(draws.objective[2], rel=1e-3)


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


def test_profile_ends_lie_where_the_profiled_objective_has_risen_by_the_criterion():
    fit = ziplaw.fit(*planted(0.01), objective="log-mse")
    for name, ends in profile_interval(fit, names=("alpha", "E")).items():
        ends = np.array(ends)
        rise = (profile_curve(fit, name, ends) - fit.objective) / criterion(fit)
        np.testing.assert_allclose(rise, 1, atol=0.02)


def test_delta_interval_of_least_squares_is_the_textbook_one():
    N, D, loss = planted(0.01)
    fit = ziplaw.fit(N, D, loss, objective="log-mse")
    x, y = np.log(N), np.log(D)
    u, v = fit.A * N**-fit.alpha, fit.B * D**-fit.beta
    f = fit.E + u + v
    J = np.column_stack([np.full_like(u, fit.E), u, v, -u * x, -v * y]) / f[:, None]
    variance = (fit.residuals**2).sum() / (fit.n - 5)
    np.testing.assert_allclose(fit.covariance, variance * np.linalg.inv(J.T @ J), rtol=1e-5)


def test_left_out_residuals_are_those_of_refits():
    fit = ziplaw.fit(*planted(0.01), objective="log-mse")
    predicted = left_out_residuals(fit)
    for row in (0, 17, 35):
        rest = fit.refit(np.arange(fit.n) != row)
        left_out = np.log(rest.predict(fit.N[row], fit.D[row]) / fit.loss[row])
        assert predicted[row] == pytest.approx(left_out, rel=0.1, abs=3e-4)


def test_jackknife_over_runs_sees_errors_that_runs_share():
    N, D, loss = planted(0.0)
    sizes = np.unique(N, return_inverse=True)[1]
    shared = loss * np.exp(0.02 * np.random.default_rng(3).normal(size=6))[sizes]
    fit = ziplaw.fit(N, D, shared * np.exp(0.001 * np.random.default_rng(4).normal(size=N.size)))
    assert default_method(sizes) == "jackknife"
    wide = np.subtract(*fit.intervals(clusters=sizes)["alpha"][::-1])
    narrow = np.subtract(*fit.intervals("case", n=500)["alpha"][::-1])
    assert wide > narrow
    knife = fit.jackknife(sizes)
    without = fit.refit(sizes != 2)
    np.testing.assert_allclose(knife.samples[2, 3:], without.parameters[3:], atol=2e-3)
    assert np.linalg.eigvalsh(knife.covariance()).min() > -1e-9


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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.bootstrap(0), "n is .*must be an integer from 1 to 10000000"),
        (lambda f: f.bootstrap(10, method="magic"), "must be one of case, cluster"),
        (lambda f: f.bootstrap(10, method="cluster"), "needs clusters"),
        (lambda f: f.bootstrap(10, clusters=[1, 2]), "one label for each of the 36 rows"),
        (lambda f: f.bootstrap(10, clusters=np.zeros(36)), "in one cluster"),
        (lambda f: f.bootstrap(10, threads=0), "threads is 0"),
        (lambda f: f.bootstrap(10).interval(95), "must be from 0.01 to 0.9999"),
        (lambda f: f.jackknife(np.arange(36) % 2), "2 runs"),
        (lambda f: f.intervals("jackknife"), "0 runs"),
    ],
)
def test_bad_requests_get_one_clear_line(fit, call, message):
    with pytest.raises(FitError, match=message):
        call(fit)


def test_truth_is_inside_for_a_seed_of_each_method(fit, runs):
    for method in ("case", "parametric", "delta"):
        out = fit.intervals(method, 0.999, n=1000)
        assert all(out[name][0] < getattr(CHINCHILLA_REFIT, name) < out[name][1] for name in PARAMETERS), method
