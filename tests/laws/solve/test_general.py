"""The general optimiser against the compiled one, on the law that both can fit."""

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
