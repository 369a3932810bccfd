"""Forms: an index, a link and a floor put together as the formula says, and their bounds."""

from dataclasses import replace

import numpy as np
import pytest
from tables_of_laws import planted

from ziplaw.laws.forms import links
from ziplaw.laws.forms.allocation import split
from ziplaw.laws.forms.catalogue import LAWS, law
from ziplaw.laws.forms.chinchilla import ADDITIVE
from ziplaw.laws.forms.coupled import COUPLED, JOINT


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


def test_a_link_may_know_both_ends_of_the_loss():
    """1/(excess) = 1/(U - E) + e^(-k z): never above U, nor below the floor; the split stays that of the index."""

    bounded = replace(ADDITIVE, parameters=(*ADDITIVE.parameters, "U", "k"), link=links.bounded())
    N, D = np.geomspace(1e-3, 1e13, 40), np.geomspace(1e-3, 1e16, 40)
    columns, centre = {"N": N, "D": D}, {"N": 18.0, "D": 23.0}
    theta = np.log([1.5, 1.0, 1.0, 0.3, 0.4, 9.0, 1.2])
    loss = np.exp(bounded.log_loss(theta, columns, centre))
    assert (np.diff(loss) < 0).all()
    assert loss[0] == pytest.approx(9.0, abs=0.05)
    assert loss[-1] == pytest.approx(1.5, abs=0.05)
    natural = bounded.natural(theta, centre)
    assert natural[-2:] == pytest.approx([9.0, 1.2])
    np.testing.assert_array_equal(split(natural, 1e20, bounded), split(natural[:5], 1e20))
