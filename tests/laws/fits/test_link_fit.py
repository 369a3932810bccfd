"""Fits under any link: planted laws come back, what is held stays, and what cannot be is refused."""

import numpy as np
import pytest
from tables_of_laws import planted

import ziplaw
from ziplaw.errors import FitError
from ziplaw.laws.fits.fit import LawFit, fit
from ziplaw.laws.fits.link_fit import fit_link
from ziplaw.laws.forms.links import BOUNDED, POWER

N, D = (v.ravel() for v in np.meshgrid(np.geomspace(1e4, 1e7, 6), np.geomspace(1e6, 1e9, 6)))
INDEX = [60.0, 2500.0, 0.42, 0.5]


def _planted(form, *rest, noise=0.0):
    loss = form.loss_at([1.2, *INDEX, *rest], N, D)
    return loss * np.exp(noise * np.random.default_rng(0).normal(size=loss.size))


@pytest.mark.parametrize(("link", "form", "rest"), [("power", POWER, (0.7,)), ("bounded", BOUNDED, (1.4, 6.0))])
def test_a_planted_law_comes_back(link, form, rest):
    loss = _planted(form, *rest)
    found = fit_link(N, D, loss, link=link)
    assert found.converged
    assert found.parameters == pytest.approx([1.2, *INDEX, *rest], rel=1e-2)
    assert found.predict(N, D) == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize(("form", "rest"), [(POWER, (0.7,)), (BOUNDED, (1.4, 6.0))])
def test_the_free_link_finds_the_split_of_whatever_link_there_is(form, rest):
    loss = _planted(form, *rest)
    found = fit_link(N, D, loss, link="free", E=1.2, excess=True)
    best, a = fit_link(N, D, loss, link=form.name, E=1.2).split_at(1e14)
    assert found.split_at(1e14) == pytest.approx((best, a), abs=0.05)
    assert found.rms < 0.01


def test_the_identity_is_the_additive_fit():
    n, d, loss = planted(0.01)
    found = fit_link(n, d, loss, link="identity", E=1.5)
    assert isinstance(found, LawFit)
    assert found.parameters == pytest.approx(fit(n, d, loss, fixed_E=1.5).parameters)


def test_what_is_held_stays_to_the_last_digit():
    loss = _planted(BOUNDED, 1.4, 6.0, noise=0.01)
    found = fit_link(N, D, loss, E=1.1, U=6.3, excess=True)
    assert (found.estimates["E"], found.estimates["U"]) == (1.1, 6.3)
    assert found.n_free == 5
    assert fit_link(N, D, loss, E=0.0, U=6.3).estimates["E"] == 0.0
    tied = fit_link(N, D, loss, tie=True).estimates
    assert tied["alpha"] == tied["beta"]


def test_refits_and_the_held_out_error():
    loss = _planted(BOUNDED, 1.4, 6.0, noise=0.01)
    found = fit_link(N, D, loss, E=1.2, U=6.0)
    assert found.refit().parameters == pytest.approx(found.parameters)
    held = found.error_at_largest_C(share=0.15)
    assert held["n"] >= 5
    assert held["rms_log_error"] < 0.05
    draws = found.bootstrap(20, seed=1)
    assert draws.samples.shape == (20, 7)
    low, high = found.near_best(1e13)
    assert low < found.allocate(1e13).N < high


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"link": "cubic"}, "link is 'cubic', must be one of identity, power, bounded, free"),
        ({"excess": True}, "give E"),
        ({"link": "power", "U": 6.0}, "the link power has none"),
        ({"U": 0.5}, "U is 0.5, not above the least loss"),
        ({"E": 50.0}, "E is 50, above every loss"),
        ({"E": 3.0, "excess": True}, "not above the floor 3"),
    ],
)
def test_what_does_not_go_together_is_refused(options, message):
    with pytest.raises(FitError, match=message):
        fit_link(N, D, _planted(BOUNDED, 1.4, 6.0), **options)


