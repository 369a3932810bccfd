"""Power laws of one column, recovered from planted constants."""

import numpy as np
import pytest
from tables_of_laws import grid

from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.forms import kaplan


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_planted_constants_are_found(noise):
    N, _ = grid(6, 6)
    bump = np.exp(noise * np.random.default_rng(0).normal(size=N.size))
    tolerance = {"rel": 1e-4 if noise == 0 else 0.3}
    alone = fit_law("power", {"N": N}, kaplan.loss_of_N(N) * bump, x="N")
    assert alone.estimates["alpha"] == pytest.approx(0.076, **tolerance)
    assert alone.predict(N=1e8) == pytest.approx(kaplan.loss_of_N(1e8), rel=0.01)
