"""Under any link a table that identifies no split gives none: with the reason, and no warning of NumPy's on the way."""

import warnings

import numpy as np
import pytest
from designs import grid, isoflops, ladder, losses

from ziplaw.errors import FitError
from ziplaw.laws.fits.link_fit import fit_link
from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.forms.chinchilla import CHINCHILLA

N, D = grid()
LOSS = losses(N, D)
OUTSIDE = isoflops([1e18, 3e18, 1e19, 3e19, 1e20], shift=30)
UNTRUSTED = {
    "D = 20 N": ((*ladder(), losses(*ladder())), "N and D move together"),
    "one budget": ((*isoflops([1e20], 12), losses(*isoflops([1e20], 12))), "N and D move together"),
    "two sizes": ((*grid(2, 6), losses(*grid(2, 6))), "two sizes only"),
    "one size": ((np.full(15, 1e9), np.geomspace(1e9, 1e12, 15), losses(np.full(15, 1e9), np.geomspace(1e9, 1e12, 15))),
                 "all N equal"),
    "losses that rise": ((N, D, 6 - LOSS), "poor fit"),
    "one loss of another run": ((N, D, np.where(np.arange(36) == 17, 2 * LOSS, LOSS)), "most of it is row 18"),
    "sizes far too large": ((*OUTSIDE, losses(*OUTSIDE)), "the optimum lies outside the runs"),
}  # fmt: skip


@pytest.mark.parametrize("link", ["power", "bounded", "free"])
@pytest.mark.parametrize("name", UNTRUSTED)
def test_no_split(name, link):
    table, said = UNTRUSTED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = fit_link(*table, link=link)
        with pytest.raises(FitError, match=said):
            fitted.allocate(1e21)
        assert fitted.allocate(1e21, check=False).C == 1e21


@pytest.mark.parametrize("link", ["power", "bounded", "free"])
def test_a_good_table_gives_its_split(link):
    plan = fit_link(N, D, LOSS, link=link).allocate(1e20)
    assert np.log(plan.N / optimal_split(CHINCHILLA.array, 1e20)[0]) == pytest.approx(0, abs=0.1)


def test_losses_that_are_all_one_are_refused():
    for link in ("identity", "power", "bounded", "free"):
        with pytest.raises(FitError, match=r"the loss is 2\.5 in every row"):
            fit_link(N, D, np.full(36, 2.5), link=link)
