"""The choice of a link: the one that made the data where it can be told, the simplest where it cannot."""

import numpy as np
import pytest

from ziplaw.errors import FitError
from ziplaw.laws.fits.choice import choose_link
from ziplaw.laws.forms.chinchilla import ADDITIVE
from ziplaw.laws.forms.links import BOUNDED

N, D = (v.ravel() for v in np.meshgrid(np.geomspace(1e4, 1e7, 6), np.geomspace(1e6, 1e9, 8)))
INDEX = [60.0, 2500.0, 0.42, 0.5]


def _noisy(loss, noise=0.01):
    return loss * np.exp(noise * np.random.default_rng(0).normal(size=loss.size))


def test_the_bounded_law_is_chosen_where_it_made_the_data():
    loss = _noisy(BOUNDED.loss_at([1.2, *INDEX, 1.6, 4.0], N, D))
    found = choose_link(N, D, loss, E=1.2, U=4.0)
    assert found.link == "bounded"
    assert found.errors["bounded"] < 0.7 * found.errors["identity"]
    assert "below those of identity" in found.reason


def test_the_simplest_is_kept_where_it_made_the_data():
    found = choose_link(N, D, _noisy(ADDITIVE.loss_at([1.2, *INDEX], N, D)))
    assert found.link == "identity"
    assert found.errors["identity"] < 0.05


def test_a_small_table_is_not_asked_for_many_parameters():
    rows = np.arange(N.size) % 2 == 0
    loss = _noisy(BOUNDED.loss_at([1.2, *INDEX, 1.6, 4.0], N, D))
    found = choose_link(N[rows], D[rows], loss[rows])
    assert found.link == "identity"
    assert found.errors["bounded"] is found.errors["free"] is None


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(FitError, match="link is 'cubic'"):
        choose_link(N, D, np.full(N.size, 2.0), links=("cubic",))
    with pytest.raises(FitError, match="cannot hold a law"):
        choose_link(N[:4], D[:4], [3.0, 2.9, 2.8, 2.7])