@pytest.mark.parametrize(
    ("link", "options"),
    [
        ("power", {}),
        ("bounded", {}),
        ("free", {"E": 1.2}),
        ("free", {"E": 1.2, "excess": True}),
        ("bounded", {"E": 1.2, "excess": True}),
    ],
)
def test_the_derivatives_are_those_of_the_law(link, options):
    """The jacobian and the way back to natural parameters, against differences."""
    found = fit_link(N, D, _planted(BOUNDED, 1.4, 6.0, noise=0.02), link=link, **options)
    problem, theta = found.problem, found.solution.theta
    J, back = problem.jacobian(theta), problem.back(theta)
    # phi of the coordinates: alpha and beta stand for their logarithms
    scale = np.where(np.isin(np.arange(len(theta)), (3, 4)), np.exp(theta), 1.0)
    for i in np.flatnonzero(problem.free):
        step = np.zeros(len(theta))
        step[i] = 1e-6
        moved = (problem.log_fitted(theta + step) - problem.log_fitted(theta - step)) / 2e-6
        np.testing.assert_allclose(J[:, i] * scale[i], moved, rtol=1e-4, atol=1e-8)
        ends = [np.log(problem.natural(theta + sign * step)) for sign in (1, -1)]
        change = (ends[0] - ends[1]) / 2e-6
        change[3:5] *= scale[3:5]
        np.testing.assert_allclose(back[:, i] * scale[i], np.nan_to_num(change), rtol=1e-4, atol=1e-7)


def test_flags_say_what_is_not_identified():
    loss = POWER.loss_at([1e-9, *INDEX, 0.8], N, D)  # no floor and no upper end
    found = fit_link(N, D, loss * np.exp(0.01 * np.random.default_rng(1).normal(size=loss.size)))
    assert "U at its bound" in found.flags
    assert "E at zero" in found.flags or found.estimates["E"] < 0.2
    ladder = np.geomspace(1e4, 1e7, 30)
    loss = BOUNDED.loss_at([1.2, *INDEX, 1.4, 6.0], ladder, 20 * ladder)
    found = fit_link(ladder, 20 * ladder, loss * np.exp(0.01 * np.random.default_rng(1).normal(size=30)), E=1.2, U=6.0)
    assert "N and D move together" in found.flags


def test_U_below_many_losses_is_no_upper_end():
    loss = _planted(BOUNDED, 1.4, 6.0, noise=0.01)
    low = fit_link(N, D, loss, U=0.8 * loss.max())
    assert "losses above U" in low.flags
    with pytest.raises(FitError, match="many losses lie above U"):
        low.allocate(1e13)
    assert "losses above U" not in fit_link(N, D, loss, U=6.0).flags


def test_the_covariance_is_that_of_refits():
    """Noise of 1 %: standard deviations of ln A .. beta by the delta method, and over fresh tables."""
    rng, clean = np.random.default_rng(3), BOUNDED.loss_at([1.2, *INDEX, 1.4, 6.0], N, D)
    found = fit_link(N, D, clean * np.exp(0.01 * rng.normal(size=N.size)), E=1.2, U=6.0, objective="log-mse")
    assert np.isnan(found.covariance[0]).all()
    z = np.log(clean) + 0.01 * rng.normal(size=(100, N.size))
    refits = found.problem.natural(found.problem.solve(np.repeat(found.solution.theta[None], 100, axis=0), z=z)[0])
    refits[:, [1, 2, 5]] = np.log(refits[:, [1, 2, 5]])
    moved = [1, 2, 3, 4, 5]
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance))[moved], refits[:, moved].std(axis=0), rtol=0.5)


def test_one_function_fits_any_link():
    n, d, loss = planted(0.01)
    assert isinstance(ziplaw.fit(n, d, loss), LawFit)
    held = ziplaw.fit(n, d, loss, link="power", excess_floor=1.5)
    assert isinstance(held, ziplaw.LinkFit)
    assert (held.estimates["E"], held.n_free) == (1.5, 5)
    with pytest.raises(FitError, match="both fix E"):
        ziplaw.fit(n, d, loss, link="power", fixed_E=1.5, excess_floor=1.5)
    with pytest.raises(FitError, match="the link identity has none"):
        ziplaw.fit(n, d, loss, U=7.0)
