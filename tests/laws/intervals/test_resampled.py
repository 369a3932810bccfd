"""Every kind of interval of a law other than the additive one: it answers, agrees with the others, and repeats."""

import numpy as np
import pytest
from designs import runs_table
from tables_of_laws import grid

from ziplaw.errors import FitError
from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.forms import kaplan
from ziplaw.laws.intervals.kinds import BY_RUN, METHODS


@pytest.fixture(scope="module")
def fitted():
    N, D = grid(6, 6)
    noise = np.exp(0.005 * np.random.default_rng(0).normal(size=36))
    return fit_law("kaplan", {"N": N, "D": D}, kaplan.joint_loss(N, D) * noise)


@pytest.fixture(scope="module")
def found(fitted):
    runs = np.arange(36) % 6
    return {
        m: fitted.intervals(m, n=60, clusters=runs if m in BY_RUN else None, C=1e20, N=1e9, D=1e10)
        for m in METHODS
        if m != "profile"
    }


def test_every_kind_answers_every_question_and_holds_the_estimate(fitted, found):
    estimates = {**fitted.estimates, "loss": fitted.predict(1e9, 1e10)}
    for method, out in found.items():
        assert set(out) == {*fitted.form.parameters, "a", "b", "log10_G", "N_opt", "D_opt", "loss_opt", "loss"}, method
        for name, value in estimates.items():
            assert out[name][0] < value < out[name][1], (method, name)
        assert 0 <= out["a"][0] < out["a"][1] <= 1


def test_kinds_agree_within_a_factor(found):
    kinds = set(found) - set(BY_RUN)  # the rows of these runs share no error: what goes by runs scatters widely
    widths = {m: np.log(found[m]["N_opt"][1] / found[m]["N_opt"][0]) for m in kinds}
    middle = np.median(list(widths.values()))
    assert all(0.6 < width / middle < 1.6 for width in widths.values()), widths


def test_profile_agrees_with_the_delta_method_where_the_law_is_nearly_linear(fitted):
    from ziplaw.laws.intervals.profile import profile_interval

    profile = profile_interval(fitted, names=("alpha_N", "a"))
    delta = fitted.intervals("delta")
    for name, ends in profile.items():
        width = delta[name][1] - delta[name][0]
        np.testing.assert_allclose(ends, delta[name], atol=0.2 * width)


def test_resamples_repeat_and_the_jackknife_leaves_out_runs(fitted):
    one, two = (fitted.bootstrap(5, seed=7).samples for _ in range(2))
    np.testing.assert_array_equal(one, two)
    runs = np.arange(36) % 6
    knife = fitted.jackknife(runs)
    assert knife.samples.shape == (6, 4)
    np.testing.assert_allclose(knife.samples[2, 2:], fitted.refit(runs != 2).parameters[2:], rtol=1e-3)


def test_any_function_of_the_parameters_has_an_interval(fitted):
    from ziplaw.laws.intervals.choose import interval_of, resample

    for method in ("case", "delta", "jackknife"):
        _, draws = resample(fitted, method, n=40, clusters=np.arange(36) % 6 if method == "jackknife" else None)
        expected = fitted.intervals(method, 0.9) if draws is None else draws.interval(0.9)
        got = interval_of(fitted, lambda p: p[..., 3], method, draws, 0.9, on_log=method == "delta")
        assert got == pytest.approx(expected["alpha_D"], rel=1e-6)


def test_too_few_runs_are_refused_in_one_line():
    N, D, loss, runs = runs_table(4)
    fitted = fit_law("kaplan-coupled", {"N": N, "D": D}, loss)
    with pytest.raises(FitError, match="4 runs: a cluster bootstrap needs at least 5"):
        fitted.intervals("cluster", clusters=runs)
    with pytest.raises(FitError, match="2 runs: leaving one out"):
        fitted.intervals(clusters=runs % 2)
    N, D, loss, runs = runs_table(3)
    three = fit_law("kaplan-coupled", {"N": N, "D": D}, loss)
    with pytest.raises(FitError, match=r"without 0 there are 2 model sizes, of which the law needs 3"):
        three.intervals(clusters=runs)
