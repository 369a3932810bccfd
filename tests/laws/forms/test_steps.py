"""The law of size and steps, recovered from planted constants."""

import numpy as np
import pytest
from tables_of_laws import grid

from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.forms import kaplan


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_planted_constants_are_found(noise):
    N, D = grid(6, 6)
    bump = np.exp(noise * np.random.default_rng(0).normal(size=N.size))
    tolerance = {"rel": 1e-4 if noise == 0 else 0.3}
    steps = fit_law("kaplan-steps", {"N": N, "S": D / 5e5}, kaplan.steps_loss(N, D / 5e5) * bump)
    assert steps.estimates["alpha_S"] == pytest.approx(0.76, **tolerance)
    assert steps.estimates["Sc"] == pytest.approx(2.1e3, **tolerance)
