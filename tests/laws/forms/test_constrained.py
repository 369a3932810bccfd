"""Repeated data: effective tokens and parameters, and the law recovered from the published constants."""

import numpy as np
import pytest
from tables_of_laws import columns, table

from ziplaw.errors import FitError
from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.forms.allocation import split
from ziplaw.laws.forms.chinchilla import additive
from ziplaw.laws.forms.constrained import (
    DATA_CONSTRAINED,
    R_D_STAR,
    R_N_STAR,
    REPEATED,
    data_constrained_loss,
    effective_tokens,
)
from ziplaw.laws.solve.additive import huber


def test_repeated_data():
    assert effective_tokens(1e9, 2e9) == 1e9
    assert effective_tokens(1e30, 1e9) == pytest.approx(1e9 * 16.387756)
    # up to four epochs are nearly as good as fresh data: the paper's headline
    assert effective_tokens(4e9, 1e9) > 3.7e9
    p = DATA_CONSTRAINED.array
    assert data_constrained_loss(1e8, 1e11, 1e11) == pytest.approx(additive(p, 1e8, 1e11), rel=1e-9)
    N, D, U = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 5e9, 5), np.geomspace(1e8, 5e10, 6), [1e8, 1e9, 5e9]))
    found = fit_law(
        "data-constrained", {"N": N, "D": D, "U": np.minimum(U, D)}, data_constrained_loss(N, D, np.minimum(U, D))
    )
    assert found.estimates["R_D*"] == pytest.approx(15.387756, rel=1e-3)
    assert found.estimates["R_N*"] == pytest.approx(5.309743, rel=1e-3)


def test_an_index_that_is_no_sum_of_powers_has_no_split_in_closed_form():
    with pytest.raises(FitError, match="data-constrained has no closed-form split"):
        split([*DATA_CONSTRAINED.array, 15.4, 5.3], 1e20, REPEATED)


def test_the_published_constants_are_not_the_optimum_of_their_own_objective():
    N, D, U, loss = columns(table("repeated_data.csv"), "N", "D", "U", "loss")

    def objective(r_d, r_n):
        return huber(np.log(data_constrained_loss(N, D, U, DATA_CONSTRAINED, r_d, r_n) / loss), 1e-3).sum()

    # as the authors' notebook prints it
    assert objective(R_D_STAR, R_N_STAR) == pytest.approx(0.0158259366, rel=1e-6)
    assert objective(46.985, 2.3297) == pytest.approx(0.0158073786, rel=1e-6)
    # a ridge: R_D* from 10 to 80 within half a hundredth of it, the worth of a hundredth epoch from .1 to .5
    assert objective(80.0, 1.813) < objective(10.0, 7.675) < 1.007 * objective(46.985, 2.3297)
