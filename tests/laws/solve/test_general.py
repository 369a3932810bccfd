"""The general optimiser against the compiled one, on the law that both can fit."""

from dataclasses import replace

import numpy as np
import pytest
from tables_of_laws import columns, planted, table

import ziplaw
from ziplaw.laws.fits.form_fit import fit_form
from ziplaw.laws.forms.chinchilla import ADDITIVE


@pytest.mark.parametrize("noise", [0.003, 0.03])
def test_both_find_one_optimum(noise):
    N, D, loss = planted(noise)
    compiled, general = ziplaw.fit(N, D, loss), fit_form(ADDITIVE, {"N": N, "D": D}, loss)
    assert general.converged
    assert general.objective == pytest.approx(compiled.objective, rel=1e-4)
    assert compiled.objective <= general.objective * (1 + 1e-9)


def test_both_find_one_optimum_of_chinchillas_points():
    N, D, loss = columns(table("chinchilla_points.csv"), "N", "D", "loss")
    compiled, general = ziplaw.fit(N, D, loss), fit_form(ADDITIVE, {"N": N, "D": D}, loss)
    np.testing.assert_allclose(general.parameters, compiled.parameters, rtol=0.02)
    np.testing.assert_allclose(general.objective, compiled.objective, rtol=1e-4)


def test_equal_bounds_hold_a_parameter():
    N, D, loss = planted(0.01)
    low, high = ADDITIVE.low.copy(), ADDITIVE.high.copy()
    low[0] = high[0] = np.log(1.7)
    held = fit_form(replace(ADDITIVE, low=low, high=high), {"N": N, "D": D}, loss)
    compiled = ziplaw.fit(N, D, loss, fixed_E=1.7)
    assert held.estimates["E"] == pytest.approx(1.7, rel=1e-12)
    assert held.objective == pytest.approx(compiled.objective, rel=1e-4)
