"""Fits under any link: planted laws come back, what is held stays, and what cannot be is refused."""

import numpy as np
import pytest
from tables_of_laws import planted

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
