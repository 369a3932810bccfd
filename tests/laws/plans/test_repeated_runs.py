"""The shipped law of the published runs on repeated data is what their fit gives."""

import numpy as np
import pytest
from tables_of_laws import columns, table

from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.plans import repeated_runs


def test_it_is_the_fit_of_the_published_runs():
    N, D, U, loss = columns(table("repeated_data.csv"), "N", "D", "U", "loss")
    found = fit_law("repeated-overfitting", {"N": N, "D": D, "U": U}, loss)
    assert found.centre == pytest.approx(repeated_runs.CENTRE, abs=1e-3)
    assert found.theta == pytest.approx(repeated_runs.THETA, abs=2e-3)
    for name, column in (("N", N), ("D", D), ("U", U), ("N/U", (N / U)[D > U])):
        assert repeated_runs.REACH[name] == pytest.approx((column.min(), column.max()), rel=0.05), name


def test_draws_scatter_about_the_estimate():
    estimate, drawn = repeated_runs.estimate(), repeated_runs.drawn(400)
    E, alpha, R_0 = 0, 3, 6
    for i in (E, alpha, R_0):
        assert np.median(drawn[:, i]) == pytest.approx(estimate[i], rel=0.05)
    deviations = np.sqrt(np.diag(repeated_runs.covariance()))
    assert np.log(drawn[:, R_0]).std() == pytest.approx(deviations[R_0], rel=0.15)
    assert (repeated_runs.drawn(5, seed=1) == repeated_runs.drawn(5, seed=1)).all()
