"""Fits of the laws other than the additive one."""

import numpy as np
import pytest
from tables_of_laws import grid, planted

from ziplaw.errors import FitError
from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.forms import kaplan


def test_predictions_broadcast_and_ask_for_every_column():
    N, D = grid(5, 5)
    fitted = fit_law("kaplan", {"N": N, "D": D}, kaplan.joint_loss(N, D))
    sizes = np.array([1e7, 1e8, 1e9])
    np.testing.assert_allclose(fitted.predict(sizes, 1e10), kaplan.joint_loss(sizes, 1e10), rtol=1e-6)
    with pytest.raises(FitError, match="needs N, D; D is missing"):
        fitted.predict(N=1e7)


def test_the_case_bootstrap_is_all_there_is():
    N, D, loss = planted(0.01)
    fitted = fit_law("power", {"N": N, "D": D}, loss, x="N")
    with pytest.raises(FitError, match="must be one of case"):
        fitted.intervals("profile")
