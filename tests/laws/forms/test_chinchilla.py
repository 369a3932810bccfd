"""The additive law: its form for fitting and its formula agree."""

import numpy as np
from tables_of_laws import planted

from ziplaw.laws.forms.chinchilla import ADDITIVE, CHINCHILLA_REFIT, additive


def test_the_additive_form_is_the_additive_law():
    N, D, loss = planted()
    columns, centre = {"N": N, "D": D}, {"N": 18.0, "D": 23.0}
    E, A, B, alpha, beta = CHINCHILLA_REFIT.array
    theta = np.log([E, A * np.exp(-18 * alpha), B * np.exp(-23 * beta), alpha, beta])
    np.testing.assert_allclose(np.exp(ADDITIVE.log_loss(theta, columns, centre)), loss, rtol=1e-12)
    natural = ADDITIVE.natural(theta, centre)
    np.testing.assert_allclose(natural, CHINCHILLA_REFIT.array, rtol=1e-12)
    np.testing.assert_allclose(additive(natural, N, D), loss, rtol=1e-12)
