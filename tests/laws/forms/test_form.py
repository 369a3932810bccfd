"""Forms: an index, a link and a floor put together as the formula says, and their bounds."""

import numpy as np
import pytest
from tables_of_laws import planted

from ziplaw.laws.forms.catalogue import LAWS, law
from ziplaw.laws.forms.chinchilla import ADDITIVE, CHINCHILLA_REFIT, additive
from ziplaw.laws.forms.coupled import COUPLED, JOINT


def test_the_additive_form_is_the_additive_law():
    N, D, loss = planted()
    columns, centre = {"N": N, "D": D}, {"N": 18.0, "D": 23.0}
    E, A, B, alpha, beta = CHINCHILLA_REFIT.array
    theta = np.log([E, A * np.exp(-18 * alpha), B * np.exp(-23 * beta), alpha, beta])
    np.testing.assert_allclose(np.exp(ADDITIVE.log_loss(theta, columns, centre)), loss, rtol=1e-12)
    natural = ADDITIVE.natural(theta, centre)
    np.testing.assert_allclose(natural, CHINCHILLA_REFIT.array, rtol=1e-12)
    np.testing.assert_allclose(additive(natural, N, D), loss, rtol=1e-12)


def test_a_link_and_a_floor_only_bend_the_index():
    N, D, _ = planted()
    columns, centre, theta = {"N": N, "D": D}, {"N": 18.0, "D": 23.0}, np.array([0.3, 0.1, np.log(0.1), np.log(0.2)])
    z = np.logaddexp.reduce(JOINT.index.log_terms(theta, columns, centre))
    np.testing.assert_allclose(JOINT.log_loss(theta, columns, centre), 0.2 * z, rtol=1e-12)
    floored = COUPLED.log_loss(np.append(theta, np.log(0.7)), columns, centre)
    np.testing.assert_allclose(np.exp(floored), 0.7 + np.exp(0.2 * z), rtol=1e-12)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("x", ["C", "N", "D"])
def test_starts_of_every_law_lie_within_bounds_and_give_losses(name, x):
    N, D, loss = planted(0.01)
    table = {"N": N, "D": D, "U": D / 2, "S": D / 1e6, "C": 6 * N * D}
    form = law(name).of(x)
    columns = {key: table[key] for key in form.columns}
    centre = {key: float(np.log(values).mean()) for key, values in columns.items()}
    starts = np.clip(np.atleast_2d(form.starts(columns, np.log(loss), centre)), form.low, form.high)
    assert starts.shape[1] == len(form.parameters) == len(form.low) == len(form.high)
    for start in starts:
        assert np.isfinite(form.log_loss(start, columns, centre)).all()
        assert np.isfinite(form.natural(start, centre)).all()
